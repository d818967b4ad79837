/**
 * Reads whole batches of one segment from its file: index, one read, and a walk over the headers.
 *
 * Checksums are left to the reader at the other end, who checks them anyway; headers are not: a
 * length or an offset that cannot be true is reported with file and position, never skipped.
 */

import { CorruptionError } from '../../common/index.ts';
import {
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  RecordBatchView,
  readInt32,
} from '../../protocol/index.ts';
import type { IndexCache } from './indexCache.ts';
import type { LogSegment } from './logSegment.ts';
import type { OffsetPosition } from './offsetIndex.ts';
import type { ReadMemory } from './readMemory.ts';

/** Bytes of one read at most; more than one batch is never forced into memory at a time. */
const READ_BYTES_MAX = 8 * 1024 ** 2;

export interface SegmentReadOptions {
  readonly fetchOffset: number;
  readonly maxBytes: number;
  /** Exclusive bound of offsets. */
  readonly endOffset: number;
  readonly atLeastOneBatch: boolean;
  readonly indexIntervalBytes: number;
  /** The segment is being written: its indexes are in memory, and this process made them. */
  readonly isActive: boolean;
  /** Where a batch begins at or before the fetch offset, when known from an earlier read. */
  readonly positionHint: number | undefined;
  /** Where the read gets its memory. */
  readonly memory: ReadMemory;
}

export interface SegmentRead {
  readonly bytes: Uint8Array;
  /** What `bytes` is a part of, to be released; undefined for none. */
  readonly memory: Buffer | undefined;
  readonly nextOffset: number;
  /** Position behind the last batch: the hint for a reader that goes on. */
  readonly endPosition: number;
  /** No batch at or above the fetch offset stands in the segment. */
  readonly atEnd: boolean;
}

export async function readSegment(
  segment: LogSegment,
  indexCache: IndexCache,
  options: SegmentReadOptions,
): Promise<SegmentRead> {
  try {
    return await readBatches(segment, indexCache, options);
  } finally {
    // Last of all: what another read let go of meanwhile was opened again here.
    if (!options.isActive) indexCache.touch(segment);
  }
}

async function readBatches(
  segment: LogSegment,
  indexCache: IndexCache,
  options: SegmentReadOptions,
): Promise<SegmentRead> {
  const endPosition = segment.sizeBytes;
  let position = options.positionHint ?? (await findPosition(segment, indexCache, options));
  const wanted = Math.min(options.maxBytes, READ_BYTES_MAX) + options.indexIntervalBytes;
  let minimum = BATCH_HEADER_BYTES;
  while (position < endPosition) {
    const length = Math.min(Math.max(wanted, minimum), endPosition - position);
    const memory = options.memory.acquire(length);
    const bytes = memory.subarray(0, length);
    await readExactly(segment, position, bytes);
    const walk = new HeaderWalk(segment, { bytes, position, endPosition });
    walk.skipBelow(options.fetchOffset);
    if (walk.found) {
      const refused = walk.batchBytes > options.maxBytes && !options.atLeastOneBatch;
      if (walk.batchIsWhole || refused || walk.isPast(options.endOffset)) {
        return { ...walk.collect(options), memory };
      }
    } else if (walk.at === 0) {
      throw cutShort(segment, position + length);
    }
    // The end of the read cut the batch: once more, from where it begins, and all of it.
    minimum = walk.found ? walk.batchBytes : BATCH_HEADER_BYTES;
    position += walk.at;
    options.memory.release(memory);
  }
  const { fetchOffset: nextOffset } = options;
  const nothing = { bytes: new Uint8Array(0), memory: undefined };
  return { ...nothing, nextOffset, endPosition: position, atEnd: true };
}

/** A walk over the headers of what one read brought. */
class HeaderWalk {
  /** Where the present batch begins, counted from the start of the bytes; may lie past them. */
  at = 0;
  found = false;
  readonly #segment: LogSegment;
  readonly #bytes: Uint8Array;
  readonly #position: number;
  readonly #endPosition: number;
  readonly #batch = new RecordBatchView();

  constructor(
    segment: LogSegment,
    read: { readonly bytes: Uint8Array; readonly position: number; readonly endPosition: number },
  ) {
    this.#segment = segment;
    this.#bytes = read.bytes;
    this.#position = read.position;
    this.#endPosition = read.endPosition;
  }

  get batchBytes(): number {
    return this.#batch.sizeBytes;
  }

  get batchIsWhole(): boolean {
    return this.at + this.#batch.sizeBytes <= this.#bytes.length;
  }

