/**
 * The reading side of a partition's log: the tail in memory, else the file, asynchronously.
 *
 * A read of the file may be overtaken by a truncation or by retention. Each of those raises the
 * log's generation; a read that finds another generation than it began with starts anew, so it
 * never returns a mixture of old and new bytes.
 */

import { OdradekError, type Offset } from '../../common/index.ts';
import { RecordBatchView, RecordCursor } from '../../protocol/index.ts';
import { isShortage } from './diskErrors.ts';
import type { LogContext } from './logContext.ts';
import type { LogRead, ReadOptions } from './logRead.ts';
import type { LogSegment } from './logSegment.ts';
import { LogTail } from './logTail.ts';
import { readSegment, type SegmentRead } from './segmentReader.ts';
import type { TimestampOffset } from './timeIndex.ts';

export interface LogReaderOptions {
  readonly context: LogContext;
  readonly segments: () => readonly LogSegment[];
  readonly generation: () => number;
  /** Below this nothing can be read; it may rise while a read is under way. */
  readonly logStartOffset: () => number;
  readonly indexIntervalBytes: () => number;
}

/** A tail is kept in memory while somebody has read at the end within this time. */
const TAIL_INTEREST_MS = 30_000;
const TAIL_BYTES_MAX = 8 * 1024 ** 2;
/** Positions remembered for readers that go on where they stopped. */
const HINTS_MAX = 16;
const SEARCH_READ_BYTES = 1024 ** 2;
const NO_BATCHES: readonly Uint8Array[] = [];

export class LogReader {
  readonly #options: LogReaderOptions;
  readonly #tail: LogTail;
  /** Position in its segment of the batch that begins with the offset. Oldest first. */
  readonly #hints = new Map<number, number>();
  #interestUntilMs = 0;

  constructor(options: LogReaderOptions) {
    this.#options = options;
    this.#tail = new LogTail(options.context.tailBudget, TAIL_BYTES_MAX);
  }

