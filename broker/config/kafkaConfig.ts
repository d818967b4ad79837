/** Settings of the Kafka listeners and of consumer groups, under Kafka's names. */

import type { SocketAddress } from '../../common/index.ts';
import {
  boolean,
  type ConfigDefinition,
  ConfigError,
  type ConfigSource,
  define,
  int,
  list,
  long,
  oneOf,
  requiredOf,
  string,
} from './definition.ts';
import { parseListener } from './socketAddress.ts';

export const kafkaKeys = {
  listeners: define({
    name: 'listeners',
    type: list,
    defaultValue: [],
    about:
      'Kafka listeners as `NAME://host:port`; none where it is absent. Port 0 takes any free one. Beyond loopback it needs `allow.unauthenticated.listeners=true`.',
  }),
  advertisedListeners: define({
    name: 'advertised.listeners',
    type: list,
    defaultValue: [],
    about:
      'Addresses under which Kafka clients reach the listeners of the same names; by default where they listen.',
  }),
  listenerSecurityProtocolMap: define({
    name: 'listener.security.protocol.map',
    type: list,
    defaultValue: ['PLAINTEXT:PLAINTEXT'],
    about:
      'Security protocol of each listener name, as `NAME:PROTOCOL`. This release has `PLAINTEXT` alone.',
  }),
  interBrokerListenerName: define({
    name: 'inter.broker.listener.name',
    type: string(),
    defaultValue: undefined,
    about:
      'One of the listener names. It is checked, and brokers speak to one another by `native.listeners` all the same.',
  }),
  securityInterBrokerProtocol: define({
    name: 'security.inter.broker.protocol',
    type: oneOf('PLAINTEXT'),
    defaultValue: 'PLAINTEXT',
    about: 'As `inter.broker.listener.name`, by protocol.',
  }),
  autoCreateTopicsEnable: define({
    name: 'auto.create.topics.enable',
    type: boolean,
    defaultValue: true,
    about: 'Whether a topic that a Kafka client asks for is created, where the client allows it.',
  }),
  replicaSelectorClass: define({
    name: 'replica.selector.class',
    type: oneOf('org.apache.kafka.common.replica.RackAwareReplicaSelector'),
    defaultValue: undefined,
    about:
      'With it, Kafka consumers that name their rack are sent to a replica in that rack (KIP-392).',
  }),
  fetchMaxBytes: define({
    name: 'fetch.max.bytes',
    type: int(1_024),
    defaultValue: 57_671_680,
    about: 'Bytes of records that the answer to one fetch of a Kafka client holds at most.',
  }),
  maxIncrementalFetchSessionCacheSlots: define({
    name: 'max.incremental.fetch.session.cache.slots',
    type: int(0),
    defaultValue: 1_000,
    about: 'Fetch sessions that are kept for Kafka clients (KIP-227).',
  }),
} as const satisfies Readonly<Record<string, ConfigDefinition>>;

