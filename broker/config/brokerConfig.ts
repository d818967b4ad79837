/**
 * The configuration of a broker: keys of `server.properties`, under Kafka's names where Kafka has
 * the setting. Everything is checked at start, and a value that cannot be trusted is refused by
 * name; docs/configuration.md is generated from this table.
 */

import { type BrokerId, brokerId, type SocketAddress } from '../../common/index.ts';
import {
  boolean,
  type ConfigDefinition,
  ConfigError,
  type ConfigValue,
  define,
  formatConfigValue,
  int,
  list,
  long,
  parseConfigValue,
  requiredOf,
  string,
} from './definition.ts';
import {
  type GroupConfig,
  groupConfigFrom,
  groupKeys,
  type KafkaConfig,
  kafkaConfigFrom,
  kafkaKeys,
} from './kafkaConfig.ts';
import { type LogCleanerConfig, logCleanerConfigFrom, logCleanerKeys } from './logCleanerConfig.ts';
import { parseProperties } from './properties.ts';
import { parseListener } from './socketAddress.ts';
import { type TopicConfig, topicConfigs } from './topicConfig.ts';

const keys = {
  brokerId: define({
    name: 'broker.id',
    type: int(0),
    defaultValue: undefined,
    about: 'Id of the broker, unique in the cluster. Required.',
  }),
  rack: define({
    name: 'broker.rack',
    type: string(),
    defaultValue: undefined,
    about: 'Where the broker stands; replicas of a partition are spread over racks.',
  }),
  nativeListeners: define({
    name: 'native.listeners',
    type: list,
    defaultValue: ['127.0.0.1:9192'],
    about:
      'Address `host:port` of the native protocol. Port 0 takes any free one. Beyond loopback ' +
      'it needs `allow.unauthenticated.listeners=true`.',
  }),
  advertisedNativeListeners: define({
    name: 'advertised.native.listeners',
    type: list,
    defaultValue: undefined,
    about:
      'Address under which clients and brokers reach `native.listeners`; that address by default.',
  }),
  adminListeners: define({
    name: 'admin.listeners',
    type: list,
    defaultValue: ['127.0.0.1:9292'],
    about: 'Address `host:port` of the admin REST endpoint; `none` for no endpoint.',
  }),
  adminAllowedHosts: define({
    name: 'admin.allowed.hosts',
    type: list,
    defaultValue: [],
    about:
      'Host names, beside loopback and the listener itself, that a request may name in its Host header.',
  }),
  allowUnauthenticatedListeners: define({
    name: 'allow.unauthenticated.listeners',
    type: boolean,
    defaultValue: false,
    about: 'Whether listeners beyond loopback may serve clients that did not authenticate.',
  }),
  logDirs: define({
    name: 'log.dirs',
    type: list,
    defaultValue: undefined,
    about: 'Directories of the log, separated by commas. Required, here or as `log.dir`.',
  }),
  logDir: define({
    name: 'log.dir',
    type: string(),
    defaultValue: undefined,
    about: 'The directory of the log where there is only one; `log.dirs` goes before it.',
  }),
  zookeeperConnect: define({
    name: 'zookeeper.connect',
    type: string(),
    defaultValue: undefined,
    about: 'ZooKeeper servers as `host:port,host:port/chroot`. Required.',
  }),
  zookeeperSessionTimeoutMs: define({
    name: 'zookeeper.session.timeout.ms',
    type: int(100),
    defaultValue: 18_000,
    about: 'Milliseconds without a sign of life after which ZooKeeper takes the broker for dead.',
  }),
  zookeeperConnectionTimeoutMs: define({
    name: 'zookeeper.connection.timeout.ms',
    type: int(100),
    defaultValue: 18_000,
    about: 'Milliseconds to wait for ZooKeeper at start before the broker gives up.',
  }),
  numPartitions: define({
    name: 'num.partitions',
    type: int(1),
    defaultValue: 1,
    about: 'Partitions of a topic that is created without a number.',
  }),
  defaultReplicationFactor: define({
    name: 'default.replication.factor',
    type: int(1, 32_767),
    defaultValue: 1,
    about: 'Replicas of a topic that is created without a number.',
  }),
  autoLeaderRebalanceEnable: define({
    name: 'auto.leader.rebalance.enable',
    type: boolean,
    defaultValue: true,
    about: 'Whether leaders go back by themselves to the brokers that should lead.',
  }),
  leaderImbalanceCheckIntervalSeconds: define({
    name: 'leader.imbalance.check.interval.seconds',
    type: long(1),
    defaultValue: 300,
    about: 'Seconds between two looks at which brokers lead; the first comes after 5.',
  }),
  leaderImbalancePerBrokerPercentage: define({
    name: 'leader.imbalance.per.broker.percentage',
    type: int(0),
    defaultValue: 10,
    about: 'Percentage of the partitions that a broker should lead above which they go back to it.',
  }),
  controlledShutdownEnable: define({
    name: 'controlled.shutdown.enable',
    type: boolean,
    defaultValue: true,
    about: 'Whether a broker that stops first gives away what it leads.',
  }),
  deleteTopicEnable: define({
    name: 'delete.topic.enable',
    type: boolean,
    defaultValue: true,
    about: 'Whether topics can be deleted.',
  }),
  logRetentionCheckIntervalMs: define({
    name: 'log.retention.check.interval.ms',
    type: long(1),
    defaultValue: 300_000,
    about: 'Milliseconds between two looks for segments that retention removes.',
  }),
  logRetentionMinutes: define({
    name: 'log.retention.minutes',
    type: int(-1),
    defaultValue: undefined,
    about: 'As `log.retention.ms`, in minutes; `log.retention.ms` goes before it.',
  }),
  logRetentionHours: define({
    name: 'log.retention.hours',
    type: int(-1),
    defaultValue: undefined,
    about: 'As `log.retention.ms`, in hours; the finer keys go before it.',
  }),
  logRollHours: define({
    name: 'log.roll.hours',
    type: int(1),
    defaultValue: undefined,
    about: 'As `log.roll.ms`, in hours; `log.roll.ms` goes before it.',
  }),
  producerIdExpirationMs: define({
    name: 'producer.id.expiration.ms',
    type: int(1),
    defaultValue: 86_400_000,
    about:
      'Milliseconds after which a partition forgets an idempotent producer that sent nothing to it.',
  }),
  logFlushOffsetCheckpointIntervalMs: define({
    name: 'log.flush.offset.checkpoint.interval.ms',
    type: int(0),
    defaultValue: 60_000,
    about: 'Milliseconds between two writes of the recovery points.',
  }),
  logFlushStartOffsetCheckpointIntervalMs: define({
    name: 'log.flush.start.offset.checkpoint.interval.ms',
    type: int(0),
    defaultValue: 60_000,
    about: 'Milliseconds between two writes of the log start offsets.',
  }),
  highWatermarkCheckpointIntervalMs: define({
    name: 'replica.high.watermark.checkpoint.interval.ms',
    type: long(1),
    defaultValue: 5_000,
    about: 'Milliseconds between two writes of the high watermarks.',
  }),
  replicaLagTimeMaxMs: define({
    name: 'replica.lag.time.max.ms',
    type: long(100),
    defaultValue: 30_000,
    about:
      'Milliseconds after which a follower that has not had everything leaves the in-sync replicas.',
  }),
  replicaFetchWaitMaxMs: define({
    name: 'replica.fetch.wait.max.ms',
    type: int(1),
    defaultValue: 500,
    about: 'Milliseconds that a fetch of a follower waits at its leader for records.',
  }),
  replicaFetchResponseMaxBytes: define({
    name: 'replica.fetch.response.max.bytes',
    type: int(1),
    defaultValue: 10_485_760,
    about: 'Bytes of records that one fetch of a follower brings, unless one batch is larger.',
  }),
  replicaFetchBackoffMs: define({
    name: 'replica.fetch.backoff.ms',
    type: int(1),
    defaultValue: 50,
    about: 'Milliseconds after which a follower tries again what failed.',
  }),
  leaderReplicationThrottledRate: define({
    name: 'leader.replication.throttled.rate',
    type: long(1),
    defaultValue: Number.MAX_SAFE_INTEGER,
    about:
      'Bytes per second that this broker sends at most to throttled replicas that are out of sync; ' +
      'see `leader.replication.throttled.replicas`. Moves may ask for less: `odradek reassign --throttle`.',
  }),
  followerReplicationThrottledRate: define({
    name: 'follower.replication.throttled.rate',
    type: long(1),
    defaultValue: Number.MAX_SAFE_INTEGER,
    about:
      'Bytes per second that throttled replicas of this broker that are out of sync take in at most; ' +
      'see `follower.replication.throttled.replicas`. Moves may ask for less.',
  }),
  replicaSocketTimeoutMs: define({
    name: 'replica.socket.timeout.ms',
    type: int(1),
    defaultValue: 10_000,
    about: 'Milliseconds after which a follower gives a fetch up that was not answered.',
  }),
  socketRequestMaxBytes: define({
    name: 'socket.request.max.bytes',
    type: int(65_536),
    defaultValue: 104_857_600,
    about: 'Largest request in bytes.',
  }),
  queuedMaxRequestBytes: define({
    name: 'queued.max.request.bytes',
    type: long(1_048_576),
    defaultValue: 268_435_456,
    about: 'Bytes that the receive buffers of all connections may take together.',
  }),
  maxConnections: define({
    name: 'max.connections',
    type: int(1),
    defaultValue: 20_000,
    about: 'Connections of each listener.',
  }),
  maxConnectionsPerIp: define({
    name: 'max.connections.per.ip',
    type: int(1),
    defaultValue: 20_000,
    about: 'Connections of each listener from one address.',
  }),
  connectionsMaxIdleMs: define({
    name: 'connections.max.idle.ms',
    type: long(1_000),
    defaultValue: 600_000,
    about: 'Milliseconds after which a connection without requests is closed.',
  }),
  maxInFlightRequests: define({
    name: 'max.in.flight.requests.per.connection',
    type: int(1),
    defaultValue: 256,
    about: 'Unanswered requests of one connection above which the broker stops reading from it.',
  }),
} as const satisfies Readonly<Record<string, ConfigDefinition>>;

