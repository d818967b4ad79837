/** TCP of this machine, by node:net. */

import net from 'node:net';
import { systemTimers } from '../common/environment/production/index.ts';
import type { SocketAddress, StreamSocket, Transport, TransportListener } from '../common/index.ts';
import { NodeSocket } from './nodeSocket.ts';
import { onreadOptions, ownedReceptionWorks, type Reception } from './ownedReception.ts';

/** The kernel probes a silent connection after this: a peer that lost power is noticed. */
const KEEP_ALIVE_MS = 60_000;
/** Connections that the kernel completes while the event loop is busy. */
const BACKLOG = 1024;

const SOCKET_OPTIONS = {
  /** The other side may end its half and still read our answers. */
  allowHalfOpen: true,
  /** Answers leave at once: they are gathered already. */
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_MS,
} as const;

export class NodeTransport implements Transport {
  readonly #reception: 'automatic' | 'copied';

  /**
   * @param reception how accepted sockets read: `automatic` into the connection's own memory where
   *   this Node can, `copied` by 'data' events always.
   */
  constructor(reception: 'automatic' | 'copied' = 'automatic') {
    this.#reception = reception;
  }

  async listen(
    address: SocketAddress,
    onConnection: (socket: StreamSocket) => void,
  ): Promise<TransportListener> {
    const owned = this.#reception === 'automatic' && (await ownedReceptionWorks());
    const server = net.createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true });
    server.on('connection', (socket) => onConnection(NodeSocket.accepted(socket, owned)));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    // Out of file descriptors, say: who is connected stays so, and accepting goes on by itself.
    server.on('error', () => undefined);
    const bound = server.address() as net.AddressInfo;
    return {
      address: { host: bound.address, port: bound.port },
      close: async () => {
        // The port is free when this returns; the 'close' event would wait for all connections.
        if (server.listening) server.close();
      },
    };
  }

  async connect(
    address: SocketAddress,
    options: { readonly timeoutMs: number },
  ): Promise<StreamSocket> {
    return NodeSocket.connected((reception) => connect(address, options.timeoutMs, reception));
  }
}

export const nodeTransport: Transport = new NodeTransport();

function connect(
  address: SocketAddress,
  timeoutMs: number,
  reception: Reception,
): Promise<net.Socket> {
  return new Promise<net.Socket>((resolve, reject) => {
    const socket = new net.Socket({ ...SOCKET_OPTIONS, ...onreadOptions(reception) });
    // Reading begins when a handler is there.
    socket.pause();
    const deadline = systemTimers.set(timeoutMs, () => {
      const message = `No connection to ${address.host}:${address.port} within ${timeoutMs} ms`;
      socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
    });
    // Stays: an error without a listener would end the process.
    socket.on('error', (error) => {
      deadline.cancel();
      reject(error);
    });
    socket.connect({ host: address.host, port: address.port }, () => {
      deadline.cancel();
      resolve(socket);
    });
  });
}