export const groupKeys = {
  offsetsTopicNumPartitions: define({
    name: 'offsets.topic.num.partitions',
    type: int(1),
    defaultValue: 50,
    about: 'Partitions of `__consumer_offsets` when it is created.',
  }),
  offsetsTopicReplicationFactor: define({
    name: 'offsets.topic.replication.factor',
    type: int(1, 32_767),
    defaultValue: 3,
    about: 'Replicas of `__consumer_offsets`; it is not created while fewer brokers are alive.',
  }),
  offsetsTopicSegmentBytes: define({
    name: 'offsets.topic.segment.bytes',
    type: int(1),
    defaultValue: 104_857_600,
    about: 'Bytes of a segment of `__consumer_offsets`.',
  }),
  offsetMetadataMaxBytes: define({
    name: 'offset.metadata.max.bytes',
    type: int(0),
    defaultValue: 4_096,
    about: 'Longest text that may be committed beside an offset.',
  }),
  offsetsLoadBufferSize: define({
    name: 'offsets.load.buffer.size',
    type: int(1),
    defaultValue: 5_242_880,
    about: 'Bytes read at a time while groups are loaded.',
  }),
  offsetsRetentionMinutes: define({
    name: 'offsets.retention.minutes',
    type: int(1),
    defaultValue: 10_080,
    about: 'Minutes for which committed offsets outlive the consumers of their group.',
  }),
  offsetsRetentionCheckIntervalMs: define({
    name: 'offsets.retention.check.interval.ms',
    type: long(1),
    defaultValue: 600_000,
    about: 'Milliseconds between two looks for offsets that have expired.',
  }),
  offsetsCommitTimeoutMs: define({
    name: 'offsets.commit.timeout.ms',
    type: int(1),
    defaultValue: 5_000,
    about: 'Milliseconds that a commit of offsets waits for the replicas.',
  }),
  groupMinSessionTimeoutMs: define({
    name: 'group.min.session.timeout.ms',
    type: int(1),
    defaultValue: 6_000,
    about: 'Shortest session timeout that a member may ask for.',
  }),
  groupMaxSessionTimeoutMs: define({
    name: 'group.max.session.timeout.ms',
    type: int(1),
    defaultValue: 1_800_000,
    about: 'Longest session timeout that a member may ask for.',
  }),
  groupInitialRebalanceDelayMs: define({
    name: 'group.initial.rebalance.delay.ms',
    type: int(0),
    defaultValue: 3_000,
    about: 'Milliseconds that an empty group waits for more members before its first rebalance.',
  }),
  groupMaxSize: define({
    name: 'group.max.size',
    type: int(1),
    defaultValue: 2_147_483_647,
    about: 'Members that a group may have.',
  }),
} as const satisfies Readonly<Record<string, ConfigDefinition>>;

export interface KafkaListener {
  readonly name: string;
  readonly listen: SocketAddress;
  /** undefined where it is the one that it listens on. */
  readonly advertised: SocketAddress | undefined;
}

export interface KafkaConfig {
  /** None for no Kafka listener. */
  readonly listeners: readonly KafkaListener[];
  readonly autoCreateTopics: boolean;
  /** Whether consumers are sent to a replica in their rack. */
  readonly rackAwareSelector: boolean;
  readonly fetchBytesMax: number;
  readonly fetchSessionsMax: number;
}

export interface GroupConfig {
  readonly offsetsPartitionCount: number;
  readonly offsetsReplicationFactor: number;
  readonly offsetsSegmentBytes: number;
  readonly offsetMetadataBytesMax: number;
  readonly offsetsLoadBufferBytes: number;
  readonly offsetsRetentionMs: number;
  readonly offsetsRetentionCheckIntervalMs: number;
  readonly offsetsCommitTimeoutMs: number;
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
  readonly initialRebalanceDelayMs: number;
  readonly groupSizeMax: number;
}

/** @throws {ConfigError} naming the key whose value cannot be used. */
export function kafkaConfigFrom(
  read: ConfigSource,
  options: { readonly beyondLoopback: boolean },
): KafkaConfig {
  const required = requiredOf(read);
  required(kafkaKeys.securityInterBrokerProtocol);
  const protocols = protocolsOf(required(kafkaKeys.listenerSecurityProtocolMap));
  const listeners = endpointsOf(kafkaKeys.listeners.name, required(kafkaKeys.listeners), options);
  const advertised = endpointsOf(
    kafkaKeys.advertisedListeners.name,
    required(kafkaKeys.advertisedListeners),
    { beyondLoopback: true },
  );
  for (const name of listeners.keys()) {
    if (protocols.has(name)) continue;
    throw new ConfigError(
      `The listener "${name}" of "listeners" has no protocol in "listener.security.protocol.map"`,
      { key: kafkaKeys.listeners.name },
    );
  }
  const interBroker = read(kafkaKeys.interBrokerListenerName);
  const named = [...advertised.keys()].map((name) => [kafkaKeys.advertisedListeners.name, name]);
  if (interBroker !== undefined) {
    named.push([kafkaKeys.interBrokerListenerName.name, interBroker.toUpperCase()]);
  }
  for (const [key, name] of named) {
    if (listeners.has(name ?? '')) continue;
    throw new ConfigError(`"${key}" names "${name}", which is none of "listeners"`, { key });
  }
  return {
    listeners: [...listeners].map(([name, listen]) => {
      return { name, listen, advertised: advertised.get(name) };
    }),
    autoCreateTopics: required(kafkaKeys.autoCreateTopicsEnable),
    rackAwareSelector: read(kafkaKeys.replicaSelectorClass) !== undefined,
    fetchBytesMax: required(kafkaKeys.fetchMaxBytes),
    fetchSessionsMax: required(kafkaKeys.maxIncrementalFetchSessionCacheSlots),
  };
}

