/**
 * From the files of a partition to its log: what a start finds, and what it makes of it.
 *
 * After a clean stop nothing is scanned: sizes, the last entries of the indexes and the last few
 * batches tell everything. After any other stop each segment from the recovery point on is read
 * whole, every checksum computed, the indexes and the epochs made anew, and what a crash tore at
 * the end is cut off.
 *
 * What lies *below* the recovery point was on disk. If it is wrong, that is no torn tail but lost
 * data: nothing is cut, and the partition stays offline with file and position in the reason.
 */

import {
  CorruptionError,
  type FileSystem,
  type TopicPartition,
  topicPartitionKey,
} from '../../common/index.ts';
import { BATCH_HEADER_BYTES, RecordBatchView } from '../../protocol/index.ts';
import { decodeEpochCheckpoint } from './checkpointFile.ts';
import { finishSwaps } from './cleaner/segmentSwap.ts';
import { LeaderEpochCache } from './leaderEpochCache.ts';
import type { LogConfig } from './logConfig.ts';
import type { LogContext } from './logContext.ts';
import {
  joinPath,
  LEADER_EPOCH_CHECKPOINT,
  LOG_SUFFIX,
  offsetName,
  PARTITION_METADATA,
  parseLogFileName,
} from './logFileNames.ts';
import { LogProducers } from './logProducers.ts';
import { LogSegment, writtenBatch } from './logSegment.ts';
import { OFFSET_INDEX_ENTRY_BYTES } from './offsetIndex.ts';
import { PartitionLog } from './partitionLog.ts';
import { decodePartitionMetadata } from './propertiesFile.ts';
import { corruptSegment, oldFormatError, type ScanResult, scanSegment } from './segmentScan.ts';
import { TIME_INDEX_ENTRY_BYTES, TimeIndex, type TimestampOffset } from './timeIndex.ts';

const REWRITE_BYTES = 1024 ** 2;

export interface LoadOptions {
  readonly context: LogContext;
  readonly topicPartition: TopicPartition;
  /** Path of the partition's directory. */
  readonly directory: string;
  readonly config: LogConfig;
  /** A clean-shutdown marker was found. */
  readonly isClean: boolean;
  /** From the checkpoint; undefined where the checkpoint itself cannot be read. */
  readonly recoveryPoint: number | undefined;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** As `PartitionLogState.cleanedOffset`. */
  readonly cleanedOffset: number | undefined;
}

/**
 * @throws {CorruptionError} LOG_CORRUPT where bytes that were on disk are wrong or gone.
 * @throws {OdradekError} LOG_FORMAT_UNSUPPORTED.
 * @throws system errors.
 */
export function loadPartitionLog(options: LoadOptions): PartitionLog {
  return new PartitionLoader(options).load();
}

