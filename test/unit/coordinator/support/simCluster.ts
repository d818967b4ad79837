/** A simulated cluster of everything under coordinator/: real session, membership and controller. */

import { type BrokerId, brokerId, type Environment } from '../../../../common/index.ts';
import {
  Controller,
  type ControllerOptions,
  CoordinatorSession,
  Membership,
} from '../../../../coordinator/index.ts';
import { type SimNode, Simulation } from '../../../simulation/kernel/index.ts';
import { CollectingLogger } from './collectingLogger.ts';
import { FakeBrokers } from './fakeBrokers.ts';

export interface ClusterBroker {
  readonly id: BrokerId;
  readonly node: SimNode;
  readonly session: CoordinatorSession;
  readonly membership: Membership;
  readonly controller: Controller;
  readonly logger: CollectingLogger;
}

export interface SimClusterOptions {
  readonly seed?: number;
  readonly sessionTimeoutMs?: number;
  readonly racks?: Readonly<Record<number, string>>;
  /** Puts something between a broker and ZooKeeper. */
  readonly wrap?: (environment: Environment, id: number) => Environment;
}

export const createRequest = (
  name: string,
  options: { partitions?: number; configs?: Record<string, string>; timeoutMs?: number } = {},
) => ({
  timeoutMs: options.timeoutMs ?? 20_000,
  validateOnly: false,
  forwarded: false,
  topics: [
    {
      name,
      partitionCount: options.partitions ?? 3,
      replicationFactor: 1,
      assignments: null,
      configs: Object.entries(options.configs ?? {}).map(([key, value]) => ({ name: key, value })),
    },
  ],
});

export const deleteRequest = (name: string, timeoutMs = 20_000) => ({
  timeoutMs,
  forwarded: false,
  names: [name],
});

export class SimCluster {
  readonly simulation: Simulation;
  readonly brokers = new Map<number, ClusterBroker>();
  readonly fakes = new FakeBrokers();
  readonly #options: SimClusterOptions;

  constructor(options: SimClusterOptions = {}) {
    this.#options = options;
    this.simulation = new Simulation({
      seed: options.seed ?? 1,
      coordinator: { tickMs: 500 },
    });
  }

  /** Starts a broker up to its registration, on a fresh node or after a crash. */
  async start(id: number, options: Partial<ControllerOptions> = {}): Promise<ClusterBroker> {
    const node = this.simulation.node(`broker-${id}`);
    const world = node.incarnation === 0 ? node.environment() : node.restart();
    const environment = this.#options.wrap?.(world, id) ?? world;
    const logger = new CollectingLogger();
    const session = new CoordinatorSession(
      environment,
      {
        servers: 'coordinator:2181',
        sessionTimeoutMs: this.#options.sessionTimeoutMs ?? 6_000,
      },
      logger,
    );
    const membership = new Membership(environment, session, logger);
    const controller = new Controller(
      environment,
      { session, membership, pusher: this.fakes },
      {
        brokerId: brokerId(id),
        defaultPartitionCount: 1,
        defaultReplicationFactor: 1,
        validateTopicConfigs: (configs) =>
          configs.has('no.such.config') ? 'Unknown configuration "no.such.config"' : undefined,
        ...options,
      },
      logger,
    );
    const broker = { id: brokerId(id), node, session, membership, controller, logger };
    session.start();
    const registered = membership.joinCluster().then(() => {
      const rack = this.#options.racks?.[id];
      return membership.register({
        brokerId: brokerId(id),
        nativeEndpoints: [{ host: node.name, port: 9192 }],
        directoryId: `directory-${id}`,
        ...(rack === undefined ? {} : { rack }),
      });
    });
    await this.simulation.settle(registered, { timeoutMs: 60_000 });
    controller.start();
    this.brokers.set(id, broker);
    return broker;
  }

  /** kill -9. */
  kill(id: number): void {
    this.brokers.get(id)?.node.crash();
    this.brokers.delete(id);
    this.fakes.forget(id);
  }

  /** The one broker that decides, once there is one and it knows all others. */
  async controller(): Promise<ClusterBroker> {
    const find = (): ClusterBroker | undefined =>
      [...this.brokers.values()].find(({ controller }) => controller.active);
    const knowsAll = (): boolean =>
      this.fakes.get(find()?.id ?? -1).brokers.length === this.brokers.size;
    await this.until(() => find() !== undefined && knowsAll(), 'a controller knows all brokers');
    return find() as ClusterBroker;
  }

  async until(condition: () => boolean, what: string, timeoutMs = 120_000): Promise<void> {
    const endMs = this.simulation.nowMs + timeoutMs;
    await this.simulation.run({ untilMs: endMs, condition });
    if (!condition()) throw new Error(`Waited ${timeoutMs} virtual ms in vain: ${what}`);
  }

  async pass(milliseconds: number): Promise<void> {
    await this.simulation.run({ untilMs: this.simulation.nowMs + milliseconds });
  }

  settle<Value>(promise: Promise<Value>, timeoutMs = 120_000): Promise<Value> {
    return this.simulation.settle(promise, { timeoutMs });
  }

  json(path: string): unknown {
    const data = this.simulation.coordinator.data(path);
    return data === undefined ? undefined : JSON.parse(data.toString('utf8'));
  }

  paths(prefix: string): readonly string[] {
    return this.simulation.coordinator.paths().filter((path) => path.startsWith(prefix));
  }
}
