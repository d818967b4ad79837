/** A client of the Kafka listener that sends what it is told: right or wrong, one or many at once. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  decodeResponse,
  encodeRequest,
  type KafkaApi,
  type KafkaRequestInput,
  type KafkaResponseOutput,
} from '../../broker/index.ts';
import { waitFor } from './waitFor.ts';

export interface RawAnswer {
  readonly correlationId: number;
  /** From the correlation id on. */
  readonly bytes: Buffer;
}

export class KafkaTestClient {
  readonly #socket: Socket;
  readonly #answers: RawAnswer[] = [];
  #received: Buffer = Buffer.alloc(0);
  #nextCorrelationId = 1;
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('error', () => undefined);
  }

  static async connect(address: string): Promise<KafkaTestClient> {
    const at = address.lastIndexOf(':');
    const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)) });
    await once(socket, 'connect');
    return new KafkaTestClient(socket);
  }

  /** Answers that came and were not taken, in the order in which they came. */
  get pending(): readonly RawAnswer[] {
    return this.#answers;
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends a request without waiting. @returns its correlation id. */
  send<A extends KafkaApi>(api: A, version: number, value: KafkaRequestInput<A>): number {
    const correlationId = this.#nextCorrelationId++;
    const header = { correlationId, clientId: 'test' };
    this.write(Buffer.concat(encodeRequest(api, version, header, value)));
    return correlationId;
  }

  /** Sends a request and waits for its answer, which must be the next one. */
  async call<A extends KafkaApi>(
    api: A,
    version: number,
    value: KafkaRequestInput<A>,
  ): Promise<KafkaResponseOutput<A>> {
    const correlationId = this.send(api, version, value);
    const answer = await this.next();
    if (answer.correlationId !== correlationId) {
      throw new Error(`Answer ${answer.correlationId} came instead of ${correlationId}`);
    }
    return this.decode(api, version, answer);
  }

  decode<A extends KafkaApi>(
    api: A,
    version: number,
    { bytes }: RawAnswer,
  ): KafkaResponseOutput<A> {
    return decodeResponse(api, version, bytes, 0, bytes.length).value;
  }

  async next(timeoutMs = 10_000): Promise<RawAnswer> {
    const what = 'the broker answers';
    const answer = await waitFor(() => this.#answers.shift() ?? (this.closed ? null : undefined), {
      what,
      timeoutMs,
      intervalMs: 1,
    });
    if (answer === null) throw new Error('The broker closed the connection');
    return answer;
  }

  async untilClosed(timeoutMs = 10_000): Promise<void> {
    await waitFor(() => this.closed, { what: 'the broker closes the connection', timeoutMs });
  }

  close(): void {
    this.#socket.destroy();
  }

  #onData(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0);
      if (this.#received.length < end) break;
      const frame = this.#received.subarray(4, end);
      this.#answers.push({ correlationId: frame.readInt32BE(0), bytes: frame });
      this.#received = this.#received.subarray(end);
    }
  }
}