export function groupConfigFrom(read: ConfigSource): GroupConfig {
  const required = requiredOf(read);
  return {
    offsetsPartitionCount: required(groupKeys.offsetsTopicNumPartitions),
    offsetsReplicationFactor: required(groupKeys.offsetsTopicReplicationFactor),
    offsetsSegmentBytes: required(groupKeys.offsetsTopicSegmentBytes),
    offsetMetadataBytesMax: required(groupKeys.offsetMetadataMaxBytes),
    offsetsLoadBufferBytes: required(groupKeys.offsetsLoadBufferSize),
    offsetsRetentionMs: required(groupKeys.offsetsRetentionMinutes) * 60_000,
    offsetsRetentionCheckIntervalMs: required(groupKeys.offsetsRetentionCheckIntervalMs),
    offsetsCommitTimeoutMs: required(groupKeys.offsetsCommitTimeoutMs),
    sessionTimeoutMsMin: required(groupKeys.groupMinSessionTimeoutMs),
    sessionTimeoutMsMax: required(groupKeys.groupMaxSessionTimeoutMs),
    initialRebalanceDelayMs: required(groupKeys.groupInitialRebalanceDelayMs),
    groupSizeMax: required(groupKeys.groupMaxSize),
  };
}

/** Addresses by listener name. An empty host, as in `PLAINTEXT://:9092`, stands for all interfaces. */
function endpointsOf(
  key: string,
  entries: readonly string[],
  options: { readonly beyondLoopback: boolean },
): ReadonlyMap<string, SocketAddress> {
  const endpoints = new Map<string, SocketAddress>();
  for (const entry of entries) {
    const groups = /^(?<name>[A-Za-z0-9_.-]+):\/\/(?<address>.*)$/.exec(entry)?.groups;
    const name = groups?.['name']?.toUpperCase();
    const address = groups?.['address'];
    if (name === undefined || address === undefined) {
      throw new ConfigError(`Invalid value "${entry}" of "${key}": it must be "NAME://host:port"`, {
        key,
      });
    }
    if (endpoints.has(name)) {
      throw new ConfigError(`The key "${key}" names the listener "${name}" twice`, { key });
    }
    const full = address.startsWith(':') ? `0.0.0.0${address}` : address;
    endpoints.set(name, parseListener(key, [full], options));
  }
  return endpoints;
}

function protocolsOf(entries: readonly string[]): ReadonlyMap<string, string> {
  const key = kafkaKeys.listenerSecurityProtocolMap.name;
  return new Map(
    entries.map((entry) => {
      const [name = '', protocol = '', ...rest] = entry.split(':');
      if (name !== '' && protocol.toUpperCase() === 'PLAINTEXT' && rest.length === 0) {
        return [name.toUpperCase(), 'PLAINTEXT'];
      }
      throw new ConfigError(
        `Invalid value "${entry}" of "${key}": it must be "NAME:PLAINTEXT"; this release has no ` +
          'TLS and no SASL',
        { key },
      );
    }),
  );
}
