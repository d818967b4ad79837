/** The JSON resources of Confluent's REST v3, as far as they exist here. */

import type { AdminBackend, AdminBroker, AdminConfigEntry, AdminPartition } from './backend.ts';

/** Base of the links: the address by which the caller reached us. */
export interface LinkBase {
  readonly baseUrl: string;
  readonly clusterId: string;
}

export interface TopicSummary {
  readonly name: string;
  readonly internal: boolean;
  readonly partitionCount: number;
  readonly replicationFactor: number;
}

interface Related {
  readonly related: string;
}

const configSources = {
  topic: 'DYNAMIC_TOPIC_CONFIG',
  brokerFile: 'STATIC_BROKER_CONFIG',
  default: 'DEFAULT_CONFIG',
} as const;

export function clusterUrl({ baseUrl, clusterId }: LinkBase): string {
  return `${baseUrl}/v3/clusters/${encodeURIComponent(clusterId)}`;
}

export function topicUrl(base: LinkBase, name: string): string {
  return `${clusterUrl(base)}/topics/${encodeURIComponent(name)}`;
}

/** A list of resources; lists are never paged, so `next` is always null. */
export function listResource(kind: string, self: string, data: readonly object[]): object {
  return { kind, metadata: { self, next: null }, data };
}

export function clusterResource(base: LinkBase, backend: AdminBackend): object {
  const self = clusterUrl(base);
  const controllerId = backend.controllerId();
  return {
    kind: 'KafkaCluster',
    metadata: { self, resource_name: `crn:///kafka=${base.clusterId}` },
    cluster_id: base.clusterId,
    controller: controllerId < 0 ? null : related(`${self}/brokers/${controllerId}`),
    brokers: related(`${self}/brokers`),
    topics: related(`${self}/topics`),
  };
}

export function brokerResource(base: LinkBase, broker: AdminBroker): object {
  return {
    kind: 'KafkaBroker',
    metadata: {
      self: `${clusterUrl(base)}/brokers/${broker.id}`,
      resource_name: `crn:///kafka=${base.clusterId}/broker=${broker.id}`,
    },
    cluster_id: base.clusterId,
    broker_id: broker.id,
    host: broker.host,
    port: broker.port,
    rack: broker.rack,
  };
}

export function topicResource(base: LinkBase, topic: TopicSummary): object {
  const self = topicUrl(base, topic.name);
  return {
    kind: 'KafkaTopic',
    metadata: { self, resource_name: `crn:///kafka=${base.clusterId}/topic=${topic.name}` },
    cluster_id: base.clusterId,
    topic_name: topic.name,
    is_internal: topic.internal,
    replication_factor: topic.replicationFactor,
    partitions_count: topic.partitionCount,
    partitions: related(`${self}/partitions`),
    configs: related(`${self}/configs`),
  };
}

/** Confluent's has links to replicas, which are no resources here yet: the ids stand in it. */
export function partitionResource(
  base: LinkBase,
  topic: string,
  partition: AdminPartition,
): object {
  const brokers = `${clusterUrl(base)}/brokers`;
  const { index, leader } = partition;
  return {
    kind: 'KafkaPartition',
    metadata: {
      self: `${topicUrl(base, topic)}/partitions/${index}`,
      resource_name: `crn:///kafka=${base.clusterId}/topic=${topic}/partition=${index}`,
    },
    cluster_id: base.clusterId,
    topic_name: topic,
    partition_id: index,
    leader: leader < 0 ? null : related(`${brokers}/${leader}`),
    leader_id: leader < 0 ? null : leader,
    leader_epoch: partition.leaderEpoch,
    replica_ids: partition.replicas,
    isr_ids: partition.isr,
  };
}

export function topicConfigResource(
  base: LinkBase,
  topic: string,
  entry: AdminConfigEntry,
): object {
  return {
    kind: 'KafkaTopicConfig',
    metadata: {
      self: `${topicUrl(base, topic)}/configs/${encodeURIComponent(entry.name)}`,
      resource_name: `crn:///kafka=${base.clusterId}/topic=${topic}/config=${entry.name}`,
    },
    cluster_id: base.clusterId,
    topic_name: topic,
    name: entry.name,
    value: entry.value,
    is_default: entry.source !== 'topic',
    is_read_only: entry.readOnly,
    is_sensitive: entry.sensitive,
    source: configSources[entry.source],
    synonyms: [],
  };
}

function related(url: string): Related {
  return { related: url };
}
