/**
 * The settings of a topic, under Kafka's names. A topic that does not set one takes the broker's
 * default, whose key stands beside each.
 */

import {
  boolean,
  type ConfigDefinition,
  ConfigError,
  type ConfigValue,
  define,
  double,
  formatConfigValue,
  int,
  long,
  oneOf,
  parseConfigValue,
  someOf,
  throttledReplicas,
} from './definition.ts';

export interface TopicConfigDefinition<T extends ConfigValue = ConfigValue>
  extends ConfigDefinition<T> {
  /** Key of the broker's configuration that gives the default; undefined where there is none. */
  readonly brokerKey: string | undefined;
}

function defineTopic<T extends ConfigValue>(
  definition: Omit<TopicConfigDefinition<T>, 'defaultValue'> & { readonly defaultValue: T },
): TopicConfigDefinition<T> & { readonly defaultValue: T } {
  return { ...define(definition), ...definition };
}

const DAY_MS = 24 * 60 * 60 * 1000;

export const topicConfigs = {
  cleanupPolicy: defineTopic<readonly string[]>({
    name: 'cleanup.policy',
    brokerKey: 'log.cleanup.policy',
    type: someOf('compact', 'delete'),
    defaultValue: ['delete'],
    about:
      'What happens to old segments: `delete` removes them by `retention.ms` and ' +
      '`retention.bytes`, `compact` keeps the last record of each key; both may be given. Where a ' +
      'topic is compacted, every record must have a key.',
  }),
  compressionType: defineTopic({
    name: 'compression.type',
    brokerKey: 'compression.type',
    type: oneOf('producer'),
    defaultValue: 'producer',
    about: 'The codec of stored batches: `producer` keeps each batch as its producer sent it.',
  }),
  deleteRetentionMs: defineTopic({
    name: 'delete.retention.ms',
    brokerKey: 'log.cleaner.delete.retention.ms',
    type: long(0),
    defaultValue: DAY_MS,
    about:
      'Milliseconds for which a tombstone stays after it was first compacted: a reader that takes ' +
      'longer from the start to the end of the log may miss that a key was deleted.',
  }),
  fileDeleteDelayMs: defineTopic({
    name: 'file.delete.delay.ms',
    brokerKey: 'log.segment.delete.delay.ms',
    type: long(0),
    defaultValue: 60_000,
    about: 'Milliseconds between taking a segment out of the log and removing its files.',
  }),
  flushMessages: defineTopic({
    name: 'flush.messages',
    brokerKey: 'log.flush.interval.messages',
    type: long(1),
    defaultValue: 1,
    about:
      'Records after which the log is synced to disk. 1, the default, means that every ' +
      'acknowledgement waits for `fdatasync`; 9223372036854775807 leaves it to the page cache, as Kafka does.',
  }),
  flushMs: defineTopic({
    name: 'flush.ms',
    brokerKey: 'log.flush.interval.ms',
    type: long(0),
    defaultValue: Number.MAX_SAFE_INTEGER,
    about: 'Milliseconds after which unsynced records are synced to disk.',
  }),
  followerThrottledReplicas: defineTopic({
    name: 'follower.replication.throttled.replicas',
    brokerKey: undefined,
    type: throttledReplicas,
    defaultValue: [],
    about:
      'Replicas that, while they are out of sync, share `follower.replication.throttled.rate` of their ' +
      'broker with the other throttled ones.',
  }),
  indexIntervalBytes: defineTopic({
    name: 'index.interval.bytes',
    brokerKey: 'log.index.interval.bytes',
    type: int(0),
    defaultValue: 4096,
    about: 'Bytes of records between two entries of the offset index.',
  }),
  leaderThrottledReplicas: defineTopic({
    name: 'leader.replication.throttled.replicas',
    brokerKey: undefined,
    type: throttledReplicas,
    defaultValue: [],
    about:
      'Replicas that, while they lead, share `leader.replication.throttled.rate` of their broker with ' +
      'the other throttled ones, for followers out of sync.',
  }),
  maxCompactionLagMs: defineTopic({
    name: 'max.compaction.lag.ms',
    brokerKey: 'log.cleaner.max.compaction.lag.ms',
    type: long(1),
    defaultValue: Number.MAX_SAFE_INTEGER,
    about:
      'Milliseconds after which a record is due for compaction, however little of the log is dirty.',
  }),
  maxMessageBytes: defineTopic({
    name: 'max.message.bytes',
    brokerKey: 'message.max.bytes',
    type: int(0),
    defaultValue: 1_048_588,
    about: 'Largest record batch, in bytes as sent.',
  }),
  messageTimestampAfterMaxMs: defineTopic({
    name: 'message.timestamp.after.max.ms',
    brokerKey: 'log.message.timestamp.after.max.ms',
    type: long(0),
    defaultValue: Number.MAX_SAFE_INTEGER,
    about: "Milliseconds by which a record's timestamp may be ahead of the broker's clock.",
  }),
  messageTimestampBeforeMaxMs: defineTopic({
    name: 'message.timestamp.before.max.ms',
    brokerKey: 'log.message.timestamp.before.max.ms',
    type: long(0),
    defaultValue: Number.MAX_SAFE_INTEGER,
    about: "Milliseconds by which a record's timestamp may be behind the broker's clock.",
  }),
  messageTimestampType: defineTopic({
    name: 'message.timestamp.type',
    brokerKey: 'log.message.timestamp.type',
    type: oneOf('CreateTime', 'LogAppendTime'),
    defaultValue: 'CreateTime',
    about:
      "Whose clock stamps records: the producer's (`CreateTime`) or the broker's (`LogAppendTime`).",
  }),
  minCleanableDirtyRatio: defineTopic({
    name: 'min.cleanable.dirty.ratio',
    brokerKey: 'log.cleaner.min.cleanable.ratio',
    type: double(0, 1),
    defaultValue: 0.5,
    about: 'Share of bytes that were not compacted yet above which a log is compacted.',
  }),
  minCompactionLagMs: defineTopic({
    name: 'min.compaction.lag.ms',
    brokerKey: 'log.cleaner.min.compaction.lag.ms',
    type: long(0),
    defaultValue: 0,
    about: 'Milliseconds for which a record stays, though a newer one has its key.',
  }),
  minInsyncReplicas: defineTopic({
    name: 'min.insync.replicas',
    brokerKey: 'min.insync.replicas',
    type: int(1),
    defaultValue: 1,
    about:
      'In-sync replicas that a record must reach before acks=all is answered; at most the ' +
      'replication factor counts.',
  }),
  preallocate: defineTopic({
    name: 'preallocate',
    brokerKey: 'log.preallocate',
    type: boolean,
    defaultValue: false,
    about: 'Accepted for compatibility: segments grow as they are written, whatever the value.',
  }),
  retentionBytes: defineTopic({
    name: 'retention.bytes',
    brokerKey: 'log.retention.bytes',
    type: long(-1),
    defaultValue: -1,
    about: 'Bytes of a partition above which its oldest segments are removed; -1 for no limit.',
  }),
  retentionMs: defineTopic({
    name: 'retention.ms',
    brokerKey: 'log.retention.ms',
    type: long(-1),
    defaultValue: 7 * DAY_MS,
    about: 'Milliseconds after which a segment is removed, by its newest record; -1 for no limit.',
  }),
  segmentBytes: defineTopic({
    name: 'segment.bytes',
    brokerKey: 'log.segment.bytes',
    type: int(14),
    defaultValue: 1_073_741_824,
    about: 'Size in bytes at which a new segment is begun.',
  }),
  segmentIndexBytes: defineTopic({
    name: 'segment.index.bytes',
    brokerKey: 'log.index.size.max.bytes',
    type: int(4),
    defaultValue: 10_485_760,
    about: 'Size in bytes of an index at which a new segment is begun.',
  }),
  segmentJitterMs: defineTopic({
    name: 'segment.jitter.ms',
    brokerKey: 'log.roll.jitter.ms',
    type: long(0),
    defaultValue: 0,
    about:
      'Random milliseconds by which `segment.ms` is shortened, so that segments do not roll at once.',
  }),
  segmentMs: defineTopic({
    name: 'segment.ms',
    brokerKey: 'log.roll.ms',
    type: long(1),
    defaultValue: 7 * DAY_MS,
    about: 'Milliseconds after which a new segment is begun even if the old one is not full.',
  }),
  uncleanLeaderElectionEnable: defineTopic({
    name: 'unclean.leader.election.enable',
    brokerKey: 'unclean.leader.election.enable',
    type: boolean,
    defaultValue: false,
    about:
      'Whether a replica that may lack acknowledged records leads where no other is alive. Each ' +
      'such election is logged and counted.',
  }),
} as const;

