/**
 * Refuses requests that were meant for another host.
 *
 * A page in the operator's browser can resolve its own name to 127.0.0.1 and then call this endpoint
 * as its own origin (DNS rebinding). What it cannot change is the Host header, which carries that
 * name: so only loopback names, the address that the connection came to, and names that the operator
 * listed are answered. The same goes for Origin, which tells who asks.
 */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendError } from './errorReplies.ts';

type Hook = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

export function hostCheck(allowedHosts: readonly string[]): Hook {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return (request, reply, done) => {
    const localAddress = request.socket.localAddress;
    const isAllowed = (host: string | undefined): boolean =>
      host !== undefined && (isLoopback(host) || allowed.has(host) || host === plain(localAddress));
    const { host, origin } = request.headers;
    if (!isAllowed(hostName(`http://${host ?? ''}`))) {
      const message = `The host "${host ?? ''}" is not among admin.allowed.hosts`;
      sendError(reply, { status: 403, message });
    } else if (origin !== undefined && !isAllowed(hostName(origin))) {
      sendError(reply, { status: 403, message: `Pages of "${origin}" may not use this endpoint` });
    } else done();
  };
}

/** Name or address in a URL, lower case, without port and brackets. */
function hostName(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  return new URL(url).hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** An IPv4 address as it is, where the socket gives it inside an IPv6 one. */
function plain(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:/, '');
}
