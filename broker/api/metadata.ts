/** Metadata and DescribeCluster: the cluster as this broker's image has it. */

import {
  type describeClusterApi,
  errorCode,
  type metadataApi,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { ClusterImage, TopicImage } from '../metadata/index.ts';

type MetadataResponse = ResponseOf<typeof metadataApi>;
type TopicResult = MetadataResponse['topics'][number];
type ClusterResponse = ResponseOf<typeof describeClusterApi>;

/** @param names null for all topics. */
export function metadataResponse(
  image: ClusterImage,
  clusterId: string,
  names: readonly string[] | null,
): MetadataResponse {
  const wanted = names ?? [...image.topics.keys()].filter((name) => image.usableTopic(name));
  const alive = new Set(image.brokers.map(({ id }) => id));
  return {
    clusterId,
    controllerId: image.controllerId,
    brokers: image.brokers.map(({ id, host, port, rack }) => ({ id, host, port, rack })),
    topics: wanted.map((name) => topicResult(image.usableTopic(name), name, alive)),
  };
}

/** @param coordinatorState what the broker knows of its session with ZooKeeper. */
export function describeClusterResponse(
  image: ClusterImage,
  clusterId: string,
  coordinatorState: string,
): ClusterResponse {
  const leaderCounts = new Map<number, number>();
  const replicaCounts = new Map<number, number>();
  let partitionCount = 0;
  for (const topic of image.topics.values()) {
    partitionCount += topic.partitions.length;
    for (const { leader, replicas } of topic.partitions) {
      leaderCounts.set(leader, (leaderCounts.get(leader) ?? 0) + 1);
      for (const id of replicas) replicaCounts.set(id, (replicaCounts.get(id) ?? 0) + 1);
    }
  }
  return {
    clusterId,
    controllerId: image.controllerId,
    controllerEpoch: image.controllerEpoch,
    metadataVersion: image.version,
    coordinatorState,
    topicCount: image.topics.size,
    partitionCount,
    brokers: image.brokers.map(({ id, host, port, rack }) => ({
      id,
      host,
      port,
      rack,
      leaderCount: leaderCounts.get(id) ?? 0,
      replicaCount: replicaCounts.get(id) ?? 0,
    })),
  };
}

function topicResult(
  topic: TopicImage | undefined,
  name: string,
  alive: ReadonlySet<number>,
): TopicResult {
  if (topic === undefined) {
    const unknown = errorCode('UNKNOWN_TOPIC_OR_PARTITION');
    return { errorCode: unknown, name, topicId: null, internal: false, partitions: [] };
  }
  return {
    errorCode: 0,
    name,
    topicId: topic.topicId,
    internal: false,
    partitions: topic.partitions.map((partition) => ({
      index: partition.index,
      errorCode: partition.leader === -1 ? errorCode('LEADER_NOT_AVAILABLE') : 0,
      leader: partition.leader,
      leaderEpoch: partition.leaderEpoch,
      replicas: partition.replicas,
      isr: partition.isr,
      offlineReplicas: partition.replicas.filter((id) => !alive.has(id)),
      eligibleLeaders: partition.eligibleLeaders,
    })),
  };
}
