/** One direction of a client's socket to the coordinator: messages in order, late after a cut. */

import type { Links } from '../network/links.ts';
import type { SimProcess } from '../simProcess.ts';
import type { Scheduler } from '../scheduler.ts';

export interface LaneOptions {
  readonly scheduler: Scheduler;
  readonly links: Links;
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /** Who receives: its freezing delays, its death drops. Undefined for the coordinator. */
  readonly receiver: SimProcess | undefined;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #travelling: (() => void)[] = [];
  #lastArrivalMs = 0;
  #isStalled = false;
  #isClosed = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  send(arrive: () => void): void {
    if (this.#isClosed) return;
    this.#travelling.push(arrive);
    if (!this.#isStalled) this.#scheduleArrival();
  }

  /** What still travels never arrives. */
  close(): void {
    this.#isClosed = true;
    this.#travelling.length = 0;
  }

  #scheduleArrival(): void {
    const { scheduler, links, label, receiver } = this.#options;
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, scheduler.nowMs + links.sampleMs());
    scheduler.at(this.#lastArrivalMs, label, () => this.#arriveNext(), receiver);
  }

  #arriveNext(): void {
    const { links, from, to } = this.#options;
    if (this.#isStalled || this.#travelling.length === 0) return;
    if (!links.isCut(from, to)) {
      this.#travelling.shift()?.();
      return;
    }
    this.#isStalled = true;
    links.whenHealed(from, to, () => {
      this.#isStalled = false;
      for (const _ of this.#travelling) this.#scheduleArrival();
    });
  }
}
