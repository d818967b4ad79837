/** What is asked of a log by a reader, and what it gives. */

import type { LeaderEpoch, Offset, TimestampMs } from '../../common/index.ts';

export interface ReadOptions {
  /** Bytes wanted at most. */
  readonly maxBytes: number;
  /** Exclusive bound, for example the high watermark: no batch that reaches past it is returned. */
  readonly endOffset: Offset;
  /** Whether the first batch is returned even where it alone is larger than `maxBytes`. */
  readonly atLeastOneBatch: boolean;
}

/** Whole batches, in order. The slices do not change until `release` is called, if ever. */
export interface LogRead {
  readonly slices: readonly Uint8Array[];
  /**
   * Gives the memory of the slices back for the next read. To be called at most once, when nobody
   * looks at them any more; without it they are garbage some time. Absent where nothing is shared.
   */
  readonly release?: () => void;
  readonly sizeBytes: number;
  /** Offset after the last batch returned; the fetch offset where nothing was. */
  readonly nextOffset: Offset;
}

export interface TimestampAndOffset {
  readonly timestamp: TimestampMs;
  readonly offset: Offset;
  /** -1 where the log does not know it. */
  readonly leaderEpoch: LeaderEpoch;
}

/** KIP-101's answer: the largest epoch at or below the one asked for, and where it ends. */
export interface EpochEndOffset {
  readonly epoch: LeaderEpoch;
  readonly endOffset: Offset;
}
