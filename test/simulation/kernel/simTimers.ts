/** Timers on virtual time: never early by the node's own clock, often a little late. */

import type { Timer, Timers } from '../../../common/index.ts';
import type { ScheduledEvent } from './scheduler.ts';
import type { SimClock } from './simClock.ts';
import type { SimProcess } from './simProcess.ts';
import type { SimRandom } from './simRandom.ts';

/** Node rounds timers to whole milliseconds and runs them when the loop comes round. */
const LATENESS_MS_MAX = 1;
/** A turn takes up to this long, so that several reads and timers may fall into one turn. */
const TURN_MS_MAX = 0.05;

export class SimTimers implements Timers {
  readonly #process: SimProcess;
  readonly #clock: SimClock;
  readonly #random: SimRandom;
  #endOfTurn: (() => void)[] = [];

  constructor(process: SimProcess, clock: SimClock, random: SimRandom) {
    this.#process = process;
    this.#clock = clock;
    this.#random = random;
  }

  set(delayMs: number, callback: () => void): Timer {
    const dueMs = this.#clock.monotonicMs() + Math.max(1, delayMs);
    let event: ScheduledEvent;
    const wait = (latenessMs: number): void => {
      const remainingMs = dueMs - this.#clock.monotonicMs();
      event = this.#process.after(
        this.#clock.virtualDurationMs(remainingMs) + latenessMs,
        'timer',
        // The clock may have been slowed down meanwhile; and floating point rounds.
        () => (this.#clock.monotonicMs() < dueMs ? wait(0.001) : callback()),
      );
    };
    wait(this.#random.unit() * LATENESS_MS_MAX);
    return { cancel: () => event.cancel() };
  }

  afterTurn(callback: () => void): void {
    this.#endOfTurn.push(callback);
    if (this.#endOfTurn.length > 1) return;
    this.#process.after(this.#random.unit() * TURN_MS_MAX, 'end of turn', () => this.#endTurn());
  }

  /** What these callbacks ask for at the end of the turn belongs to the next turn. */
  #endTurn(): void {
    const callbacks = this.#endOfTurn;
    this.#endOfTurn = [];
    for (const callback of callbacks) callback();
  }
}
