/** What the client knows about a topic: immutable, replaced as a whole. */

import type { metadataApi, ResponseOf } from '../../protocol/index.ts';

export interface PartitionMetadata {
  readonly partition: number;
  /** Broker that leads; -1 for none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface TopicMetadata {
  readonly topic: string;
  readonly topicId: string | null;
  readonly internal: boolean;
  /** By partition number. */
  readonly partitions: readonly PartitionMetadata[];
  /** Numbers of the partitions that have a leader, ascending; all where none has one. */
  readonly available: readonly number[];
}

export type MetadataResponse = ResponseOf<typeof metadataApi>;
type TopicResponse = MetadataResponse['topics'][number];

/**
 * Newer knowledge wins: a broker that lags behind may answer with an older leader epoch than one
 * that was already seen, and then the known leader stays.
 */
export function mergeTopic(known: TopicMetadata | undefined, answer: TopicResponse): TopicMetadata {
  const sameTopic = known !== undefined && known.topicId === answer.topicId;
  const partitions = answer.partitions.map((partition): PartitionMetadata => {
    const before = sameTopic ? known.partitions[partition.index] : undefined;
    if (before !== undefined && before.leaderEpoch > partition.leaderEpoch) return before;
    const { index, leader, leaderEpoch, replicas, isr } = partition;
    return { partition: index, leader, leaderEpoch, replicas, isr };
  });
  partitions.sort((a, b) => a.partition - b.partition);
  // A topic never shrinks: a broker that tells of fewer partitions has not heard of the others yet.
  if (sameTopic) partitions.push(...known.partitions.slice(partitions.length));
  return {
    topic: answer.name,
    topicId: answer.topicId,
    internal: answer.internal,
    partitions,
    available: availablePartitions(partitions),
  };
}

/** The topic with another leader for one partition, as a broker told with NOT_LEADER. */
export function withLeader(
  topic: TopicMetadata,
  partition: number,
  told: { readonly leader: number; readonly leaderEpoch: number },
): TopicMetadata {
  const partitions = topic.partitions.map((known) => {
    if (known.partition !== partition || told.leaderEpoch <= known.leaderEpoch) return known;
    return { ...known, leader: told.leader, leaderEpoch: told.leaderEpoch };
  });
  return { ...topic, partitions, available: availablePartitions(partitions) };
}

function availablePartitions(partitions: readonly PartitionMetadata[]): readonly number[] {
  const led = partitions.filter(({ leader }) => leader >= 0);
  return (led.length > 0 ? led : partitions).map(({ partition }) => partition);
}
