/** The cluster as brokers are told it: snapshots and differences of what the controller holds. */

import { NO_BROKER, NO_LEADER_EPOCH } from '../../common/index.ts';
import type { LiveBroker, PartitionState, TopicState } from '../../protocol/index.ts';
import type { PartitionModel, TopicModel } from './clusterModel.ts';
import type { MetadataLog } from './metadataLog.ts';

/** An UpdateMetadata request but for who sends it to whom. */
export interface MetadataUpdate {
  /** -1 for a snapshot. */
  readonly baseVersion: number;
  readonly version: number;
  /** Null for no change. */
  readonly brokers: readonly LiveBroker[] | null;
  readonly topics: readonly TopicState[];
  readonly removedTopics: readonly string[];
}

export interface MetadataSource {
  readonly log: MetadataLog;
  readonly topics: ReadonlyMap<string, TopicModel>;
  readonly brokers: ReadonlyMap<number, LiveBroker>;
}

/**
 * What a broker must be told.
 *
 * @param ackedVersion version at which it stands; undefined where that is not known.
 * @returns undefined where it stands at the present version.
 */
export function metadataUpdate(
  { log, topics, brokers }: MetadataSource,
  ackedVersion: number | undefined,
): MetadataUpdate | undefined {
  if (ackedVersion === log.version) return undefined;
  const liveBrokers = [...brokers.values()]
    .map(({ id, epoch, host, port, rack, kafkaEndpoints }) => {
      return { id, epoch, host, port, rack, kafkaEndpoints };
    })
    .sort((a, b) => a.id - b.id);
  const difference = ackedVersion === undefined ? undefined : log.since(ackedVersion);
  if (ackedVersion === undefined || difference === undefined) {
    return {
      baseVersion: -1,
      version: log.version,
      brokers: liveBrokers,
      topics: [...topics.values()].flatMap((topic) => topicState(topic, brokers, undefined)),
      removedTopics: [],
    };
  }
  return {
    baseVersion: ackedVersion,
    version: log.version,
    brokers: difference.brokers ? liveBrokers : null,
    topics: [...difference.topics].flatMap(([name, partitions]) => {
      const topic = topics.get(name);
      return topic === undefined ? [] : topicState(topic, brokers, partitions);
    }),
    removedTopics: difference.removed,
  };
}

/** A topic without an id yet is told when it has one. */
function topicState(
  topic: TopicModel,
  brokers: MetadataSource['brokers'],
  only: ReadonlySet<number> | undefined,
): TopicState[] {
  const { topicId } = topic;
  if (topicId === undefined) return [];
  const partitions =
    only === undefined ? topic.partitions : topic.partitions.filter(({ index }) => only.has(index));
  return [
    {
      name: topic.name,
      topicId,
      deleting: topic.deletion !== undefined,
      configs: [...topic.configs].map(([name, value]) => ({ name, value })),
      partitions: partitions.map((partition) => partitionState(partition, brokers)),
    },
  ];
}

/**
 * A leader that has registered anew is named when its new epoch is written. Crash example: (1) a
 * follower has a record that its leader has not synced; (2) the leader loses power and comes back;
 * (3) told that it leads in its old epoch, it gives the lost record's offset to another one; (4) the
 * two stand at one offset in one epoch, and no truncation by epoch ever finds them.
 */
function partitionState(
  partition: PartitionModel,
  brokers: MetadataSource['brokers'],
): PartitionState {
  const { index, replicas, state, version, adding, removing, throttle } = partition;
  const leader = state?.leader ?? NO_BROKER;
  const epoch = brokers.get(leader)?.epoch;
  const isAnew = epoch !== undefined && (partition.isrEpochs.get(leader) ?? epoch) !== epoch;
  return {
    index,
    leader: isAnew ? NO_BROKER : leader,
    leaderEpoch: state?.leaderEpoch ?? NO_LEADER_EPOCH,
    partitionEpoch: version,
    replicas,
    isr: state?.isr ?? [],
    eligibleLeaders: (state?.elr ?? []).map(({ id }) => id),
    addingReplicas: adding,
    removingReplicas: removing,
    throttle,
  };
}
