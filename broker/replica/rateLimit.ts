/**
 * How many bytes may go now, so that over time no more than so many go in a second. Pure but for the
 * clock.
 *
 * A bucket that fills at the rate, up to what a second brings. A record batch cannot be cut, so what
 * is taken may exceed what is there: the debt is waited for. Kafka's window of samples lets a whole
 * response of 10 MB through and then forgets what is older than 11 seconds; here the rate holds
 * however large the batches are.
 *
 * After it ran dry, nothing is given before a tenth of a second's worth has come together: otherwise
 * each byte that drips in would send a batch of its own.
 */

import type { Clock } from '../../common/index.ts';

/** Most that gathers while nothing is taken. */
const BURST_MS = 1_000;
/** Least that is given at a time. */
const QUANTUM_MS = 100;
/** Most that may be owed for bytes that could not be held back. */
const UNAVOIDABLE_DEBT_MS = 10_000;

export const NO_RATE_LIMIT: number = Number.MAX_SAFE_INTEGER;

export class RateLimit {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #bytesPerSecond = NO_RATE_LIMIT;
  /** What may be taken, as of `#asOfMs`. Below 0: owed. Meaningless without a limit. */
  #bytes = 0;
  #asOfMs = 0;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** `NO_RATE_LIMIT` for none. */
  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  /** Takes effect at once. What is owed stays owed, in bytes. */
  setRate(bytesPerSecond: number): void {
    if (bytesPerSecond === this.#bytesPerSecond) return;
    const wasLimited = this.#isLimited;
    this.#refill();
    this.#bytesPerSecond = bytesPerSecond;
    const burst = this.#worth(BURST_MS);
    this.#bytes = wasLimited ? Math.min(this.#bytes, burst) : burst;
  }

  /** Bytes that may be taken now: 0 for none, infinite without a limit. */
  get available(): number {
    if (!this.#isLimited) return Number.POSITIVE_INFINITY;
    this.#refill();
    return this.#bytes >= this.#worth(QUANTUM_MS) ? Math.floor(this.#bytes) : 0;
  }

  /** Milliseconds until there are any; 0 where there are. */
  get waitMs(): number {
    if (this.available > 0) return 0;
    const missing = this.#worth(QUANTUM_MS) - this.#bytes;
    return Math.ceil((missing / this.#bytesPerSecond) * 1_000);
  }

  /** They went, more than were available or not. */
  take(bytes: number): void {
    if (!this.#isLimited) return;
    this.#refill();
    this.#bytes -= bytes;
  }

  /**
   * They went although nobody could hold them back. Others make room for them, but not for ever: as
   * in a window of ten seconds, what went before is forgotten.
   */
  note(bytes: number): void {
    if (!this.#isLimited) return;
    this.#refill();
    const floor = Math.min(this.#bytes, -this.#worth(UNAVOIDABLE_DEBT_MS));
    this.#bytes = Math.max(this.#bytes - bytes, floor);
  }

  get #isLimited(): boolean {
    return this.#bytesPerSecond !== NO_RATE_LIMIT;
  }

  #worth(ms: number): number {
    // A rate below ten bytes a second must still let a byte through.
    return Math.max(1, (this.#bytesPerSecond * ms) / 1_000);
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    const elapsedMs = nowMs - this.#asOfMs;
    this.#asOfMs = nowMs;
    if (!this.#isLimited) return;
    const gained = (this.#bytesPerSecond * elapsedMs) / 1_000;
    this.#bytes = Math.min(this.#bytes + gained, Math.max(this.#worth(BURST_MS), this.#bytes));
  }
}
