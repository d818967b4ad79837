/**
 * One accepted connection: frames in, requests to the handler, answers out.
 *
 *     read -> frames are decoded where they lie and handed over, in order
 *          -> handler.onReceiveTurnEnd: whatever keeps bytes has written or copied them
 *          -> the buffer is prepared for the next read, and what was answered leaves
 *
 * Example of what that order prevents: (1) a produce request is decoded, the log keeps a view of its
 * batch for the next write; (2) the socket reads the next frame into the same memory; (3) the log
 * writes: the bytes of one producer stand in the partition of another.
 *
 * The connection stops reading for three reasons: too many requests in flight, too many response
 * bytes held for a slow reader, no memory for the frame that has begun. None of them closes it by
 * itself; deadlines do, judged by the server's reaper in `tick`.
 */

import type {
  Clock,
  Logger,
  SocketAddress,
  SocketHandler,
  StreamSocket,
  Timers,
} from '../common/index.ts';
import {
  type Framing,
  type FramingLink,
  LINGER_MS,
  type ListenerProtocol,
  type LogLevel,
} from './framing.ts';
import type { NetworkCounters } from './networkCounters.ts';
import type { NetworkLimits } from './networkLimits.ts';
import { ReceiveBuffer } from './receiveBuffer.ts';
import type { ReceiveMemory } from './receiveMemory.ts';
import { SendQueue } from './sendQueue.ts';

/** A client that lets this many times `responseBytesMax` be held is closed at once. */
const HELD_RESPONSES_FACTOR = 4;
/** A frame that comes at 16 KiB/s or more is on a slow link, not held back: it earns time. */
const PARTIAL_FRAME_BYTES_PER_MS = 16;

/** What all connections of a listener share. */
export interface ServerConnectionHost {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly limits: NetworkLimits;
  readonly protocol: ListenerProtocol;
  readonly receiveMemory: ReceiveMemory;
  readonly counters: NetworkCounters;
  /** A frame has to wait for memory that other connections may hold without need. */
  onMemoryScarce(): void;
  onClosed(connection: ServerConnection): void;
}

type StopReason = 'inFlight' | 'heldResponses' | 'receiveMemory';

export class ServerConnection implements SocketHandler, FramingLink {
  readonly id: number;
  readonly #host: ServerConnectionHost;
  readonly #socket: StreamSocket;
  readonly #framing: Framing;
  readonly #buffer: ReceiveBuffer;
  readonly #queue: SendQueue;
  readonly #stopReasons = new Set<StopReason>();
  #cancelMemoryWait: (() => void) | undefined;
  #inFlight = 0;
  #isDispatchScheduled = false;
  /** Set once no further request is taken; the connection then ends by this time. */
  #closeDeadlineMs: number | undefined;
  #isEnding = false;
  #peerHasEnded = false;
  #closed = false;

  readonly #acceptedMs: number;
  #lastActivityMs: number;
  #lastReceivedMs: number;
  /** When the frame that is not yet complete began to wait; undefined without one. */
  #partialSinceMs: number | undefined;
  /** When the operating system last took bytes, or began to owe us that. */
  #sendProgressMs: number;