/** Effective settings of one topic. */
export interface TopicConfig {
  readonly cleanupPolicy: readonly string[];
  readonly compressionType: string;
  readonly deleteRetentionMs: number;
  readonly fileDeleteDelayMs: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly followerThrottledReplicas: readonly string[];
  readonly indexIntervalBytes: number;
  readonly leaderThrottledReplicas: readonly string[];
  readonly maxCompactionLagMs: number;
  readonly maxMessageBytes: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampType: string;
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly minInsyncReplicas: number;
  readonly preallocate: boolean;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  readonly segmentBytes: number;
  readonly segmentIndexBytes: number;
  readonly segmentJitterMs: number;
  readonly segmentMs: number;
  readonly uncleanLeaderElectionEnable: boolean;
}

type TopicConfigKey = keyof typeof topicConfigs;

/** In alphabetical order of their names. */
export const topicConfigDefinitions: readonly TopicConfigDefinition[] = Object.values(
  topicConfigs,
).sort((left, right) => (left.name < right.name ? -1 : 1));

const definitionsByName: ReadonlyMap<string, TopicConfigDefinition> = new Map(
  topicConfigDefinitions.map((definition) => [definition.name, definition]),
);

export function topicConfigDefinition(name: string): TopicConfigDefinition | undefined {
  return definitionsByName.get(name);
}

