/** Batches for tests. */

import {
  type CompressionName,
  type HeaderToWrite,
  RecordBatchBuilder,
  type RecordBatchBuilderOptions,
  type RecordBytes,
} from '../../../protocol/index.ts';

export interface RecordToWrite {
  readonly key?: RecordBytes;
  readonly value?: RecordBytes;
  readonly headers?: readonly HeaderToWrite[];
  readonly timestamp?: number;
}

/** A batch in memory of its own. */
export function batchOf(
  records: readonly RecordToWrite[],
  options: RecordBatchBuilderOptions = {},
): Buffer {
  const builder = new RecordBatchBuilder(options);
  for (const record of records) {
    const { key = null, value = null, headers = [], timestamp = 1_700_000_000_000 } = record;
    builder.append(key, value, headers, timestamp);
  }
  return Buffer.from(builder.build());
}

/** `count` records with small keys and values that compress well. */
export function batchOfCount(count: number, compression: CompressionName = 'none'): Buffer {
  const records = Array.from({ length: count }, (_, i) => ({
    key: `key ${i}`,
    value: `value ${i} `.repeat(8),
    timestamp: 1_700_000_000_000 + i,
  }));
  return batchOf(records, { compression });
}
