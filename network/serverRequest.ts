/** One request as a handler sees it. */

import { assert, type SocketAddress } from '../common/index.ts';
import type { Api, ErrorName } from '../protocol/index.ts';

/** Who asks. What the client said of itself is known once Hello was answered, before any request. */
export interface RequestConnection {
  /** Counts the connections of this server from 1. */
  readonly id: number;
  readonly remote: SocketAddress;
  readonly clientId: string | null;
  readonly clientSoftwareName: string;
  readonly clientSoftwareVersion: string;
  /** Broker that calls; -1 for any other client. */
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly closed: boolean;
}

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
export interface ResponseSink extends RequestConnection {
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
  readonly connection: ResponseSink;
  readonly api: Api;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly body: unknown;
  readonly receivedMs: number;
  #answered = false;

  constructor(connection: ResponseSink, received: ReceivedRequest) {
    this.connection = connection;
    this.api = received.api;
    this.apiVersion = received.apiVersion;
    this.correlationId = received.correlationId;
    this.body = received.body;
    this.receivedMs = received.receivedMs;
  }

  respond(value: unknown, onSent?: () => void): void {
    this.#markAnswered();
    this.connection.sendResponse(this, value, onSent);
    this.connection.requestEnded();
  }

  respondError(error: ErrorName, message?: string): void {
    this.#markAnswered();
    this.connection.sendError(this, error, message);
    this.connection.requestEnded();
  }

  dropResponse(): void {
    this.#markAnswered();
    this.connection.requestEnded();
  }

  closeConnection(reason: string): void {
    this.#markAnswered();
    this.connection.closeFor(reason);
    this.connection.requestEnded();
  }

  #markAnswered(): void {
    assert(!this.#answered, 'A request is answered once', { api: this.api.name });
    this.#answered = true;
  }
}