/** Settings of Kafka that this release does not have, and must not seem to obey. */
const refused: ReadonlyMap<string, string> = new Map([
  ['process.roles', 'Odradek is coordinated by ZooKeeper and has no KRaft mode'],
  ['node.id', 'Odradek is coordinated by ZooKeeper and has no KRaft mode; use "broker.id"'],
  ['authorizer.class.name', 'this release has no authorisation'],
  ['sasl.enabled.mechanisms', 'this release has no SASL'],
  ['ssl.keystore.location', 'this release has no TLS'],
]);

export interface BrokerConfig {
  readonly brokerId: BrokerId;
  readonly rack: string | undefined;
  readonly nativeListener: SocketAddress;
  readonly advertisedNativeListener: SocketAddress | undefined;
  /** undefined for no endpoint. */
  readonly adminListener: SocketAddress | undefined;
  readonly adminAllowedHosts: readonly string[];
  readonly logDirs: readonly string[];
  readonly zookeeperConnect: string;
  readonly zookeeperSessionTimeoutMs: number;
  readonly zookeeperConnectionTimeoutMs: number;
  readonly numPartitions: number;
  readonly defaultReplicationFactor: number;
  readonly autoLeaderRebalanceEnable: boolean;
  readonly leaderImbalanceCheckIntervalMs: number;
  readonly leaderImbalancePerBrokerPercentage: number;
  readonly controlledShutdownEnable: boolean;
  readonly deleteTopicEnable: boolean;
  readonly logRetentionCheckIntervalMs: number;
  /** undefined where topics are not compacted. */
  readonly logCleaner: LogCleanerConfig | undefined;
  readonly producerIdExpirationMs: number;
  readonly logFlushOffsetCheckpointIntervalMs: number;
  readonly logFlushStartOffsetCheckpointIntervalMs: number;
  readonly highWatermarkCheckpointIntervalMs: number;
  readonly replicaLagTimeMaxMs: number;
  readonly replicaFetchWaitMaxMs: number;
  readonly replicaFetchResponseMaxBytes: number;
  readonly replicaFetchBackoffMs: number;
  readonly leaderReplicationThrottledRate: number;
  readonly followerReplicationThrottledRate: number;
  readonly replicaSocketTimeoutMs: number;
  readonly socketRequestMaxBytes: number;
  readonly queuedMaxRequestBytes: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  readonly connectionsMaxIdleMs: number;
  readonly maxInFlightRequests: number;
  readonly kafka: KafkaConfig;
  readonly groups: GroupConfig;
  /** What a topic takes where it sets nothing itself. */
  readonly topicDefaults: TopicConfig;
  /** As they stood in the file, for DescribeConfigs. */
  readonly given: ReadonlyMap<string, string>;
  /** Keys of the file that no setting has; logged at start. */
  readonly unknownKeys: readonly string[];
}

