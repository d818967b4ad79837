/** Writes the 61 bytes before the records, checksum last. */

import { writeInt16, writeInt32, writeInt64 } from '../bytes.ts';
import * as layout from './batchLayout.ts';
import { updateCrc } from './rewriteBatch.ts';

export interface BatchHeaderFields {
  /** Of the whole batch. */
  readonly sizeBytes: number;
  readonly attributes: number;
  readonly baseOffset: number;
  readonly partitionLeaderEpoch: number;
  /** Offsets without gaps: lastOffsetDelta is one less. */
  readonly recordsCount: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/** @param batch with the records in place from byte 61 to `sizeBytes`: the CRC covers them. */
export function writeBatchHeader(batch: Uint8Array, fields: BatchHeaderFields): void {
  writeInt64(batch, layout.BASE_OFFSET_AT, fields.baseOffset);
  writeInt32(batch, layout.BATCH_LENGTH_AT, fields.sizeBytes - layout.BATCH_PREFIX_BYTES);
  writeInt32(batch, layout.LEADER_EPOCH_AT, fields.partitionLeaderEpoch);
  batch[layout.MAGIC_AT] = layout.BATCH_MAGIC;
  writeInt16(batch, layout.ATTRIBUTES_AT, fields.attributes);
  writeInt32(batch, layout.LAST_OFFSET_DELTA_AT, fields.recordsCount - 1);
  writeInt64(batch, layout.BASE_TIMESTAMP_AT, fields.baseTimestamp);
  writeInt64(batch, layout.MAX_TIMESTAMP_AT, fields.maxTimestamp);
  writeInt64(batch, layout.PRODUCER_ID_AT, fields.producerId);
  writeInt16(batch, layout.PRODUCER_EPOCH_AT, fields.producerEpoch);
  writeInt32(batch, layout.BASE_SEQUENCE_AT, fields.baseSequence);
  writeInt32(batch, layout.RECORDS_COUNT_AT, fields.recordsCount);
  updateCrc(batch, 0);
}
