/** How long a call may still wait, and whether its caller has lost interest. */

import type { ClientEnvironment } from '../../common/index.ts';
import type { CallOptions } from '../callOptions.ts';
import { ClientError } from '../errors.ts';

/** Longest wait that is told to timers and brokers: 24 days. */
const WAIT_MS_MAX = 2 ** 31 - 1;

export class Deadline {
  readonly signal: AbortSignal | undefined;
  readonly #environment: Pick<ClientEnvironment, 'clock' | 'timers'>;
  readonly #what: string;
  readonly #timeoutMs: number;
  readonly #deadlineMs: number;

  /**
   * @param what the call, for messages: "createTopic".
   * @param options `timeoutMs` must be given here; Infinity for no limit.
   */
  constructor(
    environment: Pick<ClientEnvironment, 'clock' | 'timers'>,
    what: string,
    options: CallOptions & { readonly timeoutMs: number },
  ) {
    this.#environment = environment;
    this.#what = what;
    this.#timeoutMs = options.timeoutMs;
    this.#deadlineMs = environment.clock.monotonicMs() + options.timeoutMs;
    this.signal = options.signal;
  }

  /** Milliseconds, at least 0. */
  get remainingMs(): number {
    const remaining = this.#deadlineMs - this.#environment.clock.monotonicMs();
    return Math.min(Math.max(remaining, 0), WAIT_MS_MAX);
  }

  /** @throws {ClientError} TIMED_OUT or ABORTED, when it is so. */
  check(cause?: unknown): void {
    if (this.signal?.aborted === true) throw this.#aborted();
    if (this.#deadlineMs <= this.#environment.clock.monotonicMs()) throw this.#timedOut(cause);
  }

  /** Resolves after `ms`, or rejects as soon as the deadline or the signal ends the wait. */
  async sleep(ms: number, cause?: unknown): Promise<void> {
    this.check(cause);
    let timer: { cancel(): void } | undefined;
    const slept = new Promise<void>((resolve) => {
      timer = this.#environment.timers.set(Math.min(ms, WAIT_MS_MAX), resolve);
    });
    try {
      await this.race(slept, cause);
    } finally {
      timer?.cancel();
    }
  }

  /** The promise's result, unless the deadline or the signal comes first. */
  race<T>(promise: Promise<T>, cause?: unknown): Promise<T> {
    if (this.signal === undefined && this.#timeoutMs === Number.POSITIVE_INFINITY) return promise;
    return new Promise<T>((resolve, reject) => {
      const { signal } = this;
      const timer =
        this.#timeoutMs === Number.POSITIVE_INFINITY
          ? undefined
          : this.#environment.timers.set(this.remainingMs, () => {
              settle();
              reject(this.#timedOut(cause));
            });
      const onAbort = () => {
        settle();
        reject(this.#aborted());
      };
      const settle = () => {
        timer?.cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      promise.then(
        (value) => {
          settle();
          resolve(value);
        },
        (error: unknown) => {
          settle();
          reject(error);
        },
      );
      if (signal?.aborted === true) onAbort();
    });
  }

  #timedOut(cause: unknown): ClientError {
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    return new ClientError(
      'TIMED_OUT',
      `${this.#what} was not done within ${this.#timeoutMs} ms${reason}`,
      { cause },
    );
  }

  #aborted(): ClientError {
    return new ClientError('ABORTED', `${this.#what} was aborted by its caller`, {
      cause: this.signal?.reason,
    });
  }
}
