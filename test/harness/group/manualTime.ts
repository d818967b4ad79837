/** Time that passes only when a test says so, for state machines with timers. */

import type { Clock, Timer, Timers, TimestampMs } from '../../../common/index.ts';

interface Due {
  readonly timeMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** 2026-01-01 UTC. */
const EPOCH_MS = 1_767_225_600_000;

export class ManualTime implements Clock, Timers {
  #nowMs = 5000;
  #order = 0;
  #due: Due[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): TimestampMs {
    return (EPOCH_MS + this.#nowMs) as TimestampMs;
  }

  set(delayMs: number, callback: () => void): Timer {
    const due: Due = {
      timeMs: this.#nowMs + delayMs,
      order: this.#order++,
      run: callback,
      cancelled: false,
    };
    this.#due.push(due);
    return {
      cancel: () => {
        due.cancelled = true;
      },
    };
  }

  afterTurn(callback: () => void): void {
    this.set(0, callback);
  }

  /** Lets so much time pass, timer by timer; promises settle in between. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settled();
    for (;;) {
      this.#due = this.#due.filter(({ cancelled }) => !cancelled);
      this.#due.sort((a, b) => a.timeMs - b.timeMs || a.order - b.order);
      const next = this.#due[0];
      if (next === undefined || next.timeMs > untilMs) break;
      this.#due.shift();
      this.#nowMs = Math.max(this.#nowMs, next.timeMs);
      next.run();
      await settled();
    }
    this.#nowMs = untilMs;
  }
}

/** Turns of the event loop that a model may take for one answer. */
const TURNS = 4;

/** After everything that promises have to do at this moment. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
