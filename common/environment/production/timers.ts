/**
 * Timers of the event loop, with two of Node's habits corrected: it may call up to a millisecond
 * early, since it counts in whole milliseconds, and it calls at once when the delay does not fit
 * into 31 bits.
 */

import type { Timer, TimerOptions, Timers } from '../timers.ts';

/** Node's longest delay: 24.8 days. Longer ones are waited for in pieces. */
const DELAY_MS_MAX = 2 ** 31 - 1;

class SystemTimer implements Timer {
  readonly #deadlineMs: number;
  readonly #callback: () => void;
  readonly #keepsProcessAlive: boolean;
  #handle: NodeJS.Timeout | undefined;

  constructor(delayMs: number, callback: () => void, options: TimerOptions) {
    this.#deadlineMs = performance.now() + delayMs;
    this.#callback = callback;
    this.#keepsProcessAlive = options.keepsProcessAlive ?? true;
    this.#arm(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }

  #arm(delayMs: number): void {
    this.#handle = setTimeout(
      () => {
        const remainingMs = this.#deadlineMs - performance.now();
        if (remainingMs > 0) {
          this.#arm(remainingMs);
          return;
        }
        this.#handle = undefined;
        this.#callback();
      },
      Math.min(Math.ceil(delayMs), DELAY_MS_MAX),
    );
    if (!this.#keepsProcessAlive) this.#handle.unref();
  }
}

export const systemTimers: Timers = {
  set: (delayMs, callback, options = {}) => new SystemTimer(delayMs, callback, options),
  /** The check phase of libuv's loop follows the poll phase, in which sockets are read. */
  afterTurn: (callback) => {
    setImmediate(callback);
  },
};
