/** Clients at work: they produce, read along, and create and delete topics. */

import {
  type Consumer,
  DeliveryError,
  type Odradek,
  type Producer,
} from '../../../client/index.ts';
import type { SimRandom } from '../kernel/index.ts';
import { type Acknowledged, checkAscending, type History, recordValue } from './history.ts';
import { PassingTopics } from './passingTopics.ts';
import type { SimCluster } from './simCluster.ts';

export interface WorkloadTopic {
  readonly name: string;
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
  /** Whether a power loss may take acknowledged records. */
  readonly isRelaxed?: boolean;
  /** Above 1, only acks=all promises that the record outlives its leader. Default 1. */
  readonly replicationFactor?: number;
}

export interface WorkloadOptions {
  readonly producers: number;
  readonly consumers: number;
  readonly topics: readonly WorkloadTopic[];
  /** Mean virtual milliseconds between two sends of one producer. */
  readonly paceMs: number;
}

export class Workload {
  readonly history: History;
  readonly #cluster: SimCluster;
  readonly #options: WorkloadOptions;
  readonly #random: SimRandom;
  readonly #clients: Odradek[] = [];
  readonly #consumers: Consumer[] = [];
  #passing: PassingTopics | undefined;
  #isOver = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(cluster: SimCluster, history: History, options: WorkloadOptions) {
    this.#cluster = cluster;
    this.history = history;
    this.#options = options;
    this.#random = cluster.simulation.random.fork('workload');
  }

  /** Creates the topics; resolves when all stand. */
  async prepare(): Promise<void> {
    const client = this.#client('client-setup');
    for (const { name, partitions, configs, replicationFactor = 1 } of this.#options.topics) {
      const more = { replicationFactor, ...(configs === undefined ? {} : { configs }) };
      await client.admin().createTopic({ topic: name, partitions, ...more });
    }
  }

  start(): void {
    const { producers, consumers } = this.#options;
    const parts: Promise<void>[] = [this.#administrate('client-admin')];
    for (let index = 0; index < producers; index += 1) {
      parts.push(this.#produce(`client-producer-${index}`));
    }
    for (let index = 0; index < consumers; index += 1) {
      parts.push(this.#consume(`client-consumer-${index}`));
    }
    this.#running = Promise.all(parts);
    this.#running.catch((error: unknown) => this.#cluster.unexpected.push(error));
  }

  /** Begins no more; resolves when everything begun is decided and all clients are closed. */
  async finish(): Promise<void> {
    this.#isOver = true;
    for (const consumer of this.#consumers) await consumer.close();
    await this.#running;
    for (const client of this.#clients) await client.close().catch(() => undefined);
  }

  /** Everything that stands in the topic, read by a fresh client. */
  async readAll(name: string): Promise<Acknowledged[]> {
    const client = this.#cluster.client('client-reader');
    const consumer = client.consumer({ topic: name, from: 'beginning', stopAtEnd: true });
    const found: Acknowledged[] = [];
    for await (const record of consumer) {
      const { topic, partition, offset } = record;
      found.push({ topic, partition, offset, value: record.text() ?? '' });
    }
    await client.close();
    for (const record of found) this.history.read(record);
    return found;
  }

  /** Resolves when every replica of the topic is in sync. */
  async untilInSync(topic: string): Promise<void> {
    const name = 'client-reader';
    const client = this.#cluster.client(name);
    for (;;) {
      const { partitions } = await client.admin().describeTopic(topic);
      if (partitions.every(({ isr, replicas }) => isr.length === replicas.length)) break;
      await this.#pause(name, 200);
    }
    await client.close();
  }

  /**
   * Resolves when the list of topics is what was acknowledged, ten times in a row. A broker may
   * hear of a change after its acknowledgement, but it hears of it.
   */
  async untilListed(): Promise<void> {
    const name = 'client-reader';
    for (let agreed = 0; agreed < 10; ) {
      const client = this.#cluster.client(name);
      const topics = await client.admin().listTopics();
      await client.close();
      const present = new Set(topics.map(({ topic }) => topic));
      const isRight = this.#passing?.agreesWith(present) ?? true;
      agreed = isRight ? agreed + 1 : 0;
      await this.#pause(name, 100);
    }
  }

  #client(name: string): Odradek {
    const client = this.#cluster.client(name);
    this.#clients.push(client);
    return client;
  }

  #pause(name: string, meanMs: number): Promise<void> {
    const { timers } = this.#cluster.simulation.node(name).environment();
    return new Promise((resolve) => timers.set(this.#random.exponential(meanMs), resolve));
  }

  async #produce(name: string): Promise<void> {
    const random = this.#random.fork(name);
    const acks = random.chance(0.6) ? 'all' : 1;
    const producer = this.#client(name).producer({
      acks,
      lingerMs: random.chance(0.5) ? 0 : 5,
      deliveryTimeoutMs: 20_000,
    });
    let sequence = 0;
    while (!this.#isOver) {
      const burst = random.chance(0.2) ? random.below(20) : 1;
      for (let index = 0; index < burst; index += 1) {
        sequence += 1;
        this.#send(producer, { name, acks, sequence, random });
      }
      await this.#pause(name, this.#options.paceMs);
    }
    await producer.close().catch(() => undefined);
  }

  #send(
    producer: Producer,
    sender: {
      readonly name: string;
      readonly acks: 'all' | 1;
      readonly sequence: number;
      readonly random: SimRandom;
    },
  ): void {
    const { name: senderName, acks, sequence, random } = sender;
    const { name: topic, partitions, replicationFactor = 1 } = random.pick(this.#options.topics);
    const partition = random.below(partitions);
    const padding = random.below(random.chance(0.05) ? 4000 : 200);
    const value = recordValue({ topic, producer: senderName, sequence, padding });
    const mayBeLost = acks === 1 && replicationFactor > 1;
    producer.send({ topic, partition, value }).then(
      ({ offset, possiblyDuplicated }) => {
        const record = { topic, partition, offset, value };
        if (mayBeLost) this.history.hope(record, { possiblyDuplicated });
        else this.history.acknowledge(record, { possiblyDuplicated });
      },
      (error: unknown) => {
        if (!(error instanceof DeliveryError)) throw error;
        this.history.fail(value, error);
      },
    );
  }

  async #consume(name: string): Promise<void> {
    const client = this.#client(name);
    const durable = this.#options.topics.filter(({ isRelaxed }) => isRelaxed !== true);
    const topics = durable.map((topic) => topic.name);
    const consumer = client.consumer({ topics, from: 'beginning', fetchWaitMsMax: 200 });
    this.#consumers.push(consumer);
    const read: Acknowledged[] = [];
    for await (const record of consumer) {
      const { topic, partition, offset } = record;
      read.push({ topic, partition, offset, value: record.text() ?? '' });
      this.history.read(read.at(-1) as Acknowledged);
    }
    checkAscending(read);
  }

  async #administrate(name: string): Promise<void> {
    const random = this.#random.fork(name);
    const shape = () => ({ partitions: 1 + random.below(3) });
    this.#passing = new PassingTopics(this.#client(name), random, shape);
    while (!this.#isOver) {
      await this.#pause(name, 1500);
      await this.#passing.changeOne();
    }
  }
}
