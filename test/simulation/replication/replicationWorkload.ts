/** Clients that write and read replicated topics, with a history of what they were told. */

import {
  type Consumer,
  type ConsumedRecord,
  DeliveryError,
  type Odradek,
  type Producer,
} from '../../../client/index.ts';
import { HistoryChecker, HistoryRecorder, type SendPromise } from '../../checker/index.ts';
import { OdradekError } from '../../../common/index.ts';
import { rackName, type SimCluster } from '../cluster/simCluster.ts';
import type { ReplicationInvariants } from '../invariants/replicationInvariants.ts';
import type { SimRandom } from '../kernel/index.ts';

export interface ReplicatedTopic {
  readonly name: string;
  /** Grows with the topic. */
  partitions: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
  readonly minInsyncReplicas: number;
  /** Whether acknowledged means on disk. */
  readonly isDurable: boolean;
}

export interface ReplicationWorkloadOptions {
  readonly topics: readonly ReplicatedTopic[];
  /** Above 0 another consumer reads from replicas in its rack. */
  readonly rackCount: number;
  /** Whether what was read may be gone later. */
  readonly mayLose: boolean;
}

const PACE_MS = 40;
const UNSENT_CODES: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'CLIENT_CLOSED']);
/** With which a producer is closed, and another one goes on, before a send. */
const NEW_PRODUCER_PROBABILITY = 0.01;

export class ReplicationWorkload {
  readonly #cluster: SimCluster;
  readonly #invariants: ReplicationInvariants;
  readonly #topics: readonly ReplicatedTopic[];
  readonly #rackCount: number;
  readonly #mayLose: boolean;
  readonly #random: SimRandom;
  readonly #checker = new HistoryChecker();
  readonly #recorder: HistoryRecorder;
  readonly #clients: Odradek[] = [];
  readonly #consumers: Consumer[] = [];
  #running: Promise<unknown> = Promise.resolve();
  #isOver = false;
  acknowledgedCount = 0;
  readCount = 0;
  /** For topics that may lose records: see `excuse` of the history. */
  readonly excuse = (topic: string): void => this.#recorder.excuse([topic]);

