/** `host:port` as it stands in configuration, and which hosts are loopback. */

import type { SocketAddress } from '../../common/index.ts';
import { ConfigError } from './definition.ts';

/**
 * The one address of a listener key.
 *
 * @throws {ConfigError} for more than one entry, a malformed one, or one beyond loopback that
 * nothing allows.
 */
export function parseListener(
  key: string,
  entries: readonly string[],
  options: { readonly beyondLoopback: boolean },
): SocketAddress {
  const [entry, ...others] = entries;
  if (entry === undefined || others.length > 0) {
    throw new ConfigError(`The key "${key}" takes exactly one "host:port"`, { key });
  }
  const address = parseSocketAddress(entry);
  if (address === undefined) {
    throw new ConfigError(`Invalid value "${entry}" of "${key}": it must be "host:port"`, { key });
  }
  if (!options.beyondLoopback && !isLoopback(address.host)) {
    throw new ConfigError(
      `The listener "${entry}" of "${key}" is reachable from other machines, and clients do not ` +
        'authenticate; use a loopback address, or allow it with "allow.unauthenticated.listeners=true"',
      { key },
    );
  }
  return address;
}

/** @returns undefined where the text is not `host:port` or `[ipv6]:port`. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

export function formatSocketAddress({ host, port }: SocketAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
