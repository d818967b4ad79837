/** The native protocol on one accepted connection: Hello, Authenticate, then requests. */

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
import {
  type Framing,
  type FramingLink,
  LINGER_MS,
  type ListenerProtocol,
  type PeerIdentity,
  type RequestConnection,
  UNKNOWN_PEER,
} from './framing.ts';
import type { NetworkHandler } from './networkHandler.ts';
import { type Refusal, RequestDecoder } from './requestDecoder.ts';
import { ConnectionRequest, type RequestAddress, type ResponseSink } from './serverRequest.ts';
import { type ServerIdentity, ServerSession } from './serverSession.ts';
import { type PortHints, wrongProtocolAnswer, wrongProtocolMessage } from './wrongProtocol.ts';

const LENGTH_BYTES = 4;
/**
 * A body costs up to forty times its length once decoded; the rest of a frame is records. Two
 * megabytes name tens of thousands of partitions.
 */
const CLIENT_BODY_BYTES_MAX = 2 * 1024 * 1024;
/** Brokers send the state of whole clusters to one another. */
const BROKER_BODY_BYTES_MAX = 64 * 1024 * 1024;

export class NativeProtocol implements ListenerProtocol {
  readonly #identity: ServerIdentity;
  readonly #apisByKey: ReadonlyMap<number, Api>;
  readonly #portHints: PortHints;
  readonly #handler: NetworkHandler;

  constructor(identity: ServerIdentity, portHints: PortHints, handler: NetworkHandler) {
    this.#identity = identity;
    this.#apisByKey = new Map(identity.apis.map((api) => [api.key, api]));
    this.#portHints = portHints;
    this.#handler = handler;
  }

