/** One life of a program on a node, from its start to its crash. */

import type { EventOwner, SimEvent } from './eventQueue.ts';
import type { ScheduledEvent, Scheduler } from './scheduler.ts';

/**
 * Owner of timers, callbacks and completions: once dead, none of them ever runs again; while
 * frozen they gather and run, in their order, after the thaw. Clocks go on while it is frozen.
 */
export class SimProcess implements EventOwner {
  readonly name: string;
  /** Counts the lives of the node from 1. */
  readonly incarnation: number;
  readonly scheduler: Scheduler;
  #state: EventOwner['state'] = 'running';
  #held: SimEvent[] = [];

  constructor(options: {
    readonly name: string;
    readonly incarnation: number;
    readonly scheduler: Scheduler;
  }) {
    this.name = options.name;
    this.incarnation = options.incarnation;
    this.scheduler = options.scheduler;
  }

  get state(): EventOwner['state'] {
    return this.#state;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  /** Runs `run` after `delayMs`, unless the process is dead by then. */
  after(delayMs: number, label: string, run: () => void): ScheduledEvent {
    return this.scheduler.after(delayMs, label, run, this);
  }

  hold(event: SimEvent): void {
    this.#held.push(event);
  }

  /** SIGSTOP, or a long pause of the garbage collector. */
  freeze(): void {
    if (this.#state === 'running') this.#state = 'frozen';
  }

  /** SIGCONT: what came due meanwhile runs now, in the order in which it came due. */
  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'running';
    const held = this.#held;
    this.#held = [];
    this.#runHeld(held, 0);
  }

  /** For ever: a node that starts again gets a new process. */
  die(): void {
    this.#state = 'dead';
    this.#held = [];
  }

  #runHeld(held: readonly SimEvent[], index: number): void {
    const event = held[index];
    if (event === undefined) return;
    this.after(0, event.label, () => {
      this.#runHeld(held, index + 1);
      if (!event.cancelled) event.run();
    });
  }
}
