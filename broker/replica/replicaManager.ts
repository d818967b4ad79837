/**
 * All partitions of this broker, and the only way by which one learns its role: `apply`, called
 * with what an update of the controller changed.
 *
 * At start the logs found on disk have no role until a snapshot gives them one. Files are removed
 * for two reasons only: their topic is marked as being deleted, or the partition's replicas no longer
 * name this broker. A topic that an update merely leaves out is forgotten and its files stay: a
 * controller leaves out what it cannot read, a damaged znode for example, and one repair later the
 * records must be there.
 *
 * A directory that could not be read at the start may hold any partition that has no log elsewhere.
 * Those of the first snapshot are therefore offline, not begun anew. Crash example: (1) a broker
 * starts, one of its directories does not; (2) it begins an empty log for a partition of which it is
 * the only replica, and leads; (3) the topic is empty, and with both directories readable again there
 * are two logs.
 *
 * A broker that was away while a topic was deleted and made anew under the same name holds records
 * of the old one: its topic id differs, and the old files are set aside before the new partition is
 * begun, so old records never appear under the new topic, and no mistake about an id loses any.
 */

import {
  assert,
  type BrokerEpoch,
  type BrokerId,
  type Environment,
  type Logger,
  NO_BROKER,
  type TopicId,
  type TopicPartition,
  topicPartitionKey,
} from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { effectiveTopicConfig, type TopicConfig } from '../config/index.ts';
import type { LogConfig, LogManager } from '../log/index.ts';
import type { ImageChanges, TopicImage } from '../metadata/index.ts';
import {
  type AlterPartitionRequest,
  type AlterPartitionResponse,
  IsrProposals,
} from './isrProposals.ts';
import { LeaderFetcher, type ReplicaChannel } from './leaderFetcher.ts';
import { logConfigOf } from './logConfigOf.ts';
import { Partition, type PartitionContext } from './partition.ts';
import { ReplicationThrottle } from './replicationThrottle.ts';

export interface ReplicaManagerOptions {
  readonly brokerId: BrokerId;
  readonly topicDefaults: TopicConfig;
  readonly replicaLagTimeMaxMs: number;
  readonly replicaFetchWaitMaxMs: number;
  readonly replicaFetchResponseMaxBytes: number;
  readonly replicaFetchBackoffMs: number;
  readonly leaderReplicationThrottledRate: number;
  readonly followerReplicationThrottledRate: number;
}

/** What the replicas need of the broker around them. */
export interface ReplicaSurroundings {
  readonly brokerEpoch: () => BrokerEpoch;
  /** Whether ZooKeeper confirms the registration: otherwise no ISR is changed. */
  readonly isProven: () => boolean;
  readonly isAlive: (id: number, epoch: BrokerEpoch) => boolean;
  /** A way to the leader broker. Rejects where it cannot be reached. */
  readonly openChannel: (leaderId: number) => Promise<ReplicaChannel>;
  readonly alterPartition: (request: AlterPartitionRequest) => Promise<AlterPartitionResponse>;
  /** A replica cannot be served: the controller is to elect others. */
  readonly onReplicaOffline: (topicPartition: TopicPartition) => void;
  /** A broken promise of the program. */
  readonly onFatal: (error: unknown) => void;
}

export interface LeaderHint {
  readonly leader: number;
  readonly leaderEpoch: number;
}

export class ReplicaManager {
  readonly #environment: Pick<Environment, 'clock' | 'timers'>;
  readonly #logManager: LogManager;
  readonly #options: ReplicaManagerOptions;
  readonly #surroundings: ReplicaSurroundings;
  readonly #logger: Logger;
  readonly #partitions = new Map<string, Partition>();
  readonly #partitionsById = new Map<string, Partition>();
  readonly #fetchers = new Map<number, LeaderFetcher>();
  /** Leader broker that each follower fetches from. */
  readonly #following = new Map<Partition, number>();
  readonly #proposals: IsrProposals;
  readonly #context: PartitionContext;
  readonly throttle: ReplicationThrottle;
  /** Partitions, by id and index, of the first snapshot; empty where every directory was read. */
  #fromBefore: ReadonlySet<string> | undefined;
  #fenced = true;
  /** Whether this broker is about to stop: it leaves for good what it is out of sync with. */
  #leaving = false;
  #closed = false;

