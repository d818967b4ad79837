/** Which host can reach which, and how long it takes. */

import type { Scheduler } from '../scheduler.ts';
import type { SimRandom } from '../simRandom.ts';

export interface LatencyOptions {
  /** Least one-way time. Default 0.05 ms. */
  readonly leastMs?: number;
  /** Mean of what comes on top, exponentially distributed. Default 0.2 ms. */
  readonly meanMs?: number;
  /** Probability of a stall. Default 0.001. */
  readonly stallProbability?: number;
  /** Mean length of a stall. Default 40 ms, a retransmission on a quick network. */
  readonly stallMs?: number;
}

/** TCP sends a lost segment again after about so long. */
const RETRANSMISSION_MS_MEAN = 200;

export class Links {
  readonly #scheduler: Scheduler;
  readonly #random: SimRandom;
  readonly #latency: Required<LatencyOptions>;
  /** `from>to`, for each direction that is cut. */
  readonly #cuts = new Set<string>();
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(scheduler: Scheduler, random: SimRandom, latency: LatencyOptions = {}) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#latency = {
      leastMs: 0.05,
      meanMs: 0.2,
      stallProbability: 0.001,
      stallMs: 40,
      ...latency,
    };
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  cutOneWay(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  /** What waited goes on after a retransmission each. */
  healOneWay(from: string, to: string): void {
    const key = `${from}>${to}`;
    this.#cuts.delete(key);
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    for (const callback of waiting) {
      this.#scheduler.after(
        this.#random.exponential(RETRANSMISSION_MS_MEAN),
        'network: heal',
        callback,
      );
    }
  }

  healAll(): void {
    for (const key of [...this.#cuts]) {
      const [from, to] = key.split('>') as [string, string];
      this.healOneWay(from, to);
    }
  }

  /** Calls back, once, some time after the direction has been healed. */
  whenHealed(from: string, to: string, callback: () => void): void {
    const key = `${from}>${to}`;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#waiting.set(key, [callback]);
    else waiting.push(callback);
  }

  /** One-way time of one message. Nodes on one host are near, but not at zero distance. */
  sampleMs(): number {
    const { leastMs, meanMs, stallProbability, stallMs } = this.#latency;
    const stall = this.#random.chance(stallProbability) ? this.#random.exponential(stallMs) : 0;
    return leastMs + this.#random.exponential(meanMs) + stall;
  }
}
