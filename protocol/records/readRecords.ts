/** The records of a batch as objects. */

import { RecordCursor, type RecordHeader } from './recordCursor.ts';

export interface BatchRecord {
  readonly offset: number;
  /** Milliseconds since 1970; -1 for none. */
  readonly timestamp: number;
  /** A view on the batch, or on the decompressed block. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/**
 * Reads the records of one verified batch, one by one: nothing is decoded before it is asked for.
 *
 * For a scan that needs only offsets and timestamps take `RecordCursor`, which makes no objects.
 *
 * @param options.decompressedBytesMax cap of the decompressed block; default 100 MiB.
 * @throws ProtocolError INVALID_RECORD, CORRUPT_MESSAGE, MESSAGE_TOO_LARGE or
 *   UNSUPPORTED_COMPRESSION_TYPE, when the record is reached at which the bytes prove wrong.
 */
export function* readRecords(
  bytes: Uint8Array,
  position = 0,
  options: { readonly decompressedBytesMax?: number } = {},
): Generator<BatchRecord, void, undefined> {
  const cursor = new RecordCursor().open(bytes, position, options);
  while (cursor.next()) {
    yield {
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: cursor.key(),
      value: cursor.value(),
      headers: cursor.headers(),
    };
  }
}

/** A record as found by a search through one batch. */
export interface FoundRecord {
  readonly offset: number;
  readonly timestamp: number;
}

/**
 * The first record of a verified batch whose timestamp is `timestamp` or later.
 *
 * @returns undefined where all are earlier.
 * @throws as `readRecords`.
 */
export function findRecordByTimestamp(
  bytes: Uint8Array,
  position: number,
  timestamp: number,
): FoundRecord | undefined {
  const cursor = new RecordCursor().open(bytes, position);
  while (cursor.next()) {
    if (cursor.timestamp >= timestamp)
      return { offset: cursor.offset, timestamp: cursor.timestamp };
  }
  return undefined;
}
