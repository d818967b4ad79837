/**
 * One segment: a file of batches and its two sparse indexes.
 *
 * The indexes of the active segment live in memory alone and go to their files when the segment is
 * rolled or the log closed; a crash loses nothing, since an index is never trusted after an unclean
 * stop. That spares two writes per index interval. Closed segments read theirs back when needed.
 */

import { assert, type FileSystem, type OpenFile, systemErrorCode } from '../../common/index.ts';
import type { RecordBatchView } from '../../protocol/index.ts';
import {
  CLEANED_SUFFIX,
  joinPath,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetName,
  TIME_INDEX_SUFFIX,
} from './logFileNames.ts';
import { OffsetIndex, type OffsetPosition } from './offsetIndex.ts';
import { scanSegment, scanSegmentAsync } from './segmentScan.ts';
import { TimeIndex, type TimestampOffset } from './timeIndex.ts';

/** What the segment needs to know of a batch in its file. */
export interface WrittenBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly sizeBytes: number;
}

export interface SegmentIndexes {
  readonly offsets: OffsetIndex;
  readonly times: TimeIndex;
}

export interface LogSegmentOptions {
  readonly fileSystem: FileSystem;
  /** Directory of the partition. */
  readonly directory: string;
  readonly baseOffset: number;
  readonly createdMs: number;
}

const NO_TIMESTAMP = -1;

export class LogSegment {
  readonly baseOffset: number;
  readonly path: string;
  readonly createdMs: number;
  readonly #fileSystem: FileSystem;
  readonly #stem: string;
  /** Where the file stands now: elsewhere than at `path` while compaction writes it. */
  #presentPath: string;
  #file: OpenFile | undefined;
  /** Reads under way: the file is not closed under them. */
  #readsInFlight = 0;
  #isCloseDue = false;
  /** What to do when nobody has read here for long; by default nothing. */
  onIdle: () => void = () => undefined;
  #indexes: SegmentIndexes | undefined;
  #bytesSinceIndexEntry = 0;
  #sizeBytes = 0;
  #nextOffset: number;
  #firstTimestamp = NO_TIMESTAMP;
  #maxTimestamp: TimestampOffset;

  constructor(options: LogSegmentOptions) {
    this.baseOffset = options.baseOffset;
    this.createdMs = options.createdMs;
    this.#fileSystem = options.fileSystem;
    this.#stem = joinPath(options.directory, offsetName(options.baseOffset));
    this.path = this.#stem + LOG_SUFFIX;
    this.#presentPath = this.path;
    this.#nextOffset = options.baseOffset;
    this.#maxTimestamp = { timestamp: NO_TIMESTAMP, offset: options.baseOffset };
  }

  /** Makes the file of a new segment. What a roll that failed left under the name is cut off. */
  static create(options: LogSegmentOptions): LogSegment {
    const segment = new LogSegment(options);
    segment.#file = options.fileSystem.openSync(segment.path, 'create');
    segment.#file.truncateSync(0);
    segment.resetIndexes();
    return segment;
  }

  /**
   * Makes the file into which compaction writes what is left of a group of segments. It stands at
   * `path` with `.cleaned` behind it, until `moveTo`.
   */
  static createCleaned(options: LogSegmentOptions): LogSegment {
    const segment = new LogSegment(options);
    segment.#presentPath = segment.path + CLEANED_SUFFIX;
    segment.#file = options.fileSystem.openSync(segment.#presentPath, 'create');
    segment.#file.truncateSync(0);
    segment.resetIndexes();
    return segment;
  }

