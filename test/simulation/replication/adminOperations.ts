/**
 * What operators do while clients work: partitions move (and some moves are cancelled), leaders go
 * back to preferred replicas, topics grow, come and go, and are configured anew.
 */

import { OdradekError } from '../../../common/index.ts';
import type { Admin, PartitionResult } from '../../../client/index.ts';
import { PassingTopics } from '../cluster/passingTopics.ts';
import type { SimCluster } from '../cluster/simCluster.ts';
import type { ReplicationInvariants } from '../invariants/replicationInvariants.ts';
import type { SimRandom } from '../kernel/index.ts';
import type { ReplicatedTopic } from './replicationWorkload.ts';

const NAME = 'client-admin';
const PACE_MS = 1200;
const PARTITIONS_MAX = 4;

/** Never the answer to a request that is in order. */
const FAULTY_CODES: ReadonlySet<string> = new Set(['UNKNOWN_SERVER_ERROR', 'INVALID_REQUEST']);

export class AdminOperations {
  readonly #cluster: SimCluster;
  readonly #invariants: ReplicationInvariants;
  readonly #topics: readonly ReplicatedTopic[];
  readonly #random: SimRandom;
  readonly #client: ReturnType<SimCluster['client']>;
  readonly #admin: Admin;
  readonly #passing: PassingTopics;
  #isOver = false;

  constructor(
    cluster: SimCluster,
    invariants: ReplicationInvariants,
    topics: readonly ReplicatedTopic[],
  ) {
    this.#cluster = cluster;
    this.#invariants = invariants;
    this.#topics = topics;
    this.#random = cluster.simulation.random.fork('admin operations');
    this.#client = cluster.client(NAME);
    this.#admin = this.#client.admin();
    this.#passing = new PassingTopics(this.#client, this.#random, () => ({
      partitions: 1 + this.#random.below(2),
      replicationFactor: 1 + this.#random.below(Math.min(3, cluster.brokers.length)),
    }));
  }

  /** One operation after the other; resolves after `end`. */
  async run(): Promise<void> {
    while (!this.#isOver) {
      await this.#pause(PACE_MS);
      if (this.#isOver) return;
      try {
        await this.#operate();
      } catch (error) {
        if (!(error instanceof OdradekError) || FAULTY_CODES.has(error.code)) throw error;
      }
    }
  }

  end(): void {
    this.#isOver = true;
  }

  /** Resolves when no partition moves any more, and the list of topics is what was acknowledged. */
  async untilSettled(): Promise<void> {
    await this.#until(async () => (await this.#admin.listReassignments()).length === 0);
    for (let agreed = 0; agreed < 3; agreed += 1) {
      await this.#until(async () => {
        const listed = (await this.#admin.listTopics()).map(({ topic }) => topic);
        return this.#passing.agreesWith(new Set(listed));
      });
    }
    await this.#client.close();
  }

  /** A connection from before the healing may still break. */
  async #until(holds: () => Promise<boolean>): Promise<void> {
    for (;;) {
      try {
        if (await holds()) return;
      } catch (error) {
        if (!(error instanceof OdradekError)) throw error;
      }
      await this.#pause(200);
    }
  }

  #operate(): Promise<unknown> {
    const topic = this.#random.pick(this.#topics);
    const operations = [
      () => this.#move(topic),
      () => this.#move(topic),
      () => this.#cancelMoves(),
      () => this.#electPreferred(),
      () => this.#grow(topic),
      () => this.#configure(topic),
      () => this.#passing.changeOne(),
      () => this.#passing.changeOne(),
    ];
    return this.#random.pick(operations)();
  }

  async #move({ name, partitions, replicationFactor }: ReplicatedTopic): Promise<void> {
    const ids = this.#cluster.brokers.map(({ id }) => id);
    const factor = this.#random.chance(0.8)
      ? replicationFactor
      : 1 + this.#random.below(Math.min(3, ids.length));
    const replicas = this.#shuffled(ids).slice(0, factor);
    const partition = this.#random.below(partitions);
    this.#cluster.lines.add(NAME, `moves ${name}-${partition} to ${replicas.join()}`);
    check(await this.#admin.alterReassignments([{ topic: name, partition, replicas }]));
  }

  async #cancelMoves(): Promise<void> {
    const moves = await this.#admin.listReassignments();
    if (moves.length === 0) return;
    const changes = moves.map(({ topic, partition }) => ({ topic, partition, replicas: null }));
    check(await this.#admin.alterReassignments(changes));
  }

  async #electPreferred(): Promise<void> {
    check(await this.#admin.electLeaders({ election: 'preferred' }));
  }

  async #grow(topic: ReplicatedTopic): Promise<void> {
    if (topic.partitions >= PARTITIONS_MAX) return;
    const partitions = topic.partitions + 1;
    await this.#admin.createPartitions({ topic: topic.name, partitions });
    topic.partitions = partitions;
  }

  async #configure({ name, replicationFactor }: ReplicatedTopic): Promise<void> {
    if (this.#random.chance(0.5)) {
      await this.#admin.alterConfigs(name, { 'segment.bytes': this.#random.pick([2048, 65_536]) });
      return;
    }
    const count = 1 + this.#random.below(replicationFactor);
    // Also where the outcome is not known: from the moment in which it may have been written.
    this.#invariants.lowerMinInsyncReplicas(name, count);
    await this.#admin.alterConfigs(name, { 'min.insync.replicas': count });
  }

  #shuffled(ids: readonly number[]): number[] {
    return ids
      .map((id) => ({ id, at: this.#random.unit() }))
      .sort((one, other) => one.at - other.at)
      .map(({ id }) => id);
  }

  #pause(meanMs: number): Promise<void> {
    const { timers } = this.#cluster.simulation.node(NAME).environment();
    return new Promise((resolve) => timers.set(this.#random.exponential(meanMs), resolve));
  }
}

function check(results: readonly PartitionResult[]): void {
  const faulty = results.find(({ error }) => error !== undefined && FAULTY_CODES.has(error.code));
  if (faulty?.error !== undefined)
    throw new Error('Refused for no reason', { cause: faulty.error });
}
