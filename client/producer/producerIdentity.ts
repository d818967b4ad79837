/** The id under which brokers recognise the batches of one producer, asked for when first needed. */

import { errorName, initProducerIdApi, ProtocolError } from '../../protocol/index.ts';
import { backOffMs } from '../cluster/backOff.ts';
import type { Cluster } from '../cluster/cluster.ts';

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export class ProducerIdentities {
  readonly #cluster: Cluster;
  readonly #requestTimeoutMs: number;
  readonly #onChange: () => void;
  #current: ProducerIdentity | undefined;
  #asking = false;
  #failures = 0;
  #error: Error | undefined;
  #timer: { cancel(): void } | undefined;
  #closed = false;

  /** @param onChange an id has come, or was refused. */
  constructor(cluster: Cluster, requestTimeoutMs: number, onChange: () => void) {
    this.#cluster = cluster;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#onChange = onChange;
  }

  /** Why there is none, while there is none. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** @returns undefined while it is being asked for; `onChange` follows. */
  get(): ProducerIdentity | undefined {
    if (this.#current === undefined && !this.#asking && !this.#closed) {
      this.#asking = true;
      this.#error = undefined;
      void this.#ask();
    }
    return this.#current;
  }

  /** The epochs of the current id are used up: another one is asked for. */
  renew(): void {
    this.#current = undefined;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #ask(): Promise<void> {
    try {
      const connection = await this.#cluster.pool.any();
      const timeoutMs = this.#requestTimeoutMs;
      const answer = await connection.call(initProducerIdApi, {}, { timeoutMs });
      if (answer.errorCode !== 0) {
        throw new ProtocolError(errorName(answer.errorCode), answer.errorMessage ?? undefined);
      }
      const { producerId, producerEpoch } = answer;
      this.#current = { producerId, producerEpoch };
      this.#error = undefined;
      this.#failures = 0;
      this.#asking = false;
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
    }
    if (!this.#closed) this.#onChange();
  }

  /** Asks again after a pause, until then the error stands. */
  #failed(error: Error): void {
    this.#error = error;
    this.#failures += 1;
    if (this.#closed) return;
    const { environment, logger, context } = this.#cluster;
    logger.debug('No producer id yet', { failures: this.#failures, error: error.message });
    const pauseMs = backOffMs(context.backOff, this.#failures, environment.random);
    this.#timer = environment.timers.set(pauseMs, () => {
      this.#asking = false;
      this.#onChange();
    });
  }
}
