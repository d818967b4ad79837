/**
 * A batch with fewer records, as log compaction writes it: what stays keeps its offset, its time and
 * its bytes, and the batch keeps its first and last offset, its producer and its leader epoch.
 *
 * A record that stays is copied as it is, since neither the base offset nor the base timestamp
 * changes. Only where a delete horizon takes the place of the base timestamp (KIP-534) is each
 * timestamp delta written anew.
 */

import { assert } from '../../common/index.ts';
import { readUint16, writeInt16, writeInt32, writeInt64 } from '../bytes.ts';
import { codecName, compress, decompress } from '../compression/index.ts';
import { ProtocolError } from '../errors.ts';
import * as layout from './batchLayout.ts';
import { RecordBatchView } from './recordBatchView.ts';
import { DECOMPRESSED_BYTES_MAX } from './recordCursor.ts';
import { updateCrc } from './rewriteBatch.ts';
import { VarintReader, varintBytes, writeVarint } from './varint.ts';

export interface ThinBatchOptions {
  /** Whether the record with this index in the batch, from 0, stays. */
  readonly keeps: (recordIndex: number) => boolean;
  /** Set as delete horizon (ms since 1970) where the batch has none; undefined to set none. */
  readonly deleteHorizonMs: number | undefined;
}

interface Record {
  readonly timestampDelta: number;
  /** Bytes of everything behind the timestamp delta. */
  readonly rest: Uint8Array;
  /** The whole record, its length included. */
  readonly whole: Uint8Array;
}

/**
 * Writes the verified batch at `position` anew, with the records that stay. Where none does, it is a
 * header of 61 bytes: the place in the sequence of its producer.
 *
 * @returns fresh memory.
 * @throws ProtocolError as `RecordCursor.open` and `next`.
 */
export function thinBatch(
  bytes: Uint8Array,
  position: number,
  options: ThinBatchOptions,
): Uint8Array {
  const batch = new RecordBatchView().at(bytes, position);
  const kept: Record[] = [];
  let index = 0;
  for (const record of recordsOf(batch, bytes)) {
    if (options.keeps(index)) kept.push(record);
    index += 1;
  }
  if (kept.length === 0) return emptyBatch(bytes, batch);
  const horizonMs = batch.hasDeleteHorizon ? undefined : options.deleteHorizonMs;
  const block = horizonMs === undefined ? joined(kept) : moved(kept, batch, horizonMs);
  const codec = codecName(batch.codecId);
  const stored = codec === 'none' ? block : compress(codec, block);
  const thin = withHeader(bytes, batch, stored);
  writeInt32(thin, layout.RECORDS_COUNT_AT, kept.length);
  if (!batch.isLogAppendTime) {
    const newest = kept.reduce(
      (most, { timestampDelta }) => Math.max(most, timestampDelta),
      -Infinity,
    );
    writeInt64(thin, layout.MAX_TIMESTAMP_AT, batch.baseTimestamp + newest);
  }
  if (horizonMs !== undefined) {
    const attributes = batch.attributes | layout.DELETE_HORIZON_BIT;
    writeInt16(thin, layout.ATTRIBUTES_AT, attributes);
    writeInt64(thin, layout.BASE_TIMESTAMP_AT, horizonMs);
  }
  updateCrc(thin, 0);
  return thin;
}

/** As Kafka writes it: no codec, no base timestamp, no delete horizon. */
function emptyBatch(bytes: Uint8Array, batch: RecordBatchView): Uint8Array {
  const empty = withHeader(bytes, batch, new Uint8Array(0));
  const cleared = layout.CODEC_MASK | layout.DELETE_HORIZON_BIT;
  writeInt16(empty, layout.ATTRIBUTES_AT, readUint16(empty, layout.ATTRIBUTES_AT) & ~cleared);
  writeInt64(empty, layout.BASE_TIMESTAMP_AT, -1);
  writeInt32(empty, layout.RECORDS_COUNT_AT, 0);
  updateCrc(empty, 0);
  return empty;
}

function withHeader(bytes: Uint8Array, batch: RecordBatchView, block: Uint8Array): Uint8Array {
  const { position } = batch;
  const thin = new Uint8Array(layout.BATCH_HEADER_BYTES + block.length);
  thin.set(bytes.subarray(position, position + layout.BATCH_HEADER_BYTES));
  thin.set(block, layout.BATCH_HEADER_BYTES);
  writeInt32(thin, layout.BATCH_LENGTH_AT, thin.length - layout.BATCH_PREFIX_BYTES);
  return thin;
}

function* recordsOf(batch: RecordBatchView, bytes: Uint8Array): Generator<Record> {
  assert(batch.magic === layout.BATCH_MAGIC && batch.end <= bytes.length, 'Unverified batch');
  const block = bytes.subarray(batch.position + layout.BATCH_HEADER_BYTES, batch.end);
  const reader = new VarintReader();
  reader.bytes = decompress(codecName(batch.codecId), block, DECOMPRESSED_BYTES_MAX);
  reader.end = reader.bytes.length;
  for (let left = batch.recordsCount; left > 0; left -= 1) {
    const start = reader.position;
    const end = reader.next() + reader.position;
    if (!(end <= reader.end && end > reader.position)) throw notAsClaimed(batch);
    reader.position += 1; // Attributes: none are defined.
    const timestampDelta = reader.next();
    if (!(reader.position <= end && Number.isSafeInteger(timestampDelta)))
      throw notAsClaimed(batch);
    const rest = reader.bytes.subarray(reader.position, end);
    yield { timestampDelta, rest, whole: reader.bytes.subarray(start, end) };
    reader.position = end;
  }
}

function joined(kept: readonly Record[]): Uint8Array {
  return Buffer.concat(kept.map(({ whole }) => whole));
}

/** The records with their times counted from `baseMs`. */
function moved(kept: readonly Record[], batch: RecordBatchView, baseMs: number): Uint8Array {
  const shift = batch.baseTimestamp - baseMs;
  const bodyBytes = ({ timestampDelta, rest }: Record) =>
    1 + varintBytes(timestampDelta + shift) + rest.length;
  const sizeBytes = kept.reduce((sum, record) => {
    const body = bodyBytes(record);
    return sum + varintBytes(body) + body;
  }, 0);
  const block = new Uint8Array(sizeBytes);
  let at = 0;
  for (const record of kept) {
    at = writeVarint(block, at, bodyBytes(record)) + 1;
    at = writeVarint(block, at, record.timestampDelta + shift);
    block.set(record.rest, at);
    at += record.rest.length;
  }
  return block;
}

function notAsClaimed({ baseOffset }: RecordBatchView): ProtocolError {
  return new ProtocolError(
    'INVALID_RECORD',
    `The batch at offset ${baseOffset} does not hold the records that it claims`,
    { details: { baseOffset } },
  );
}