const topicDefaultDefinitions: readonly ConfigDefinition[] = Object.values(topicConfigs).flatMap(
  ({ brokerKey, type, defaultValue, about }): readonly ConfigDefinition[] => {
    if (brokerKey === undefined) return [];
    return [
      {
        name: brokerKey,
        type: type as ConfigDefinition['type'],
        defaultValue,
        about: `Default of topics: ${about}`,
      },
    ];
  },
);

/** Every key of `server.properties`, in alphabetical order. */
export const brokerConfigDefinitions: readonly ConfigDefinition[] = [
  ...(Object.values(keys) as readonly ConfigDefinition[]),
  ...(Object.values(kafkaKeys) as readonly ConfigDefinition[]),
  ...(Object.values(groupKeys) as readonly ConfigDefinition[]),
  ...(Object.values(logCleanerKeys) as readonly ConfigDefinition[]),
  ...topicDefaultDefinitions,
].sort((left, right) => (left.name < right.name ? -1 : 1));

/**
 * Reads `server.properties`.
 *
 * @throws {ConfigError} naming the first key that is missing, refused or not allowed.
 */
export function parseBrokerConfig(text: string): BrokerConfig {
  return brokerConfigFrom(parseProperties(text));
}

/** As `parseBrokerConfig`, from values by key. */
export function brokerConfigFrom(given: ReadonlyMap<string, string>): BrokerConfig {
  for (const [key, reason] of refused) {
    if (given.has(key)) throw new ConfigError(`The key "${key}" is refused: ${reason}`, { key });
  }
  const value = <T extends ConfigValue>(definition: ConfigDefinition<T>): T | undefined => {
    const text = given.get(definition.name);
    return text === undefined ? definition.defaultValue : parseConfigValue(definition, text);
  };
  const required = requiredOf(value);
  const unauthenticated = required(keys.allowUnauthenticatedListeners);
  const listener = (definition: ConfigDefinition<readonly string[]>): SocketAddress =>
    parseListener(definition.name, required(definition), { beyondLoopback: unauthenticated });
  const advertised = value(keys.advertisedNativeListeners);
  const admin = required(keys.adminListeners);
  return {
    brokerId: brokerId(required(keys.brokerId)),
    rack: value(keys.rack),
    nativeListener: listener(keys.nativeListeners),
    advertisedNativeListener:
      advertised === undefined
        ? undefined
        : parseListener(keys.advertisedNativeListeners.name, advertised, { beyondLoopback: true }),
    adminListener: admin[0] === 'none' ? undefined : listener(keys.adminListeners),
    adminAllowedHosts: required(keys.adminAllowedHosts),
    logDirs: logDirsOf(value(keys.logDirs), value(keys.logDir)),
    zookeeperConnect: required(keys.zookeeperConnect),
    zookeeperSessionTimeoutMs: required(keys.zookeeperSessionTimeoutMs),
    zookeeperConnectionTimeoutMs: required(keys.zookeeperConnectionTimeoutMs),
    numPartitions: required(keys.numPartitions),
    defaultReplicationFactor: required(keys.defaultReplicationFactor),
    autoLeaderRebalanceEnable: required(keys.autoLeaderRebalanceEnable),
    leaderImbalanceCheckIntervalMs: required(keys.leaderImbalanceCheckIntervalSeconds) * 1_000,
    leaderImbalancePerBrokerPercentage: required(keys.leaderImbalancePerBrokerPercentage),
    controlledShutdownEnable: required(keys.controlledShutdownEnable),
    deleteTopicEnable: required(keys.deleteTopicEnable),
    logRetentionCheckIntervalMs: required(keys.logRetentionCheckIntervalMs),
    logCleaner: logCleanerConfigFrom(value),
    producerIdExpirationMs: required(keys.producerIdExpirationMs),
    logFlushOffsetCheckpointIntervalMs: required(keys.logFlushOffsetCheckpointIntervalMs),
    logFlushStartOffsetCheckpointIntervalMs: required(keys.logFlushStartOffsetCheckpointIntervalMs),
    highWatermarkCheckpointIntervalMs: required(keys.highWatermarkCheckpointIntervalMs),
    ...replicationConfigFrom(required),
    socketRequestMaxBytes: required(keys.socketRequestMaxBytes),
    queuedMaxRequestBytes: queuedMaxRequestBytesOf({
      requestBytes: required(keys.socketRequestMaxBytes),
      queuedBytes: required(keys.queuedMaxRequestBytes),
    }),
    maxConnections: required(keys.maxConnections),
    maxConnectionsPerIp: required(keys.maxConnectionsPerIp),
    connectionsMaxIdleMs: required(keys.connectionsMaxIdleMs),
    maxInFlightRequests: required(keys.maxInFlightRequests),
    kafka: kafkaConfigFrom(value, { beyondLoopback: unauthenticated }),
    groups: groupConfigFrom(value),
    topicDefaults: topicDefaultsFrom(given, {
      retentionMinutes: value(keys.logRetentionMinutes),
      retentionHours: value(keys.logRetentionHours),
      rollHours: value(keys.logRollHours),
    }),
    given,
    unknownKeys: unknownKeysOf(given),
  };
}

