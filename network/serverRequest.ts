/** One request as a handler sees it. */

import { assert } from '../common/index.ts';
import type { Api, ErrorName } from '../protocol/index.ts';
import type { RequestConnection } from './framing.ts';

/**
 * A decoded request. Exactly one of `respond`, `respondError`, `dropResponse` and
 * `closeConnection` is called, once, in `onRequest` or at any time later; answering after the
 * connection has closed is allowed and does nothing.
 */
export interface ServerRequest {
  readonly connection: RequestConnection;
  readonly api: Api;
  readonly apiVersion: number;
  /**
   * The decoded request: `RequestOf<typeof produceApi>` where `api === produceApi`.
   *
   * Invariant: records in it are views on the connection's receive buffer. They hold their content
   * until `onReceiveTurnEnd` has returned and are overwritten afterwards.
   */
  readonly body: unknown;
  /** When the frame was taken from the socket, by the monotonic clock. */
  readonly receivedMs: number;
  /**
   * Encodes the response now; it leaves at the end of the turn.
   *
   * @param value `ResponseOf<typeof api>`. Records in it stay the connection's until `onSent`.
   * @param onSent called once when the operating system has taken the bytes, or the connection is
   *   gone.
   */
  respond(value: unknown, onSent?: () => void): void;
  /** Answers with a frame of kind 3: the request could not be served at all. */
  respondError(error: ErrorName, message?: string): void;
  /** No answer: acks 0. */
  dropResponse(): void;
  /** No answer, and the connection ends: a refused request with acks 0 has no other sign. */
  closeConnection(reason: string): void;
}

/** What a request needs of its connection. */
export interface ResponseSink {
  readonly connection: RequestConnection;
  sendResponse(request: RequestAddress, value: unknown, onSent?: () => void): void;
  sendError(request: RequestAddress, error: ErrorName, message?: string): void;
  /** Ends the connection, with a log line that says why. */
  closeFor(reason: string): void;
  /** The request is no longer in flight. */
  requestEnded(): void;
}

/** What the frame of an answer repeats. */
export interface RequestAddress {
  readonly api: Api;
  readonly apiVersion: number;
  readonly correlationId: number;
}

export interface ReceivedRequest extends RequestAddress {
  readonly body: unknown;
  readonly receivedMs: number;
}

export class ConnectionRequest implements ServerRequest, RequestAddress {
  readonly #sink: ResponseSink;
  readonly api: Api;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly body: unknown;
  readonly receivedMs: number;
  #answered = false;

  constructor(sink: ResponseSink, received: ReceivedRequest) {
    this.#sink = sink;
    this.api = received.api;
    this.apiVersion = received.apiVersion;
    this.correlationId = received.correlationId;
    this.body = received.body;
    this.receivedMs = received.receivedMs;
  }

  get connection(): RequestConnection {
    return this.#sink.connection;
  }

  respond(value: unknown, onSent?: () => void): void {
    this.#markAnswered();
    this.#sink.sendResponse(this, value, onSent);
    this.#sink.requestEnded();
  }

  respondError(error: ErrorName, message?: string): void {
    this.#markAnswered();
    this.#sink.sendError(this, error, message);
    this.#sink.requestEnded();
  }

  dropResponse(): void {
    this.#markAnswered();
    this.#sink.requestEnded();
  }

  closeConnection(reason: string): void {
    this.#markAnswered();
    this.#sink.closeFor(reason);
    this.#sink.requestEnded();
  }

  #markAnswered(): void {
    assert(!this.#answered, 'A request is answered once', { api: this.api.name });
    this.#answered = true;
  }
}
