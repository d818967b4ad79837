/** Holds the reads and writes of the cleaner to so many bytes a second. */

import type { Environment, Timer } from '../../../common/index.ts';

export class IoThrottle {
  readonly #environment: Pick<Environment, 'clock' | 'timers'>;
  readonly #bytesPerSecond: number;
  /** Monotonic time at which what was counted so far may be over. */
  #paidUntilMs = 0;
  readonly #waiting = new Map<() => void, Timer>();
  #isStopped = false;

  /** @param bytesPerSecond above 0; infinite for no limit. */
  constructor(environment: Pick<Environment, 'clock' | 'timers'>, bytesPerSecond: number) {
    this.#environment = environment;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Counts bytes that were read or written. Resolves when the next may be. */
  async spend(byteCount: number): Promise<void> {
    const { clock, timers } = this.#environment;
    const costMs = (byteCount / this.#bytesPerSecond) * 1000;
    const nowMs = clock.monotonicMs();
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs) + costMs;
    const waitMs = this.#paidUntilMs - nowMs;
    if (waitMs < WAIT_MS_MIN || this.#isStopped) return;
    await new Promise<void>((resolve) => {
      const go = () => {
        this.#waiting.delete(go);
        resolve();
      };
      this.#waiting.set(go, timers.set(waitMs, go, { keepsProcessAlive: false }));
    });
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#isStopped = true;
    for (const [go, timer] of [...this.#waiting]) {
      timer.cancel();
      go();
    }
  }
}

/** A timer for less is not worth it: the debt is kept. */
const WAIT_MS_MIN = 5;
