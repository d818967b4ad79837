/** Batches for `__consumer_offsets`: records of one group, in one batch or several. */

import { RecordBatchBuilder } from '../../protocol/index.ts';

export interface GroupRecord {
  readonly key: Buffer;
  /** Null for a tombstone. */
  readonly value: Buffer | null;
}

/** One batch of records that take effect together. */
export function batchOf(records: readonly GroupRecord[], timestampMs: number): Buffer {
  const builder = new RecordBatchBuilder();
  for (const { key, value } of records) builder.append(key, value, [], timestampMs);
  return builder.build();
}

/** A group id, a topic and a few bytes each: far below `max.message.bytes`. */
const TOMBSTONES_PER_BATCH = 500;

/** Tombstones need not take effect together: they are spread over batches of a moderate size. */
export function* tombstoneBatches(
  keys: readonly Buffer[],
  timestampMs: number,
): Generator<{ readonly batch: Buffer; readonly count: number }, void, undefined> {
  for (let start = 0; start < keys.length; start += TOMBSTONES_PER_BATCH) {
    const records = keys
      .slice(start, start + TOMBSTONES_PER_BATCH)
      .map((key) => ({ key, value: null }));
    yield { batch: batchOf(records, timestampMs), count: records.length };
  }
}
