/** `host:port` as users write it, and back. */

import type { SocketAddress } from '../../common/index.ts';

export const DEFAULT_NATIVE_PORT = 9192;

/**
 * Reads `host`, `host:port`, `[IPv6]:port`, `[IPv6]` or a bare IPv6 address.
 *
 * @throws {TypeError} anything else; the message quotes it.
 */
export function parseBrokerAddress(text: string): SocketAddress {
  const trimmed = text.trim();
  const bracketed = /^\[([0-9a-fA-F:.%\w]+)\](?::(\d+))?$/.exec(trimmed);
  if (bracketed !== null) return address(text, bracketed[1]!, bracketed[2]);
  if (/^[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.%\w]*$/.test(trimmed)) {
    return { host: trimmed, port: DEFAULT_NATIVE_PORT };
  }
  const named = /^([\w.-]+)(?::(\d+))?$/.exec(trimmed);
  if (named === null) throw malformed(text);
  return address(text, named[1]!, named[2]);
}

/**
 * Reads a list of brokers.
 *
 * @param brokers addresses, or one string with commas between them.
 * @throws {TypeError} an empty list or a malformed address.
 */
export function parseBrokerList(brokers: string | readonly string[]): readonly SocketAddress[] {
  const isList = Array.isArray(brokers) && brokers.every((broker) => typeof broker === 'string');
  if (typeof brokers !== 'string' && !isList) {
    throw new TypeError("brokers must be an array of strings, for example ['127.0.0.1:9192']");
  }
  const parts = typeof brokers === 'string' ? brokers.split(',') : [...brokers];
  const addresses = parts.filter((part) => part.trim() !== '').map(parseBrokerAddress);
  if (addresses.length === 0) {
    throw new TypeError("brokers must name at least one broker, for example '127.0.0.1:9192'");
  }
  return addresses;
}

/** `host:port`, with brackets around IPv6. */
export function formatAddress({ host, port }: SocketAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function address(text: string, host: string, portText: string | undefined): SocketAddress {
  const port = portText === undefined ? DEFAULT_NATIVE_PORT : Number(portText);
  if (port < 1 || port > 65_535) throw malformed(text);
  return { host, port };
}

function malformed(text: string): TypeError {
  return new TypeError(
    `"${text}" is no broker address: write host:port or [IPv6]:port, with a port from 1 to 65535`,
  );
}
