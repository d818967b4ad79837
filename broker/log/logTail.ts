/**
 * The newest batches of a partition, in memory: what followers and consumers at the end of the log
 * are given without a read.
 *
 * Batches arrive as views on a receive buffer and are copied here only while somebody reads at the
 * end (copying costs about a tenth of the checksum). Chunks are filled once. One that has left the
 * tail is used again when every read of it was released, so a slice may be queued on a socket for as
 * long as that takes; a read that is never released leaves its chunks to the garbage collector.
 */

import { assert } from '../../common/index.ts';
import { batchEnd, RecordBatchView } from '../../protocol/index.ts';
import type { LogRead, ReadOptions } from './logRead.ts';

const CHUNK_BYTES = 256 * 1024;
/** 16 MiB of memory that waits to be used again, for all partitions together. */
const FREE_CHUNKS_MAX = 64;
/** A mark per so many bytes: the longest stretch that a read walks batch by batch. */
const MARK_INTERVAL_BYTES = 4096;

class Chunk {
  readonly bytes: Uint8Array;
  readonly baseOffset: number;
  nextOffset: number;
  usedBytes = 0;
  /** Offset and position of some batches: [offset, position, offset, position, ...]. */
  readonly marks: number[] = [];
  /** Reads that may still look at the bytes. */
  readerCount = 0;
  /** Whether it has left the tail. */
  dropped = false;

  constructor(baseOffset: number, bytes: Uint8Array) {
    this.bytes = bytes;
    this.baseOffset = baseOffset;
    this.nextOffset = baseOffset;
  }

  append(batch: Uint8Array, baseOffset: number, nextOffset: number): void {
    const lastMark = this.marks.at(-1);
    if (lastMark === undefined || this.usedBytes - lastMark >= MARK_INTERVAL_BYTES) {
      this.marks.push(baseOffset, this.usedBytes);
    }
    this.bytes.set(batch, this.usedBytes);
    this.usedBytes += batch.length;
    this.nextOffset = nextOffset;
  }

  /** Position of the last mark at or below `offset`. */
  markedPosition(offset: number): number {
    let low = 0;
    let high = this.marks.length / 2;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.marks[middle * 2]! <= offset) low = middle;
      else high = middle;
    }
    return this.marks[low * 2 + 1]!;
  }
}