/**
 * Checks the settings that a topic overrides.
 *
 * @throws {ConfigError} naming the first setting that is unknown or not allowed.
 */
export function validateTopicConfigs(overrides: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(overrides)) {
    const definition = topicConfigDefinition(name);
    if (definition === undefined) {
      throw new ConfigError(`Unknown topic setting "${name}"`, { key: name });
    }
    parseConfigValue(definition, value);
  }
}

/**
 * The settings in force for a topic: its own over the broker's defaults.
 *
 * A stored override that this release does not know, or whose value it does not allow, is passed
 * over: another release wrote it, and the topic must stay readable. `onIgnored` hears of it.
 */
export function effectiveTopicConfig(
  defaults: TopicConfig,
  overrides: Readonly<Record<string, string>>,
  onIgnored: (name: string, reason: string) => void = () => undefined,
): TopicConfig {
  const effective: Record<string, ConfigValue> = { ...defaults };
  const keys = new Map<string, TopicConfigKey>(
    (Object.keys(topicConfigs) as TopicConfigKey[]).map((key) => [topicConfigs[key].name, key]),
  );
  for (const [name, text] of Object.entries(overrides)) {
    const key = keys.get(name);
    if (key === undefined) {
      onIgnored(name, 'unknown to this release');
      continue;
    }
    try {
      effective[key] = parseConfigValue<ConfigValue>(topicConfigs[key] as ConfigDefinition, text);
    } catch (error) {
      onIgnored(name, error instanceof Error ? error.message : String(error));
    }
  }
  return effective as unknown as TopicConfig;
}

/** Name, effective text and whether the topic itself set it, in the order of the documentation. */
export function* describeTopicConfig(
  defaults: TopicConfig,
  overrides: Readonly<Record<string, string>>,
): Generator<{
  readonly definition: TopicConfigDefinition;
  readonly value: string;
  readonly overridden: boolean;
}> {
  const effective = effectiveTopicConfig(defaults, overrides);
  for (const key of Object.keys(topicConfigs) as TopicConfigKey[]) {
    const definition = topicConfigs[key];
    const overridden = Object.hasOwn(overrides, definition.name);
    yield { definition, value: formatConfigValue(effective[key]), overridden };
  }
}
