/**
 * Failures since the last flush. Whether somebody awaits a record is asked when the list is
 * reported, not before: `send` may fail at once, and its caller looks at the promise a moment later.
 */

import { DeliveriesFailedError } from '../errors.ts';
import type { Delivery } from './delivery.ts';
import type { ObservedPromise } from './observedPromise.ts';
import type { ProducerBatch } from './producerBatch.ts';

/** Entries kept, and errors listed; above it they are only counted. */
const LISTED_MAX = 10_000;

export class FailureList {
  #batches: ProducerBatch[] = [];
  #refused: Delivery[] = [];
  #calls: ObservedPromise<unknown>[] = [];
  #uncounted = 0;

  addBatch(batch: ProducerBatch): void {
    if (this.#batches.length < LISTED_MAX) this.#batches.push(batch);
    else this.#uncounted += batch.unwatchedCount;
  }

  addRefused(delivery: Delivery): void {
    if (this.#refused.length < LISTED_MAX) this.#refused.push(delivery);
    else this.#uncounted += 1;
  }

  /** A `sendBatch` that was rejected. */
  addCall(call: ObservedPromise<unknown>): void {
    if (this.#calls.length < LISTED_MAX) this.#calls.push(call);
    else this.#uncounted += 1;
  }

  /** @throws {DeliveriesFailedError} where nobody awaited some of them; all are forgotten. */
  report(): void {
    const errors: Error[] = [];
    let failedCount = this.#uncounted;
    const add = (error: Error, count: number) => {
      failedCount += count;
      for (let i = 0; i < count && errors.length < LISTED_MAX; i++) errors.push(error);
    };
    for (const { outcome, unwatchedCount } of this.#batches) {
      if (outcome?.kind === 'failed') add(outcome.error, unwatchedCount);
    }
    for (const delivery of this.#refused) {
      if (!delivery.watched && delivery.refused !== undefined) add(delivery.refused, 1);
    }
    for (const { watched, error } of this.#calls) {
      if (watched || error === undefined) continue;
      if (!(error instanceof DeliveriesFailedError)) add(error, 1);
      else {
        for (const one of error.errors) add(one, 1);
        failedCount += error.failedCount - error.errors.length;
      }
    }
    this.#batches = [];
    this.#refused = [];
    this.#calls = [];
    this.#uncounted = 0;
    if (failedCount > 0) throw new DeliveriesFailedError(errors, failedCount);
  }
}
