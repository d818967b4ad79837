/** Settings of the group coordinator: keys of `server.properties`, Kafka 3.9's defaults. */

export interface GroupCoordinatorOptions {
  /** Partitions that `__consumer_offsets` has; `offsets.topic.num.partitions` when it is made. */
  readonly offsetsPartitionCount: number;
  /** `offset.metadata.max.bytes`, compared with the length of the string, as Kafka does. */
  readonly offsetMetadataBytesMax: number;
  /** `offsets.load.buffer.size`: bytes read at a time while loading. */
  readonly offsetsLoadBufferBytes: number;
  /** `offsets.retention.minutes`, in milliseconds: how long offsets outlive their consumers. */
  readonly offsetsRetentionMs: number;
  /** `offsets.retention.check.interval.ms`. */
  readonly offsetsRetentionCheckIntervalMs: number;
  /** `offsets.commit.timeout.ms`: longest wait for the replicas. */
  readonly offsetsCommitTimeoutMs: number;
  /** `group.min.session.timeout.ms`. */
  readonly sessionTimeoutMsMin: number;
  /** `group.max.session.timeout.ms`. */
  readonly sessionTimeoutMsMax: number;
  /** `group.initial.rebalance.delay.ms`: how long an empty group waits for more members. */
  readonly initialRebalanceDelayMs: number;
  /** `group.max.size`. */
  readonly groupSizeMax: number;
}

export const defaultGroupCoordinatorOptions: GroupCoordinatorOptions = {
  offsetsPartitionCount: 50,
  offsetMetadataBytesMax: 4096,
  offsetsLoadBufferBytes: 5 * 1024 ** 2,
  offsetsRetentionMs: 7 * 24 * 3600 * 1000,
  offsetsRetentionCheckIntervalMs: 600_000,
  offsetsCommitTimeoutMs: 5000,
  sessionTimeoutMsMin: 6000,
  sessionTimeoutMsMax: 1_800_000,
  initialRebalanceDelayMs: 3000,
  groupSizeMax: 2 ** 31 - 1,
};