  constructor(id: number, socket: StreamSocket, host: ServerConnectionHost) {
    this.id = id;
    this.#host = host;
    this.#socket = socket;
    this.#buffer = new ReceiveBuffer(host.receiveMemory, {
      initialBytes: host.limits.receiveBytesInitial,
      steadyBytes: host.limits.receiveBytesSteady,
    });
    this.#queue = new SendQueue(socket, host.timers, {
      onProgress: (byteCount) => this.#onSendProgress(byteCount),
    });
    this.#acceptedMs = host.clock.monotonicMs();
    this.#lastActivityMs = this.#acceptedMs;
    this.#lastReceivedMs = this.#acceptedMs;
    this.#sendProgressMs = this.#acceptedMs;
    this.#framing = host.protocol.open(this);
  }

  get remote(): SocketAddress {
    return this.#socket.remote;
  }

  get limits(): NetworkLimits {
    return this.#host.limits;
  }

  get receivedMs(): number {
    return this.#lastReceivedMs;
  }

  get clientId(): string | null {
    return this.#framing.peer.clientId;
  }

  get clientSoftwareName(): string {
    return this.#framing.peer.clientSoftwareName;
  }

  get clientSoftwareVersion(): string {
    return this.#framing.peer.clientSoftwareVersion;
  }

  get brokerId(): number {
    return this.#framing.peer.brokerId;
  }

  get brokerEpoch(): number {
    return this.#framing.peer.brokerEpoch;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  start(): void {
    this.#socket.start(this);
  }

  receiveSpace(): Uint8Array {
    return this.#buffer.space();
  }

  onReceived(byteCount: number): void {
    if (this.#closed) return;
    this.#lastActivityMs = this.#host.clock.monotonicMs();
    this.#lastReceivedMs = this.#lastActivityMs;
    this.#host.counters.receivedBytes += byteCount;
    this.#buffer.received(byteCount);
    this.#dispatch();
  }

  onDrain(): void {
    this.#queue.onDrain();
  }

  onEnd(): void {
    this.#peerHasEnded = true;
    if (this.#isEnding) this.#destroy();
    else this.beginClose(this.#host.limits.slowReaderMs);
  }

  onClose(error: Error | undefined): void {
    this.#closed = true;
    const { counters } = this.#host;
    counters.responseMemoryBytes -= this.#queue.heldBytes;
    counters.inFlightCount -= this.#inFlight;
    this.#queue.close();
    this.#cancelMemoryWait?.();
    this.#buffer.release();
    if (error !== undefined) this.log('debug', 'A connection broke', { cause: error.message });
    this.#framing.onClosed();
    this.#host.onClosed(this);
  }

  beginClose(graceMs: number): void {
    if (this.#closed) return;
    const deadlineMs = this.#host.clock.monotonicMs() + graceMs;
    this.#closeDeadlineMs = Math.min(this.#closeDeadlineMs ?? deadlineMs, deadlineMs);
    this.#endWhenDone();
  }

  /** Closes at once, answers or not. */
  destroy(): void {
    this.#destroy();
  }

  requestBegun(): void {
    this.#inFlight += 1;
    this.#host.counters.inFlightCount += 1;
    this.#host.counters.requestCount += 1;
  }

  requestEnded(): void {
    if (this.#closed) return;
    this.#inFlight -= 1;
    this.#host.counters.inFlightCount -= 1;
    this.#lastActivityMs = this.#host.clock.monotonicMs();
    if (this.#stopReasons.has('inFlight')) this.#scheduleDispatch();
    else if (this.#closeDeadlineMs !== undefined) this.#endWhenDone();
  }

  send(chunks: readonly Uint8Array[], onSent?: () => void): void {
    if (this.#closed) {
      onSent?.();
      return;
    }
    const heldBefore = this.#queue.heldBytes;
    if (heldBefore === 0) this.#sendProgressMs = this.#host.clock.monotonicMs();
    this.#queue.push(chunks, onSent);
    const held = this.#queue.heldBytes;
    this.#host.counters.responseMemoryBytes += held - heldBefore;
    if (held > this.#host.limits.responseBytesMax * HELD_RESPONSES_FACTOR) {
      this.#reap('asks for more than it reads', { heldBytes: held });
    }
  }

  countMalformed(level: LogLevel, message: string, cause?: string): void {
    this.#host.counters.malformedCount += 1;
    this.log(level, message, cause === undefined ? {} : { cause });
  }

  log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const { host, port } = this.remote;
    const clientId = this.clientId;
    this.#host.logger[level](message, {
      remote: `${host}:${port}`,
      ...(clientId === null ? {} : { clientId }),
      ...fields,
    });
  }

  /** One turn of the reaper: closes what has passed a deadline, gives back memory not needed. */
  tick(nowMs: number): void {
    if (this.#closed) return;
    const { limits } = this.#host;
    const held = this.#queue.heldBytes;
    if (held > 0 && nowMs - this.#sendProgressMs > limits.slowReaderMs) {
      this.#reap('reads nothing of what it asked for', { heldBytes: held });
    } else if (this.#closeDeadlineMs !== undefined) {
      if (nowMs >= this.#closeDeadlineMs) this.#destroy();
    } else if (!this.#framing.isOpen && nowMs - this.#acceptedMs > limits.authenticationMs) {
      this.#reap('did not introduce itself in time');
    } else if (this.#isPartialFrameOverdue(nowMs)) {
      this.#reap('did not complete its frame in time');
    } else if (this.#isIdle(nowMs)) {
      this.log('debug', 'An idle connection is closed');
      this.beginClose(LINGER_MS);
    } else {
      if (this.#stopReasons.has('heldResponses')) this.#scheduleDispatch();
      this.#shrinkBuffer();
    }
  }

  /** Gives back what the buffer holds beyond need, unless a large frame is under way. */
  giveMemoryBack(): void {
    if (this.#buffer.availableBytes > 0) return;
    this.#whileNotReading(() => this.#buffer.shrinkFully());
  }

  /** Handles what was received, then gets ready for the next read. */
  #dispatch(): void {
    // Again after the turn's end: answers given there may have made room for more requests.
    while (this.#handleFrames() > 0) this.#host.protocol.onReceiveTurnEnd();
    if (this.#closed) return;
    if (this.#closeDeadlineMs !== undefined) this.#buffer.discard();
    this.#prepareBuffer();
    this.#queue.flush();
    this.#updateStopReasons();
    if (this.#closeDeadlineMs !== undefined) this.#endWhenDone();
    else if (this.#stopReasons.size === 0 && this.#hasWholeFrame()) this.#scheduleDispatch();
  }

  /** @returns how many requests went to the handler. */
  #handleFrames(): number {
    const buffer = this.#buffer;
    const { counters } = this.#host;
    const countBefore = counters.requestCount;
    while (buffer.availableBytes > 0 && this.#mayHandle()) {
      const { bytes, readPosition, availableBytes } = buffer;
      const frameBytes = this.#framing.takeFrame(bytes, readPosition, availableBytes);
      if (frameBytes === 0) break;
      buffer.consume(frameBytes);
      this.#partialSinceMs = undefined;
    }
    return counters.requestCount - countBefore;
  }

  #mayHandle(): boolean {
    if (this.#closed || this.#closeDeadlineMs !== undefined) return false;
    return this.#inFlight < this.#host.limits.inFlightMax && !this.#isHoldingTooMuch();
  }

  #onSendProgress(byteCount: number): void {
    const { clock, counters } = this.#host;
    counters.responseMemoryBytes -= byteCount;
    counters.sentBytes += byteCount;
    this.#sendProgressMs = clock.monotonicMs();
    this.#lastActivityMs = this.#sendProgressMs;
    if (this.#stopReasons.has('heldResponses')) this.#scheduleDispatch();
    else if (this.#closeDeadlineMs !== undefined) this.#endWhenDone();
  }

  #isHoldingTooMuch(): boolean {
    const { limits, counters } = this.#host;
    const held = this.#queue.heldBytes;
    if (held + this.#framing.parkedBytes > limits.responseBytesMax) return true;
    return held > 0 && counters.responseMemoryBytes > limits.responseMemoryBytesMax;
  }

  /** Frames that stand in the buffer go on being handled, but never from within an answer. */
  #scheduleDispatch(): void {
    if (this.#isDispatchScheduled) return;
    this.#isDispatchScheduled = true;
    this.#host.timers.afterTurn(() => {
      this.#isDispatchScheduled = false;
      if (!this.#closed) this.#dispatch();
    });
  }

  #prepareBuffer(): void {
    const buffer = this.#buffer;
    if (buffer.availableBytes === 0) {
      this.#partialSinceMs = undefined;
    } else {
      this.#partialSinceMs ??= this.#lastActivityMs;
      // Stopped with whole frames in the buffer: nothing is read, so nothing needs room.
      if (!this.#mayHandle()) return;
    }
    if (this.#cancelMemoryWait !== undefined) return;
    const frameBytes = this.#frameBytes();
    const missingBytes = buffer.prepare(frameBytes);
    if (missingBytes === 0) return;
    this.#cancelMemoryWait = this.#host.receiveMemory.wait(missingBytes, () => {
      this.#cancelMemoryWait = undefined;
      // Taken at once, before the next in the queue is looked at.
      buffer.growTo(frameBytes);
      this.#updateStopReasons();
    });
    this.#host.onMemoryScarce();
  }

  /** Of the frame that has begun; 0 where that cannot be told yet. */
  #frameBytes(): number {
    const { bytes, readPosition, availableBytes } = this.#buffer;
    return this.#framing.frameBytes(bytes, readPosition, availableBytes);
  }

  #hasWholeFrame(): boolean {
    const frameBytes = this.#frameBytes();
    return frameBytes > 0 && this.#buffer.availableBytes >= frameBytes;
  }

  #updateStopReasons(): void {
    const reasons = this.#stopReasons;
    const wasStopped = reasons.size > 0;
    const set = (reason: StopReason, holds: boolean): void => {
      if (holds) reasons.add(reason);
      else reasons.delete(reason);
    };
    // A connection that is closing goes on reading, so that the other side's end is seen.
    const isClosing = this.#closeDeadlineMs !== undefined;
    set('inFlight', !isClosing && this.#inFlight >= this.#host.limits.inFlightMax);
    set('heldResponses', !isClosing && this.#isHoldingTooMuch());
    set('receiveMemory', !isClosing && this.#cancelMemoryWait !== undefined);
    const isStopped = reasons.size > 0;
    if (isStopped === wasStopped) return;
    if (isStopped) {
      this.#socket.pause();
      return;
    }
    // The time in which we did not read is not the sender's.
    if (this.#partialSinceMs !== undefined) this.#partialSinceMs = this.#host.clock.monotonicMs();
    this.#socket.resume();
  }

  #endWhenDone(): void {
    if (this.#isEnding || this.#closed || this.#closeDeadlineMs === undefined) return;
    this.#updateStopReasons();
    this.#queue.flush();
    if (this.#inFlight > 0 || this.#queue.heldBytes > 0) return;
    this.#isEnding = true;
    if (this.#peerHasEnded) {
      this.#destroy();
      return;
    }
    this.#socket.end();
    const lingerDeadlineMs = this.#host.clock.monotonicMs() + LINGER_MS;
    this.#closeDeadlineMs = Math.min(this.#closeDeadlineMs, lingerDeadlineMs);
  }

  #isPartialFrameOverdue(nowMs: number): boolean {
    if (this.#partialSinceMs === undefined || this.#stopReasons.size > 0) return false;
    const { partialFrameMs } = this.#host.limits;
    const earnedMs = this.#buffer.availableBytes / PARTIAL_FRAME_BYTES_PER_MS;
    return nowMs - this.#partialSinceMs > partialFrameMs + earnedMs;
  }

  #isIdle(nowMs: number): boolean {
    if (this.#inFlight > 0 || this.#queue.heldBytes > 0) return false;
    return nowMs - this.#lastActivityMs > this.#host.limits.idleMs;
  }

  #shrinkBuffer(): void {
    if (this.#buffer.isOversized()) this.#whileNotReading(() => this.#buffer.shrink());
  }

  /** The socket has the address of the buffer, so it is stopped while the memory changes. */
  #whileNotReading(change: () => void): void {
    if (this.#closed || this.#stopReasons.size > 0) return;
    this.#socket.pause();
    change();
    this.#socket.resume();
  }

  #reap(what: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.log('info', `A client ${what}: its connection is closed`, fields);
    this.#destroy();
  }

  #destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
  }
}
