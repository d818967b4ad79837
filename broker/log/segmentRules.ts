/** When a segment is closed and when it may go: Kafka's rules, as pure functions. */

import type { LogConfig } from './logConfig.ts';
import type { LogSegment } from './logSegment.ts';

/** Offsets in indexes are relative to the segment and have 32 bits. */
const RELATIVE_OFFSET_MAX = 2 ** 31 - 1;

export interface RollQuestion {
  readonly config: LogConfig;
  readonly nowMs: number;
  /** Taken off `segment.ms`. */
  readonly rollJitterMs: number;
  /** Bytes appended to the segment and not in its file yet. */
  readonly pendingBytes: number;
  /** Newest timestamp of the first of them. */
  readonly pendingFirstTimestamp: number | undefined;
  readonly batch: {
    readonly sizeBytes: number;
    readonly lastOffset: number;
    readonly maxTimestamp: number;
  };
}

/** Whether the batch must go to a new segment. */
export function isRollDue(segment: LogSegment, question: RollQuestion): boolean {
  const { config, batch } = question;
  const sizeBytes = segment.sizeBytes + question.pendingBytes;
  if (batch.lastOffset - segment.baseOffset > RELATIVE_OFFSET_MAX) return true;
  if (sizeBytes === 0) return false;
  if (sizeBytes + batch.sizeBytes > config.segmentBytes) return true;
  if (segment.isIndexFull(config.segmentIndexBytes)) return true;
  const first =
    segment.sizeBytes > 0 ? segment.firstTimestamp : (question.pendingFirstTimestamp ?? -1);
  // By the time of the records, so that a replica made later rolls where the first one did; by the
  // clock only where records have no time.
  const waitedMs =
    first >= 0 && batch.maxTimestamp >= 0
      ? batch.maxTimestamp - first
      : question.nowMs - segment.createdMs;
  return waitedMs > rollMs(config) - question.rollJitterMs;
}

/** What is still in the active segment cannot be compacted, however long ago it was due. */
function rollMs({ cleanupPolicy, segmentMs, maxCompactionLagMs }: LogConfig): number {
  return cleanupPolicy.includes('compact') ? Math.min(segmentMs, maxCompactionLagMs) : segmentMs;
}

export interface RetentionQuestion {
  readonly config: LogConfig;
  readonly nowMs: number;
  /** Nothing at or above this may go: the high watermark. */
  readonly endOffset: number;
}

/** How many of the oldest segments may go. All of them, where even the active one is too old. */
export function expiredSegments(
  segments: readonly LogSegment[],
  question: RetentionQuestion,
): number {
  if (!question.config.cleanupPolicy.includes('delete')) return 0;
  const { endOffset } = question;
  const firstKept = segments.findIndex(
    // Compaction leaves closed segments without a byte; only the active one is still to be written.
    (segment) =>
      segment.nextOffset > endOffset || (segment.sizeBytes === 0 && segment === segments.at(-1)),
  );
  const removable = segments.slice(0, firstKept < 0 ? segments.length : firstKept);
  return Math.max(expiredByTime(removable, question), expiredBySize(segments, removable, question));
}

function expiredByTime(removable: readonly LogSegment[], question: RetentionQuestion): number {
  const { retentionMs } = question.config;
  if (retentionMs < 0) return 0;
  const firstKept = removable.findIndex((segment) => {
    const { timestamp } = segment.maxTimestamp;
    const newestMs = timestamp >= 0 ? timestamp : segment.createdMs;
    return question.nowMs - newestMs <= retentionMs;
  });
  return firstKept < 0 ? removable.length : firstKept;
}

/** The log keeps at least `retention.bytes`: a segment goes only if what is left suffices. */
function expiredBySize(
  segments: readonly LogSegment[],
  removable: readonly LogSegment[],
  question: RetentionQuestion,
): number {
  const { retentionBytes } = question.config;
  if (retentionBytes < 0) return 0;
  let excess = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0) - retentionBytes;
  let count = 0;
  for (const segment of removable) {
    if (count === segments.length - 1 || excess < segment.sizeBytes) break;
    excess -= segment.sizeBytes;
    count += 1;
  }
  return count;
}
