/** Which part of a log may be compacted, and how badly it needs to be. Pure. */

import type { LogConfig } from '../logConfig.ts';
import type { LogSegment } from '../logSegment.ts';

/** What the rules look at; `PartitionLog` has all of it. */
export interface CompactableLog {
  readonly config: LogConfig;
  /** In order; the last is active. */
  readonly segments: readonly LogSegment[];
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly recoveryPoint: number;
  readonly cleanedOffset: number | undefined;
}

export interface Cleanability {
  /** From the first one on: closed, committed, on disk, and old enough. */
  readonly segments: readonly LogSegment[];
  /** Where the keys that were not looked at begin. */
  readonly dirtyFrom: number;
  /** Where `segments` end. */
  readonly endOffset: number;
  readonly cleanBytes: number;
  readonly dirtyBytes: number;
  /** Bytes behind `endOffset`: they cannot be compacted yet. */
  readonly uncleanableBytes: number;
  /** Share of the dirty bytes in what may be compacted, 0 to 1. */
  readonly dirtyRatio: number;
  /** `max.compaction.lag.ms` is over: to be compacted however little is dirty. */
  readonly isOverdue: boolean;
}

/** @param options.recoveryPoint in place of the log's: what it will be once a run has begun. */
export function cleanabilityOf(
  log: CompactableLog,
  nowMs: number,
  options: { readonly recoveryPoint?: number } = {},
): Cleanability {
  const all = log.segments;
  const committed = Math.min(log.highWatermark, options.recoveryPoint ?? log.recoveryPoint);
  const { minCompactionLagMs } = log.config;
  const firstKept = all.findIndex((segment, index) => {
    const next = all[index + 1];
    if (next === undefined || next.baseOffset > committed) return true;
    return minCompactionLagMs > 0 && newestMs(segment) > nowMs - minCompactionLagMs;
  });
  const segments = all.slice(0, firstKept);
  const endOffset = all[firstKept]!.baseOffset;
  const dirtyFrom = Math.max(log.cleanedOffset ?? 0, log.logStartOffset);
  const dirty = segments.filter((_segment, index) => all[index + 1]!.baseOffset > dirtyFrom);
  const dirtyBytes = sizeOf(dirty);
  const cleanBytes = sizeOf(segments) - dirtyBytes;
  return {
    segments,
    dirtyFrom,
    endOffset,
    cleanBytes,
    dirtyBytes,
    uncleanableBytes: sizeOf(all) - cleanBytes - dirtyBytes,
    dirtyRatio: dirtyBytes === 0 ? 0 : dirtyBytes / (cleanBytes + dirtyBytes),
    isOverdue: dirtyBytes > 0 && isOverdue(dirty, log.config, nowMs),
  };
}

/** Whether the log is worth a run by itself. */
export function isDue(cleanability: Cleanability, config: LogConfig): boolean {
  const { dirtyBytes, dirtyRatio, isOverdue: overdue } = cleanability;
  return dirtyBytes > 0 && (overdue || dirtyRatio > config.minCleanableDirtyRatio);
}

function isOverdue(dirty: readonly LogSegment[], config: LogConfig, nowMs: number): boolean {
  const oldestMs = Math.min(
    ...dirty.map(({ firstTimestamp, createdMs }) => {
      return firstTimestamp >= 0 ? firstTimestamp : createdMs;
    }),
  );
  return nowMs - oldestMs > config.maxCompactionLagMs;
}

/** Where records have no time, that of the file must do. */
function newestMs({ maxTimestamp, createdMs }: LogSegment): number {
  return maxTimestamp.timestamp >= 0 ? maxTimestamp.timestamp : createdMs;
}

function sizeOf(segments: readonly LogSegment[]): number {
  return segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
}
