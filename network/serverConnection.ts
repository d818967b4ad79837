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
  type Api,
  authenticateApi,
  type ErrorName,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  type FrameLimits,
  helloApi,
  ProtocolError,
  RECOGNITION_BYTES,
  type RequestOf,
  readFrameHeader,
  readUint32,
  recogniseProtocol,
} from '../protocol/index.ts';
import { errorFrame, responseFrame } from './answerFrames.ts';
import type { NetworkCounters } from './networkCounters.ts';
import type { NetworkHandler } from './networkHandler.ts';
import type { NetworkLimits } from './networkLimits.ts';
import { ReceiveBuffer } from './receiveBuffer.ts';
import type { ReceiveMemory } from './receiveMemory.ts';
import { type Refusal, RequestDecoder } from './requestDecoder.ts';
import { SendQueue } from './sendQueue.ts';
import { ConnectionRequest, type RequestAddress, type ResponseSink } from './serverRequest.ts';
import { type ServerIdentity, ServerSession } from './serverSession.ts';
import { type PortHints, wrongProtocolAnswer, wrongProtocolMessage } from './wrongProtocol.ts';

/** After our last byte the other side gets this long to close, so that a reset overtakes nothing. */
const LINGER_MS = 1000;
/** A client that lets this many times `responseBytesMax` be held is closed at once. */
const HELD_RESPONSES_FACTOR = 4;
const LENGTH_BYTES = 4;
/** A frame that comes at 16 KiB/s or more is on a slow link, not held back: it earns time. */
const PARTIAL_FRAME_BYTES_PER_MS = 16;

/** What all connections of a listener share. */
export interface ServerConnectionHost {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly limits: NetworkLimits;
  readonly identity: ServerIdentity;
  readonly portHints: PortHints;
  readonly handler: NetworkHandler;
  readonly receiveMemory: ReceiveMemory;
  readonly counters: NetworkCounters;
  readonly apisByKey: ReadonlyMap<number, Api>;
  /** A frame has to wait for memory that other connections may hold without need. */
  onMemoryScarce(): void;
  onClosed(connection: ServerConnection): void;
}

type StopReason = 'inFlight' | 'heldResponses' | 'receiveMemory';

export class ServerConnection implements SocketHandler, ResponseSink {
  readonly id: number;
  readonly #host: ServerConnectionHost;
  readonly #socket: StreamSocket;
  readonly #session: ServerSession;
  readonly #decoder: RequestDecoder;
  readonly #buffer: ReceiveBuffer;
  readonly #queue: SendQueue;
  #frameLimits: FrameLimits;
  readonly #stopReasons = new Set<StopReason>();
  #cancelMemoryWait: (() => void) | undefined;
  #isRecognised = false;
  #inFlight = 0;
  #isDispatchScheduled = false;
  /** Set once no further request is taken; the connection then ends by this time. */
  #closeDeadlineMs: number | undefined;
  #isEnding = false;
  #peerHasEnded = false;
  #closed = false;

  readonly #acceptedMs: number;
  #lastActivityMs: number;
  /** When the frame that is not yet complete began to wait; undefined without one. */
  #partialSinceMs: number | undefined;
  /** When the operating system last took bytes, or began to owe us that. */
  #sendProgressMs: number;