  constructor(
    environment: Pick<Environment, 'clock' | 'timers'>,
    logManager: LogManager,
    options: ReplicaManagerOptions,
    surroundings: ReplicaSurroundings,
    logger: Logger,
  ) {
    this.#environment = environment;
    this.#logManager = logManager;
    this.#options = options;
    this.#surroundings = surroundings;
    this.#logger = logger.child('replica');
    this.#proposals = new IsrProposals(
      environment,
      {
        selfId: options.brokerId,
        brokerEpoch: surroundings.brokerEpoch,
        send: surroundings.alterPartition,
        mayPropose: () => surroundings.isProven() && !this.#fenced,
      },
      this.#logger,
    );
    this.#context = {
      clock: environment.clock,
      selfId: options.brokerId,
      lagMsMax: options.replicaLagTimeMaxMs,
      isAlive: surroundings.isAlive,
      propose: (partition, proposal) => this.#proposals.add(partition, proposal),
      onFollowerDurable: (partition) => this.#onFollowerDurable(partition),
    };
    this.throttle = new ReplicationThrottle(environment.clock, {
      selfId: options.brokerId,
      leaderRate: options.leaderReplicationThrottledRate,
      followerRate: options.followerReplicationThrottledRate,
    });
    this.#watchLag();
  }

  get partitions(): ReadonlyMap<string, Partition> {
    return this.#partitions;
  }

  /** Whether the broker may not act for its partitions: from an expiry to the next snapshot. */
  get fenced(): boolean {
    return this.#fenced;
  }

  /**
   * The registration is lost: nothing is acknowledged until a snapshot for the next one came.
   * Appends that wait end with NOT_LEADER_OR_FOLLOWER, which says that their outcome is unknown.
   */
  fence(): void {
    if (this.#fenced) return;
    this.#fenced = true;
    this.#stopFollowing();
    for (const partition of this.#partitions.values()) {
      partition.refuseWaiters('NOT_LEADER_OR_FOLLOWER');
    }
  }

  /**
   * This broker is about to stop: from now on it no longer follows a partition once the controller
   * has taken it out of the ISR.
   *
   * Crash example: (1) it is out, and fetches on; (2) the leader finds it in sync and proposes it
   * anew, so it counts again; (3) it was the controller itself, and stops: nobody answers the
   * proposal, and nothing is committed until there is another controller.
   */
  leave(): void {
    this.#leaving = true;
  }

  /**
   * The partition that this broker holds.
   *
   * @param topicId where the caller knows it: another topic of the same name is then refused.
   * @throws {ProtocolError} NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID.
   */
  partition(topic: string, index: number, topicId: string | null = null): Partition {
    if (this.#fenced) throw new ProtocolError('NOT_LEADER_OR_FOLLOWER');
    const partition = this.find(topic, index);
    if (partition === undefined) throw new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION');
    if (topicId !== null && topicId !== partition.topicId) {
      throw new ProtocolError('UNKNOWN_TOPIC_ID');
    }
    return partition;
  }

  /** The partition where this broker holds it and may act for it. */
  find(topic: string, index: number): Partition | undefined {
    if (this.#fenced) return undefined;
    return this.#partitions.get(topicPartitionKey({ topic, partition: index }));
  }

  /** As `find`, by the id of the topic. */
  findById(topicId: string, index: number): Partition | undefined {
    return this.#fenced ? undefined : this.#partitionsById.get(`${topicId}-${index}`);
  }

  /** Who leads the partition as far as this broker knows; undefined where it holds no replica. */
  leaderHint(topic: string, index: number): LeaderHint | undefined {
    const partition = this.find(topic, index);
    if (partition === undefined) return undefined;
    return { leader: partition.leader, leaderEpoch: partition.leaderEpoch };
  }

  /**
   * Takes over what an update changed.
   *
   * @returns ids of deleting topics whose files could not be removed. When this resolves the others'
   * removal is durable.
   */
  async apply(changes: ImageChanges): Promise<readonly string[]> {
    const failed = new Set<string>();
    this.#fromBefore ??= this.#partitionsFromBefore(changes);
    for (const topic of changes.removed) this.#forgetTopic(topic);
    for (const topic of changes.changed) {
      if (topic.deleting) await this.#removeTopic(topic, failed);
      else await this.#applyTopic(topic);
    }
    if (changes.snapshot) this.#fenced = false;
    if (!this.#fenced) this.#followLeaders(changes);
    if (changes.brokersChanged) {
      for (const partition of this.#partitions.values()) partition.recheck();
    }
    return [...failed];
  }

  /** Ends every wait. The logs are closed by their manager. */
  close(): void {
    this.#closed = true;
    this.#proposals.close();
    this.fence();
    this.#stopFollowing();
  }

  #watchLag(): void {
    this.#environment.timers.set(
      this.#options.replicaLagTimeMaxMs / 2,
      () => {
        if (this.#closed) return;
        if (!this.#fenced) {
          for (const partition of this.#partitions.values()) partition.dropLaggards();
        }
        this.#watchLag();
      },
      { keepsProcessAlive: false },
    );
  }

  #partitionsFromBefore({ changed }: ImageChanges): ReadonlySet<string> {
    if (!this.#logManager.hasUnreadDirectory) return new Set();
    return new Set(
      changed.flatMap(({ topicId, partitions }) =>
        partitions.map(({ index }) => `${topicId}-${index}`),
      ),
    );
  }

  /** Whether the directory that could not be read may hold the partition. */
  #mayBeUnread({ topicId, partitions }: TopicImage, index: number): boolean {
    if (!this.#logManager.hasUnreadDirectory) return false;
    if (this.#fromBefore?.has(`${topicId}-${index}`)) return true;
    // Of a topic that was left out at first, too: who is in sync has a log, but at the very start.
    const state = partitions.find((each) => each.index === index);
    const isFirst = state?.leaderEpoch === 0 && state.partitionEpoch === 0;
    return !isFirst && state?.isr.includes(this.#options.brokerId) === true;
  }

  async #applyTopic(topic: TopicImage): Promise<void> {
    const effective = this.#effectiveConfig(topic);
    const config = logConfigOf(effective);
    for (const state of topic.partitions) {
      if (!state.replicas.includes(this.#options.brokerId)) {
        await this.#leave(topic, state.index);
        continue;
      }
      try {
        const partition = await this.#ensurePartition(topic, state.index, config);
        // The role first: who leads no more must not move its high watermark once again.
        partition.become(state);
        partition.setMinInsyncReplicas(effective.minInsyncReplicas);
        this.throttle.update(partition, state, effective);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#logger.error('A partition could not be opened', {
          topic: topic.name,
          partition: state.index,
          error,
        });
        if (error.code === 'KAFKA_STORAGE_ERROR') {
          this.#surroundings.onReplicaOffline({ topic: topic.name, partition: state.index });
        }
      }
    }
    this.#logManager.reconfigure(topic.name, config);
  }

  /** A reassignment has taken the partition from this broker: its files go. */
  async #leave(topic: TopicImage, index: number): Promise<void> {
    const partition = this.#partitionsById.get(`${topic.topicId}-${index}`);
    if (partition !== undefined) this.#forget(partition, 'NOT_LEADER_OR_FOLLOWER');
    const topicPartition = { topic: topic.name, partition: index };
    // Also what was left when this broker stopped before it could remove it. A log without an id was
    // begun, and its disk failed before the id stood: it never held anything.
    const log = this.#logManager.log(topicPartition);
    if (log === undefined) return;
    const isUnborn = log.topicId === undefined && log.sizeBytes === 0;
    if (log.topicId !== topic.topicId && !isUnborn) return;
    try {
      await this.#logManager.delete(topicPartition);
    } catch (error) {
      this.#logger.error('The files of a partition that has moved away could not be removed', {
        topic: topic.name,
        partition: index,
        error,
      });
    }
  }

  async #ensurePartition(topic: TopicImage, index: number, config: LogConfig): Promise<Partition> {
    const topicPartition = { topic: topic.name, partition: index };
    const key = topicPartitionKey(topicPartition);
    const known = this.#partitions.get(key);
    if (known !== undefined && known.topicId === topic.topicId) return known;
    if (known !== undefined) this.#forget(known, 'UNKNOWN_TOPIC_OR_PARTITION');
    const found = this.#logManager.log(topicPartition);
    if (found?.topicId !== undefined && found.topicId !== topic.topicId) {
      this.#logger.warn('Setting aside the records of an earlier topic of the same name', {
        ...topicPartition,
        topicId: found.topicId,
      });
      await this.#logManager.setAside(topicPartition);
    }
    if (found === undefined && this.#mayBeUnread(topic, index)) {
      throw new ProtocolError(
        'KAFKA_STORAGE_ERROR',
        `The partition "${key}" may stand in a log directory that could not be read at the start`,
      );
    }
    const log = this.#logManager.create(topicPartition, topic.topicId as TopicId, config);
    assert(log.topicId === topic.topicId, 'A log carries the id of its topic', { key });
    const partition = new Partition(this.#context, {
      topic: topic.name,
      index,
      topicId: topic.topicId,
      log,
      minInsyncReplicas: this.#effectiveConfig(topic).minInsyncReplicas,
    });
    this.#partitions.set(key, partition);
    this.#partitionsById.set(`${topic.topicId}-${index}`, partition);
    return partition;
  }

  /** The files stay: nobody said that they may go. */
  #forgetTopic(topic: TopicImage): void {
    for (const { index } of topic.partitions) {
      const partition = this.#partitionsById.get(`${topic.topicId}-${index}`);
      if (partition !== undefined) this.#forget(partition, 'NOT_LEADER_OR_FOLLOWER');
    }
  }

  async #removeTopic(topic: TopicImage, failed: Set<string>): Promise<void> {
    for (const state of topic.partitions) {
      const topicPartition = { topic: topic.name, partition: state.index };
      const known = this.#partitions.get(topicPartitionKey(topicPartition));
      if (known !== undefined && known.topicId === topic.topicId) {
        this.#forget(known, 'UNKNOWN_TOPIC_OR_PARTITION');
      }
      const log = this.#logManager.log(topicPartition);
      if (log === undefined || log.topicId !== topic.topicId) continue;
      try {
        await this.#logManager.delete(topicPartition);
      } catch (error) {
        failed.add(topic.topicId);
        this.#logger.error('The files of a deleted partition could not be removed', {
          ...topicPartition,
          error,
        });
      }
    }
  }

  #forget(partition: Partition, error: Parameters<Partition['retire']>[0]): void {
    const { topic, topicId, index } = partition;
    this.#unfollow(partition);
    this.throttle.remove(partition);
    this.#partitions.delete(topicPartitionKey({ topic, partition: index }));
    this.#partitionsById.delete(`${topicId}-${index}`);
    partition.retire(error);
  }

  /** Lets each follower fetch from the leader that its state names. */
  #followLeaders(changes: ImageChanges): void {
    const touched = changes.snapshot
      ? this.#partitions.values()
      : changes.changed.flatMap(({ topicId, partitions }) =>
          partitions.flatMap(({ index }) => this.findById(topicId, index) ?? []),
        );
    for (const partition of touched) {
      const leaves = this.#leaving && !partition.isr.includes(this.#options.brokerId);
      const leader = partition.isLeader || leaves ? NO_BROKER : partition.leader;
      if (this.#following.get(partition) !== leader) this.#unfollow(partition);
      if (leader === NO_BROKER) continue;
      this.#following.set(partition, leader);
      this.#fetcher(leader).follow(partition);
    }
  }

  #unfollow(partition: Partition): void {
    const leader = this.#following.get(partition);
    if (leader === undefined) return;
    this.#following.delete(partition);
    this.#fetchers.get(leader)?.unfollow(partition);
  }

  #stopFollowing(): void {
    for (const fetcher of this.#fetchers.values()) fetcher.close();
    this.#fetchers.clear();
    this.#following.clear();
  }

  #fetcher(leaderId: number): LeaderFetcher {
    const known = this.#fetchers.get(leaderId);
    if (known !== undefined) return known;
    const { brokerEpoch, openChannel, onFatal } = this.#surroundings;
    const fetcher = new LeaderFetcher(
      this.#environment,
      {
        selfId: this.#options.brokerId,
        brokerEpoch,
        throttle: this.throttle,
        open: () => openChannel(leaderId),
        flushTurn: () => this.#logManager.flushTurn(),
        maxWaitMs: this.#options.replicaFetchWaitMaxMs,
        maxBytes: this.#options.replicaFetchResponseMaxBytes,
        backOffMs: this.#options.replicaFetchBackoffMs,
        onFatal,
      },
      this.#logger,
    );
    this.#fetchers.set(leaderId, fetcher);
    return fetcher;
  }

  #onFollowerDurable(partition: Partition): void {
    const leader = this.#following.get(partition);
    if (leader !== undefined) this.#fetchers.get(leader)?.onDurable(partition);
  }

  #effectiveConfig(topic: TopicImage): TopicConfig {
    return effectiveTopicConfig(this.#options.topicDefaults, topic.configs, (name, reason) =>
      this.#logger.warn('Passing over a setting of a topic', { topic: topic.name, name, reason }),
    );
  }
}