  open(link: FramingLink): Framing {
    const session = new ServerSession(this.#identity);
    const decoder = new RequestDecoder(session, this.#apisByKey);
    return new NativeFraming(link, {
      session,
      decoder,
      portHints: this.#portHints,
      handler: this.#handler,
    });
  }

  onReceiveTurnEnd(): void {
    this.#handler.onReceiveTurnEnd();
  }
}

interface NativeParts {
  readonly session: ServerSession;
  readonly decoder: RequestDecoder;
  readonly portHints: PortHints;
  readonly handler: NetworkHandler;
}

class NativeFraming implements Framing, ResponseSink {
  readonly parkedBytes = 0;
  readonly #link: FramingLink;
  readonly #parts: NativeParts;
  #frameLimits: FrameLimits;
  #isRecognised = false;

  constructor(link: FramingLink, parts: NativeParts) {
    this.#link = link;
    this.#parts = parts;
    const frameBytesMax = link.limits.frameBytesMaxBeforeAuthentication;
    this.#frameLimits = { frameBytesMax, bodyBytesMax: frameBytesMax };
  }

  get connection(): RequestConnection {
    return this.#link;
  }

  get isOpen(): boolean {
    return this.#parts.session.isOpen;
  }

  get peer(): PeerIdentity {
    return this.#parts.session.hello ?? UNKNOWN_PEER;
  }

  frameBytes(bytes: Buffer, position: number, availableBytes: number): number {
    if (!this.#isRecognised || availableBytes < LENGTH_BYTES) return 0;
    const frameBytes = LENGTH_BYTES + readUint32(bytes, position);
    // A length that is too large is refused when its header is here, not provided for.
    return frameBytes > this.#frameLimits.frameBytesMax + LENGTH_BYTES
      ? FRAME_HEADER_BYTES
      : frameBytes;
  }

  takeFrame(bytes: Buffer, position: number, availableBytes: number): number {
    if (!this.#isRecognised && !this.#recognise(bytes, position, availableBytes)) return 0;
    if (availableBytes < FRAME_HEADER_BYTES) return 0;
    const header = this.#readHeader(bytes, position);
    if (header === undefined || availableBytes < header.frameBytes) return 0;
    this.#handleFrame(header, bytes, position);
    return header.frameBytes;
  }

  onClosed(): void {
    const { session, handler } = this.#parts;
    if (session.hello !== undefined) handler.onConnectionClosed?.(this.#link);
  }

  sendResponse(request: RequestAddress, value: unknown, onSent?: () => void): void {
    if (this.#link.closed) {
      onSent?.();
      return;
    }
    let chunks: Uint8Array[];
    try {
      chunks = responseFrame(request, value);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#link.log('error', 'A response does not fit its schema', {
        api: request.api.name,
        cause: error.message,
      });
      this.sendError(request, 'UNKNOWN_SERVER_ERROR', 'The broker could not encode its response');
      onSent?.();
      return;
    }
    this.#link.send(chunks, onSent);
  }

  sendError(request: RequestAddress, error: ErrorName, message?: string): void {
    const { api, apiVersion, correlationId } = request;
    this.#sendErrorFrame({ apiKey: api.key, apiVersion, correlationId }, error, message);
  }

  closeFor(reason: string): void {
    if (this.#link.closed) return;
    this.#link.log('info', 'A connection is closed', { cause: reason });
    this.#link.beginClose(LINGER_MS);
  }

  requestEnded(): void {
    this.#link.requestEnded();
  }

  /** Tells other protocols from ours by the first bytes. @returns whether frames may be read. */
  #recognise(bytes: Buffer, position: number, availableBytes: number): boolean {
    if (availableBytes < RECOGNITION_BYTES) return false;
    const protocol = recogniseProtocol(bytes, position);
    if (protocol === 'native') {
      this.#isRecognised = true;
      return true;
    }
    const { portHints } = this.#parts;
    this.#link.countMalformed('warn', wrongProtocolMessage(protocol, portHints));
    const answer = wrongProtocolAnswer(protocol, portHints);
    if (answer !== undefined) this.#link.send([answer]);
    this.#link.beginClose(LINGER_MS);
    return false;
  }

  /** @returns undefined where the stream cannot be trusted any more; it is then being closed. */
  #readHeader(bytes: Buffer, position: number): FrameHeader | undefined {
    try {
      return readFrameHeader(bytes, position, this.#frameLimits);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#link.countMalformed('info', 'A malformed frame ends a connection', error.message);
      const address = {
        apiVersion: bytes[position + 5]!,
        apiKey: bytes.readUInt16BE(position + 6),
        correlationId: readUint32(bytes, position + 8),
      };
      this.#sendErrorFrame(address, error.code, error.message);
      this.#link.beginClose(LINGER_MS);
      return undefined;
    }
  }

  /** Decodes one whole frame and serves or refuses it. */
  #handleFrame(header: FrameHeader, bytes: Buffer, position: number): void {
    const decoded = this.#parts.decoder.decode(header, bytes, position);
    if (decoded.refusal !== undefined) {
      this.#refuseFrame(header, decoded.refusal);
      return;
    }
    const { api, body } = decoded;
    const { apiVersion, correlationId } = header;
    const request = { api, apiVersion, correlationId };
    if (api === helloApi || api === authenticateApi) {
      this.#handleSessionRequest(request, body);
      return;
    }
    this.#link.requestBegun();
    const { receivedMs } = this.#link;
    this.#parts.handler.onRequest(new ConnectionRequest(this, { ...request, body, receivedMs }));
  }

  #refuseFrame(header: FrameHeader, { error, message, isUnexpected }: Refusal): void {
    if (isUnexpected)
      this.#link.log('error', 'The decoder failed unexpectedly', { cause: message });
    this.#link.countMalformed('debug', 'A frame is refused', message);
    this.#sendErrorFrame(header, error, message);
    // A stranger gets no second try; a client of another release may.
    if (!this.isOpen) this.#link.beginClose(LINGER_MS);
  }

  #handleSessionRequest(request: RequestAddress, body: unknown): void {
    const { session } = this.#parts;
    if (request.api === helloApi) {
      const response = session.answerHello(body as RequestOf<typeof helloApi>);
      this.sendResponse(request, response);
      return;
    }
    const response = session.answerAuthenticate(body as RequestOf<typeof authenticateApi>);
    this.sendResponse(request, response);
    if (response.errorCode !== 0) {
      this.#link.beginClose(LINGER_MS);
    } else if (session.isOpen) {
      const { frameBytesMax } = this.#link.limits;
      const isBroker = this.peer.brokerId >= 0;
      const bodyBytesMax = isBroker ? BROKER_BODY_BYTES_MAX : CLIENT_BODY_BYTES_MAX;
      this.#frameLimits = { frameBytesMax, bodyBytesMax: Math.min(frameBytesMax, bodyBytesMax) };
    }
  }

  #sendErrorFrame(
    address: Pick<FrameHeader, 'apiKey' | 'apiVersion' | 'correlationId'>,
    error: ErrorName,
    message?: string,
  ): void {
    if (!this.#link.closed) this.#link.send(errorFrame(address, error, message));
  }
}
