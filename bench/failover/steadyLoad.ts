/**
 * Producers that send at a steady pace whatever happens, and the time that each record waits for its
 * acknowledgement.
 */

import type { Odradek, Producer } from '../../client/index.ts';

const PRODUCERS = 2;
/** Each producer sends a record to each partition in this time. */
const PACE_MS = 5;

interface Watch {
  readonly partition: number;
  readonly sinceMs: number;
  readonly resolve: (acknowledgedMs: number) => void;
}

export class SteadyLoad {
  acknowledgedCount = 0;
  /** By code: with retries and idempotence there should be none. */
  readonly failures = new Map<string, number>();
  readonly #topic: string;
  readonly #partitions: readonly number[];
  readonly #producers: readonly Producer[];
  readonly #watches = new Set<Watch>();
  /** When the records were sent that wait, by their numbers; oldest first. */
  readonly #waiting = new Map<number, number>();
  #sent = 0;
  #longestMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Odradek, topic: string, partitionCount: number) {
    this.#topic = topic;
    this.#partitions = Array.from({ length: partitionCount }, (_, partition) => partition);
    this.#producers = Array.from({ length: PRODUCERS }, () => client.producer({ acks: 'all' }));
  }

  start(): void {
    this.#timer = setInterval(() => {
      for (const producer of this.#producers) {
        for (const partition of this.#partitions) this.#send(producer, partition);
      }
    }, PACE_MS);
  }

  /** @returns when the first record that was sent after `sinceMs` is acknowledged. */
  firstAcknowledged(partition: number, sinceMs: number): Promise<number> {
    return new Promise((resolve) => {
      this.#watches.add({ partition, sinceMs, resolve });
    });
  }

  /** Forgets how long records have waited so far. */
  reset(): void {
    this.#longestMs = 0;
  }

  /** Longest wait of a record since `reset`, those included that still wait. */
  get longestMs(): number {
    const [oldest] = this.#waiting.values();
    const waitingMs = oldest === undefined ? 0 : performance.now() - oldest;
    return Math.max(this.#longestMs, waitingMs);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#producers.map((producer) => producer.close().catch(() => undefined)));
  }

  #send(producer: Producer, partition: number): void {
    const number = this.#sent++;
    const sentMs = performance.now();
    this.#waiting.set(number, sentMs);
    producer.send({ topic: this.#topic, partition, value: `record ${number}` }).then(
      () => {
        const nowMs = this.#decided(number, sentMs);
        this.acknowledgedCount += 1;
        for (const watch of this.#watches) {
          if (watch.partition !== partition || sentMs < watch.sinceMs) continue;
          this.#watches.delete(watch);
          watch.resolve(nowMs);
        }
      },
      (error: { readonly code?: string }) => {
        this.#decided(number, sentMs);
        const code = error.code ?? String(error);
        this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
      },
    );
  }

  #decided(number: number, sentMs: number): number {
    const nowMs = performance.now();
    this.#waiting.delete(number);
    this.#longestMs = Math.max(this.#longestMs, nowMs - sentMs);
    return nowMs;
  }
}
