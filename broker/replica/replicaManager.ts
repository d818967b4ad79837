/**
 * All partitions of this broker, and the only way by which one learns its role: `apply`, called
 * with what an update of the controller changed.
 *
 * At start the logs found on disk have no role. The first snapshot gives them one, or tells that
 * their topic is gone. A broker that was away while a topic was deleted and made anew under the
 * same name holds records of the old one: its topic id differs, and the old files are removed
 * before the new partition is begun, so old records never appear under the new topic.
 */

import {
  assert,
  type BrokerId,
  type Logger,
  type TopicId,
  topicPartitionKey,
} from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { effectiveTopicConfig, type TopicConfig } from '../config/index.ts';
import type { LogConfig, LogManager } from '../log/index.ts';
import type { ImageChanges, TopicImage } from '../metadata/index.ts';
import { logConfigOf } from './logConfigOf.ts';
import { Partition } from './partition.ts';

export interface ReplicaManagerOptions {
  readonly brokerId: BrokerId;
  readonly topicDefaults: TopicConfig;
}

export interface LeaderHint {
  readonly leader: number;
  readonly leaderEpoch: number;
}

export class ReplicaManager {
  readonly #logManager: LogManager;
  readonly #options: ReplicaManagerOptions;
  readonly #logger: Logger;
  readonly #partitions = new Map<string, Partition>();
  #fenced = true;

  constructor(logManager: LogManager, options: ReplicaManagerOptions, logger: Logger) {
    this.#logManager = logManager;
    this.#options = options;
    this.#logger = logger.child('replica');
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
    for (const partition of this.#partitions.values()) {
      partition.refuseWaiters('NOT_LEADER_OR_FOLLOWER');
    }
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
    for (const topic of changes.removed) await this.#removeTopic(topic, failed);
    for (const topic of changes.changed) {
      if (topic.deleting) await this.#removeTopic(topic, failed);
      else await this.#applyTopic(topic);
    }
    if (changes.snapshot) this.#fenced = false;
    return [...failed];
  }

  /** Ends every wait. The logs are closed by their manager. */
  close(): void {
    this.fence();
  }

  async #applyTopic(topic: TopicImage): Promise<void> {
    const config = this.#logConfig(topic);
    for (const state of topic.partitions) {
      if (!state.replicas.includes(this.#options.brokerId)) continue;
      try {
        const partition = await this.#ensurePartition(topic, state.index, config);
        partition.become(state, this.#options.brokerId);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#logger.error('A partition could not be opened', {
          topic: topic.name,
          partition: state.index,
          error,
        });
      }
    }
    this.#logManager.reconfigure(topic.name, config);
  }

  async #ensurePartition(topic: TopicImage, index: number, config: LogConfig): Promise<Partition> {
    const topicPartition = { topic: topic.name, partition: index };
    const key = topicPartitionKey(topicPartition);
    const known = this.#partitions.get(key);
    if (known !== undefined && known.topicId === topic.topicId) return known;
    if (known !== undefined) this.#forget(known);
    const found = this.#logManager.log(topicPartition);
    if (found?.topicId !== undefined && found.topicId !== topic.topicId) {
      this.#logger.warn('Removing the records of an earlier topic of the same name', {
        ...topicPartition,
        topicId: found.topicId,
      });
      await this.#logManager.delete(topicPartition);
    }
    const log = this.#logManager.create(topicPartition, topic.topicId as TopicId, config);
    assert(log.topicId === topic.topicId, 'A log carries the id of its topic', { key });
    const partition = new Partition({ topic: topic.name, index, topicId: topic.topicId, log });
    this.#partitions.set(key, partition);
    return partition;
  }

  async #removeTopic(topic: TopicImage, failed: Set<string>): Promise<void> {
    for (const state of topic.partitions) {
      const topicPartition = { topic: topic.name, partition: state.index };
      const known = this.#partitions.get(topicPartitionKey(topicPartition));
      if (known !== undefined && known.topicId === topic.topicId) this.#forget(known);
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

  #forget(partition: Partition): void {
    this.#partitions.delete(
      topicPartitionKey({ topic: partition.topic, partition: partition.index }),
    );
    partition.refuseWaiters('UNKNOWN_TOPIC_OR_PARTITION');
  }

  #logConfig(topic: TopicImage): LogConfig {
    const onIgnored = (name: string, reason: string): void =>
      this.#logger.warn('Passing over a setting of a topic', { topic: topic.name, name, reason });
    return logConfigOf(effectiveTopicConfig(this.#options.topicDefaults, topic.configs, onIgnored));
  }
}
