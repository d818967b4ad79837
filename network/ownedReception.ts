/**
 * Makes an accepted socket read into memory that its connection owns.
 *
 * Node gives `onread` to sockets that connect, not to those that a server accepts: there every read
 * allocates 64 KiB, a produce request of 1 MB arrives in 16 pieces and is then put together, and the
 * processor's time per byte doubles or worse. So the handle of the accepted socket, which a
 * `pauseOnConnect` server has not begun to read, is moved into a new socket made with `onread`.
 *
 * This is the only file that touches what Node keeps to itself (`_handle`, `_server`,
 * `useUserBuffer`). `ownedReceptionWorks` tries it once per process; where it fails, accepted
 * sockets fall back to 'data' events and one copy.
 */

import net from 'node:net';
import { systemTimers } from '../common/environment/production/index.ts';

/** How long the trial may take before it counts as failed. */
const TRIAL_MS = 2000;

export interface Reception {
  /** Where the next read goes; at least one byte. */
  readonly space: () => Uint8Array;
  readonly received: (byteCount: number) => void;
}

interface Handle {
  useUserBuffer(buffer: Uint8Array): void;
}

interface SocketInternals {
  _handle: Handle | null;
  _server: net.Server | null;
}

/**
 * Moves the connection of `accepted` into a new, reading socket.
 *
 * @param accepted of a server with `pauseOnConnect`, in the turn in which it was accepted.
 * @throws TypeError where this Node has other insides than the known ones.
 */
export function takeOver(accepted: net.Socket, reception: Reception): net.Socket {
  const old = accepted as unknown as SocketInternals;
  const handle = old._handle;
  if (typeof handle?.useUserBuffer !== 'function') {
    throw new TypeError('The accepted socket has no handle that reads into a given buffer');
  }
  const server = old._server;
  // Without its handle the old socket closes nothing. Without its server it does not count itself
  // out either: the new one does when it ends. Otherwise `server.close` would never call back.
  old._handle = null;
  old._server = null;
  const options = { allowHalfOpen: true, ...onreadOptions(reception), handle };
  const socket = new net.Socket(options as net.SocketConstructorOpts);
  (socket as unknown as SocketInternals)._server = server;
  accepted.destroy();
  return socket;
}

/** The same for a socket that connects, by Node's public option. */
export function onreadOptions(reception: Reception): { readonly onread: net.OnReadOpts } {
  return {
    onread: {
      buffer: () => reception.space(),
      callback: (byteCount) => {
        reception.received(byteCount);
        return true;
      },
    },
  };
}

/**
 * Lets a stopped socket read into other memory from now on. Node itself asks for memory only after
 * a read, so a quiet connection would keep the buffer of its busiest moment.
 *
 * @returns whether this Node can.
 */
export function renewSpace(socket: net.Socket, space: Uint8Array): boolean {
  const handle = (socket as unknown as SocketInternals)._handle;
  if (typeof handle?.useUserBuffer !== 'function') return false;
  handle.useUserBuffer(space);
  return true;
}

let trial: Promise<boolean> | undefined;

/** Whether `takeOver` works in this Node: tried once over loopback, about 2 ms. */
export function ownedReceptionWorks(): Promise<boolean> {
  trial ??= tryTakeOver().catch(() => false);
  return trial;
}

/** Receives 5 bytes, then 3 more in other memory, then wants the server to close as it should. */
async function tryTakeOver(): Promise<boolean> {
  const first = new Uint8Array(16);
  const second = new Uint8Array(16);
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  let received = 0;
  let deadline: { cancel(): void } | undefined;
  const client = new net.Socket();
  try {
    return await new Promise<boolean>((resolve, reject) => {
      deadline = systemTimers.set(TRIAL_MS, () => resolve(false), { keepsProcessAlive: false });
      server.on('error', reject);
      client.on('error', reject);
      server.on('connection', (accepted) => {
        const socket = takeOver(accepted, {
          space: () => (received < 5 ? first.subarray(received) : second),
          received: (byteCount) => {
            received += byteCount;
            if (received === 5) {
              socket.pause();
              renewSpace(socket, second);
              socket.resume();
              client.end('six');
            }
          },
        });
        socket.on('error', reject);
        socket.on('end', () => socket.end());
        socket.on('close', () => server.close());
      });
      server.on('close', () => {
        const text = Buffer.from(first).toString('latin1', 0, 5);
        const rest = Buffer.from(second).toString('latin1', 0, 3);
        resolve(received === 8 && text === 'hello' && rest === 'six');
      });
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (address === null || typeof address === 'string') resolve(false);
        else client.connect(address.port, address.address, () => client.write('hello'));
      });
    });
  } finally {
    deadline?.cancel();
    client.destroy();
    server.close();
  }
}
