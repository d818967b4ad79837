/** What goes into the log of a partition, and what it tells: the data of its face. */

import type {
  LeaderEpoch,
  Offset,
  TimestampMs,
  TopicId,
  TopicPartition,
} from '../../common/index.ts';
import type { ProtocolError } from '../../protocol/index.ts';
import type { LeaderEpochCache } from './leaderEpochCache.ts';
import type { LogConfig } from './logConfig.ts';
import type { LogProducers } from './logProducers.ts';
import type { LogSegment } from './logSegment.ts';

export interface AppendOptions {
  /** Epoch of the leader that appends; written into the batch. */
  readonly leaderEpoch: LeaderEpoch;
  /**
   * `client`: what a producer sent, held to the rules for foreign input. `coordinator`: what this
   * broker made itself, control batches included.
   */
  readonly origin: 'client' | 'coordinator';
}

export interface AppendResult {
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  /** Time that the log gave under LogAppendTime; -1 under CreateTime. */
  readonly logAppendTimeMs: TimestampMs;
  /**
   * The log has the batch already (KIP-98): nothing was appended, and the offsets are those of the
   * first time, which may not be written or durable yet. The listener's `onWritten` is called at the
   * end of the turn all the same.
   */
  readonly duplicate: boolean;
}

/** What a log tells the partition above it. Never called from within `append`. */
export interface PartitionLogListener {
  /** From `flushTurn`: everything below `writtenOffset` is in the file and can be read. */
  onWritten(writtenOffset: Offset): void;
  /** After the fdatasync that covers it: everything below `durableOffset` is on disk. */
  onDurable(durableOffset: Offset): void;
  /**
   * Appends at `keptEndOffset` and above are lost (the disk was full), or of unknown outcome (the
   * log directory went offline, which `isOffline` tells). Whoever waits for them gets `error`.
   */
  onFailure(error: ProtocolError, keptEndOffset: Offset): void;
}

/** What was found on disk, or made for a new partition. */
export interface PartitionLogState {
  readonly topicPartition: TopicPartition;
  readonly topicId: TopicId | undefined;
  readonly config: LogConfig;
  /** Path of the partition's directory. */
  readonly directory: string;
  /** At least one; the last is active and has its indexes in memory. */
  readonly segments: readonly LogSegment[];
  readonly logStartOffset: number;
  /** Everything below it is on disk, indexes and leader epochs included. */
  readonly recoveryPoint: number;
  readonly highWatermark: number;
  /** From `cleaner-offset-checkpoint`; undefined for a log that was never compacted. */
  readonly cleanedOffset?: number | undefined;
  readonly epochs: LeaderEpochCache;
  readonly producers: LogProducers;
  /** Version of `epochs` that `leader-epoch-checkpoint` holds; -1 for none. */
  readonly epochVersionOnDisk: number;
  /** Whether the index files of the active segment are as its indexes in memory. */
  readonly indexesAreOnDisk: boolean;
  /** Directories with names that the first sync must cover, as of a new partition. */
  readonly unsyncedDirectories?: readonly string[];
}
