/** A log manager that compacts, on a simulated disk; the worker threads are this one. */

import { digestKeys, rewriteBatches } from '../../../../../broker/log/cleaner/cleanerTasks.ts';
import type {
  LogCleanerOptions,
  LogConfig,
  PartitionLog,
} from '../../../../../broker/log/index.ts';
import type { Offload } from '../../../../../common/index.ts';
import {
  type CompressionName,
  RecordBatchBuilder,
  RecordBatchView,
  readRecords,
  setBatchProducer,
} from '../../../../../protocol/index.ts';
import {
  type FixtureOptions,
  LogFixture,
  readFrom,
  START_MS,
  settle,
  smallConfig,
} from '../logFixture.ts';

const tasks: Readonly<Record<string, (input: Uint8Array) => Uint8Array>> = {
  digestKeys,
  rewriteBatches,
};

export const inlineOffload: Offload = {
  run: async ({ function: name }, input) => tasks[name]!(input),
  close: async () => undefined,
};

export const compactConfig: LogConfig = {
  ...smallConfig,
  cleanupPolicy: ['compact'],
  minCleanableDirtyRatio: 0,
};

export interface CompactionFixtureOptions extends FixtureOptions {
  readonly cleanerOptions?: Partial<LogCleanerOptions>;
}

export function compactingFixture(options: CompactionFixtureOptions = {}): LogFixture {
  return new LogFixture({
    config: compactConfig,
    cleaner: { offload: inlineOffload, ...options.cleanerOptions },
    ...options,
  });
}

/** Another process on the same disk, or on what a crash left of it. */
export function restarted(fixture: LogFixture, options: CompactionFixtureOptions = {}): LogFixture {
  return fixture.restart({
    cleaner: { offload: inlineOffload, ...options.cleanerOptions },
    ...options,
  });
}

export type Pair = readonly [key: string | null, value: string | null];

export interface KeyedBatchOptions {
  readonly timestamp?: number;
  readonly compression?: CompressionName;
  readonly producerId?: number;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
}

export function keyedBatch(pairs: readonly Pair[], options: KeyedBatchOptions = {}): Buffer {
  const { compression = 'none', transactional = false } = options;
  const builder = new RecordBatchBuilder({ compression, transactional });
  for (const [key, value] of pairs) {
    const bytes = value === null ? null : Buffer.from(value);
    builder.append(
      key === null ? null : Buffer.from(key),
      bytes,
      [],
      options.timestamp ?? START_MS,
    );
  }
  const batch = Buffer.from(builder.build());
  const { producerId, baseSequence } = options;
  if (producerId !== undefined) {
    setBatchProducer(batch, 0, { producerId, producerEpoch: 0, baseSequence: baseSequence ?? 0 });
  }
  return batch;
}

/** One batch a turn; then everything written is committed. */
export async function writeTurns(
  fixture: LogFixture,
  batches: readonly Buffer[],
  epoch = 0,
): Promise<void> {
  const log = fixture.log();
  for (const batch of batches) {
    fixture.write(log, batch, epoch);
    await settle();
  }
  log.updateHighWatermark(log.writtenOffset);
}

/** Closes the active segment: a batch of its own that fills it. */
export async function fillSegment(fixture: LogFixture, key = 'filler'): Promise<void> {
  await writeTurns(fixture, [keyedBatch([[key, 'f'.repeat(1900)]])]);
}

export interface KeyedRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

export interface StoredBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly recordsCount: number;
  readonly producerId: number;
  readonly horizonMs: number | undefined;
  readonly maxTimestamp: number;
}

export async function contentOf(
  log: PartitionLog,
): Promise<{ readonly records: readonly KeyedRecord[]; readonly batches: readonly StoredBatch[] }> {
  const records: KeyedRecord[] = [];
  const batches: StoredBatch[] = [];
  const view = new RecordBatchView();
  let offset: number = log.logStartOffset;
  while (offset < log.writtenOffset) {
    const read = await readFrom(log, offset);
    if (read.nextOffset <= offset) break;
    const bytes = Buffer.concat(read.slices);
    for (let position = 0; position < bytes.length; position = view.end) {
      const batch = view.at(bytes, position);
      batches.push({
        baseOffset: batch.baseOffset,
        lastOffset: batch.lastOffset,
        recordsCount: batch.recordsCount,
        producerId: batch.producerId,
        horizonMs: batch.hasDeleteHorizon ? batch.baseTimestamp : undefined,
        maxTimestamp: batch.maxTimestamp,
      });
      for (const record of readRecords(bytes, position)) {
        records.push({
          offset: record.offset,
          key: textOf(record.key),
          value: textOf(record.value),
          timestamp: record.timestamp,
        });
      }
    }
    offset = read.nextOffset;
  }
  return { records, batches };
}

/** `offset key=value`, for comparisons that can be read. */
export async function linesOf(log: PartitionLog): Promise<readonly string[]> {
  const { records } = await contentOf(log);
  return records.map(
    ({ offset, key, value }) => `${offset} ${key}=${value?.slice(0, 8) ?? 'null'}`,
  );
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString();
}
