/** What becomes of each batch and record when a log is compacted: the rules, without I/O. */

import { RecordBatchView } from '../../../protocol/index.ts';
import { batchModes, type RewritePlan } from './cleanerTasks.ts';
import type { KeyEntries } from './keyEntries.ts';
import type { OffsetMap } from './offsetMap.ts';

export interface PlanOptions {
  readonly map: OffsetMap;
  /** What lies at or above it was not mapped and stays as it is. */
  readonly endOffset: number;
  /** Last offset of the newest batch of each producer: that batch stays, as a header at least. */
  readonly lastOffsets: ReadonlyMap<number, number>;
  readonly nowMs: number;
  /** When tombstones may go that are compacted now for the first time. */
  readonly deleteHorizonMs: number;
}

export interface ChunkPlan extends RewritePlan {
  /** Every batch is copied as it is. */
  readonly isCopy: boolean;
  readonly keptRecordCount: number;
}

const view = new RecordBatchView();

/**
 * @param chunk whole batches.
 * @param entries of all their records, control batches left out.
 */
export function planChunk(chunk: Uint8Array, entries: KeyEntries, options: PlanOptions): ChunkPlan {
  const modes: number[] = [];
  const keeps = new Uint8Array(entries.count);
  let first = 0;
  let keptRecordCount = 0;
  for (let position = 0; position < chunk.length; position = view.end) {
    view.at(chunk, position);
    // Markers say that a producer's epoch was used, and stay.
    if (view.isControl) {
      modes.push(batchModes.copy);
      continue;
    }
    const batch = planBatch(view, { entries, first, keeps }, options);
    modes.push(batch.mode);
    keptRecordCount += batch.keptCount;
    first += view.recordsCount;
  }
  view.release();
  return {
    deleteHorizonMs: options.deleteHorizonMs,
    modes: Uint8Array.from(modes),
    keeps,
    isCopy: modes.every((mode) => mode === batchModes.copy),
    keptRecordCount,
  };
}

function planBatch(
  batch: RecordBatchView,
  records: { readonly entries: KeyEntries; readonly first: number; readonly keeps: Uint8Array },
  options: PlanOptions,
): { readonly mode: number; readonly keptCount: number } {
  const { recordsCount, hasDeleteHorizon } = batch;
  if (batch.baseOffset >= options.endOffset) {
    return { mode: batchModes.copy, keptCount: recordsCount };
  }
  const { entries, first, keeps } = records;
  const isHorizonPast = hasDeleteHorizon && batch.baseTimestamp <= options.nowMs;
  let keptCount = 0;
  let keepsTombstone = false;
  for (let index = first; index < first + recordsCount; index += 1) {
    // Without a key nothing says what it supersedes; such a record is refused on append.
    if (!entries.hasKey(index)) continue;
    if (entries.offset(index) < options.map.get(entries.words, entries.digestAt(index))) continue;
    const isTombstone = entries.isTombstone(index);
    if (isTombstone && isHorizonPast) continue;
    keeps[index] = 1;
    keptCount += 1;
    keepsTombstone ||= isTombstone;
  }
  if (keptCount === 0) {
    const isLast = options.lastOffsets.get(batch.producerId) === batch.lastOffset;
    if (!isLast) return { mode: batchModes.drop, keptCount };
    return { mode: recordsCount === 0 ? batchModes.copy : batchModes.thin, keptCount };
  }
  if (keepsTombstone && !hasDeleteHorizon) return { mode: batchModes.thinWithHorizon, keptCount };
  return { mode: keptCount === recordsCount ? batchModes.copy : batchModes.thin, keptCount };
}