type ReplicationConfig = Pick<
  BrokerConfig,
  | 'replicaLagTimeMaxMs'
  | 'replicaFetchWaitMaxMs'
  | 'replicaFetchResponseMaxBytes'
  | 'replicaFetchBackoffMs'
  | 'leaderReplicationThrottledRate'
  | 'followerReplicationThrottledRate'
  | 'replicaSocketTimeoutMs'
>;

function replicationConfigFrom(
  required: <T extends ConfigValue>(definition: ConfigDefinition<T>) => T,
): ReplicationConfig {
  return {
    replicaLagTimeMaxMs: required(keys.replicaLagTimeMaxMs),
    replicaFetchWaitMaxMs: required(keys.replicaFetchWaitMaxMs),
    replicaFetchResponseMaxBytes: required(keys.replicaFetchResponseMaxBytes),
    replicaFetchBackoffMs: required(keys.replicaFetchBackoffMs),
    leaderReplicationThrottledRate: required(keys.leaderReplicationThrottledRate),
    followerReplicationThrottledRate: required(keys.followerReplicationThrottledRate),
    replicaSocketTimeoutMs: required(keys.replicaSocketTimeoutMs),
  };
}

/** Key, text and whether the file gave it: for DescribeConfigs. */
export function* describeBrokerConfig(config: BrokerConfig): Generator<{
  readonly definition: ConfigDefinition;
  readonly value: string | null;
  readonly given: boolean;
}> {
  for (const definition of brokerConfigDefinitions) {
    const text = config.given.get(definition.name);
    const fallback = definition.defaultValue;
    const shown = text ?? (fallback === undefined ? null : formatConfigValue(fallback));
    const value = definition.sensitive ? null : shown;
    yield { definition, value, given: text !== undefined };
  }
}