  constructor(
    cluster: SimCluster,
    invariants: ReplicationInvariants,
    { topics, rackCount, mayLose }: ReplicationWorkloadOptions,
  ) {
    this.#rackCount = rackCount;
    this.#mayLose = mayLose;
    this.#cluster = cluster;
    this.#invariants = invariants;
    this.#topics = topics;
    this.#random = cluster.simulation.random.fork('replication workload');
    this.#recorder = new HistoryRecorder(
      (line) => this.#checker.add(line),
      () => cluster.simulation.nowMs,
    );
  }

  async prepare(): Promise<void> {
    const admin = this.#client('client-setup').admin();
    for (const { name, partitions, replicationFactor, configs } of this.#topics) {
      await admin.createTopic({ topic: name, partitions, replicationFactor, configs });
    }
  }

  start(): void {
    const parts = [
      this.#produce('client-producer-0', 'all'),
      this.#produce('client-producer-1', this.#random.chance(0.5) ? 'all' : 1),
      this.#consume('client-consumer-0'),
    ];
    if (this.#rackCount > 0) {
      const rack = rackName(this.#random.below(this.#rackCount));
      parts.push(this.#consume('client-consumer-1', { rack }));
    }
    this.#running = Promise.all(parts);
    this.#running.catch((error: unknown) => this.#cluster.unexpected.push(error));
  }

  /** Begins no more; resolves when every record is decided and all clients are closed. */
  async finish(): Promise<void> {
    this.#isOver = true;
    for (const consumer of this.#consumers) await consumer.close();
    await this.#running;
    for (const client of this.#clients) await client.close().catch(() => undefined);
  }

  /** Resolves when all replicas of all topics are in sync. */
  async untilInSync(): Promise<void> {
    const name = 'client-reader';
    const client = this.#cluster.client(name);
    for (const topic of this.#topics) {
      for (;;) {
        const { partitions } = await client.admin().describeTopic(topic.name);
        if (partitions.every(({ isr, replicas }) => isr.length === replicas.length)) break;
        await this.#pause(name, 200);
      }
    }
    await client.close();
  }

  /** Reads everything anew, to the end, and judges the history. @returns what was broken. */
  async judge(): Promise<readonly string[]> {
    const client = this.#cluster.client('client-reader');
    for (const { name } of this.#topics) {
      const { partitions } = await client.admin().describeTopic(name);
      const found = new Map<string, [number, string][]>(
        partitions.map(({ partition }) => [`${name}-${partition}`, []]),
      );
      const consumer = client.consumer({ topic: name, from: 'beginning', stopAtEnd: true });
      for await (const record of consumer) found.get(placeOf(record))?.push(entryOf(record));
      this.#recorder.poll(`reader of ${name}`, Object.fromEntries(found), { final: true });
    }
    await client.close();
    const { anomalies } = this.#checker.report();
    return anomalies.map(({ kind, at }) => `${kind} ${JSON.stringify(at)}`);
  }

  async #produce(name: string, acks: 'all' | 1): Promise<void> {
    const random = this.#random.fork(name);
    const client = this.#client(name);
    const lingerMs = random.chance(0.5) ? 0 : 5;
    const begin = () => client.producer({ acks, lingerMs, deliveryTimeoutMs: 15_000 });
    let producer = begin();
    const closing: Promise<void>[] = [];
    const end = () => closing.push(producer.close().catch(() => undefined));
    let sender = name;
    for (let sequence = 0; !this.#isOver; ) {
      if (random.chance(NEW_PRODUCER_PROBABILITY)) {
        end();
        producer = begin();
        sender = `${name}/${closing.length}`;
      }
      const burst = random.chance(0.2) ? 1 + random.below(20) : 1;
      for (let index = 0; index < burst; index += 1) {
        const topic = random.pick(this.#topics);
        const place = { topic: topic.name, partition: random.below(topic.partitions) };
        const padding = '.'.repeat(random.below(random.chance(0.05) ? 3000 : 100));
        const value = `${sender}-${sequence++}${padding}`;
        this.#send(producer, { ...place, value }, { name: sender, acks });
      }
      await this.#pause(name, PACE_MS);
    }
    end();
    await Promise.all(closing);
  }

  #send(
    producer: Producer,
    record: { readonly topic: string; readonly partition: number; readonly value: string },
    { name, acks }: { readonly name: string; readonly acks: 'all' | 1 },
  ): void {
    const { topic, partition } = record;
    const value = record.value.replaceAll('.', '');
    const promise: SendPromise = { acks, idempotent: acks === 'all', ordered: true };
    const sending = this.#recorder.send(name, {
      partition: `${topic}-${partition}`,
      value,
      ...promise,
    });
    producer
      .send(record)
      .then(
        ({ offset, possiblyDuplicated }) => {
          this.acknowledgedCount += 1;
          sending.ok({ offset, possiblyDuplicated });
          if (acks === 'all') this.#invariants.acknowledged({ topic, partition, offset });
        },
        (error: unknown) => {
          if (!isDelivery(error)) throw error;
          sending.failed(error);
        },
      )
      .catch((error: unknown) => this.#cluster.unexpected.push(error));
  }

  async #consume(name: string, more: { readonly rack?: string } = {}): Promise<void> {
    const topics = this.#topics.map((topic) => topic.name);
    const options = {
      topics,
      from: 'beginning',
      fetchWaitMsMax: 200,
      ...more,
      // What stood in page caches alone may be gone with the power, also where it had been read.
      onOffsetOutOfRange: this.#mayLose ? 'earliest' : 'error',
    } as const;
    const consumer = this.#client(name).consumer(options);
    this.#consumers.push(consumer);
    for await (const record of consumer) {
      this.readCount += 1;
      this.#recorder.poll(name, { [placeOf(record)]: [entryOf(record)] });
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
}

type Read = Pick<ConsumedRecord, 'topic' | 'partition' | 'offset' | 'text'>;

function placeOf({ topic, partition }: Read): string {
  return `${topic}-${partition}`;
}

function entryOf(record: Read): [number, string] {
  return [record.offset, (record.text() ?? '').replaceAll('.', '')];
}

/** Also what was not even sent: of a partition that is too new, or until the time for closing was over. */
function isDelivery(error: unknown): error is OdradekError {
  if (error instanceof DeliveryError) return true;
  return error instanceof OdradekError && UNSENT_CODES.has(error.code);
}