  isPast(endOffset: number): boolean {
    return this.#batch.nextOffset > endOffset;
  }

  /** Goes to the batch that holds `offset` or, where compaction took it, to the next one. */
  skipBelow(offset: number): void {
    while (this.#hasHeader()) {
      this.#checkHeader();
      if (this.#batch.nextOffset > offset) {
        this.found = true;
        return;
      }
      this.at += this.#batch.sizeBytes;
    }
  }

  /** Takes whole batches from the present one on. */
  collect(options: SegmentReadOptions): Omit<SegmentRead, 'memory'> {
    const start = this.at;
    let nextOffset = options.fetchOffset;
    while (this.#hasHeader()) {
      this.#checkHeader();
      const end = this.at + this.#batch.sizeBytes;
      const fits =
        end - start <= options.maxBytes || (options.atLeastOneBatch && this.at === start);
      if (!fits || end > this.#bytes.length || this.#batch.nextOffset > options.endOffset) break;
      nextOffset = this.#batch.nextOffset;
      this.at = end;
    }
    return {
      bytes: this.#bytes.subarray(start, this.at),
      nextOffset,
      endPosition: this.#position + this.at,
      atEnd: false,
    };
  }

  #hasHeader(): boolean {
    return this.at + BATCH_HEADER_BYTES <= this.#bytes.length;
  }

  #checkHeader(): void {
    const batch = this.#batch.at(this.#bytes, this.at);
    const position = this.#position + this.at;
    const sizeBytes = BATCH_PREFIX_BYTES + readInt32(this.#bytes, this.at + 8);
    let found: string | undefined;
    if (batch.magic !== 2) found = `magic ${batch.magic}`;
    else if (sizeBytes < BATCH_HEADER_BYTES || position + sizeBytes > this.#endPosition) {
      found = `a length of ${sizeBytes} bytes`;
    } else if (
      batch.lastOffsetDelta < 0 ||
      batch.baseOffset < this.#segment.baseOffset ||
      batch.nextOffset > this.#segment.nextOffset
    ) {
      found = `offsets ${batch.baseOffset} to ${batch.lastOffset}`;
    }
    if (found !== undefined) throw corruptSegment(this.#segment, position, found);
  }
}

export function corruptSegment(
  segment: LogSegment,
  position: number,
  found: string,
): CorruptionError {
  return new CorruptionError(
    'LOG_CORRUPT',
    `The segment "${segment.path}" is corrupt at position ${position}: expected a record batch ` +
      `within offsets ${segment.baseOffset} to ${segment.nextOffset}, found ${found}`,
    { details: { path: segment.path, position, found } },
  );
}

async function readExactly(
  segment: LogSegment,
  position: number,
  target: Uint8Array,
): Promise<void> {
  const byteCount = await segment.read(target, position);
  if (byteCount < target.length) throw cutShort(segment, position + byteCount);
}

function cutShort(segment: LogSegment, position: number): CorruptionError {
  return corruptSegment(segment, position, 'the end of the file');
}

/**
 * Position of a batch at or before the fetch offset. The entry that the index gives is compared
 * with the batch that it points to: an index that lies is made anew, once.
 */
async function findPosition(
  segment: LogSegment,
  indexCache: IndexCache,
  options: SegmentReadOptions,
): Promise<number> {
  const { fetchOffset, indexIntervalBytes } = options;
  if (options.isActive) return positionByIndex(segment, fetchOffset);
  const isLoaded = segment.loadedIndexes !== undefined || (await segment.loadIndexes());
  const entry = segment.loadedIndexes?.offsets.lookup(fetchOffset);
  if (!isLoaded || (entry !== undefined && !(await isTrue(segment, entry)))) {
    indexCache.remove(segment);
    const fault = await segment.rebuildIndexes(indexIntervalBytes);
    if (fault !== undefined) throw corruptSegment(segment, fault.position, fault.found);
  }
  return positionByIndex(segment, fetchOffset);
}

function positionByIndex(segment: LogSegment, offset: number): number {
  return segment.loadedIndexes?.offsets.lookup(offset)?.positionInSegment ?? 0;
}

async function isTrue(segment: LogSegment, entry: OffsetPosition): Promise<boolean> {
  const header = Buffer.allocUnsafe(BATCH_HEADER_BYTES);
  const byteCount = await segment.read(header, entry.positionInSegment);
  if (byteCount < BATCH_HEADER_BYTES) return false;
  const batch = new RecordBatchView().at(header);
  return batch.magic === 2 && batch.lastOffset === entry.offset;
}
