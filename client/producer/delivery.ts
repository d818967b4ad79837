/**
 * What `send` returns: a promise that is only made when somebody looks at it.
 *
 * A native promise with its two functions costs about as much as encoding the record. Most
 * un-awaited sends never look, so this object remembers the place in the batch and becomes a promise
 * at the first `then`. A failure that nobody looked at therefore cannot be an unhandled rejection.
 */

import type { ProducerBatch } from './producerBatch.ts';
import type { DeliveryResult } from './producerRecord.ts';

interface Waiting {
  readonly promise: Promise<DeliveryResult>;
  readonly resolve: (result: DeliveryResult) => void;
  readonly reject: (error: Error) => void;
}

export class Delivery implements Promise<DeliveryResult> {
  /** Where the record is, or why it is nowhere; undefined while it waits for a batch. */
  #source: ProducerBatch | Error | undefined;
  #index: number;
  #waiting: Waiting | undefined;

  /**
   * @param source undefined for a record that waits: `place` or `refuse` follows.
   * @param index place in the batch.
   */
  constructor(source: ProducerBatch | Error | undefined, index: number) {
    this.#source = source;
    this.#index = index;
  }

  get [Symbol.toStringTag](): string {
    return 'Delivery';
  }

  /** Why the record is nowhere, if so. */
  get refused(): Error | undefined {
    return this.#source instanceof Error ? this.#source : undefined;
  }

  /** Where the record came into a batch, if it did. */
  get placed(): { readonly batch: ProducerBatch; readonly index: number } | undefined {
    const source = this.#source;
    if (source === undefined || source instanceof Error) return undefined;
    return { batch: source, index: this.#index };
  }

  /** Whether somebody looks, so that a failure is theirs to handle. */
  get watched(): boolean {
    return this.#waiting !== undefined;
  }

  /** The record has come into a batch. */
  place(batch: ProducerBatch, index: number): void {
    // Its sender may have stopped waiting before.
    if (this.#source instanceof Error) return;
    this.#source = batch;
    this.#index = index;
    if (this.#waiting !== undefined) this.#follow(batch, this.#waiting);
  }

  /** The record will never be in a batch, or its sender has stopped waiting. */
  refuse(error: Error): void {
    this.#source = error;
    this.#waiting?.reject(error);
  }

  /**
   * Lets the caller stop waiting. Whoever passes a signal is taken to look.
   *
   * @param aborted makes the error; `placed` tells whether the record may be written all the same.
   */
  followSignal(signal: AbortSignal, aborted: (placed: boolean) => Error): void {
    const onAbort = () => this.refuse(aborted(this.placed !== undefined));
    const done = () => signal.removeEventListener('abort', onAbort);
    this.#promise().then(done, done);
    signal.addEventListener('abort', onAbort, { once: true });
  }

  // biome-ignore lint/suspicious/noThenProperty: this class is a promise.
  then<Resolved = DeliveryResult, Rejected = never>(
    onFulfilled?: ((result: DeliveryResult) => Resolved | PromiseLike<Resolved>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Resolved | Rejected> {
    return this.#promise().then(onFulfilled, onRejected);
  }

  catch<Rejected = never>(
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<DeliveryResult | Rejected> {
    return this.#promise().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<DeliveryResult> {
    return this.#promise().finally(onFinally);
  }

  #promise(): Promise<DeliveryResult> {
    if (this.#waiting !== undefined) return this.#waiting.promise;
    let resolve!: (result: DeliveryResult) => void;
    let reject!: (error: Error) => void;
    const promise = new Promise<DeliveryResult>((onResult, onError) => {
      resolve = onResult;
      reject = onError;
    });
    this.#waiting = { promise, resolve, reject };
    const source = this.#source;
    if (source instanceof Error) reject(source);
    else if (source !== undefined) this.#follow(source, this.#waiting);
    return promise;
  }

  #follow(batch: ProducerBatch, { resolve, reject }: Waiting): void {
    batch.watch(this.#index, 1, (outcome, { first }) => {
      if (outcome.kind === 'failed') reject(outcome.error);
      else resolve(outcome.batch.resultOf(outcome, first));
    });
  }
}