/** Bytes that all tails together may keep; the chunk made first goes first. */
export class TailBudget {
  readonly #bytesMax: number;
  readonly #chunks = new Map<Chunk, LogTail>();
  /** Memory of chunks that nobody looks at any more. */
  readonly #free: Uint8Array[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Memory for a chunk, with any content. */
  acquire(byteCount: number): Uint8Array {
    if (byteCount > CHUNK_BYTES) return Buffer.allocUnsafeSlow(byteCount);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  /** The chunk has left its tail, or one of its reads has ended. */
  recycle(chunk: Chunk): void {
    if (!chunk.dropped || chunk.readerCount > 0) return;
    if (chunk.bytes.length === CHUNK_BYTES && this.#free.length < FREE_CHUNKS_MAX) {
      this.#free.push(chunk.bytes);
    }
  }

  add(chunk: Chunk, owner: LogTail): void {
    this.#chunks.set(chunk, owner);
    this.#bytes += chunk.bytes.length;
    for (const [oldest, tail] of this.#chunks) {
      if (this.#bytes <= this.#bytesMax || oldest === chunk) break;
      tail.dropThrough(oldest);
    }
  }

  remove(chunk: Chunk): void {
    if (this.#chunks.delete(chunk)) this.#bytes -= chunk.bytes.length;
  }
}

export class LogTail {
  readonly #budget: TailBudget;
  readonly #bytesMax: number;
  /** Invariant: without gaps, the last one ends where the last `append` ended. */
  readonly #chunks: Chunk[] = [];
  #bytes = 0;
  readonly #batch = new RecordBatchView();

  constructor(budget: TailBudget, bytesMax: number) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Copies the batch. It follows the one appended before. */
  append(batch: Uint8Array, baseOffset: number, nextOffset: number): void {
    let chunk = this.#chunks.at(-1);
    assert(chunk === undefined || chunk.nextOffset === baseOffset, 'The tail has no gaps', {
      expected: chunk?.nextOffset,
      baseOffset,
    });
    if (chunk === undefined || chunk.bytes.length - chunk.usedBytes < batch.length) {
      chunk = new Chunk(baseOffset, this.#budget.acquire(batch.length));
      this.#chunks.push(chunk);
      this.#bytes += chunk.bytes.length;
      // Its own limit first, so that it does not push out the chunks of others for nothing.
      while (this.#bytes > this.#bytesMax && this.#chunks.length > 1) {
        this.dropThrough(this.#chunks[0]!);
      }
      this.#budget.add(chunk, this);
    }
    chunk.append(batch, baseOffset, nextOffset);
  }

  /** @returns undefined where the fetch offset is not in memory. */
  read(fetchOffset: number, options: ReadOptions): LogRead | undefined {
    const first = this.#chunkIndexOf(fetchOffset);
    if (first < 0) return undefined;
    const slices: Uint8Array[] = [];
    const chunks: Chunk[] = [];
    let sizeBytes = 0;
    let nextOffset = fetchOffset;
    for (let index = first; index < this.#chunks.length; index += 1) {
      const chunk = this.#chunks[index]!;
      const start = index === first ? this.#positionOf(chunk, fetchOffset) : 0;
      const room = options.maxBytes - sizeBytes;
      const oversize = options.atLeastOneBatch && sizeBytes === 0;
      const end = this.#endWithin(chunk, start, room, options.endOffset, oversize);
      if (end > start) {
        slices.push(chunk.bytes.subarray(start, end));
        chunk.readerCount += 1;
        chunks.push(chunk);
        sizeBytes += end - start;
        nextOffset =
          end === chunk.usedBytes ? chunk.nextOffset : this.#batch.at(chunk.bytes, end).baseOffset;
      }
      if (end < chunk.usedBytes) break;
    }
    this.#batch.release();
    return {
      slices,
      sizeBytes,
      nextOffset: nextOffset as LogRead['nextOffset'],
      release: () => this.#release(chunks),
    };
  }

  clear(): void {
    const last = this.#chunks.at(-1);
    if (last !== undefined) this.dropThrough(last);
  }

  /** Removes the oldest chunks up to and including this one. */
  dropThrough(chunk: Chunk): void {
    const count = this.#chunks.indexOf(chunk) + 1;
    for (const dropped of this.#chunks.splice(0, count)) {
      this.#bytes -= dropped.bytes.length;
      this.#budget.remove(dropped);
      dropped.dropped = true;
      this.#budget.recycle(dropped);
    }
  }

  #release(chunks: Chunk[]): void {
    for (const chunk of chunks.splice(0)) {
      chunk.readerCount -= 1;
      this.#budget.recycle(chunk);
    }
  }

  #chunkIndexOf(offset: number): number {
    const last = this.#chunks.at(-1);
    if (last === undefined || offset >= last.nextOffset) return -1;
    return this.#chunks.findLastIndex((chunk) => chunk.baseOffset <= offset);
  }

  /** Position of the batch that holds `offset`. */
  #positionOf(chunk: Chunk, offset: number): number {
    let position = chunk.markedPosition(offset);
    while (this.#batch.at(chunk.bytes, position).nextOffset <= offset) {
      const { end } = this.#batch;
      // A chunk that somebody has written into might keep this going for ever.
      assert(end > position && end < chunk.usedBytes, 'A chunk of the tail holds whole batches', {
        offset,
        position,
        end,
      });
      position = end;
    }
    return position;
  }

  /** Where the last batch ends that is within the bytes and below the offset asked for. */
  #endWithin(
    chunk: Chunk,
    start: number,
    maxBytes: number,
    endOffset: number,
    oversizeFirst: boolean,
  ): number {
    if (chunk.nextOffset <= endOffset && chunk.usedBytes - start <= maxBytes) {
      return chunk.usedBytes;
    }
    let position = start;
    for (;;) {
      const end = batchEnd(chunk.bytes, position, chunk.usedBytes);
      if (end === undefined) return position;
      const fits = end - start <= maxBytes || (oversizeFirst && position === start);
      if (!fits || this.#batch.at(chunk.bytes, position).nextOffset > endOffset) return position;
      position = end;
    }
  }
}
