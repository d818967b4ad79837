/** What the named cases share: a small cluster, one topic "flights" of one partition, its replicas. */

import type { Producer } from '../../../client/index.ts';
import type { Partition } from '../../../broker/replica/index.ts';
import { ReplicationInvariants } from '../invariants/replicationInvariants.ts';
import { writtenState } from '../invariants/controllerState.ts';
import { checkReplicas } from './replicaBytes.ts';
import type { SimBroker } from './simBroker.ts';
import { SimCluster } from './simCluster.ts';

export const TOPIC = 'flights';

export interface StoryOptions {
  readonly seed?: number;
  readonly brokerCount: number;
  /** Starts first, and so is the controller. */
  readonly controller?: number;
  /** Brokers that hold the partition, preferred leader first. */
  readonly replicas: readonly number[];
  readonly minInsyncReplicas?: number;
  /** Further lines of `server.properties`. */
  readonly properties?: readonly string[];
}

export class Story {
  readonly cluster: SimCluster;
  readonly client: ReturnType<SimCluster['client']>;
  readonly #invariants: ReplicationInvariants;
  readonly #controller: number | undefined;
  readonly #replicas: readonly number[];
  readonly #minInsyncReplicas: number;

  constructor(options: StoryOptions) {
    const { seed = 1, brokerCount, replicas, properties = [], minInsyncReplicas = 1 } = options;
    this.cluster = new SimCluster({ seed, brokerCount, properties });
    this.client = this.cluster.client('client');
    this.#controller = options.controller;
    this.#replicas = replicas;
    this.#minInsyncReplicas = minInsyncReplicas;
    const topic = { name: TOPIC, minInsyncReplicas, isDurable: true };
    this.#invariants = new ReplicationInvariants(this.cluster, [topic]);
    this.cluster.onStep = () => this.#invariants.check();
  }

  /** All brokers are up and the topic stands. */
  async begin(): Promise<void> {
    const { cluster, client } = this;
    if (this.#controller !== undefined) {
      const controller = this.broker(this.#controller);
      controller.start();
      await cluster.until('the controller is ready', () => controller.isReady);
    }
    cluster.startAll();
    await cluster.until('the brokers are ready', () => cluster.areAllReady);
    const configs = { 'min.insync.replicas': this.#minInsyncReplicas };
    const topic = { topic: TOPIC, assignments: [this.#replicas], configs };
    await cluster.settle('the topic is created', client.admin().createTopic(topic));
  }

  broker(id: number): SimBroker {
    const broker = this.cluster.brokers[id - 1];
    if (broker === undefined) throw new Error(`There is no broker ${id}`);
    return broker;
  }

  /** The replica of a running broker. */
  replica(id: number): Partition | undefined {
    return this.broker(id).partitions.get(`${TOPIC}-0`);
  }

  /** In-sync replicas as ZooKeeper has them, ascending. */
  get isr(): readonly number[] {
    const { coordinator } = this.cluster.simulation;
    const state = writtenState(coordinator, TOPIC, { index: 0, replicas: this.#replicas });
    return [...(state?.isr ?? [])].sort((one, other) => one - other);
  }

  producer(acks: 'all' | 1): Producer {
    return this.client.producer({ acks, deliveryTimeoutMs: 30_000 });
  }

  send(producer: Producer, value: string): ReturnType<Producer['send']> {
    return producer.send({ topic: TOPIC, partition: 0, value });
  }

  untilLeads(id: number): Promise<void> {
    return this.cluster.until(`broker ${id} leads`, () => this.replica(id)?.isLeader === true);
  }

  untilInSync(ids: readonly number[], timeoutMs = 60_000): Promise<void> {
    const wanted = ids.join();
    return this.cluster.until(`${wanted} are in sync`, () => this.isr.join() === wanted, timeoutMs);
  }

  /** The process dies, and ZooKeeper notices at once. */
  kill(id: number): void {
    const { node } = this.broker(id);
    this.cluster.simulation.coordinator.expireSessions(node.name);
    this.broker(id).crash();
  }

  cut(one: number, other: number): void {
    this.cluster.simulation.network.cut(`broker-${one}`, `broker-${other}`);
  }

  heal(one: number, other: number): void {
    this.cluster.simulation.network.heal(`broker-${one}`, `broker-${other}`);
  }

  /** All replicas are in sync and equal. */
  async end(): Promise<void> {
    const { cluster } = this;
    await this.untilInSync([...this.#replicas].sort((one, other) => one - other));
    const ends = () => new Set(this.#replicas.map((id) => this.replica(id)?.log.durableOffset));
    await cluster.until('all have everything', () => ends().size === 1);
    checkReplicas(cluster, TOPIC);
    await cluster.settle('the client is closed', this.client.close());
  }

  /** Every record, in order. */
  async readAll(): Promise<readonly string[]> {
    const consumer = this.client.consumer({ topic: TOPIC, from: 'beginning', stopAtEnd: true });
    const read = async (): Promise<readonly string[]> => {
      const values: string[] = [];
      for await (const record of consumer) values.push(record.text() ?? '');
      return values;
    };
    return this.cluster.settle('everything is read', read());
  }
}
