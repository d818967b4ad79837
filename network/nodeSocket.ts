/** One TCP connection of node:net behind the `StreamSocket` interface. */

import type net from 'node:net';
import {
  assert,
  type SocketAddress,
  type SocketHandler,
  type StreamSocket,
} from '../common/index.ts';
import { type Reception, renewSpace, takeOver } from './ownedReception.ts';

/** Memory for what the other side sends before a handler is there to give some. */
const EARLY_BYTES = 4096;
/** A backlog up to this size is no reason to make the caller wait. */
const BACKLOG_BYTES_MAX = 64 * 1024;

export class NodeSocket implements StreamSocket {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  /**
   * How bytes come in. `takeOver`: accepted, moved into a socket that reads into the handler's
   * memory on start. `owned`: reads so already. `copied`: by 'data' events and one copy.
   */
  #mode: 'takeOver' | 'owned' | 'copied';
  #socket: net.Socket;
  #handler: SocketHandler | undefined;
  /** Memory into which the socket reads at the moment; the handler's or, before start, our own. */
  #space: Uint8Array = Buffer.alloc(0);
  #spaceIsOurs = false;
  /** Bytes of a 'data' event that came after the handler had paused. */
  #heldBack: Uint8Array | undefined;
  #error: Error | undefined;
  #closed = false;
  #waitsForDrain = false;

  private constructor(socket: net.Socket, mode: 'takeOver' | 'owned' | 'copied') {
    this.#socket = socket;
    this.#mode = mode;
    this.remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    this.local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 };
    if (mode !== 'takeOver') this.#listenToEnd(socket);
  }

  /** Wraps a socket of a `pauseOnConnect` server. @param owned whether to take it over. */
  static accepted(socket: net.Socket, owned: boolean): NodeSocket {
    return new NodeSocket(socket, owned ? 'takeOver' : 'copied');
  }

  /**
   * Wraps a socket that connects with `onread` and was paused before it did.
   *
   * @param makeSocket makes and connects it, and resolves when it stands.
   */
  static async connected(
    makeSocket: (reception: Reception) => Promise<net.Socket>,
  ): Promise<NodeSocket> {
    let connected: NodeSocket | undefined;
    const early = Buffer.alloc(EARLY_BYTES);
    const socket = await makeSocket({
      space: () => (connected === undefined ? early : connected.#nextSpace()),
      received: (byteCount) => {
        if (connected !== undefined) connected.#onReceived(byteCount);
      },
    });
    connected = new NodeSocket(socket, 'owned');
    connected.#space = early;
    connected.#spaceIsOurs = true;
    return connected;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  start(handler: SocketHandler): void {
    assert(this.#handler === undefined, 'A socket is started once');
    this.#handler = handler;
    if (this.#mode === 'takeOver') {
      this.#socket = takeOver(this.#socket, {
        space: () => this.#nextSpace(),
        received: (byteCount) => this.#onReceived(byteCount),
      });
      this.#mode = 'owned';
      this.#listenToEnd(this.#socket);
    }
    if (this.#closed) {
      process.nextTick(() => handler.onClose(this.#error));
      return;
    }
    const socket = this.#socket;
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => handler.onEnd());
    if (this.#mode === 'copied') socket.on('data', (bytes) => this.#onData(bytes));
    // A taken over socket reads already; for the others this is the first moment.
    socket.resume();
  }

  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean {
    const socket = this.#socket;
    const lastIndex = chunks.length - 1;
    // Corked, all chunks go to the kernel by one writev.
    if (lastIndex > 0) socket.cork();
    for (let index = 0; index < lastIndex; index += 1) socket.write(chunks[index]!);
    const last = chunks[lastIndex];
    if (last !== undefined) {
      socket.write(last, (error) => {
        if (error === null || error === undefined) onWritten?.();
      });
    }
    if (lastIndex > 0) socket.uncork();
    if (socket.writableLength <= BACKLOG_BYTES_MAX) return true;
    this.#waitsForDrain = true;
    return false;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (this.#socket.destroyed || this.#handler === undefined) return;
    if (this.#mode === 'owned') {
      const space = this.#handler.receiveSpace();
      if (space !== this.#space && renewSpace(this.#socket, space)) {
        this.#space = space;
        this.#spaceIsOurs = false;
      }
    }
    if (this.#heldBack === undefined) this.#socket.resume();
    else process.nextTick(() => this.#deliverHeldBack());
  }

  end(): void {
    this.#socket.end();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }

  setKeepsProcessAlive(keeps: boolean): void {
    if (keeps) this.#socket.ref();
    else this.#socket.unref();
  }

  /** From the beginning, since a connection may break before its handler is there. */
  #listenToEnd(socket: net.Socket): void {
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#handler?.onClose(this.#error);
    });
  }

  #onDrain(): void {
    if (!this.#waitsForDrain) return;
    this.#waitsForDrain = false;
    this.#handler?.onDrain();
  }

  #nextSpace(): Uint8Array {
    // Node asks once more after a read in which the handler has ended the connection.
    if (this.#handler === undefined || this.#socket.destroyed) return this.#space;
    this.#space = this.#handler.receiveSpace();
    this.#spaceIsOurs = false;
    assert(this.#space.length > 0, 'A handler gives at least one byte of space');
    return this.#space;
  }

  #onReceived(byteCount: number): void {
    if (this.#spaceIsOurs) this.#onData(this.#space.subarray(0, byteCount));
    else this.#handler?.onReceived(byteCount);
  }

  /** Copies into the handler's memory what was read into other memory. */
  #onData(bytes: Uint8Array): void {
    let position = 0;
    while (position < bytes.length && !this.#socket.destroyed) {
      if (this.#socket.isPaused()) {
        this.#heldBack = bytes.slice(position);
        return;
      }
      const space = this.#handler!.receiveSpace();
      const byteCount = Math.min(space.length, bytes.length - position);
      space.set(bytes.subarray(position, position + byteCount));
      position += byteCount;
      this.#handler!.onReceived(byteCount);
    }
  }

  #deliverHeldBack(): void {
    const bytes = this.#heldBack;
    if (bytes === undefined || this.#socket.destroyed) return;
    this.#heldBack = undefined;
    this.#socket.resume();
    this.#onData(bytes);
    if (this.#heldBack !== undefined) this.#socket.pause();
  }
}
