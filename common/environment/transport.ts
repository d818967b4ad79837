/**
 * Byte streams between processes. A connection owns the buffer into which its socket reads, so a
 * frame is never reassembled and never copied: the transport asks for free space, fills some of it
 * and says how much.
 */

export interface SocketAddress {
  readonly host: string;
  /** 0 when listening means any free port. */
  readonly port: number;
}

/** What a connection gives its socket. All calls come from the event loop, never re-entrantly. */
export interface SocketHandler {
  /**
   * Free space for the next read: at least one byte. The socket may be reading into it until the
   * next `onReceived`, so the handler leaves it alone in between, unless it has paused the socket.
   */
  receiveSpace(): Uint8Array;
  /** `byteCount` bytes stand at the start of the space last given. */
  onReceived(byteCount: number): void;
  /** The bytes that `write` had to hold back have left. */
  onDrain(): void;
  /** The other side will send no more; ours may still write. */
  onEnd(): void;
  /** Called exactly once, last of all. `error` is absent after an orderly close. */
  onClose(error: Error | undefined): void;
}

export interface StreamSocket {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  /** Bytes written but not yet taken by the operating system. */
  readonly bufferedBytes: number;
  /** Attaches the handler and begins to read. Called once, at the latest in the accepting turn. */
  start(handler: SocketHandler): void;
  /**
   * Queues all chunks for one gathered write.
   *
   * The chunks belong to the socket until `onWritten` was called: they may be sent later.
   *
   * @returns false when the caller should wait for `onDrain`.
   */
  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean;
  /** Stops reading: no `onReceived` comes until `resume`. */
  pause(): void;
  /** Reads again. The handler may have changed its memory meanwhile: it is asked for space anew. */
  resume(): void;
  /** Sends what is queued, then closes our half. */
  end(): void;
  /** Closes at once; `onClose` still follows. Idempotent. */
  destroy(error?: Error): void;
  /** Whether this socket keeps the process alive. Default true. */
  setKeepsProcessAlive(keeps: boolean): void;
}

export interface TransportListener {
  readonly address: SocketAddress;
  /** Stops accepting; accepted sockets live on. Idempotent. */
  close(): Promise<void>;
}

export interface Transport {
  /** @throws system error EADDRINUSE and the like. */
  listen(
    address: SocketAddress,
    onConnection: (socket: StreamSocket) => void,
  ): Promise<TransportListener>;
  /** @throws system error ECONNREFUSED and the like, or ETIMEDOUT after `timeoutMs`. */
  connect(address: SocketAddress, options: { readonly timeoutMs: number }): Promise<StreamSocket>;
}