  constructor(id: number, socket: StreamSocket, host: ServerConnectionHost) {
    this.id = id;
    this.#host = host;
    this.#socket = socket;
    this.#session = new ServerSession(host.identity);
    this.#decoder = new RequestDecoder(this.#session, host.apisByKey);
    this.#buffer = new ReceiveBuffer(host.receiveMemory, {
      initialBytes: host.limits.receiveBytesInitial,
      steadyBytes: host.limits.receiveBytesSteady,
    });
    this.#queue = new SendQueue(socket, host.timers, {
      onProgress: (byteCount) => this.#onSendProgress(byteCount),
    });
    const frameBytesMax = host.limits.frameBytesMaxBeforeAuthentication;
    this.#frameLimits = { frameBytesMax, bodyBytesMax: frameBytesMax };
    this.#acceptedMs = host.clock.monotonicMs();
    this.#lastActivityMs = this.#acceptedMs;
    this.#sendProgressMs = this.#acceptedMs;
  }

  get remote(): SocketAddress {
    return this.#socket.remote;
  }

  get clientId(): string | null {
    return this.#session.hello?.clientId ?? null;
  }

  get clientSoftwareName(): string {
    return this.#session.hello?.clientSoftwareName ?? '';
  }

  get clientSoftwareVersion(): string {
    return this.#session.hello?.clientSoftwareVersion ?? '';
  }

  get brokerId(): number {
    return this.#session.hello?.brokerId ?? -1;
  }

  get brokerEpoch(): number {
    return this.#session.hello?.brokerEpoch ?? -1;
  }

  get hasSaidHello(): boolean {
    return this.#session.hello !== undefined;
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
    if (error !== undefined) this.#log('debug', 'A connection broke', { cause: error.message });
    this.#host.onClosed(this);
  }

  /**
   * Takes no further request; closes when all answers have left, at the latest after `graceMs`.
   * Safe to call again: the earlier deadline holds.
   */
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

  sendResponse(request: RequestAddress, value: unknown, onSent?: () => void): void {
    if (this.#closed) {
      onSent?.();
      return;
    }
    let chunks: Uint8Array[];
    try {
      chunks = responseFrame(request, value);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#log('error', 'A response does not fit its schema', {
        api: request.api.name,
        cause: error.message,
      });
      this.sendError(request, 'UNKNOWN_SERVER_ERROR', 'The broker could not encode its response');
      onSent?.();
      return;
    }
    this.#push(chunks, onSent);
  }

  sendError(request: RequestAddress, error: ErrorName, message?: string): void {
    const { api, apiVersion, correlationId } = request;
    this.#sendErrorFrame({ apiKey: api.key, apiVersion, correlationId }, error, message);
  }

  closeFor(reason: string): void {
    if (this.#closed) return;
    this.#log('info', 'A connection is closed', { cause: reason });
    this.beginClose(LINGER_MS);
  }

  requestEnded(): void {
    if (this.#closed) return;
    this.#inFlight -= 1;
    this.#host.counters.inFlightCount -= 1;
    this.#lastActivityMs = this.#host.clock.monotonicMs();
    if (this.#stopReasons.has('inFlight')) this.#scheduleDispatch();
    else if (this.#closeDeadlineMs !== undefined) this.#endWhenDone();
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
    } else if (!this.#session.isOpen && nowMs - this.#acceptedMs > limits.authenticationMs) {
      this.#reap('did not introduce itself in time');
    } else if (this.#isPartialFrameOverdue(nowMs)) {
      this.#reap('did not complete its frame in time');
    } else if (this.#isIdle(nowMs)) {
      this.#log('debug', 'An idle connection is closed');
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
    while (this.#handleFrames() > 0) this.#host.handler.onReceiveTurnEnd();
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
    let requestCount = 0;
    if (this.#closed || this.#closeDeadlineMs !== undefined) return 0;
    if (!this.#isRecognised && !this.#recognise()) return 0;
    while (buffer.availableBytes >= FRAME_HEADER_BYTES && this.#mayHandle()) {
      const header = this.#readHeader();
      if (header === undefined || buffer.availableBytes < header.frameBytes) break;
      if (this.#handleFrame(header)) requestCount += 1;
      buffer.consume(header.frameBytes);
      this.#partialSinceMs = undefined;
    }
    return requestCount;
  }

  #mayHandle(): boolean {
    if (this.#closed || this.#closeDeadlineMs !== undefined) return false;
    return this.#inFlight < this.#host.limits.inFlightMax && !this.#isHoldingTooMuch();
  }

  /** Tells other protocols from ours by the first bytes. @returns whether frames may be read. */
  #recognise(): boolean {
    const { bytes, readPosition, availableBytes } = this.#buffer;
    if (availableBytes < RECOGNITION_BYTES) return false;
    const protocol = recogniseProtocol(bytes, readPosition);
    if (protocol === 'native') {
      this.#isRecognised = true;
      return true;
    }
    const hints = this.#host.portHints;
    this.#host.counters.malformedCount += 1;
    this.#log('warn', wrongProtocolMessage(protocol, hints));
    const answer = wrongProtocolAnswer(protocol, hints);
    if (answer !== undefined) this.#push([answer]);
    this.beginClose(LINGER_MS);
    return false;
  }

  /** @returns undefined where the stream cannot be trusted any more; it is then being closed. */
  #readHeader(): FrameHeader | undefined {
    const { bytes, readPosition } = this.#buffer;
    try {
      return readFrameHeader(bytes, readPosition, this.#frameLimits);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#host.counters.malformedCount += 1;
      this.#log('info', 'A malformed frame ends a connection', { cause: error.message });
      const address = {
        apiVersion: bytes[readPosition + 5]!,
        apiKey: bytes.readUInt16BE(readPosition + 6),
        correlationId: readUint32(bytes, readPosition + 8),
      };
      this.#sendErrorFrame(address, error.code, error.message);
      this.beginClose(LINGER_MS);
      return undefined;
    }
  }

  /** Decodes one whole frame and serves or refuses it. @returns whether it went to the handler. */
  #handleFrame(header: FrameHeader): boolean {
    const { bytes, readPosition } = this.#buffer;
    const decoded = this.#decoder.decode(header, bytes, readPosition);
    if (decoded.refusal !== undefined) {
      this.#refuseFrame(header, decoded.refusal);
      return false;
    }
    const { api, body } = decoded;
    const { apiVersion, correlationId } = header;
    const request = { api, apiVersion, correlationId };
    if (api === helloApi || api === authenticateApi) {
      this.#handleSessionRequest(request, body);
      return false;
    }
    this.#inFlight += 1;
    this.#host.counters.inFlightCount += 1;
    this.#host.counters.requestCount += 1;
    const receivedMs = this.#lastActivityMs;
    this.#host.handler.onRequest(new ConnectionRequest(this, { ...request, body, receivedMs }));
    return true;
  }

  #refuseFrame(header: FrameHeader, { error, message, isUnexpected }: Refusal): void {
    this.#host.counters.malformedCount += 1;
    if (isUnexpected) this.#log('error', 'The decoder failed unexpectedly', { cause: message });
    this.#sendErrorFrame(header, error, message);
    // A stranger gets no second try; a client of another release may.
    if (!this.#session.isOpen) this.beginClose(LINGER_MS);
  }

  #handleSessionRequest(request: RequestAddress, body: unknown): void {
    if (request.api === helloApi) {
      const response = this.#session.answerHello(body as RequestOf<typeof helloApi>);
      this.sendResponse(request, response);
      return;
    }
    const response = this.#session.answerAuthenticate(body as RequestOf<typeof authenticateApi>);
    this.sendResponse(request, response);
    if (response.errorCode !== 0) {
      this.beginClose(LINGER_MS);
    } else if (this.#session.isOpen) {
      const { frameBytesMax } = this.#host.limits;
      const bodyBytesMax = this.brokerId >= 0 ? BROKER_BODY_BYTES_MAX : CLIENT_BODY_BYTES_MAX;
      this.#frameLimits = { frameBytesMax, bodyBytesMax: Math.min(frameBytesMax, bodyBytesMax) };
    }
  }

  #sendErrorFrame(
    address: Pick<FrameHeader, 'apiKey' | 'apiVersion' | 'correlationId'>,
    error: ErrorName,
    message?: string,
  ): void {
    if (!this.#closed) this.#push(errorFrame(address, error, message));
  }

  #push(chunks: readonly Uint8Array[], onSent?: () => void): void {
    const heldBefore = this.#queue.heldBytes;
    if (heldBefore === 0) this.#sendProgressMs = this.#host.clock.monotonicMs();
    this.#queue.push(chunks, onSent);
    const held = this.#queue.heldBytes;
    this.#host.counters.responseMemoryBytes += held - heldBefore;
    if (held > this.#host.limits.responseBytesMax * HELD_RESPONSES_FACTOR) {
      this.#reap('asks for more than it reads', { heldBytes: held });
    }
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
    if (held > limits.responseBytesMax) return true;
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

  /** Of the frame that has begun, its length field included; 0 where that is not here yet. */
  #frameBytes(): number {
    const { bytes, readPosition, availableBytes } = this.#buffer;
    if (!this.#isRecognised || availableBytes < LENGTH_BYTES) return 0;
    const frameBytes = LENGTH_BYTES + readUint32(bytes, readPosition);
    // A length that is too large is refused when its header is here, not provided for.
    return frameBytes > this.#frameLimits.frameBytesMax + LENGTH_BYTES
      ? FRAME_HEADER_BYTES
      : frameBytes;
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
    this.#log('info', `A client ${what}: its connection is closed`, fields);
    this.#destroy();
  }

  #destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
  }

  #log(
    level: 'error' | 'warn' | 'info' | 'debug',
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
  ): void {
    const { host, port } = this.remote;
    const clientId = this.clientId;
    this.#host.logger[level](message, {
      remote: `${host}:${port}`,
      ...(clientId === null ? {} : { clientId }),
      ...fields,
    });
  }
}

/**
 * A body costs up to forty times its length once decoded; the rest of a frame is records. Two
 * megabytes name tens of thousands of partitions.
 */
const CLIENT_BODY_BYTES_MAX = 2 * 1024 * 1024;
/** Brokers send the state of whole clusters to one another. */
const BROKER_BODY_BYTES_MAX = 64 * 1024 * 1024;
