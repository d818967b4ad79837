/** One request as a handler sees it. */

import type { SocketAddress } from '../common/index.ts';
import type { Api, ErrorName } from '../protocol/index.ts';

/** Who asks. The fields after `remote` are known once Hello was answered, before any request. */
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
 * A decoded request. Exactly one of `respond`, `respondError` and `dropResponse` is called, once,
 * in `onRequest` or at any time later; answering after the connection has closed is allowed and
 * does nothing.
 */
export interface ServerRequest {
  readonly connection: RequestConnection;
  readonly api: Api;
  readonly apiVersion: number;
  /**
   * The decoded request: `RequestOf<typeof produceApi>` where `api === produceApi`.
   *
   * Invariant: bytes and records in it are views on the connection's receive buffer. They hold
   * their content until `onReceiveTurnEnd` has returned and are overwritten afterwards.
   */
  readonly body: unknown;
  /** When the frame was taken from the socket, by the monotonic clock. */
  readonly receivedMs: number;
  /**
   * Encodes the response now and sends it at the end of the turn.
   *
   * @param value `ResponseOf<typeof api>`. Records in it stay the connection's until `onSent`.
   * @param onSent called once when the operating system has taken the bytes, or the connection is gone.
   */
  respond(value: unknown, onSent?: () => void): void;
  /** Answers with a frame of kind 3: the request could not be served at all. */
  respondError(error: ErrorName, message?: string): void;
  /** No answer: acks 0. */
  dropResponse(): void;
}
