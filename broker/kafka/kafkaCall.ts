/** One request of a Kafka client, as a handler sees it. */

import { assert } from '../../common/index.ts';
import type { RequestConnection } from '../../network/index.ts';
import type { KafkaApi, KafkaRequest, KafkaResponse } from './wire/index.ts';

/**
 * Exactly one of `respond`, `dropResponse` and `closeConnection` is called, once, now or later.
 *
 * Invariant: bytes and records in `body` are views on the connection's receive buffer. They hold
 * their content until the turn has ended and are overwritten afterwards.
 */
export interface KafkaCall<A extends KafkaApi = KafkaApi> {
  readonly connection: RequestConnection;
  /** Name of the listener that the request came in on: addresses in answers are of that listener. */
  readonly listener: string;
  readonly api: A;
  readonly apiVersion: number;
  readonly clientId: string | null;
  readonly body: KafkaRequest<A>;
  /** When the frame was taken from the socket, by the monotonic clock. */
  readonly receivedMs: number;
  /**
   * Encodes the response now; it leaves after the answers to all earlier requests.
   *
   * @param onSent called once when the operating system has taken the bytes, or the connection is
   *   gone: records in `response` stay the connection's until then.
   */
  respond(response: KafkaResponse<A>, onSent?: () => void): void;
  /** No answer: acks 0. */
  dropResponse(): void;
  /** No answer, and the connection ends: what Kafka does where an answer cannot be given. */
  closeConnection(reason: string): void;
}

/** What a call does with its connection. */
export interface CallPort {
  send(call: KafkaCall, response: unknown, onSent?: () => void): void;
  drop(): void;
  close(reason: string): void;
}

type CallFields = Omit<KafkaCall, 'respond' | 'dropResponse' | 'closeConnection'>;

export class ConnectionCall implements KafkaCall {
  readonly connection: RequestConnection;
  readonly listener: string;
  readonly api: KafkaApi;
  readonly apiVersion: number;
  readonly clientId: string | null;
  readonly body: KafkaRequest<KafkaApi>;
  readonly receivedMs: number;
  readonly #port: CallPort;
  #answered = false;

  constructor(fields: CallFields, port: CallPort) {
    this.connection = fields.connection;
    this.listener = fields.listener;
    this.api = fields.api;
    this.apiVersion = fields.apiVersion;
    this.clientId = fields.clientId;
    this.body = fields.body;
    this.receivedMs = fields.receivedMs;
    this.#port = port;
  }

  respond(response: unknown, onSent?: () => void): void {
    this.#markAnswered();
    this.#port.send(this, response, onSent);
  }

  dropResponse(): void {
    this.#markAnswered();
    this.#port.drop();
  }

  closeConnection(reason: string): void {
    this.#markAnswered();
    this.#port.close(reason);
  }

  #markAnswered(): void {
    assert(!this.#answered, 'A request is answered once', { api: this.api.name });
    this.#answered = true;
  }
}
