/** A world: scheduler, network, coordinator and nodes that were made from one seed. */

import { SimCoordinator, type SimCoordinatorOptions } from './coordinator/index.ts';
import { SimNetwork, type SimNetworkOptions } from './network/index.ts';
import { type RunOptions, type RunResult, Scheduler } from './scheduler.ts';
import { SimNode, type SimNodeOptions } from './simNode.ts';
import { SimRandom } from './simRandom.ts';

export interface SimulationOptions {
  /** Decides everything that is left open. */
  readonly seed: number;
  readonly network?: SimNetworkOptions;
  readonly coordinator?: SimCoordinatorOptions;
}

export class Simulation {
  readonly seed: number;
  readonly random: SimRandom;
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly coordinator: SimCoordinator;
  readonly #nodes = new Map<string, SimNode>();

  constructor(options: SimulationOptions) {
    this.seed = options.seed;
    this.random = new SimRandom(options.seed, 'world');
    this.scheduler = new Scheduler({ seed: options.seed });
    this.network = new SimNetwork(this.scheduler, this.random.fork('network'), options.network);
    this.coordinator = new SimCoordinator({
      scheduler: this.scheduler,
      random: this.random.fork('coordinator'),
      network: this.network,
      ...options.coordinator,
    });
  }

  /** Virtual milliseconds since the beginning. */
  get nowMs(): number {
    return this.scheduler.nowMs;
  }

  /** Equal for equal seeds, unless something reached the world past the environment. */
  get traceHash(): string {
    return this.scheduler.trace.digest();
  }

  get nodes(): readonly SimNode[] {
    return [...this.#nodes.values()];
  }

  /** The node of this name, made by the first call. */
  node(name: string, options: SimNodeOptions = {}): SimNode {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const node = new SimNode(this, name, options);
    this.#nodes.set(name, node);
    return node;
  }

  run(options: RunOptions = {}): Promise<RunResult> {
    return this.scheduler.run(options);
  }

  settle<Value>(promise: Promise<Value>, options: { timeoutMs?: number } = {}): Promise<Value> {
    return this.scheduler.settle(promise, options);
  }
}
