/**
 * One connection to one broker. Requests and responses are matched by correlation id; responses
 * come in any order.
 *
 * What a response holds is the caller's own: a small frame is copied out of the shared receive
 * buffer, a large one is read from the socket into memory of exactly its size, which then belongs
 * to the caller, so its records are never copied.
 */

import type { SocketAddress, StreamSocket, Timer } from '../common/index.ts';
import {
  type Api,
  authenticateApi,
  decodeBody,
  encodeFrame,
  errorName,
  FRAME_KIND_ERROR,
  FRAME_KIND_REQUEST,
  FRAME_KIND_RESPONSE,
  frameErrorSchema,
  helloApi,
  ProtocolError,
  type ResponseOf,
} from '../protocol/index.ts';
import type { NetworkEnvironment } from './framedServer.ts';
import { type ReceivedFrame, ResponseReader } from './responseReader.ts';
import { SendQueue } from './sendQueue.ts';
import { ANONYMOUS_MECHANISM } from './serverSession.ts';

export type HelloResponse = ResponseOf<typeof helloApi>;

export interface ClientConnectionOptions {
  readonly software: { readonly name: string; readonly version: string };
  readonly clientId?: string | null;
  /** Of the calling broker; both -1, the default, for any other client. */
  readonly brokerId?: number;
  readonly brokerEpoch?: number;
  /** For TCP, Hello and authentication together, in milliseconds. */
  readonly timeoutMs: number;
  /** Largest response taken, in bytes. Default 128 MiB. */
  readonly frameBytesMax?: number;
  /**
   * Whether records of a response are valid only until the next call is made: for a caller that has
   * one call in flight and takes each answer at once. Default false: they are the caller's own.
   */
  readonly reusesResponseMemory?: boolean;
}

export interface CallOptions {
  /** From now to the response, in milliseconds. */
  readonly timeoutMs: number;
  /** Gives up waiting: rejects with its reason. The request may be served all the same. */
  readonly signal?: AbortSignal | undefined;
}

const FRAME_BYTES_MAX = 128 * 1024 * 1024;
const HELLO_VERSION = 0;
/** Before Hello has told the broker's cap, one request at a time. */
const IN_FLIGHT_MAX_BEFORE_HELLO = 1;

interface PendingCall {
  readonly api: Api;
  readonly apiVersion: number;
  readonly chunks: readonly Uint8Array[];
  readonly resolve: (response: never) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: Timer;
  readonly abort: { readonly signal: AbortSignal; readonly listener: () => void } | undefined;
  isSent: boolean;
  /** Resolved or rejected. The broker still counts it as in flight until it has answered. */
  isSettled: boolean;
}

export class ClientConnection {
  readonly remote: SocketAddress;
  readonly #environment: NetworkEnvironment;
  readonly #socket: StreamSocket;
  readonly #queue: SendQueue;
  readonly #reader: ResponseReader;
  #hello: HelloResponse | undefined;
  #nextCorrelationId = 1;
  readonly #calls = new Map<number, PendingCall>();
  /** Calls that wait for the in-flight cap, in order. */
  readonly #unsent = new Set<number>();
  #inFlightMax = IN_FLIGHT_MAX_BEFORE_HELLO;
  #inFlight = 0;
  #closed = false;
  #closeError: Error | undefined;
  #closeListeners: ((error: Error | undefined) => void)[] = [];
  readonly #socketClosed: Promise<void>;
  #onSocketClosed: () => void = () => undefined;