class PartitionLoader {
  readonly #options: LoadOptions;
  readonly #fileSystem: FileSystem;
  readonly #recoveryPoint: number;
  readonly #segments: LogSegment[];
  readonly #scanned: LogSegment[] = [];
  #epochs = new LeaderEpochCache();
  /** Position of the first batch that may not be on disk, of segments that were scanned. */
  readonly #unsyncedFrom = new Map<LogSegment, number>();
  #epochsAreOnDisk = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#fileSystem = options.context.environment.fileSystem;
    this.#segments = this.#findSegments();
    // Without a checkpoint nothing tells a torn tail from lost data; a tail is in the last segment.
    this.#recoveryPoint = options.recoveryPoint ?? this.#segments.at(-1)?.baseOffset ?? 0;
  }

  load(): PartitionLog {
    const { isClean } = this.#options;
    this.#loadEpochs();
    const needsDirectorySync = !isClean || this.#segments.length === 0;
    for (let index = 0; index < this.#segments.length; index += 1) {
      const isWhole = this.#loadSegment(index);
      if (!isWhole) this.#dropSegmentsFrom(index + 1);
    }
    this.#refuseLostEnd();
    const logStartOffset = this.#settleStart();
    const active = this.#segments.at(-1)!;
    this.#epochs.truncateFromEnd(active.nextOffset);
    this.#epochs.truncateFromStart(logStartOffset);
    const producers = this.#loadProducers();
    this.#syncScanned();
    if (needsDirectorySync) this.#fileSystem.syncDirectorySync(this.#options.directory);
    this.#options.context.logger.debug('Loaded a log', {
      partition: topicPartitionKey(this.#options.topicPartition),
      segmentCount: this.#segments.length,
      scannedSegmentCount: this.#scanned.length,
      logStartOffset,
      logEndOffset: active.nextOffset,
    });
    return new PartitionLog(this.#options.context, {
      topicPartition: this.#options.topicPartition,
      topicId: this.#loadTopicId(),
      config: this.#options.config,
      directory: this.#options.directory,
      segments: this.#segments,
      logStartOffset,
      // Recovery makes epochs anew in memory only; the next checkpoint writes them first.
      recoveryPoint: isClean ? active.nextOffset : Math.min(this.#recoveryPoint, active.nextOffset),
      highWatermark: Math.min(
        Math.max(this.#options.highWatermark, logStartOffset),
        active.nextOffset,
      ),
      cleanedOffset: this.#cleanedOffset(logStartOffset, active.nextOffset),
      epochs: this.#epochs,
      producers,
      epochVersionOnDisk: this.#epochsAreOnDisk ? 0 : -1,
      indexesAreOnDisk: isClean && this.#scanned.length === 0,
    });
  }

  /** One that lies outside of the log tells of another log, or of bytes that were lost. */
  #cleanedOffset(logStartOffset: number, endOffset: number): number | undefined {
    const { cleanedOffset } = this.#options;
    if (cleanedOffset === undefined) return undefined;
    return cleanedOffset > endOffset ? logStartOffset : Math.max(cleanedOffset, logStartOffset);
  }

  #findSegments(): LogSegment[] {
    const { directory, context } = this.#options;
    const baseOffsets: number[] = [];
    finishSwaps(this.#fileSystem, directory, context.logger);
    for (const name of this.#fileSystem.readDirectorySync(directory)) {
      const path = joinPath(directory, name);
      if (/\.(deleted|tmp)$/.test(name)) this.#fileSystem.unlinkSync(path);
      const baseOffset = parseLogFileName(name);
      if (baseOffset !== undefined) baseOffsets.push(baseOffset);
    }
    this.#removeOrphanedIndexes(new Set(baseOffsets.map(offsetName)));
    return baseOffsets.map((baseOffset) => {
      const path = joinPath(directory, offsetName(baseOffset) + LOG_SUFFIX);
      const createdMs =
        this.#fileSystem.statSync(path)?.modifiedMs ?? context.environment.clock.wallMs();
      return new LogSegment({ fileSystem: this.#fileSystem, directory, baseOffset, createdMs });
    });
  }

  /** Retention renames the log of a segment first; a crash then left its indexes alone. */
  #removeOrphanedIndexes(stems: ReadonlySet<string>): void {
    const { directory } = this.#options;
    for (const name of this.#fileSystem.readDirectorySync(directory)) {
      const stem = /^(\d{20})\.(index|timeindex)$/.exec(name)?.[1];
      if (stem !== undefined && !stems.has(stem)) {
        this.#fileSystem.unlinkSync(joinPath(directory, name));
      }
    }
  }

  /** @returns false where the segment ends in a hole: what follows it cannot be believed. */
  #loadSegment(index: number): boolean {
    const segment = this.#segments[index]!;
    const next = this.#segments[index + 1];
    const sizeBytes = this.#fileSystem.statSync(segment.path)?.sizeBytes ?? 0;
    // Strictly below: a segment that was rolled after the checkpoint has indexes that no sync covers.
    const isBelowRecoveryPoint = next !== undefined && next.baseOffset < this.#recoveryPoint;
    if (this.#options.isClean || isBelowRecoveryPoint) {
      this.#refuseOldFormat(segment, sizeBytes);
      if (next === undefined) this.#loadActive(segment, sizeBytes);
      else this.#loadClosed(segment, { sizeBytes, nextOffset: next.baseOffset });
      return true;
    }
    return this.#recover(segment, { sizeBytes, next });
  }

  /** A segment that nobody writes any more: its indexes are read when they are needed. */
  #loadClosed(
    segment: LogSegment,
    state: { readonly sizeBytes: number; readonly nextOffset: number },
  ): void {
    const newest = this.#newestIndexed(segment);
    if (newest === undefined) {
      this.#rebuild(segment, state.sizeBytes);
      this.#writeIndexes(segment);
      return;
    }
    segment.restore({
      ...state,
      firstTimestamp: this.#firstTimestamp(segment, state.sizeBytes),
      maxTimestamp: newest,
      bytesSinceIndexEntry: 0,
    });
  }

  /** The last segment after a clean stop: the end is found from the last index entry on. */
  #loadActive(segment: LogSegment, sizeBytes: number): void {
    segment.restore({
      sizeBytes,
      nextOffset: segment.baseOffset,
      firstTimestamp: this.#firstTimestamp(segment, sizeBytes),
      maxTimestamp: this.#newestIndexed(segment),
      bytesSinceIndexEntry: 0,
    });
    if (!segment.loadIndexesSync()) {
      this.#rebuild(segment, sizeBytes);
      return;
    }
    const { offsets } = segment.loadedIndexes!;
    const last = offsets.entryCount > 0 ? offsets.entry(offsets.entryCount - 1) : undefined;
    const startPosition = last?.positionInSegment ?? 0;
    let newest: TimestampOffset = segment.maxTimestamp;
    const result = scanSegment(
      segment.file(),
      { baseOffset: segment.baseOffset, startPosition, endPosition: sizeBytes },
      (batch) => {
        if (batch.maxTimestamp > newest.timestamp) {
          newest = { timestamp: batch.maxTimestamp, offset: batch.lastOffset };
        }
      },
    );
    if (result.fault !== undefined) throw corruptSegment(segment, result);
    segment.restore({
      sizeBytes,
      nextOffset: result.nextOffset,
      firstTimestamp: segment.firstTimestamp,
      maxTimestamp: newest,
      bytesSinceIndexEntry: sizeBytes - startPosition,
    });
  }

  /** After an unclean stop: every byte is read, every checksum computed. */
  #recover(
    segment: LogSegment,
    { sizeBytes, next }: { readonly sizeBytes: number; readonly next: LogSegment | undefined },
  ): boolean {
    this.#scanned.push(segment);
    this.#epochs.truncateFromEnd(segment.baseOffset);
    const result = this.#scan(segment, { sizeBytes, checksums: true });
    if (result.fault !== undefined) {
      if (this.#wasOnDisk(result.nextOffset)) throw corruptSegment(segment, result);
      this.#options.context.logger.warn('Cut off what a crash left at the end of a log', {
        path: segment.path,
        position: result.validBytes,
        bytes: sizeBytes - result.validBytes,
        reason: result.fault,
      });
      segment.file().truncateSync(result.validBytes);
    }
    segment.removeIndexFiles();
    if (next === undefined) return true;
    // Compaction may have taken the last batches, but only where it has come; anywhere else a gap is
    // a hole that a crash left. What we compact lies below the recovery point and is not even here.
    const mayHaveGaps = next.baseOffset <= (this.#options.cleanedOffset ?? 0);
    const isWhole =
      result.fault === undefined && (mayHaveGaps || result.nextOffset >= next.baseOffset);
    if (isWhole) this.#writeIndexes(segment);
    return isWhole;
  }

  #rebuild(segment: LogSegment, sizeBytes: number): void {
    const result = this.#scan(segment, { sizeBytes, checksums: false });
    if (result.fault !== undefined) throw corruptSegment(segment, result);
  }

  #scan(
    segment: LogSegment,
    { sizeBytes, checksums }: { readonly sizeBytes: number; readonly checksums: boolean },
  ): ScanResult {
    segment.restore({
      sizeBytes: 0,
      nextOffset: segment.baseOffset,
      firstTimestamp: -1,
      maxTimestamp: { timestamp: -1, offset: segment.baseOffset },
      bytesSinceIndexEntry: 0,
    });
    segment.resetIndexes();
    const { indexIntervalBytes } = this.#options.config;
    const options = { baseOffset: segment.baseOffset, endPosition: sizeBytes, checksums };
    return scanSegment(segment.file(), options, (batch, position) => {
      if (batch.nextOffset > this.#recoveryPoint && !this.#unsyncedFrom.has(segment)) {
        this.#unsyncedFrom.set(segment, position);
      }
      segment.noteWritten(writtenBatch(batch), indexIntervalBytes);
      const epoch = batch.partitionLeaderEpoch;
      if (epoch > this.#epochs.latestEpoch) this.#epochs.assign(epoch, batch.baseOffset);
    });
  }

  #writeIndexes(segment: LogSegment): void {
    segment.writeIndexes();
    segment.syncIndexesSync();
    segment.unload();
  }

  /** What lies behind a hole was never acknowledged: the end of an older file is synced first. */
  #dropSegmentsFrom(index: number): void {
    for (const segment of this.#segments.splice(index).reverse()) {
      if (this.#wasOnDisk(segment.baseOffset)) {
        throw lostBytes(segment.path, segment.baseOffset, this.#recoveryPoint);
      }
      this.#options.context.logger.warn('Removed a segment behind the end of a torn one', {
        path: segment.path,
      });
      segment.removeIndexFiles();
      this.#fileSystem.unlinkSync(segment.path);
    }
  }

  #refuseLostEnd(): void {
    const active = this.#segments.at(-1);
    const endOffset = active?.nextOffset ?? 0;
    if (this.#options.recoveryPoint === undefined || !this.#wasOnDisk(endOffset)) return;
    throw lostBytes(active?.path ?? this.#options.directory, endOffset, this.#recoveryPoint);
  }

  /**
   * Whether the recovery point vouches for the offset. Where it is not above the log start, it
   * vouches for nothing that is left: deleting records raises it without a sync.
   */
  #wasOnDisk(offset: number): boolean {
    return offset < this.#recoveryPoint && this.#recoveryPoint > this.#options.logStartOffset;
  }

  /** @returns the log start offset; makes the first segment where there is none to start from. */
  #settleStart(): number {
    const { logStartOffset, context, directory } = this.#options;
    const active = this.#segments.at(-1);
    if (active !== undefined && active.nextOffset >= logStartOffset) {
      return Math.max(logStartOffset, this.#segments[0]!.baseOffset);
    }
    // The records at the end were lost with the page cache, and all before them were deleted.
    for (const segment of this.#segments.splice(0)) {
      segment.close();
      segment.removeIndexFiles();
      this.#fileSystem.unlinkSync(segment.path);
    }
    const createdMs = context.environment.clock.wallMs();
    this.#segments.push(
      LogSegment.create({
        fileSystem: this.#fileSystem,
        directory,
        baseOffset: logStartOffset,
        createdMs,
      }),
    );
    return logStartOffset;
  }

  /**
   * A process that was killed leaves bytes in the page cache that were never synced. They are
   * written again before the sync. Example of why: (1) an fdatasync fails, the kernel takes its
   * pages for clean all the same, the broker ends; (2) it starts again, reads the bytes from the page
   * cache, and its fdatasync has nothing to do; (3) the power fails, and there is a hole below the
   * recovery point.
   */
  #syncScanned(): void {
    for (const segment of this.#scanned) {
      if (!this.#segments.includes(segment)) continue;
      const from = this.#unsyncedFrom.get(segment);
      if (from !== undefined) rewrite(segment, from);
      segment.file().datasyncSync();
    }
    // Of closed segments no file stays open before somebody reads: there may be thousands.
    for (const segment of this.#segments.slice(0, -1)) segment.close();
  }

  #loadEpochs(): void {
    const path = joinPath(this.#options.directory, LEADER_EPOCH_CHECKPOINT);
    if (this.#fileSystem.statSync(path) === undefined) {
      this.#epochsAreOnDisk = this.#options.isClean;
      return;
    }
    try {
      const entries = decodeEpochCheckpoint(path, this.#fileSystem.readFileSync(path));
      this.#epochs = new LeaderEpochCache(entries);
      this.#epochsAreOnDisk = this.#options.isClean;
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#options.context.logger.warn('Makes the leader epochs of a log anew', {
        reason: error.message,
      });
      for (const segment of this.#segments) {
        const sizeBytes = this.#fileSystem.statSync(segment.path)?.sizeBytes ?? 0;
        this.#scan(segment, { sizeBytes, checksums: false });
        segment.unload();
      }
    }
  }

  #loadProducers(): LogProducers {
    const { context, directory, isClean } = this.#options;
    const producers = new LogProducers(context, directory);
    const recoveryPoint = this.#recoveryPoint;
    const fault = producers.load({ segments: this.#segments, isClean, recoveryPoint });
    if (fault !== undefined) throw corruptSegment(fault.segment, fault.result);
    return producers;
  }

  #loadTopicId() {
    const path = joinPath(this.#options.directory, PARTITION_METADATA);
    if (this.#fileSystem.statSync(path) === undefined) return undefined;
    const topicId = decodePartitionMetadata(this.#fileSystem.readFileSync(path));
    if (topicId !== undefined && !this.#options.isClean) {
      const file = this.#fileSystem.openSync(path, 'readWrite');
      file.datasyncSync();
      file.closeSync();
    }
    return topicId;
  }

  /** @returns undefined where the index files are absent or have a size that cannot be. */
  #newestIndexed(segment: LogSegment): TimestampOffset | undefined {
    const paths = segment.indexPaths;
    const offsetBytes = this.#fileSystem.statSync(paths.offsets)?.sizeBytes;
    const timeBytes = this.#fileSystem.statSync(paths.times)?.sizeBytes;
    if (offsetBytes === undefined || timeBytes === undefined) return undefined;
    if (offsetBytes % OFFSET_INDEX_ENTRY_BYTES !== 0) return undefined;
    if (timeBytes % TIME_INDEX_ENTRY_BYTES !== 0) return undefined;
    if (timeBytes === 0) return { timestamp: -1, offset: segment.baseOffset };
    const entry = Buffer.alloc(TIME_INDEX_ENTRY_BYTES);
    const file = this.#fileSystem.openSync(paths.times, 'read');
    file.readSync(entry, timeBytes - TIME_INDEX_ENTRY_BYTES);
    file.closeSync();
    return TimeIndex.fromFile(segment.baseOffset, entry)?.entry(0);
  }

  #firstTimestamp(segment: LogSegment, sizeBytes: number): number {
    if (sizeBytes < BATCH_HEADER_BYTES) return -1;
    return this.#firstHeader(segment).maxTimestamp;
  }

  #refuseOldFormat(segment: LogSegment, sizeBytes: number): void {
    if (sizeBytes < BATCH_HEADER_BYTES) return;
    const { magic } = this.#firstHeader(segment);
    if (magic < 2) throw oldFormatError(segment.path, 0, magic);
  }

  #firstHeader(segment: LogSegment): RecordBatchView {
    const header = Buffer.alloc(BATCH_HEADER_BYTES);
    segment.file().readSync(header, 0);
    return new RecordBatchView().at(header);
  }
}

function lostBytes(path: string, endOffset: number, recoveryPoint: number): CorruptionError {
  return new CorruptionError(
    'LOG_CORRUPT',
    `"${path}" ends at offset ${endOffset}, but everything below ${recoveryPoint} was on disk. ` +
      'The partition stays offline; restore the file, or delete the partition directory to start ' +
      'it empty',
    { details: { path, endOffset, recoveryPoint } },
  );
}

/** Writes what the file holds from `position` on to where it stands: its pages are dirty again. */
function rewrite(segment: LogSegment, position: number): void {
  const file = segment.file();
  const buffer = Buffer.allocUnsafeSlow(REWRITE_BYTES);
  for (let at = position; at < segment.sizeBytes; ) {
    const wanted = Math.min(buffer.length, segment.sizeBytes - at);
    const byteCount = file.readSync(buffer.subarray(0, wanted), at);
    if (byteCount === 0) return;
    file.writevSync([buffer.subarray(0, byteCount)], at);
    at += byteCount;
  }
}
