/** `zookeeper.connect`: servers and an optional root below which the whole cluster lives. */

import { OdradekError, type SocketAddress } from '../../common/index.ts';

export interface ConnectString {
  readonly servers: readonly SocketAddress[];
  /** Path without a slash at its end; empty for the root of the tree. */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;

/**
 * @param text `host:port,host:port/chroot`; an IPv6 address stands in square brackets, and a port
 *   left out is 2181.
 * @throws {OdradekError} INVALID_CONNECT_STRING naming the part that is wrong.
 */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/');
  const hosts = slash === -1 ? text : text.slice(0, slash);
  const chroot = slash === -1 ? '' : text.slice(slash).replace(/\/+$/, '');
  if (/\/\/|\/\.{1,2}(\/|$)/.test(chroot)) {
    throw invalid(text, `"${chroot}" is no path of a znode`);
  }
  return { servers: hosts.split(',').map((each) => parseServer(text, each.trim())), chroot };
}

/** The servers alone, in the form in which they were written. */
export function formatServers(servers: readonly SocketAddress[]): string {
  return servers
    .map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
    .join(',');
}

function parseServer(whole: string, text: string): SocketAddress {
  const groups = /^(?:\[(?<ip6>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]\s]+))(?::(?<port>\d{1,5}))?$/.exec(
    text,
  )?.groups;
  const port = Number(groups?.['port'] ?? DEFAULT_PORT);
  if (groups === undefined || port === 0 || port > 65535) {
    throw invalid(whole, `"${text}" is no host:port`);
  }
  return { host: groups['ip6'] ?? groups['host'] ?? '', port };
}

function invalid(text: string, problem: string): OdradekError {
  return new OdradekError(
    'INVALID_CONNECT_STRING',
    `zookeeper.connect "${text}": ${problem}; write host:port,host:port/path`,
  );
}
