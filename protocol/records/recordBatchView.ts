/** Reads the header of a batch where it lies, without allocation. */

import { readInt16, readInt32, readInt64, readUint16, readUint32 } from '../bytes.ts';
import * as layout from './batchLayout.ts';

const NO_BYTES = new Uint8Array(0);

/**
 * A window that is moved from batch to batch: make one, keep it, call `at` for each batch.
 *
 * Nothing is checked: the 61 bytes of the header must be there. `verifyBatch` says whether what
 * they hold can be believed.
 *
 *     const batch = new RecordBatchView();
 *     for (let at = 0; at < end; at = batch.end) append(batch.at(bytes, at).recordsCount);
 */
export class RecordBatchView {
  #bytes: Uint8Array = NO_BYTES;
  #position = 0;

  /** Moves the window. @returns this. */
  at(bytes: Uint8Array, position = 0): this {
    this.#bytes = bytes;
    this.#position = position;
    return this;
  }

  /** Lets go of the buffer, which this object otherwise keeps alive. */
  release(): void {
    this.#bytes = NO_BYTES;
  }

  get position(): number {
    return this.#position;
  }
  /** Bytes of the whole batch. */
  get sizeBytes(): number {
    return layout.BATCH_PREFIX_BYTES + readInt32(this.#bytes, this.#position + 8);
  }
  /** Position of the byte after the batch. */
  get end(): number {
    return this.#position + this.sizeBytes;
  }
  get baseOffset(): number {
    return readInt64(this.#bytes, this.#position + layout.BASE_OFFSET_AT);
  }
  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta;
  }
  /** The offset after the batch. */
  get nextOffset(): number {
    return this.baseOffset + this.lastOffsetDelta + 1;
  }
  get partitionLeaderEpoch(): number {
    return readInt32(this.#bytes, this.#position + layout.LEADER_EPOCH_AT);
  }
  get magic(): number {
    return this.#bytes[this.#position + layout.MAGIC_AT]!;
  }
  /** As stored; unsigned. */
  get crc(): number {
    return readUint32(this.#bytes, this.#position + layout.CRC_AT);
  }
  get attributes(): number {
    return readUint16(this.#bytes, this.#position + layout.ATTRIBUTES_AT);
  }
  /** Id of the codec: see `codecName`. */
  get codecId(): number {
    return this.attributes & layout.CODEC_MASK;
  }
  get isLogAppendTime(): boolean {
    return (this.attributes & layout.LOG_APPEND_TIME_BIT) !== 0;
  }
  get isTransactional(): boolean {
    return (this.attributes & layout.TRANSACTIONAL_BIT) !== 0;
  }
  get isControl(): boolean {
    return (this.attributes & layout.CONTROL_BIT) !== 0;
  }
  /** Compaction has set when its tombstones may go (KIP-534): `baseTimestamp` says it. */
  get hasDeleteHorizon(): boolean {
    return (this.attributes & layout.DELETE_HORIZON_BIT) !== 0;
  }
  get lastOffsetDelta(): number {
    return readInt32(this.#bytes, this.#position + layout.LAST_OFFSET_DELTA_AT);
  }
  get baseTimestamp(): number {
    return readInt64(this.#bytes, this.#position + layout.BASE_TIMESTAMP_AT);
  }
  get maxTimestamp(): number {
    return readInt64(this.#bytes, this.#position + layout.MAX_TIMESTAMP_AT);
  }
  get producerId(): number {
    return readInt64(this.#bytes, this.#position + layout.PRODUCER_ID_AT);
  }
  get producerEpoch(): number {
    return readInt16(this.#bytes, this.#position + layout.PRODUCER_EPOCH_AT);
  }
  get baseSequence(): number {
    return readInt32(this.#bytes, this.#position + layout.BASE_SEQUENCE_AT);
  }
  get recordsCount(): number {
    return readInt32(this.#bytes, this.#position + layout.RECORDS_COUNT_AT);
  }
}
