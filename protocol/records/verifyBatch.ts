/** Whether a batch may be believed: the header and the checksum, never the records within. */

import { crc32c } from '../../common/index.ts';
import { readInt32 } from '../bytes.ts';
import type { ErrorName } from '../errors.ts';
import * as layout from './batchLayout.ts';
import { RecordBatchView } from './recordBatchView.ts';

const CODEC_ID_MAX = 4;

export interface BatchFault {
  readonly error: ErrorName;
  /** For people: what was found, what was expected. */
  readonly message: string;
}

export interface VerifyOptions {
  /**
   * 'client': what a producer may send, exactly one batch up to `end`. 'log': what a leader or a
   * file may hold, so also control batches, LogAppendTime, and counts thinned by compaction.
   */
  readonly origin: 'client' | 'log';
  /** The byte after the bytes at hand; default the end of the buffer. */
  readonly end?: number;
  /** `max.message.bytes` of the topic; default no limit. */
  readonly bytesMax?: number;
}

const view = new RecordBatchView();

/**
 * Checks the batch at `position`: length, magic, CRC, counts, attributes, timestamps.
 *
 * @returns undefined for a sound batch, else the first fault found.
 */
export function verifyBatch(
  bytes: Uint8Array,
  position: number,
  options: VerifyOptions,
): BatchFault | undefined {
  const end = options.end ?? bytes.length;
  const fault = frameFault(bytes, position, end) ?? sizeFault(bytes, position, options);
  if (fault !== undefined) return fault;
  try {
    view.at(bytes, position);
    const computed = crc32c(bytes, position + layout.ATTRIBUTES_AT, view.end);
    if (computed !== view.crc) {
      return corrupt(`its CRC-32C is ${hex(computed)}, and ${hex(view.crc)} is stored`);
    }
    return (
      countFault() ?? numbersFault() ?? (options.origin === 'client' ? clientFault() : undefined)
    );
  } finally {
    view.release();
  }
}

function frameFault(bytes: Uint8Array, position: number, end: number): BatchFault | undefined {
  const available = end - position;
  if (available < layout.BATCH_HEADER_BYTES) {
    return corrupt(`it has ${available} bytes, fewer than a header of 61`);
  }
  const magic = bytes[position + layout.MAGIC_AT]!;
  if (magic < layout.BATCH_MAGIC) {
    return {
      error: 'UNSUPPORTED_FOR_MESSAGE_FORMAT',
      message: `Record batch of magic ${magic}; only magic 2 is taken`,
    };
  }
  if (magic !== layout.BATCH_MAGIC) return corrupt(`its magic is ${magic}, not 2`);
  const length = readInt32(bytes, position + layout.BATCH_LENGTH_AT);
  const sizeBytes = layout.BATCH_PREFIX_BYTES + length;
  if (sizeBytes < layout.BATCH_HEADER_BYTES) return corrupt(`its length is ${length}, below 49`);
  if (sizeBytes > available) {
    return corrupt(`its length makes it ${sizeBytes} bytes, and ${available} are there`);
  }
  return undefined;
}

function sizeFault(
  bytes: Uint8Array,
  position: number,
  options: VerifyOptions,
): BatchFault | undefined {
  const sizeBytes = layout.BATCH_PREFIX_BYTES + readInt32(bytes, position + layout.BATCH_LENGTH_AT);
  if (options.bytesMax !== undefined && sizeBytes > options.bytesMax) {
    return {
      error: 'MESSAGE_TOO_LARGE',
      message: `Record batch of ${sizeBytes} bytes; at most ${options.bytesMax} are allowed`,
    };
  }
  const end = options.end ?? bytes.length;
  if (options.origin === 'client' && position + sizeBytes !== end) {
    return invalid(`${end - position - sizeBytes} bytes follow it; one batch is expected`);
  }
  return undefined;
}

function countFault(): BatchFault | undefined {
  const { recordsCount, lastOffsetDelta, codecId } = view;
  if (lastOffsetDelta < 0) return invalid(`its lastOffsetDelta is ${lastOffsetDelta}`);
  if (recordsCount < 0 || recordsCount > lastOffsetDelta + 1) {
    return invalid(`it counts ${recordsCount} records over ${lastOffsetDelta + 1} offsets`);
  }
  const recordsBytes = view.sizeBytes - layout.BATCH_HEADER_BYTES;
  if (codecId === 0 && recordsCount > recordsBytes / layout.RECORD_BYTES_MIN) {
    return invalid(`it counts ${recordsCount} records in ${recordsBytes} bytes`);
  }
  return undefined;
}

function numbersFault(): BatchFault | undefined {
  if ((view.attributes & layout.RESERVED_BITS) !== 0) {
    return invalid(`its attributes ${hex(view.attributes)} have bits that are reserved`);
  }
  if (view.codecId > CODEC_ID_MAX) {
    return {
      error: 'UNSUPPORTED_COMPRESSION_TYPE',
      message: `Record batch with the unknown codec ${view.codecId}`,
    };
  }
  if (view.baseOffset < 0 || !Number.isSafeInteger(view.nextOffset)) {
    return invalid(`its base offset ${view.baseOffset} is out of range`);
  }
  if (!isTimestamp(view.baseTimestamp) || !isTimestamp(view.maxTimestamp)) {
    return {
      error: 'INVALID_TIMESTAMP',
      message: `Record batch with timestamps ${view.baseTimestamp} and ${view.maxTimestamp}`,
    };
  }
  return undefined;
}

function clientFault(): BatchFault | undefined {
  const { recordsCount, lastOffsetDelta } = view;
  if (recordsCount < 1) return invalid('it holds no record');
  if (recordsCount !== lastOffsetDelta + 1) {
    return invalid(`it counts ${recordsCount} records over ${lastOffsetDelta + 1} offsets`);
  }
  if (view.isControl) return invalid('a client may not write control batches');
  if ((view.attributes & layout.DELETE_HORIZON_BIT) !== 0) {
    return invalid('a client may not set a delete horizon');
  }
  if (view.isLogAppendTime) {
    return { error: 'INVALID_TIMESTAMP', message: 'Only the broker may set LogAppendTime' };
  }
  if (view.producerId >= 0 && (view.producerEpoch < 0 || view.baseSequence < 0)) {
    return invalid(
      `producer ${view.producerId} has epoch ${view.producerEpoch}, sequence ${view.baseSequence}`,
    );
  }
  if (view.isTransactional && view.producerId < 0) {
    return invalid('it is transactional and names no producer');
  }
  return undefined;
}

function isTimestamp(value: number): boolean {
  return Number.isSafeInteger(value) && value >= -1;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function corrupt(why: string): BatchFault {
  return { error: 'CORRUPT_MESSAGE', message: `Corrupt record batch: ${why}` };
}

function invalid(why: string): BatchFault {
  return { error: 'INVALID_RECORD', message: `Invalid record batch: ${why}` };
}