  /** Whether what is written now should be kept in memory. Without interest the tail goes. */
  wantsTail(): boolean {
    if (this.#options.context.environment.clock.monotonicMs() < this.#interestUntilMs) return true;
    this.#tail.clear();
    return false;
  }

  appendToTail(batch: Uint8Array, baseOffset: number, nextOffset: number): void {
    this.#tail.append(batch, baseOffset, nextOffset);
  }

  /** Forgets everything that a truncation may have changed. */
  reset(): void {
    this.#tail.clear();
    this.#hints.clear();
  }

  /** Where batches stand in files has changed; the batches themselves have not. */
  forgetPositions(): void {
    this.#hints.clear();
  }

  /** @param options with `endOffset` within what is written. */
  read(fetchOffset: Offset, options: ReadOptions): LogRead | Promise<LogRead> {
    if (fetchOffset >= options.endOffset) {
      this.#noteInterest(fetchOffset);
      return { slices: NO_BATCHES, sizeBytes: 0, nextOffset: fetchOffset };
    }
    const recent = this.#tail.read(fetchOffset, options);
    if (recent !== undefined) {
      this.#noteInterest(recent.nextOffset);
      return recent;
    }
    return this.#options.context.coldReads.run(() => this.#readCold(fetchOffset, options));
  }

  async findByTimestamp(
    timestamp: number,
    range: { readonly startOffset: number; readonly endOffset: number },
  ): Promise<TimestampOffset | undefined> {
    for (const segment of [...this.#options.segments()]) {
      if (segment.maxTimestamp.timestamp < timestamp) continue;
      if (segment.loadedIndexes === undefined) await segment.loadIndexes();
      const below = segment.loadedIndexes?.times.lookupBelow(timestamp);
      const from = Math.max(range.startOffset, below ? below.offset + 1 : segment.baseOffset);
      const end = Math.min(range.endOffset, segment.nextOffset);
      const found = await this.#scanForTimestamp(timestamp, { ...range, from, end });
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #scanForTimestamp(
    timestamp: number,
    range: { readonly startOffset: number; readonly from: number; readonly end: number },
  ): Promise<TimestampOffset | undefined> {
    let offset = range.from;
    while (offset < range.end) {
      const read = await this.read(offset as Offset, {
        maxBytes: SEARCH_READ_BYTES,
        endOffset: range.end as Offset,
        atLeastOneBatch: true,
      });
      const found = findInSlices(read.slices, timestamp, range.startOffset);
      read.release?.();
      if (found !== undefined) return found.offset < range.end ? found : undefined;
      if (read.nextOffset <= offset) return undefined;
      offset = read.nextOffset;
    }
    return undefined;
  }

  async #readCold(fetchOffset: Offset, options: ReadOptions): Promise<LogRead> {
    for (;;) {
      const generation = this.#options.generation();
      try {
        const { read, found } = await this.#readFiles(fetchOffset, options);
        if (generation === this.#options.generation()) {
          // Only now: a position in a file that is gone would send the next reader astray.
          if (found !== undefined) this.#remember(found);
          return read;
        }
      } catch (error) {
        if (generation === this.#options.generation()) {
          // What is found corrupt is reported as it is; anything else is the disk.
          const isDisk = !(error instanceof OdradekError) && !isShortage(error);
          if (isDisk) this.#options.context.onDiskFailure(error);
          throw error;
        }
      }
      if (fetchOffset < this.#options.logStartOffset() || fetchOffset >= this.#writtenOffset) {
        return { slices: NO_BATCHES, sizeBytes: 0, nextOffset: fetchOffset };
      }
    }
  }

  async #readFiles(
    fetchOffset: number,
    options: ReadOptions,
  ): Promise<{ readonly read: LogRead; readonly found: SegmentRead | undefined }> {
    const segments = this.#options.segments();
    const { readMemory } = this.#options.context;
    const first = Math.max(
      segments.findLastIndex((segment) => segment.baseOffset <= fetchOffset),
      0,
    );
    for (const segment of segments.slice(first)) {
      const found = await readSegment(segment, this.#options.context.indexCache, {
        fetchOffset,
        maxBytes: options.maxBytes,
        endOffset: options.endOffset,
        atLeastOneBatch: options.atLeastOneBatch,
        indexIntervalBytes: this.#options.indexIntervalBytes(),
        isActive: segment === segments.at(-1),
        positionHint: this.#hintFor(segment, fetchOffset),
        memory: readMemory,
      });
      // Where compaction took the end of a segment, the next one goes on.
      if (found.atEnd) continue;
      const { bytes, memory } = found;
      const nextOffset = found.nextOffset as Offset;
      this.#noteInterest(nextOffset);
      const slices = bytes.length > 0 ? [bytes] : NO_BATCHES;
      const sizeBytes = bytes.length;
      if (memory === undefined) return { read: { slices, sizeBytes, nextOffset }, found };
      const release = () => readMemory.release(memory);
      return { read: { slices, sizeBytes, nextOffset, release }, found };
    }
    const nothing = { slices: NO_BATCHES, sizeBytes: 0, nextOffset: fetchOffset as Offset };
    return { read: nothing, found: undefined };
  }

  #hintFor(segment: LogSegment, fetchOffset: number): number | undefined {
    // A hint noted at the end of a segment is for the wrong file once the next one begins there.
    if (segment.baseOffset === fetchOffset) return 0;
    return segment.baseOffset < fetchOffset ? this.#hints.get(fetchOffset) : undefined;
  }

  #remember({ nextOffset, endPosition }: SegmentRead): void {
    this.#hints.delete(nextOffset);
    this.#hints.set(nextOffset, endPosition);
    if (this.#hints.size <= HINTS_MAX) return;
    for (const oldest of this.#hints.keys()) {
      this.#hints.delete(oldest);
      break;
    }
  }

  get #writtenOffset(): number {
    return this.#options.segments().at(-1)!.nextOffset;
  }

  #noteInterest(nextOffset: number): void {
    if (nextOffset < this.#writtenOffset) return;
    const nowMs = this.#options.context.environment.clock.monotonicMs();
    this.#interestUntilMs = nowMs + TAIL_INTEREST_MS;
  }
}

function findInSlices(
  slices: readonly Uint8Array[],
  timestamp: number,
  startOffset: number,
): TimestampOffset | undefined {
  for (const slice of slices) {
    const found = findInBatches(slice, timestamp, startOffset);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findInBatches(
  bytes: Uint8Array,
  timestamp: number,
  startOffset: number,
): TimestampOffset | undefined {
  const batch = new RecordBatchView();
  const cursor = new RecordCursor();
  for (let at = 0; at < bytes.length; at = batch.at(bytes, at).end) {
    if (batch.at(bytes, at).maxTimestamp < timestamp || batch.isControl) continue;
    cursor.open(bytes, at);
    while (cursor.next()) {
      if (cursor.timestamp >= timestamp && cursor.offset >= startOffset) {
        return { timestamp: cursor.timestamp, offset: cursor.offset };
      }
    }
  }
  return undefined;
}