function unknownKeysOf(given: ReadonlyMap<string, string>): readonly string[] {
  const known = new Set(brokerConfigDefinitions.map((definition) => definition.name));
  return [...given.keys()].filter((key) => !known.has(key));
}

function logDirsOf(
  dirs: readonly string[] | undefined,
  dir: string | undefined,
): readonly string[] {
  const found = dirs ?? (dir === undefined ? undefined : [dir]);
  if (found === undefined) {
    throw new ConfigError('The key "log.dirs" is required', { key: 'log.dirs' });
  }
  const twice = found.find((entry, index) => found.indexOf(entry) !== index);
  if (twice !== undefined) {
    throw new ConfigError(`The key "log.dirs" names "${twice}" twice`, { key: 'log.dirs' });
  }
  return found;
}

interface CoarseKeys {
  readonly retentionMinutes: number | undefined;
  readonly retentionHours: number | undefined;
  readonly rollHours: number | undefined;
}

/** Kafka's precedence: milliseconds, then minutes, then hours. */
function topicDefaultsFrom(given: ReadonlyMap<string, string>, coarse: CoarseKeys): TopicConfig {
  const defaults: Record<string, ConfigValue> = {};
  for (const [key, definition] of Object.entries(topicConfigs)) {
    const name = definition.brokerKey;
    const text = name === undefined ? undefined : given.get(name);
    defaults[key] =
      name === undefined || text === undefined
        ? definition.defaultValue
        : parseConfigValue({ ...definition, name } as ConfigDefinition, text);
  }
  const { retentionMinutes, retentionHours, rollHours } = coarse;
  const inMs = (count: number, unitMs: number): number => (count === -1 ? -1 : count * unitMs);
  if (!given.has('log.retention.ms')) {
    if (retentionMinutes !== undefined) defaults['retentionMs'] = inMs(retentionMinutes, 60_000);
    else if (retentionHours !== undefined)
      defaults['retentionMs'] = inMs(retentionHours, 3_600_000);
  }
  if (!given.has('log.roll.ms') && rollHours !== undefined) {
    defaults['segmentMs'] = rollHours * 3_600_000;
  }
  return defaults as unknown as TopicConfig;
}

/** A request of the largest size must fit, and receive buffers are powers of two. */
function queuedMaxRequestBytesOf(sizes: {
  readonly requestBytes: number;
  readonly queuedBytes: number;
}): number {
  const { requestBytes, queuedBytes } = sizes;
  if (queuedBytes >= 2 * requestBytes) return queuedBytes;
  const key = keys.queuedMaxRequestBytes.name;
  throw new ConfigError(
    `Invalid value "${queuedBytes}" of "${key}": it must be at least twice ` +
      `"${keys.socketRequestMaxBytes.name}", which is ${requestBytes}`,
    { key },
  );
}
