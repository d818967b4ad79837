/**
 * What a connection has yet to send: gathered over a turn of the event loop and handed to the
 * socket in one write.
 *
 * Each write is a system call and a request object of Node (a 4 KiB write by itself moves half the
 * bytes per second that 256 KiB do), so the answers of a turn leave together. Small chunks are
 * copied into one, large ones are passed as they are. A long backlog goes out in pieces, so that a
 * slow reader is seen to make progress long before all of it has left.
 */

import type { StreamSocket, Timers } from '../common/index.ts';

/** Chunks up to this size are copied together. */
const SMALL_CHUNK_BYTES = 2048;
/** Bytes handed to the socket at once. */
const WRITE_BYTES_MAX = 1024 * 1024;

export interface SendQueueListener {
  /** The operating system has taken bytes. */
  onProgress(byteCount: number): void;
}

export class SendQueue {
  readonly #socket: StreamSocket;
  readonly #timers: Pick<Timers, 'afterTurn'>;
  readonly #listener: SendQueueListener;
  #chunks: Uint8Array[] = [];
  /** First chunk not yet handed to the socket. */
  #head = 0;
  /** Bytes of chunks from `#head` on. */
  #queuedBytes = 0;
  #writingBytes = 0;
  /** Callbacks with the value of `#pushedBytes` at which their last byte stands. */
  #onSent: { readonly atBytes: number; readonly call: () => void }[] = [];
  #pushedBytes = 0;
  #sentBytes = 0;
  #flushScheduled = false;
  #blocked = false;
  #closed = false;

  constructor(
    socket: StreamSocket,
    timers: Pick<Timers, 'afterTurn'>,
    listener: SendQueueListener,
  ) {
    this.#socket = socket;
    this.#timers = timers;
    this.#listener = listener;
  }

  /** Bytes that the operating system has not taken yet. */
  get heldBytes(): number {
    return this.#queuedBytes + this.#writingBytes;
  }

  /** All bytes ever taken by the operating system. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /**
   * Queues chunks behind what is queued; they leave at the end of the turn or with `flush`.
   *
   * @param onSent called once: when the operating system has taken them all, or on `close`.
   */
  push(chunks: readonly Uint8Array[], onSent?: () => void): void {
    if (this.#closed) {
      onSent?.();
      return;
    }
    for (const chunk of chunks) {
      this.#chunks.push(chunk);
      this.#queuedBytes += chunk.length;
      this.#pushedBytes += chunk.length;
    }
    if (onSent !== undefined) this.#onSent.push({ atBytes: this.#pushedBytes, call: onSent });
    if (this.#flushScheduled || this.#blocked) return;
    this.#flushScheduled = true;
    this.#timers.afterTurn(() => {
      this.#flushScheduled = false;
      this.flush();
    });
  }

  /** Hands to the socket what it takes without waiting. */
  flush(): void {
    while (this.#queuedBytes > 0 && !this.#blocked && !this.#closed) {
      const { chunks, byteCount } = this.#takeChunks();
      this.#queuedBytes -= byteCount;
      this.#writingBytes += byteCount;
      this.#blocked = !this.#socket.write(gather(chunks), () => this.#onWritten(byteCount));
    }
  }

  /** To be called from the socket's `onDrain`. */
  onDrain(): void {
    this.#blocked = false;
    this.flush();
  }

  /** Drops what is queued: the connection is gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#chunks = [];
    this.#queuedBytes = 0;
    this.#writingBytes = 0;
    const callbacks = this.#onSent;
    this.#onSent = [];
    for (const { call } of callbacks) call();
  }

  #takeChunks(): { readonly chunks: Uint8Array[]; readonly byteCount: number } {
    const chunks: Uint8Array[] = [];
    let byteCount = 0;
    while (this.#head < this.#chunks.length && byteCount < WRITE_BYTES_MAX) {
      const chunk = this.#chunks[this.#head]!;
      const roomBytes = WRITE_BYTES_MAX - byteCount;
      if (chunk.length > roomBytes) {
        chunks.push(chunk.subarray(0, roomBytes));
        this.#chunks[this.#head] = chunk.subarray(roomBytes);
        return { chunks, byteCount: WRITE_BYTES_MAX };
      }
      chunks.push(chunk);
      byteCount += chunk.length;
      this.#head += 1;
    }
    if (this.#head === this.#chunks.length) {
      this.#chunks = [];
      this.#head = 0;
    }
    return { chunks, byteCount };
  }

  #onWritten(byteCount: number): void {
    if (this.#closed) return;
    this.#writingBytes -= byteCount;
    this.#sentBytes += byteCount;
    let calledCount = 0;
    while (calledCount < this.#onSent.length) {
      if (this.#onSent[calledCount]!.atBytes > this.#sentBytes) break;
      calledCount += 1;
    }
    const called = calledCount === 0 ? [] : this.#onSent.splice(0, calledCount);
    for (const { call } of called) call();
    this.#listener.onProgress(byteCount);
  }
}

/** Copies neighbouring small chunks into one. */
function gather(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  if (chunks.length < 2) return chunks;
  const gathered: Uint8Array[] = [];
  let run: Uint8Array[] = [];
  let runBytes = 0;
  const endRun = (): void => {
    if (run.length > 0) gathered.push(run.length === 1 ? run[0]! : Buffer.concat(run, runBytes));
    run = [];
    runBytes = 0;
  };
  for (const chunk of chunks) {
    if (chunk.length > SMALL_CHUNK_BYTES) {
      endRun();
      gathered.push(chunk);
    } else if (chunk.length > 0) {
      run.push(chunk);
      runBytes += chunk.length;
    }
  }
  endRun();
  return gathered;
}
