/**
 * The heart of the simulation: virtual time, one thread, one event after the other.
 *
 * Each event runs to completion, then one real turn of the event loop (`setImmediate`) lets every
 * promise settle before the next event is looked at. Virtual time stands still meanwhile. So code
 * under test may use promises freely and still runs the same way for the same seed.
 */

import { type EventOwner, EventQueue, type SimEvent } from './eventQueue.ts';
import { SimRandom } from './simRandom.ts';
import { TraceHash } from './traceHash.ts';

export interface ScheduledEvent {
  /** Safe to call twice, and after the event ran. */
  cancel(): void;
}

export interface RunOptions {
  /** Stops before the first event after this virtual time, which is then the time. */
  readonly untilMs?: number;
  /** The same, from now. */
  readonly forMs?: number;
  /** Looked at before every event; stops when true. */
  readonly condition?: () => boolean;
  /** Stops after so many events. Default 5,000,000, against loops without end. */
  readonly maxEvents?: number;
}

export interface RunResult {
  readonly events: number;
  /** `idle`: nothing is scheduled any more. */
  readonly reason: 'idle' | 'time' | 'condition' | 'maxEvents';
}

/** Thrown where a promise did not settle within its virtual time, or can never settle. */
export class SimulationStalled extends Error {
  override readonly name = 'SimulationStalled';
}

const MAX_EVENTS_DEFAULT = 5_000_000;

export class Scheduler {
  readonly random: SimRandom;
  readonly trace = new TraceHash();
  /** Called with what an event of a process threw; without it the run rejects with it. */
  onEventError: ((error: unknown, owner: EventOwner | undefined) => void) | undefined;
  #nowMs = 0;
  #eventCount = 0;
  #lastOwner: EventOwner | undefined;
  #sequence = 0;
  #running = false;
  #external = 0;
  readonly #queue = new EventQueue();
  readonly #tiebreaks: SimRandom;

  constructor(options: { readonly seed: number }) {
    this.random = new SimRandom(options.seed, 'scheduler');
    this.#tiebreaks = this.random.fork('tiebreak');
  }

  /** Virtual milliseconds since the simulation began; no node sees this clock itself. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events run so far. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Whose event ran last; undefined where it was the world's. */
  get lastOwner(): EventOwner | undefined {
    return this.#lastOwner;
  }

  /** Events waiting, cancelled ones included until their time comes. */
  get pendingCount(): number {
    return this.#queue.length;
  }

  /**
   * Runs `run` in `delayMs` of virtual time. Events of one instant run in seeded random order.
   *
   * @param label what it is, in a few fixed words: it goes into the trace hash.
   * @param owner the process whose death drops the event and whose freezing delays it.
   */
  after(delayMs: number, label: string, run: () => void, owner?: EventOwner): ScheduledEvent {
    return this.at(this.#nowMs + Math.max(0, delayMs), label, run, owner);
  }

  /** As `after`, at an absolute virtual time (not before now). */
  at(timeMs: number, label: string, run: () => void, owner?: EventOwner): ScheduledEvent {
    const event: SimEvent = {
      timeMs: Math.max(timeMs, this.#nowMs),
      tiebreak: this.#tiebreaks.uint32(),
      sequence: this.#sequence++,
      label,
      owner,
      run,
      cancelled: false,
    };
    this.#queue.push(event);
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  /**
   * Tells that real asynchronous work (the import of a module) is under way: virtual time stands
   * still until it has settled, so its real duration changes nothing.
   */
  external<Value>(work: Promise<Value>): Promise<Value> {
    this.#external += 1;
    const done = (): void => {
      this.#external -= 1;
    };
    work.then(done, done);
    return work;
  }

  /** Runs events until the first of the given ends, or until nothing is left. */
  run(options: RunOptions = {}): Promise<RunResult> {
    if (this.#running) throw new Error('The scheduler is running already: await the first run');
    this.#running = true;
    const untilMs =
      options.untilMs ?? (options.forMs === undefined ? Infinity : this.#nowMs + options.forMs);
    const first = this.#eventCount;
    const limits = {
      untilMs,
      maxEvents: first + (options.maxEvents ?? MAX_EVENTS_DEFAULT),
      ...(options.condition === undefined ? {} : { condition: options.condition }),
    };
    return new Promise((resolve, reject) => {
      const step = (): void => {
        if (this.#external > 0) {
          setTimeout(step, 1);
          return;
        }
        try {
          const reason = this.#step(limits);
          if (reason === undefined) {
            setImmediate(step);
            return;
          }
          this.#running = false;
          resolve({ events: this.#eventCount - first, reason });
        } catch (error) {
          this.#running = false;
          reject(error);
        }
      };
      setImmediate(step);
    });
  }

  /**
   * Runs events until `promise` has settled, and settles like it.
   *
   * @param options.timeoutMs virtual time allowed; default ten minutes.
   * @throws {SimulationStalled} when the time is over, or when nothing is left that could settle it.
   */
  async settle<Value>(
    promise: Promise<Value>,
    options: { readonly timeoutMs?: number; readonly maxEvents?: number } = {},
  ): Promise<Value> {
    const timeoutMs = options.timeoutMs ?? 600_000;
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    const result = await this.run({
      forMs: timeoutMs,
      condition: () => settled,
      ...(options.maxEvents === undefined ? {} : { maxEvents: options.maxEvents }),
    });
    if (settled) return promise;
    throw new SimulationStalled(
      result.reason === 'idle'
        ? `Nothing is scheduled that could settle the promise (at ${this.#nowMs} ms)`
        : `The promise did not settle (${result.reason}: ${result.events} events in ${timeoutMs} ms)`,
    );
  }

  /** Runs one event. @returns why there is nothing to run, or undefined after an event. */
  #step(limits: {
    readonly untilMs: number;
    readonly maxEvents: number;
    readonly condition?: () => boolean;
  }): RunResult['reason'] | undefined {
    if (limits.condition?.() === true) return 'condition';
    if (this.#eventCount >= limits.maxEvents) return 'maxEvents';
    const event = this.#nextUntil(limits.untilMs);
    if (event === undefined) return this.#queue.length === 0 ? 'idle' : 'time';
    this.#execute(event);
    return undefined;
  }

  /** The next event that is due by `untilMs`, with time moved to it (or to `untilMs`). */
  #nextUntil(untilMs: number): SimEvent | undefined {
    for (;;) {
      const event = this.#queue.peek();
      if (event === undefined || event.timeMs > untilMs) {
        if (Number.isFinite(untilMs)) this.#nowMs = Math.max(this.#nowMs, untilMs);
        return undefined;
      }
      this.#queue.pop();
      if (event.cancelled || event.owner?.state === 'dead') continue;
      this.#nowMs = event.timeMs;
      if (event.owner?.state !== 'frozen') return event;
      event.owner.hold(event);
    }
  }

  #execute(event: SimEvent): void {
    this.#eventCount += 1;
    this.#lastOwner = event.owner;
    this.trace.addNumber(this.#eventCount);
    this.trace.addNumber(event.timeMs);
    if (event.owner !== undefined) this.trace.addLabel(event.owner.name);
    this.trace.addLabel(event.label);
    try {
      event.run();
    } catch (error) {
      if (this.onEventError === undefined) throw error;
      this.onEventError(error, event.owner);
    }
  }
}
