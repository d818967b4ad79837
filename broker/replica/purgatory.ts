/**
 * Operations that wait for something to happen, and end by a deadline if it does not.
 *
 * Most waits are short and end well, so adding and removing must cost next to nothing: deadlines
 * are rounded up to a bucket, a bucket is a set with one timer, and an operation that completes
 * just leaves its set. An operation may thus expire up to `BUCKET_MS` late, never early.
 */

import type { Clock, Timer, Timers } from '../../common/index.ts';

const BUCKET_MS = 10;

export interface DelayedOperation {
  /** The deadline passed. Called at most once, and not after `remove`. */
  expire(): void;
}

interface Bucket {
  readonly operations: Set<DelayedOperation>;
  readonly timer: Timer;
}

export class Purgatory {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #buckets = new Map<number, Bucket>();
  readonly #bucketOf = new Map<DelayedOperation, number>();

  constructor(environment: { readonly clock: Clock; readonly timers: Timers }) {
    this.#clock = environment.clock;
    this.#timers = environment.timers;
  }

  get size(): number {
    return this.#bucketOf.size;
  }

  add(operation: DelayedOperation, delayMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const index = Math.ceil((nowMs + delayMs) / BUCKET_MS);
    let bucket = this.#buckets.get(index);
    if (bucket === undefined) {
      const timer = this.#timers.set(index * BUCKET_MS - nowMs, () => this.#expire(index));
      bucket = { operations: new Set(), timer };
      this.#buckets.set(index, bucket);
    }
    bucket.operations.add(operation);
    this.#bucketOf.set(operation, index);
  }

  /** The operation completed. No effect where it is not waiting. */
  remove(operation: DelayedOperation): void {
    const index = this.#bucketOf.get(operation);
    if (index === undefined) return;
    this.#bucketOf.delete(operation);
    const bucket = this.#buckets.get(index);
    if (bucket === undefined) return;
    bucket.operations.delete(operation);
    if (bucket.operations.size > 0) return;
    bucket.timer.cancel();
    this.#buckets.delete(index);
  }

  /** Ends every wait at once: the broker stops. */
  close(): void {
    for (const index of [...this.#buckets.keys()]) {
      this.#buckets.get(index)?.timer.cancel();
      this.#expire(index);
    }
  }

  #expire(index: number): void {
    const bucket = this.#buckets.get(index);
    if (bucket === undefined) return;
    this.#buckets.delete(index);
    for (const operation of bucket.operations) this.#bucketOf.delete(operation);
    for (const operation of bucket.operations) operation.expire();
  }
}
