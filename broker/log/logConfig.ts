/**
 * What a topic's configuration means to its logs: plain data, already checked by `broker/config`.
 * Names are Kafka's topic configurations; defaults are those of Kafka 3.9 but for flush.messages.
 */

export interface LogConfig {
  /** `segment.bytes`: a segment is closed before it would grow past this. */
  readonly segmentBytes: number;
  /** `segment.ms`: a segment is closed when its records span more time than this. */
  readonly segmentMs: number;
  /** `segment.jitter.ms`: up to this much is taken off segment.ms, so that rolls spread. */
  readonly segmentJitterMs: number;
  /** `segment.index.bytes`: size at which an index counts as full. */
  readonly segmentIndexBytes: number;
  /** `index.interval.bytes`: one index entry per so many bytes of log. */
  readonly indexIntervalBytes: number;
  /** `retention.ms`: segments whose newest record is older go; -1 for ever. */
  readonly retentionMs: number;
  /** `retention.bytes`: the oldest segments beyond this size go; -1 without limit. */
  readonly retentionBytes: number;
  /** `cleanup.policy`: retention applies only where it holds `delete`, the cleaner by `compact`. */
  readonly cleanupPolicy: readonly ('delete' | 'compact')[];
  /** `min.cleanable.dirty.ratio`: share of the log above which it is compacted, 0 to 1. */
  readonly minCleanableDirtyRatio: number;
  /** `min.compaction.lag.ms`: records stay as they are for so long. */
  readonly minCompactionLagMs: number;
  /** `max.compaction.lag.ms`: after so long the log is compacted, whatever its dirty share. */
  readonly maxCompactionLagMs: number;
  /** `delete.retention.ms`: how long a tombstone stays after it was first compacted. */
  readonly deleteRetentionMs: number;
  /**
   * `flush.messages`: records after which the log is synced. With 1, our default, a record counts as
   * written only when it is on disk: acknowledgements wait for the group's fdatasync.
   */
  readonly flushMessages: number;
  /** `flush.ms`: longest time before what was written is synced. */
  readonly flushMs: number;
  /** `max.message.bytes`: largest record batch. */
  readonly maxMessageBytes: number;
  /** `message.timestamp.type`. */
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
  /** `message.timestamp.before.max.ms`: how much older than now a timestamp may be. */
  readonly timestampBeforeMaxMs: number;
  /** `message.timestamp.after.max.ms`: how much newer than now a timestamp may be. */
  readonly timestampAfterMaxMs: number;
  /** `file.delete.delay.ms`: how long a removed file stays for readers that still have it. */
  readonly fileDeleteDelayMs: number;
}

/** Kafka writes Long.MAX_VALUE; numbers here stay safe integers. 285,000 years will do. */
export const UNLIMITED = Number.MAX_SAFE_INTEGER;

export const defaultLogConfig: LogConfig = {
  segmentBytes: 1024 ** 3,
  segmentMs: 7 * 24 * 3600 * 1000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 * 1024 ** 2,
  indexIntervalBytes: 4096,
  retentionMs: 7 * 24 * 3600 * 1000,
  retentionBytes: -1,
  cleanupPolicy: ['delete'],
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: UNLIMITED,
  deleteRetentionMs: 24 * 3600 * 1000,
  flushMessages: 1,
  flushMs: UNLIMITED,
  maxMessageBytes: 1024 ** 2 + 12,
  messageTimestampType: 'CreateTime',
  timestampBeforeMaxMs: UNLIMITED,
  timestampAfterMaxMs: UNLIMITED,
  fileDeleteDelayMs: 60_000,
};
