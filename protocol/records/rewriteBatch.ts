/**
 * What changes in a finished batch, in place: a leader stamps the batches that it appends, in the
 * bytes of the request; a producer renumbers those that it sends anew.
 */

import { crc32c } from '../../common/index.ts';
import { readInt32, readUint16, writeInt16, writeInt32, writeInt64 } from '../bytes.ts';
import * as layout from './batchLayout.ts';

/** Outside the CRC. @param baseOffset a safe integer from 0. */
export function setBaseOffset(bytes: Uint8Array, position: number, baseOffset: number): void {
  writeInt64(bytes, position + layout.BASE_OFFSET_AT, baseOffset);
}

/** Outside the CRC. */
export function setPartitionLeaderEpoch(bytes: Uint8Array, position: number, epoch: number): void {
  writeInt32(bytes, position + layout.LEADER_EPOCH_AT, epoch);
}

/**
 * Makes `timestampMs` the time of every record: sets LogAppendTime and maxTimestamp, and computes
 * the CRC anew, since both lie within it. The records keep their own deltas; readers ignore them.
 */
export function setLogAppendTime(bytes: Uint8Array, position: number, timestampMs: number): void {
  const attributes = readUint16(bytes, position + layout.ATTRIBUTES_AT);
  writeInt16(bytes, position + layout.ATTRIBUTES_AT, attributes | layout.LOG_APPEND_TIME_BIT);
  writeInt64(bytes, position + layout.MAX_TIMESTAMP_AT, timestampMs);
  updateCrc(bytes, position);
}

/** Whose batch it is, and which of its batches. */
export interface BatchProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Sequence number of its first record, 0 to 2^31 - 1. */
  readonly baseSequence: number;
}

/** Gives a batch to another producer, and computes the CRC anew. */
export function setBatchProducer(
  bytes: Uint8Array,
  position: number,
  producer: BatchProducer,
): void {
  writeInt64(bytes, position + layout.PRODUCER_ID_AT, producer.producerId);
  writeInt16(bytes, position + layout.PRODUCER_EPOCH_AT, producer.producerEpoch);
  writeInt32(bytes, position + layout.BASE_SEQUENCE_AT, producer.baseSequence);
  updateCrc(bytes, position);
}

/** Computes the CRC of the batch from its bytes and stores it. */
export function updateCrc(bytes: Uint8Array, position: number): void {
  const length = readInt32(bytes, position + layout.BATCH_LENGTH_AT);
  const end = position + layout.BATCH_PREFIX_BYTES + length;
  writeInt32(bytes, position + layout.CRC_AT, crc32c(bytes, position + layout.ATTRIBUTES_AT, end));
}
