/** Walks the records of one batch without making an object of any. */

import { assert } from '../../common/index.ts';
import { codecName, decompress } from '../compression/index.ts';
import { ProtocolError } from '../errors.ts';
import * as layout from './batchLayout.ts';
import { RecordBatchView } from './recordBatchView.ts';
import { VarintReader } from './varint.ts';

/** Default of `decompressedBytesMax`: as many bytes as one request may have. */
export const DECOMPRESSED_BYTES_MAX = 100 * 1024 * 1024;

/** Name and value; names may repeat and keep their order. */
export type RecordHeader = readonly [name: string, value: Uint8Array | null];

const NO_HEADERS: readonly RecordHeader[] = [];

/**
 * A cursor over the records of a batch. Make one, `open` it on batch after batch.
 *
 *     cursor.open(bytes, position);
 *     while (cursor.next()) if (cursor.timestamp >= wanted) return cursor.offset;
 *
 * Every length and count is checked as it is met; none is believed. What `key`, `value` and
 * `headers` return are views: on the batch, or on the decompressed block, which is fresh memory.
 */
export class RecordCursor {
  readonly #batch = new RecordBatchView();
  readonly #reader = new VarintReader();
  #left = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  #appendTimestamp = -1;
  #lastOffsetDelta = 0;
  #offsetDelta = -1;
  #fieldsPosition = 0;
  #keyStart = 0;
  #keyBytes = -1;
  #valueStart = 0;
  #valueBytes = -1;
  #headersStart = 0;
  #headerCount = 0;

  /** Offset of the present record. */
  offset = -1;
  /** Its timestamp in milliseconds: its own, or under LogAppendTime that of the batch. */
  timestamp = -1;

  /**
   * Goes before the first record of the batch at `position`, which `verifyBatch` has passed.
   *
   * @throws ProtocolError UNSUPPORTED_COMPRESSION_TYPE, MESSAGE_TOO_LARGE where it decompresses to
   *   more than `decompressedBytesMax`, CORRUPT_MESSAGE where it does not decompress.
   */
  open(
    bytes: Uint8Array,
    position = 0,
    options: { readonly decompressedBytesMax?: number } = {},
  ): this {
    const batch = this.#batch.at(bytes, position);
    const reader = this.#reader;
    assert(batch.magic === layout.BATCH_MAGIC && batch.end <= bytes.length, 'Unverified batch');
    if (batch.codecId === 0) {
      reader.bytes = bytes;
      reader.position = position + layout.BATCH_HEADER_BYTES;
      reader.end = batch.end;
    } else {
      const block = bytes.subarray(position + layout.BATCH_HEADER_BYTES, batch.end);
      const limit = options.decompressedBytesMax ?? DECOMPRESSED_BYTES_MAX;
      reader.bytes = decompress(codecName(batch.codecId), block, limit);
      reader.position = 0;
      reader.end = reader.bytes.length;
    }
    this.#left = batch.recordsCount;
    if (this.#left > (reader.end - reader.position) / layout.RECORD_BYTES_MIN) {
      this.#fail(`it counts ${this.#left} records in ${reader.end - reader.position} bytes`);
    }
    this.#baseOffset = batch.baseOffset;
    this.#baseTimestamp = batch.baseTimestamp;
    this.#appendTimestamp = batch.isLogAppendTime ? batch.maxTimestamp : -1;
    this.#lastOffsetDelta = batch.lastOffsetDelta;
    this.#offsetDelta = -1;
    return this;
  }