  private constructor(
    environment: NetworkEnvironment,
    socket: StreamSocket,
    options: ClientConnectionOptions,
  ) {
    this.#environment = environment;
    this.#socket = socket;
    this.remote = socket.remote;
    this.#queue = new SendQueue(socket, environment.timers, { onProgress: () => undefined });
    const frameBytesMax = options.frameBytesMax ?? FRAME_BYTES_MAX;
    const reusesMemory = options.reusesResponseMemory ?? false;
    this.#reader = new ResponseReader({ frameBytesMax, reusesMemory }, (frame) =>
      this.#onFrame(frame),
    );
    this.#socketClosed = new Promise((resolve) => {
      this.#onSocketClosed = resolve;
    });
  }

  /**
   * Connects, says Hello and authenticates.
   *
   * @throws ProtocolError NETWORK_EXCEPTION with the system error as `cause`, REQUEST_TIMED_OUT, or
   *   what the broker refused with.
   */
  static async connect(
    environment: NetworkEnvironment,
    address: SocketAddress,
    options: ClientConnectionOptions,
  ): Promise<ClientConnection> {
    const { clock, transport } = environment;
    const deadlineMs = clock.monotonicMs() + options.timeoutMs;
    let socket: StreamSocket;
    try {
      socket = await transport.connect(address, { timeoutMs: options.timeoutMs });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ProtocolError(
        'NETWORK_EXCEPTION',
        `No connection to ${address.host}:${address.port}: ${reason}`,
        { cause, details: { sent: false, ...address } },
      );
    }
    const connection = new ClientConnection(environment, socket, options);
    connection.#start();
    try {
      await connection.#introduce(options, deadlineMs);
    } catch (error) {
      connection.#fail(error instanceof Error ? error : undefined);
      throw error;
    }
    return connection;
  }

  /** What the broker said of itself. */
  get hello(): HelloResponse {
    return this.#hello!;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls that were sent and not answered. Above `hello.inFlightMax` calls wait unsent. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Bytes queued here that the operating system has not taken yet. */
  get bufferedBytes(): number {
    return this.#queue.heldBytes;
  }

  /**
   * Sends a request and waits for its response. Records in the response are the caller's own;
   * records in the request are the connection's until the call settles.
   *
   * @throws ProtocolError: what the broker answered in a frame of kind 3; UNSUPPORTED_VERSION when
   *   no version is common; NETWORK_EXCEPTION when the connection is lost, REQUEST_TIMED_OUT after
   *   `timeoutMs`. Of the last two `details.sent` tells whether bytes may have left: where true the
   *   outcome is unknown.
   */
  call<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    return this.#call(api, request, { ...options, apiVersion: undefined });
  }

  /**
   * Sends a request that has no response (acks 0).
   *
   * @returns resolves with true when the operating system has taken the bytes, with false when the
   *   connection was lost before. Never rejects for a lost connection.
   * @throws ProtocolError UNSUPPORTED_VERSION, or INVALID_REQUEST where `request` does not encode.
   */
  async send<Request, Response>(api: Api<Request, Response>, request: Request): Promise<boolean> {
    if (this.#closed) return false;
    const apiVersion = this.#commonVersion(api);
    const chunks = this.#encode(api, apiVersion, request).chunks;
    return new Promise<boolean>((resolve) => {
      this.#queue.push(chunks, () => resolve(!this.#closed));
    });
  }

  /** The listener is called once; in a later turn where the connection is closed already. */
  onClose(listener: (error: Error | undefined) => void): void {
    if (this.#closed) this.#environment.timers.afterTurn(() => listener(this.#closeError));
    else this.#closeListeners.push(listener);
  }

  /**
   * Hands what is queued to the operating system, as far as it takes it, and ends the connection;
   * calls in flight reject with NETWORK_EXCEPTION. Idempotent.
   */
  async close(): Promise<void> {
    if (!this.#closed) this.#queue.flush();
    this.#fail(undefined);
    await this.#socketClosed;
  }

  /** Whether the connection keeps the process alive. Default true. */
  setKeepsProcessAlive(keeps: boolean): void {
    this.#socket.setKeepsProcessAlive(keeps);
  }

  #start(): void {
    this.#socket.start({
      receiveSpace: () => this.#reader.space(),
      onReceived: (byteCount) => this.#onReceived(byteCount),
      onDrain: () => this.#queue.onDrain(),
      onEnd: () => this.#fail(undefined),
      onClose: (error) => {
        this.#fail(error);
        this.#queue.close();
        this.#onSocketClosed();
      },
    });
  }

  async #introduce(options: ClientConnectionOptions, deadlineMs: number): Promise<void> {
    const callOptions = () => ({
      timeoutMs: Math.max(deadlineMs - this.#environment.clock.monotonicMs(), 1),
      apiVersion: HELLO_VERSION,
    });
    const hello = await this.#call(
      helloApi,
      {
        clientSoftwareName: options.software.name,
        clientSoftwareVersion: options.software.version,
        clientId: options.clientId ?? null,
        brokerId: options.brokerId ?? -1,
        brokerEpoch: options.brokerEpoch ?? -1,
      },
      callOptions(),
    );
    throwRefusal('Hello', hello);
    if (!hello.mechanisms.includes(ANONYMOUS_MECHANISM)) {
      throw new ProtocolError(
        'UNSUPPORTED_SASL_MECHANISM',
        `The broker asks for one of "${hello.mechanisms.join('", "')}", which this client lacks`,
      );
    }
    this.#hello = hello;
    const authenticated = await this.#call(
      authenticateApi,
      { mechanism: ANONYMOUS_MECHANISM, bytes: new Uint8Array(0) },
      callOptions(),
    );
    throwRefusal('Authenticate', authenticated);
    this.#inFlightMax = Math.max(hello.inFlightMax, 1);
  }

  #call<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    options: CallOptions & { readonly apiVersion: number | undefined },
  ): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      if (this.#closed) throw this.#lostError(api, false);
      const { signal, timeoutMs } = options;
      signal?.throwIfAborted();
      const apiVersion = options.apiVersion ?? this.#commonVersion(api);
      const { correlationId, chunks } = this.#encode(api, apiVersion, request);
      const timer = this.#environment.timers.set(timeoutMs, () =>
        this.#onTimeout(correlationId, timeoutMs),
      );
      let abort: PendingCall['abort'];
      if (signal !== undefined) {
        const listener = (): void => this.#abandon(correlationId, signal.reason);
        signal.addEventListener('abort', listener, { once: true });
        abort = { signal, listener };
      }
      this.#calls.set(correlationId, {
        api: api as Api,
        apiVersion,
        chunks,
        resolve,
        reject,
        timer,
        abort,
        isSent: false,
        isSettled: false,
      });
      this.#unsent.add(correlationId);
      this.#sendWaiting();
    });
  }

  #encode<Request, Response>(
    api: Api<Request, Response>,
    apiVersion: number,
    request: Request,
  ): { readonly correlationId: number; readonly chunks: readonly Uint8Array[] } {
    const correlationId = this.#nextCorrelationId;
    this.#nextCorrelationId = (correlationId + 1) % 2 ** 32;
    const address = {
      kind: FRAME_KIND_REQUEST,
      apiKey: api.key,
      apiVersion,
      correlationId,
    } as const;
    const chunks = encodeFrame(address, api.request, request);
    let frameBytes = -4;
    for (const chunk of chunks) frameBytes += chunk.length;
    const frameBytesMax = this.#hello?.frameBytesMax ?? FRAME_BYTES_MAX;
    if (frameBytes > frameBytesMax) {
      throw new ProtocolError(
        'FRAME_TOO_LARGE',
        `A ${api.name} request of ${frameBytes} bytes is larger than the ${frameBytesMax} that the broker takes`,
      );
    }
    return { correlationId, chunks };
  }

  /** The highest version that both sides know. */
  #commonVersion(api: Pick<Api, 'key' | 'name' | 'versions'>): number {
    const served = this.#hello?.apis.find(({ key }) => key === api.key);
    if (served === undefined) {
      throw new ProtocolError('UNKNOWN_API', `The broker does not serve ${api.name} here`);
    }
    const version = Math.min(served.versionMax, api.versions.max);
    if (version < served.versionMin || version < api.versions.min) {
      throw new ProtocolError(
        'UNSUPPORTED_VERSION',
        `The broker serves ${api.name} at versions ${served.versionMin} to ${served.versionMax}, this client speaks ${api.versions.min} to ${api.versions.max}`,
      );
    }
    return version;
  }

  #sendWaiting(): void {
    for (const correlationId of this.#unsent) {
      if (this.#inFlight >= this.#inFlightMax) return;
      this.#unsent.delete(correlationId);
      const call = this.#calls.get(correlationId);
      if (call === undefined) continue;
      call.isSent = true;
      this.#inFlight += 1;
      this.#queue.push(call.chunks);
    }
  }

  #onReceived(byteCount: number): void {
    if (this.#closed) return;
    try {
      this.#reader.received(byteCount);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error);
    }
  }

  #onFrame({ header, body, attachments }: ReceivedFrame): void {
    const call = this.#calls.get(header.correlationId);
    if (call === undefined || header.apiKey !== call.api.key) {
      // An error frame for a request without response says why the broker will close.
      if (header.kind === FRAME_KIND_ERROR) return;
      throw new ProtocolError('INVALID_REQUEST', 'The broker answered what was never asked');
    }
    this.#calls.delete(header.correlationId);
    this.#inFlight -= 1;
    if (!call.isSettled) {
      const settle = this.#decode(call, { header, body, attachments });
      this.#settle(call, settle);
    }
    this.#sendWaiting();
  }

  #decode(call: PendingCall, { header, body, attachments }: ReceivedFrame): () => void {
    try {
      if (header.kind === FRAME_KIND_RESPONSE) {
        const { api, apiVersion } = call;
        const response = decodeBody(api.response, apiVersion, body, attachments);
        return () => call.resolve(response as never);
      }
      const { errorCode, message } = decodeBody(frameErrorSchema, 0, body);
      const name = errorName(errorCode);
      const details = { sent: true, errorCode, ...this.#peerDetails() };
      return () => call.reject(new ProtocolError(name, message, { details }));
    } catch (error) {
      return () => call.reject(error);
    }
  }

  #onTimeout(correlationId: number, timeoutMs: number): void {
    const call = this.#calls.get(correlationId);
    if (call === undefined) return;
    const { host, port } = this.remote;
    this.#abandon(
      correlationId,
      new ProtocolError(
        'REQUEST_TIMED_OUT',
        `The broker at ${host}:${port} did not answer ${call.api.name} within ${timeoutMs} ms`,
        { details: { sent: call.isSent, ...this.#peerDetails() } },
      ),
    );
  }

  /** Rejects a call. One that was sent stays known until the broker has answered it. */
  #abandon(correlationId: number, reason: unknown): void {
    const call = this.#calls.get(correlationId);
    if (call === undefined || call.isSettled) return;
    if (!call.isSent) {
      this.#calls.delete(correlationId);
      this.#unsent.delete(correlationId);
    }
    this.#settle(call, () => call.reject(reason));
  }

  #settle(call: PendingCall, settle: () => void): void {
    call.isSettled = true;
    call.timer.cancel();
    call.abort?.signal.removeEventListener('abort', call.abort.listener);
    settle();
  }

  /** Ends everything: calls reject, listeners are told, the socket goes. Once. */
  #fail(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeError = error;
    this.#socket.destroy();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#unsent.clear();
    this.#inFlight = 0;
    for (const call of calls) {
      if (call.isSettled) continue;
      this.#settle(call, () => call.reject(this.#lostError(call.api, call.isSent)));
    }
    const listeners = this.#closeListeners;
    this.#closeListeners = [];
    for (const listener of listeners) listener(error);
  }

  #lostError(api: Pick<Api, 'name'>, sent: boolean): ProtocolError {
    const { host, port } = this.remote;
    const what = sent ? 'was lost before the answer to' : 'was closed before';
    return new ProtocolError(
      'NETWORK_EXCEPTION',
      `The connection to ${host}:${port} ${what} ${api.name}`,
      {
        ...(this.#closeError === undefined ? {} : { cause: this.#closeError }),
        details: { sent, ...this.#peerDetails() },
      },
    );
  }

  #peerDetails(): Readonly<Record<string, unknown>> {
    return { host: this.remote.host, port: this.remote.port };
  }
}

function throwRefusal(
  step: string,
  response: { readonly errorCode: number; readonly errorMessage: string | null },
): void {
  if (response.errorCode === 0) return;
  const message = response.errorMessage ?? `The broker refused ${step}`;
  throw new ProtocolError(errorName(response.errorCode), message);
}
