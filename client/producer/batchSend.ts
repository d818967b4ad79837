/** The one promise of a `sendBatch`: gathers where its records went, run by run. */

import { DeliveriesFailedError, DeliveryError } from '../errors.ts';
import type { DeliveredBatch, ProducerBatch } from './producerBatch.ts';
import type { BatchDeliveryResult, DeliveryResult } from './producerRecord.ts';

const LISTED_MAX = 10_000;

/** Neighbouring records of the call that are neighbours in a batch too. */
interface Run {
  readonly batch: ProducerBatch;
  /** Place of the first in the batch. */
  readonly first: number;
  /** Place of the first in the call. */
  readonly start: number;
  count: number;
}

interface DeliveredRun {
  readonly start: number;
  readonly first: number;
  readonly count: number;
  readonly outcome: DeliveredBatch;
}

export class BatchSend {
  readonly result: Promise<BatchDeliveryResult>;
  readonly #length: number;
  readonly #delivered: DeliveredRun[] = [];
  readonly #errors: Error[] = [];
  #failedCount = 0;
  #decidedCount = 0;
  #run: Run | undefined;
  #resolve!: (result: BatchDeliveryResult) => void;
  #reject!: (error: Error) => void;

  /** @param length number of records of the call. */
  constructor(length: number) {
    this.#length = length;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Its caller may leave early, by a signal: then nobody hears of a failure.
    this.result.catch(() => undefined);
    if (length === 0) this.#finish();
  }

  /** Record `start` of the call stands at `index` in the batch. */
  placed(
    batch: ProducerBatch,
    { index, start }: { readonly index: number; readonly start: number },
  ) {
    const run = this.#run;
    if (run !== undefined && run.batch === batch && run.first + run.count === index) {
      run.count += 1;
      return;
    }
    this.endRun();
    this.#run = { batch, first: index, start, count: 1 };
  }

  /** Records `start` and following were refused. @param count how many. */
  refused(error: Error, { start, count }: { readonly start: number; readonly count: number }) {
    this.endRun();
    for (let i = 0; i < count && this.#errors.length < LISTED_MAX; i++) {
      this.#errors.push(withIndex(error, start + i));
    }
    this.#failedCount += count;
    this.#decided(count);
  }

  /** The present run is complete: its batch tells when it is decided. */
  endRun(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    run.batch.watch(run.first, run.count, (outcome, { first, skipped, count }) => {
      const start = run.start + skipped;
      if (outcome.kind === 'delivered') this.#delivered.push({ start, first, count, outcome });
      else {
        this.#failedCount += count;
        for (let i = 0; i < count && this.#errors.length < LISTED_MAX; i++) {
          this.#errors.push(outcome.error);
        }
      }
      this.#decided(count);
    });
  }

  #decided(count: number): void {
    this.#decidedCount += count;
    if (this.#decidedCount === this.#length) this.#finish();
  }

  #finish(): void {
    if (this.#failedCount > 0) {
      this.#reject(new DeliveriesFailedError(this.#errors, this.#failedCount));
      return;
    }
    this.#delivered.sort((a, b) => a.start - b.start);
    this.#resolve(new LazyResults(this.#delivered, this.#length));
  }
}

class LazyResults implements BatchDeliveryResult {
  readonly length: number;
  readonly #runs: readonly DeliveredRun[];

  constructor(runs: readonly DeliveredRun[], length: number) {
    this.#runs = runs;
    this.length = length;
  }

  at(index: number): DeliveryResult | undefined {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const { start, first, count, outcome } = this.#runs[middle]!;
      if (index < start) high = middle - 1;
      else if (index >= start + count) low = middle + 1;
      else return outcome.batch.resultOf(outcome, first + index - start);
    }
    return undefined;
  }

  *[Symbol.iterator](): Iterator<DeliveryResult> {
    for (const { first, count, outcome } of this.#runs) {
      for (let i = 0; i < count; i++) yield outcome.batch.resultOf(outcome, first + i);
    }
  }
}

/** The error with the record's place in the call, in its message and in `details.index`. */
function withIndex(error: Error, index: number): Error {
  const message = `record ${index}: ${error.message}`;
  if (!(error instanceof DeliveryError)) {
    const indexed = error instanceof TypeError ? new TypeError(message) : new Error(message);
    return Object.assign(indexed, { cause: error, details: { index } });
  }
  const { code, topic, partition, outcomeUnknown, retriable, details } = error;
  return new DeliveryError(code, message, {
    topic,
    partition,
    outcomeUnknown,
    retriable,
    cause: error.cause,
    details: { ...details, index },
  });
}