  /**
   * Goes to the next record.
   *
   * @returns false after the last.
   * @throws ProtocolError INVALID_RECORD where the bytes are not the records that the batch claims.
   */
  next(): boolean {
    const reader = this.#reader;
    if (this.#left === 0) {
      if (reader.position !== reader.end) this.#fail('bytes follow its last record');
      return false;
    }
    this.#left -= 1;
    const length = reader.next();
    const end = reader.position + length;
    if (!(length >= 0 && end <= reader.end)) this.#fail(`a record of ${length} bytes`);
    reader.position += 1; // Attributes: none are defined.
    const timestampDelta = reader.next();
    const offsetDelta = reader.next();
    if (!(offsetDelta > this.#offsetDelta && offsetDelta <= this.#lastOffsetDelta)) {
      this.#fail(`offset delta ${offsetDelta} after ${this.#offsetDelta}`);
    }
    this.#offsetDelta = offsetDelta;
    this.offset = this.#baseOffset + offsetDelta;
    const timestamp = this.#baseTimestamp + timestampDelta;
    if (!Number.isSafeInteger(timestamp)) this.#fail(`timestamp delta ${timestampDelta}`);
    this.timestamp = this.#appendTimestamp >= 0 ? this.#appendTimestamp : timestamp;
    this.#fieldsPosition = reader.position;
    this.#keyBytes = this.#blob(end);
    this.#keyStart = reader.position - Math.max(this.#keyBytes, 0);
    this.#valueBytes = this.#blob(end);
    this.#valueStart = reader.position - Math.max(this.#valueBytes, 0);
    this.#headerCount = reader.next();
    this.#headersStart = reader.position;
    if (this.#headerCount !== 0) this.#skipHeaders(end);
    if (reader.position !== end) this.#fail('a record is not as long as it says');
    return true;
  }

  /** Buffer in which the present record lies: that of the batch, or the decompressed block. */
  get bytes(): Uint8Array {
    return this.#reader.bytes;
  }

  /** Where in `bytes` the length of the key of the present record begins: for a lazy reader. */
  get fieldsPosition(): number {
    return this.#fieldsPosition;
  }

  /** Whether the present record has a key, an empty one included. */
  get hasKey(): boolean {
    return this.#keyBytes >= 0;
  }

  /** Key of the present record: a view. */
  key(): Uint8Array | null {
    if (this.#keyBytes < 0) return null;
    return this.#reader.bytes.subarray(this.#keyStart, this.#keyStart + this.#keyBytes);
  }

  /** Value of the present record: a view; null for a tombstone. */
  value(): Uint8Array | null {
    if (this.#valueBytes < 0) return null;
    return this.#reader.bytes.subarray(this.#valueStart, this.#valueStart + this.#valueBytes);
  }

  /** Headers of the present record; their values are views. */
  headers(): readonly RecordHeader[] {
    if (this.#headerCount === 0) return NO_HEADERS;
    const reader = this.#reader;
    const after = reader.position;
    reader.position = this.#headersStart;
    const result: RecordHeader[] = [];
    for (let i = 0; i < this.#headerCount; i += 1) {
      const name = this.#headerPart()!;
      const text = Buffer.from(name.buffer, name.byteOffset, name.length).toString();
      result.push([text, this.#headerPart()]);
    }
    reader.position = after;
    return result;
  }

  /** Lets go of the buffers, which this object otherwise keeps alive. */
  release(): void {
    this.#batch.release();
    this.#reader.bytes = new Uint8Array(0);
    this.#reader.position = 0;
    this.#reader.end = 0;
    this.#left = 0;
  }

  /** Skips a length and its bytes. @returns the length, -1 for null. */
  #blob(end: number): number {
    const reader = this.#reader;
    const byteCount = reader.next();
    if (byteCount === -1) return -1;
    if (!(byteCount >= 0 && byteCount <= end - reader.position)) {
      this.#fail(`a key or value of ${byteCount} bytes`);
    }
    reader.position += byteCount;
    return byteCount;
  }

  #skipHeaders(end: number): void {
    // The shortest header, an empty name and a null value, has two bytes.
    const possible = (end - this.#reader.position) / 2;
    if (!(this.#headerCount >= 0 && this.#headerCount <= possible)) {
      this.#fail(`${this.#headerCount} headers`);
    }
    for (let i = 0; i < this.#headerCount; i += 1) {
      if (this.#blob(end) < 0) this.#fail('a header without a name');
      this.#blob(end);
    }
  }

  #headerPart(): Uint8Array | null {
    const reader = this.#reader;
    const byteCount = reader.next();
    if (byteCount < 0) return null;
    reader.position += byteCount;
    return reader.bytes.subarray(reader.position - byteCount, reader.position);
  }

  #fail(why: string): never {
    const baseOffset = this.#batch.baseOffset;
    throw new ProtocolError(
      'INVALID_RECORD',
      `The batch at offset ${baseOffset} does not hold the records that it claims: ${why}`,
      { details: { baseOffset } },
    );
  }
}
