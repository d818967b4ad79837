/**
 * The two ways through a consumer. Written out instead of generated: an async generator costs
 * several promises a record, this one promise a record and none that waits.
 */

import type { ConsumedBatch, ConsumedRecord } from './consumedRecord.ts';
import type { FetchedReader } from './fetchedBatch.ts';
import type { Fetched } from './fetcher.ts';

/** What an iterator needs of its consumer. */
export interface IterationHost<Key, Value> {
  /** @throws {TypeError} an iteration is under way already. */
  begin(): void;
  end(): void;
  take(): Promise<Fetched<Key, Value> | undefined>;
  stillWanted(fetched: Fetched<Key, Value>): boolean;
}

type Result<T> = IteratorResult<T, undefined>;

const DONE = { done: true, value: undefined } as const;

abstract class Iteration<Key, Value, T> implements AsyncIterableIterator<T> {
  protected readonly host: IterationHost<Key, Value>;
  #phase: 'new' | 'running' | 'done' = 'new';
  /** Calls of `next` queue here: each waits for the one before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(host: IterationHost<Key, Value>) {
    this.host = host;
  }

  /** Something that is at hand. @throws what makes the iteration fail. */
  protected abstract atHand(): T | undefined;

  /** Takes over what was fetched. */
  protected abstract accept(fetched: Fetched<Key, Value>): void;

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result<T>> {
    if (this.#phase === 'running') {
      try {
        const value = this.atHand();
        if (value !== undefined) return Promise.resolve({ done: false, value });
      } catch (error) {
        return Promise.reject(this.#failed(error));
      }
    }
    const result = this.#last.then(() => this.#fetchNext());
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Called by `for await` when its loop is left. */
  return(): Promise<Result<T>> {
    this.#finish();
    return Promise.resolve(DONE);
  }

  async #fetchNext(): Promise<Result<T>> {
    if (this.#phase === 'done') return DONE;
    if (this.#phase === 'new') {
      this.host.begin();
      this.#phase = 'running';
    }
    try {
      for (;;) {
        const value = this.atHand();
        if (value !== undefined) return { done: false, value };
        const fetched = await this.host.take();
        if (this.#isDone()) return DONE;
        if (fetched === undefined) {
          this.#finish();
          return DONE;
        }
        this.accept(fetched);
      }
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** Left while `take` was waiting. */
  #isDone(): boolean {
    return this.#phase === 'done';
  }

  #failed(error: unknown): unknown {
    this.#finish();
    return error;
  }

  #finish(): void {
    if (this.#phase === 'running') this.host.end();
    this.#phase = 'done';
  }
}

export class RecordIterator<Key, Value> extends Iteration<Key, Value, ConsumedRecord<Key, Value>> {
  #fetched: Fetched<Key, Value> | undefined;
  #reader: FetchedReader<Key, Value> | undefined;

  protected atHand(): ConsumedRecord<Key, Value> | undefined {
    const fetched = this.#fetched;
    if (fetched === undefined) return undefined;
    if (this.host.stillWanted(fetched)) {
      const record = this.#reader!.next();
      if (record !== undefined) {
        fetched.state.position = record.offset + 1;
        return record;
      }
      fetched.state.position = fetched.batch.nextOffset;
    }
    this.#fetched = undefined;
    return undefined;
  }

  protected accept(fetched: Fetched<Key, Value>): void {
    this.#fetched = fetched;
    this.#reader = fetched.batch.reader();
  }
}

export class BatchIterator<Key, Value> extends Iteration<Key, Value, ConsumedBatch<Key, Value>> {
  #fetched: Fetched<Key, Value> | undefined;

  protected atHand(): ConsumedBatch<Key, Value> | undefined {
    const fetched = this.#fetched;
    this.#fetched = undefined;
    if (fetched === undefined || !this.host.stillWanted(fetched)) return undefined;
    // What is handed out counts as read.
    fetched.state.position = fetched.batch.nextOffset;
    return fetched.batch.length > 0 ? fetched.batch : undefined;
  }

  protected accept(fetched: Fetched<Key, Value>): void {
    this.#fetched = fetched;
  }
}