  get indexPaths(): { readonly offsets: string; readonly times: string } {
    return { offsets: this.#stem + OFFSET_INDEX_SUFFIX, times: this.#stem + TIME_INDEX_SUFFIX };
  }
  get sizeBytes(): number {
    return this.#sizeBytes;
  }
  /** Offset after the last batch. */
  get nextOffset(): number {
    return this.#nextOffset;
  }
  /** Newest timestamp, with the last offset of its batch; timestamp -1 for none. */
  get maxTimestamp(): TimestampOffset {
    return this.#maxTimestamp;
  }
  /** Newest timestamp of the first batch: `segment.ms` counts from here. -1 while there is none. */
  get firstTimestamp(): number {
    return this.#firstTimestamp;
  }
  /** Bytes that the indexes take in memory; 0 while they are in their files only. */
  get indexBytes(): number {
    if (this.#indexes === undefined) return 0;
    return this.#indexes.offsets.bytes.length + this.#indexes.times.bytes.length;
  }
  get loadedIndexes(): SegmentIndexes | undefined {
    return this.#indexes;
  }

  /** The log file, opened when first needed. @throws system errors. */
  file(): OpenFile {
    this.#file ??= this.#fileSystem.openSync(this.#presentPath, 'readWrite');
    return this.#file;
  }

  /** Reads from the log file. @returns bytes read. @throws system errors. */
  async read(target: Uint8Array, position: number): Promise<number> {
    this.#readsInFlight += 1;
    try {
      return await this.file().read(target, position);
    } finally {
      this.#readsInFlight -= 1;
      if (this.#isCloseDue) this.close();
    }
  }

  /** Gives the file another name. Durable after a sync of the directory. @throws system errors. */
  moveTo(path: string): void {
    this.#fileSystem.renameSync(this.#presentPath, path);
    this.#presentPath = path;
  }

  /** Closes the file and removes it, wherever it stands. @throws system errors. */
  remove(): void {
    this.close();
    this.#fileSystem.unlinkSync(this.#presentPath);
  }

  /** The segment reaches up to where the next one begins, though its last batches are gone. */
  endAt(nextOffset: number): void {
    assert(nextOffset >= this.#nextOffset, 'A segment ends behind its last batch', {
      path: this.path,
      nextOffset,
    });
    this.#nextOffset = nextOffset;
  }

  /** Takes what recovery found. */
  restore(state: {
    readonly sizeBytes: number;
    readonly nextOffset: number;
    readonly firstTimestamp: number;
    readonly maxTimestamp: TimestampOffset | undefined;
    readonly bytesSinceIndexEntry: number;
  }): void {
    assert(state.nextOffset >= this.baseOffset, 'A segment ends after its base offset', {
      path: this.path,
      nextOffset: state.nextOffset,
    });
    this.#sizeBytes = state.sizeBytes;
    this.#nextOffset = state.nextOffset;
    this.#firstTimestamp = state.firstTimestamp;
    this.#bytesSinceIndexEntry = state.bytesSinceIndexEntry;
    if (state.maxTimestamp !== undefined) this.#maxTimestamp = state.maxTimestamp;
  }

  /**
   * Notes a batch that stands in the file behind all others. An index entry points to the first
   * batch after each `indexIntervalBytes` and carries its last offset, as Kafka's does.
   */
  noteWritten(batch: WrittenBatch, indexIntervalBytes: number): void {
    assert(batch.baseOffset >= this.#nextOffset, 'Offsets of a segment rise', {
      path: this.path,
      baseOffset: batch.baseOffset,
      nextOffset: this.#nextOffset,
    });
    if (this.#sizeBytes === 0) this.#firstTimestamp = batch.maxTimestamp;
    if (batch.maxTimestamp > this.#maxTimestamp.timestamp) {
      this.#maxTimestamp = { timestamp: batch.maxTimestamp, offset: batch.lastOffset };
    }
    if (this.#bytesSinceIndexEntry > indexIntervalBytes) {
      const { offsets, times } = this.#activeIndexes();
      offsets.append(batch.lastOffset, this.#sizeBytes);
      times.maybeAppend(this.#maxTimestamp);
      this.#bytesSinceIndexEntry = 0;
    }
    this.#bytesSinceIndexEntry += batch.sizeBytes;
    this.#sizeBytes += batch.sizeBytes;
    this.#nextOffset = batch.lastOffset + 1;
  }

  /** `segment.index.bytes` is reached: as Kafka, which keeps one time entry free for the roll. */
  isIndexFull(segmentIndexBytes: number): boolean {
    const { offsets, times } = this.#activeIndexes();
    return (
      offsets.bytes.length + 8 > segmentIndexBytes || times.bytes.length + 24 > segmentIndexBytes
    );
  }

  /**
   * Writes both indexes to their files, with the newest timestamp as the last entry. Not synced.
   *
   * @throws system errors; then neither file is left, since half a time index would make the
   *   segment look older than it is.
   */
  writeIndexes(): void {
    const { offsets, times } = this.#activeIndexes();
    times.maybeAppend(this.#maxTimestamp);
    const paths = this.indexPaths;
    try {
      replaceContent(this.#fileSystem, paths.offsets, offsets.bytes);
      replaceContent(this.#fileSystem, paths.times, times.bytes);
    } catch (error) {
      this.removeIndexFiles();
      throw error;
    }
  }

  /**
   * Replaces both index files as a whole, so that either can be believed as soon as it is there.
   *
   * @param indexes of this segment as they are in memory, or were: readers may have let go of them.
   * @throws system errors; what was not replaced is absent, and made anew when it is needed.
   */
  async replaceIndexes({ offsets, times }: SegmentIndexes): Promise<void> {
    times.maybeAppend(this.#maxTimestamp);
    await this.#fileSystem.replaceFile(this.indexPaths.offsets, offsets.bytes);
    await this.#fileSystem.replaceFile(this.indexPaths.times, times.bytes);
  }

  /**
   * Syncs the index files, where they still stand.
   *
   * They are opened for it: kept open since they were written, they would take two descriptors for
   * each segment that is rolled between two checkpoints. An error of the disk that shows itself only
   * to the descriptor that wrote would leave a wrong index, which every read would notice.
   */
  async syncIndexes(): Promise<void> {
    for (const path of Object.values(this.indexPaths)) {
      const file = openIfPresent(this.#fileSystem, path);
      try {
        await file?.datasync();
      } finally {
        file?.closeSync();
      }
    }
  }

  /** As `syncIndexes`, before a broker serves. */
  syncIndexesSync(): void {
    for (const path of Object.values(this.indexPaths)) {
      const file = this.#fileSystem.openSync(path, 'readWrite');
      file.datasyncSync();
      file.closeSync();
    }
  }

  removeIndexFiles(): void {
    this.#fileSystem.unlinkSync(this.indexPaths.offsets);
    this.#fileSystem.unlinkSync(this.indexPaths.times);
  }

  /** Reads the indexes from their files. @returns false where they are absent or cannot be right. */
  loadIndexesSync(): boolean {
    const paths = this.indexPaths;
    const present = [paths.offsets, paths.times].every(
      (path) => this.#fileSystem.statSync(path) !== undefined,
    );
    if (!present) return false;
    return this.#takeIndexes(
      this.#fileSystem.readFileSync(paths.offsets),
      this.#fileSystem.readFileSync(paths.times),
    );
  }

  /** As `loadIndexesSync`, for a broker that serves. */
  async loadIndexes(): Promise<boolean> {
    const paths = this.indexPaths;
    if ((await this.#fileSystem.stat(paths.offsets)) === undefined) return false;
    if ((await this.#fileSystem.stat(paths.times)) === undefined) return false;
    const offsets = await this.#fileSystem.readFile(paths.offsets);
    return this.#takeIndexes(offsets, await this.#fileSystem.readFile(paths.times));
  }

  unload(): void {
    this.#indexes = undefined;
    this.onIdle();
  }

  resetIndexes(): void {
    this.#indexes = {
      offsets: new OffsetIndex(this.baseOffset),
      times: new TimeIndex(this.baseOffset),
    };
    this.#bytesSinceIndexEntry = 0;
  }

  /**
   * Makes the indexes anew from the batches; for a closed segment whose index files are wrong.
   *
   * @returns where the batches themselves are wrong, if they are.
   */
  async rebuildIndexes(
    indexIntervalBytes: number,
  ): Promise<{ readonly position: number; readonly found: string } | undefined> {
    const rebuilt = this.#blank();
    const options = { baseOffset: this.baseOffset, endPosition: this.#sizeBytes, checksums: false };
    const result = await scanSegmentAsync(this, options, (batch) =>
      rebuilt.noteWritten(writtenBatch(batch), indexIntervalBytes),
    );
    if (result.fault !== undefined) return { position: result.validBytes, found: result.fault };
    rebuilt.#indexes?.times.maybeAppend(rebuilt.#maxTimestamp);
    this.#indexes = rebuilt.#indexes;
    this.#maxTimestamp = rebuilt.#maxTimestamp;
    return undefined;
  }

  /**
   * Cuts the segment to the batches below `offset`. Not synced. The index files go: they tell of
   * batches that are no more.
   */
  truncateTo(offset: number, indexIntervalBytes: number): void {
    const kept = this.#blank();
    const options = { baseOffset: this.baseOffset, endPosition: this.#sizeBytes, checksums: false };
    scanSegment(this.file(), options, (batch) => {
      if (batch.lastOffset < offset) kept.noteWritten(writtenBatch(batch), indexIntervalBytes);
    });
    this.removeIndexFiles();
    this.file().truncateSync(kept.#sizeBytes);
    this.#indexes = kept.#indexes;
    this.#sizeBytes = kept.#sizeBytes;
    this.#nextOffset = kept.#nextOffset;
    this.#firstTimestamp = kept.#firstTimestamp;
    this.#maxTimestamp = kept.#maxTimestamp;
    this.#bytesSinceIndexEntry = kept.#bytesSinceIndexEntry;
  }

  /** Closes the file, after the reads that are under way. It opens again when it is needed. */
  close(): void {
    this.#isCloseDue = this.#readsInFlight > 0;
    if (this.#isCloseDue) return;
    this.#file?.closeSync();
    this.#file = undefined;
  }

  #activeIndexes(): SegmentIndexes {
    assert(this.#indexes !== undefined, 'The indexes of a segment that is written are in memory', {
      path: this.path,
    });
    return this.#indexes;
  }

  #takeIndexes(offsetContent: Uint8Array, timeContent: Uint8Array): boolean {
    const offsets = OffsetIndex.fromFile(this.baseOffset, offsetContent);
    const times = TimeIndex.fromFile(this.baseOffset, timeContent);
    if (offsets === undefined || times === undefined) return false;
    const last: OffsetPosition | undefined = offsets.entryCount
      ? offsets.entry(offsets.entryCount - 1)
      : undefined;
    if (last !== undefined && last.positionInSegment >= this.#sizeBytes) return false;
    this.#indexes = { offsets, times };
    return true;
  }

  /** An empty one of the same base offset, never on disk: to count up what a walk finds. */
  #blank(): LogSegment {
    const blank = new LogSegment({
      fileSystem: this.#fileSystem,
      directory: '',
      baseOffset: this.baseOffset,
      createdMs: this.createdMs,
    });
    blank.resetIndexes();
    return blank;
  }
}

export function writtenBatch(batch: RecordBatchView): WrittenBatch {
  return {
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    maxTimestamp: batch.maxTimestamp,
    sizeBytes: batch.sizeBytes,
  };
}

/** Retention may have taken the segment meanwhile. */
function openIfPresent(fileSystem: FileSystem, path: string): OpenFile | undefined {
  try {
    return fileSystem.openSync(path, 'readWrite');
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    return undefined;
  }
}

function replaceContent(fileSystem: FileSystem, path: string, content: Uint8Array): void {
  const file = fileSystem.openSync(path, 'create');
  try {
    file.truncateSync(content.length);
    if (content.length > 0) file.writevSync([content], 0);
  } finally {
    file.closeSync();
  }
}
