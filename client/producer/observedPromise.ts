/**
 * A promise that knows whether somebody looks at it: its failure is never an unhandled rejection, and
 * whoever keeps it can report what nobody saw.
 */
export class ObservedPromise<T> implements Promise<T> {
  readonly #promise: Promise<T>;
  #watched = false;
  #error: Error | undefined;
  /** Resolves when the promise has settled, either way, and `error` is set. */
  readonly settled: Promise<void>;

  constructor(promise: Promise<T>) {
    this.#promise = promise;
    this.settled = promise.then(
      () => undefined,
      (error: unknown) => {
        this.#error = error instanceof Error ? error : new Error(String(error));
      },
    );
  }

  get [Symbol.toStringTag](): string {
    return 'ObservedPromise';
  }

  get watched(): boolean {
    return this.#watched;
  }

  /** What it was rejected with. */
  get error(): Error | undefined {
    return this.#error;
  }

  // biome-ignore lint/suspicious/noThenProperty: this class is a promise.
  then<Resolved = T, Rejected = never>(
    onFulfilled?: ((result: T) => Resolved | PromiseLike<Resolved>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Resolved | Rejected> {
    this.#watched = true;
    return this.#promise.then(onFulfilled, onRejected);
  }

  catch<Rejected = never>(
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<T | Rejected> {
    this.#watched = true;
    return this.#promise.catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    this.#watched = true;
    return this.#promise.finally(onFinally);
  }
}
