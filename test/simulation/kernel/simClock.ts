/** A node's two clocks, which may run wrong in every way in which real ones do. */

import type { Clock, TimestampMs } from '../../../common/index.ts';
import type { Scheduler } from './scheduler.ts';

export interface SimClockOptions {
  /** Wall time at virtual time 0, in ms since 1970. Default 2026-01-01. */
  readonly epochMs?: number;
  /** Added to the wall clock of this node. */
  readonly offsetMs?: number;
  /** 0.001: both clocks gain one millisecond a second. */
  readonly drift?: number;
}

const EPOCH_MS = Date.UTC(2026, 0, 1);

export class SimClock implements Clock {
  readonly #scheduler: Scheduler;
  #wallBaseMs: number;
  #drift: number;
  /** Virtual time and own monotonic time at the last change of drift. */
  #anchorMs: number;
  #monotonicAtAnchorMs: number;

  constructor(scheduler: Scheduler, options: SimClockOptions = {}) {
    this.#scheduler = scheduler;
    this.#drift = options.drift ?? 0;
    this.#anchorMs = scheduler.nowMs;
    // Not zero: whoever takes "0" for "never" should be found out.
    this.#monotonicAtAnchorMs = 1000 + scheduler.nowMs;
    this.#wallBaseMs = (options.epochMs ?? EPOCH_MS) + (options.offsetMs ?? 0) - 1000;
  }

  monotonicMs(): number {
    const elapsedMs = this.#scheduler.nowMs - this.#anchorMs;
    return this.#monotonicAtAnchorMs + elapsedMs * (1 + this.#drift);
  }

  wallMs(): TimestampMs {
    return Math.floor(this.#wallBaseMs + this.monotonicMs()) as TimestampMs;
  }

  /** Moves the wall clock, either way; the monotonic clock does not notice. */
  jumpWall(byMs: number): void {
    this.#wallBaseMs += byMs;
  }

  /** From now on both clocks run `1 + drift` times as fast as virtual time. */
  setDrift(drift: number): void {
    this.#monotonicAtAnchorMs = this.monotonicMs();
    this.#anchorMs = this.#scheduler.nowMs;
    this.#drift = drift;
  }

  /** Virtual milliseconds in which the monotonic clock advances by `monotonicMs`. */
  virtualDurationMs(monotonicMs: number): number {
    return monotonicMs / (1 + this.#drift);
  }
}
