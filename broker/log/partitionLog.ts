/** FACE: the implementation follows behind these signatures. */
import type {
  LeaderEpoch,
  Offset,
  TimestampMs,
  TopicId,
  TopicPartition,
} from '../../common/index.ts';
import type { ProtocolError } from '../../protocol/errors.ts';
import type { LogConfig } from './logConfig.ts';

export interface AppendOptions {
  /** Epoch of the leader that appends; written into the batch. */
  readonly leaderEpoch: LeaderEpoch;
  /** `client`: rules for foreign input apply (size, timestamps, no control batches). */
  readonly origin: 'client' | 'coordinator';
}

export interface AppendResult {
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  /** Time that the log gave under LogAppendTime; -1 under CreateTime. */
  readonly logAppendTimeMs: TimestampMs;
}

/** What a log tells the one partition above it. Called from the event loop, never re-entrantly into append. */
export interface PartitionLogListener {
  /** From `flushTurn`: everything below `logEndOffset` is in the file and can be read. */
  onWritten(logEndOffset: Offset): void;
  /** After the fdatasync that covers it: everything below `durableOffset` is on disk. */
  onDurable(durableOffset: Offset): void;
  /**
   * Appends were lost: whatever was appended at `keptEndOffset` or above and not yet reported is gone
   * (or, where the log directory went offline, of unknown outcome). Waiting requests get `error`.
   */
  onFailure(error: ProtocolError, keptEndOffset: Offset): void;
}

export interface ReadOptions {
  /** Bytes wanted at most. */
  readonly maxBytes: number;
  /** Exclusive bound, for example the high watermark: no batch that reaches to it or past it is returned. */
  readonly endOffset: Offset;
  /** Whether the first batch is returned even where it alone is larger than maxBytes. */
  readonly atLeastOneBatch: boolean;
}

/** Whole batches, in order. The slices never change and may be kept as long as needed. */
export interface LogRead {
  readonly slices: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** Offset after the last batch returned; the fetch offset where nothing was. */
  readonly nextOffset: Offset;
}

export interface TimestampAndOffset {
  readonly timestamp: TimestampMs;
  readonly offset: Offset;
  readonly leaderEpoch: LeaderEpoch;
}

/** KIP-101's answer: the largest epoch at or below the one asked for, and where it ends. */
export interface EpochEndOffset {
  readonly epoch: LeaderEpoch;
  readonly endOffset: Offset;
}

export declare class PartitionLog {
  readonly topicPartition: TopicPartition;
  /** Undefined only for a directory that an old Kafka made, until `create` gives one. */
  get topicId(): TopicId | undefined;
  get config(): LogConfig;
  /** First offset that can be read. */
  get logStartOffset(): Offset;
  /** Offset of the next record: counts what was appended in this turn and is not in the file yet. */
  get logEndOffset(): Offset;
  /** First offset not yet in the file; reads end here. At most logEndOffset. */
  get writtenOffset(): Offset;
  /** First offset not known to be on disk (Kafka's recovery point). At most writtenOffset. */
  get durableOffset(): Offset;
  /** True where acknowledgements wait for onDurable (`flush.messages=1`). */
  get acknowledgesDurably(): boolean;
  /** High watermark: as found in the checkpoint at start, then as `updateHighWatermark` set it. */
  get highWatermark(): Offset;
  /** Bytes of all segments. */
  get sizeBytes(): number;
  get segmentCount(): number;
  /** Epoch of the newest batch; -1 while the log has none. */
  get latestEpoch(): LeaderEpoch;
  /** Largest record timestamp, with its offset; undefined for an empty log. */
  maxTimestamp(): Promise<TimestampAndOffset | undefined>;
  setListener(listener: PartitionLogListener): void;
  /** Takes one v2 batch; see the README. @throws {ProtocolError} */
  append(batch: Uint8Array, options: AppendOptions): AppendResult;
  /** @throws {ProtocolError} OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR; {CorruptionError} */
  read(fetchOffset: Offset, options: ReadOptions): LogRead | Promise<LogRead>;
  findByTimestamp(
    timestamp: TimestampMs,
    endOffset: Offset,
  ): Promise<TimestampAndOffset | undefined>;
  endOffsetFor(epoch: LeaderEpoch): EpochEndOffset | undefined;
  /** Epoch in which `offset` was written; undefined where unknown. */
  epochFor(offset: Offset): LeaderEpoch | undefined;
  updateHighWatermark(offset: Offset): void;
  /** Removes everything at and above `offset`; resolves when that is on disk. */
  truncateTo(offset: Offset): Promise<void>;
  /** Moves the log start offset up to `offset` (at most the high watermark). */
  deleteRecordsBefore(offset: Offset): Promise<Offset>;
}
