/**
 * Control batches: the markers that end a transaction in a partition. One takes one offset and is
 * never given to an application.
 *
 *     key    int16 version 0 | int16 type: 0 abort, 1 commit
 *     value  int16 version 0 | int32 coordinatorEpoch
 */

import { readInt16, readInt32, writeInt16, writeInt32 } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import * as layout from './batchLayout.ts';
import { RecordCursor } from './recordCursor.ts';
import { writeBlob } from './recordEncoding.ts';
import { writeVarint } from './varint.ts';
import { writeBatchHeader } from './writeBatchHeader.ts';

const TYPE_ABORT = 0;
const TYPE_COMMIT = 1;
const KEY_BYTES = 4;
const VALUE_BYTES = 6;
/** Of the record without its length: 1 attributes, 2 deltas, 2 lengths, 1 header count. */
const RECORD_BODY_BYTES = 6 + KEY_BYTES + VALUE_BYTES;
const CONTROL_BATCH_BYTES = layout.BATCH_HEADER_BYTES + 1 + RECORD_BODY_BYTES;

export interface ControlMarker {
  /** 'unknown' for a type of a later release: readers skip it. */
  readonly type: 'abort' | 'commit' | 'unknown';
  readonly coordinatorEpoch: number;
}

/** Builds the marker that ends a producer's transaction: 78 bytes. */
export function buildControlBatch(options: {
  readonly type: 'abort' | 'commit';
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestamp: number;
}): Buffer {
  const key = new Uint8Array(KEY_BYTES);
  writeInt16(key, 2, options.type === 'commit' ? TYPE_COMMIT : TYPE_ABORT);
  const value = new Uint8Array(VALUE_BYTES);
  writeInt32(value, 2, options.coordinatorEpoch);
  // Zeroed, so attributes, both deltas and the header count are in place.
  const batch = Buffer.alloc(CONTROL_BATCH_BYTES);
  const at = writeVarint(batch, layout.BATCH_HEADER_BYTES, RECORD_BODY_BYTES) + 3;
  writeBlob(batch, writeBlob(batch, at, key, KEY_BYTES), value, VALUE_BYTES);
  writeBatchHeader(batch, {
    sizeBytes: CONTROL_BATCH_BYTES,
    attributes: layout.TRANSACTIONAL_BIT | layout.CONTROL_BIT,
    baseOffset: 0,
    partitionLeaderEpoch: -1,
    recordsCount: 1,
    baseTimestamp: options.timestamp,
    maxTimestamp: options.timestamp,
    producerId: options.producerId,
    producerEpoch: options.producerEpoch,
    baseSequence: -1,
  });
  return batch;
}

/**
 * Reads the marker of a verified control batch.
 *
 * @throws ProtocolError INVALID_RECORD where it holds none.
 */
export function readControlMarker(bytes: Uint8Array, position = 0): ControlMarker {
  const cursor = new RecordCursor().open(bytes, position);
  const key = cursor.next() ? cursor.key() : null;
  const value = key === null ? null : cursor.value();
  if (key === null || value === null || key.length < KEY_BYTES || value.length < VALUE_BYTES) {
    throw new ProtocolError('INVALID_RECORD', 'A control batch without a marker');
  }
  const type = readInt16(key, 2);
  return {
    type: type === TYPE_ABORT ? 'abort' : type === TYPE_COMMIT ? 'commit' : 'unknown',
    coordinatorEpoch: readInt32(value, 2),
  };
}
