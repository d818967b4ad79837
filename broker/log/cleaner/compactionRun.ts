/**
 * One compaction of one log: maps the keys of its dirty part, writes every segment below anew
 * without what newer records supersede, and notes how far it has come.
 *
 *     |---- clean ----|-------- dirty --------|--- cannot be compacted yet ---|
 *     logStart    dirtyFrom               endOffset                       logEnd
 *
 * Everything can be given up between two steps: what was swapped in stays, the rest is as it was.
 */

import type { Environment, Offload } from '../../../common/index.ts';
import { RecordBatchView } from '../../../protocol/index.ts';
import { CLEANED_SUFFIX } from '../logFileNames.ts';
import { LogSegment, writtenBatch } from '../logSegment.ts';
import type { PartitionLog } from '../partitionLog.ts';
import { type PlanOptions, planChunk } from './batchPlan.ts';
import type { Cleanability } from './cleanability.ts';
import { digestKeysTask, encodeRewrite, rewriteBatchesTask } from './cleanerTasks.ts';
import type { IoThrottle } from './ioThrottle.ts';
import { KeyEntries } from './keyEntries.ts';
import { OffsetMap } from './offsetMap.ts';
import { segmentChunks } from './segmentChunks.ts';
import { groupSegments } from './segmentGroups.ts';

export interface CompactionOptions {
  readonly environment: Pick<Environment, 'clock' | 'timers' | 'fileSystem'>;
  readonly offload: Offload;
  readonly throttle: IoThrottle;
  /** Runs reads of files, as many at once as may be. */
  readonly limitReads: <T>(read: () => Promise<T>) => Promise<T>;
  /** Memory of the offset map at most. */
  readonly mapBytesMax: number;
  readonly mapLoadFactor: number;
  readonly chunkBytes: number;
  /** Wall clock by which tombstones go. */
  readonly nowMs: number;
  readonly isStopped: () => boolean;
}

export interface CompactionResult {
  readonly endOffset: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly recordsRead: number;
  readonly recordsKept: number;
  /** Share of the map that was taken, 0 to 1. */
  readonly mapFill: number;
}

/** The log was cut, deleted or its segments removed while it was compacted, or the broker stops. */
export class CompactionAborted extends Error {}

/** The first batch of the dirty part has more keys than the map has room for. */
export class OffsetMapTooSmall extends Error {}

/** Keys that are looked up in one turn of the event loop. */
const KEYS_PER_TURN = 16_384;

export class CompactionRun {
  readonly #log: PartitionLog;
  readonly #options: CompactionOptions;
  readonly #cleanability: Cleanability;
  readonly #cutCount: number;
  readonly #batch = new RecordBatchView();
  /** Not written anew yet: as long as the log has them, an error is one. */
  readonly #ahead: Set<LogSegment>;
  #bytesRead = 0;
  #bytesWritten = 0;
  #recordsRead = 0;
  #recordsKept = 0;

  /** @param cleanability as it is now: nothing may have come in between. */
  constructor(log: PartitionLog, cleanability: Cleanability, options: CompactionOptions) {
    this.#log = log;
    this.#options = options;
    this.#cleanability = cleanability;
    this.#cutCount = log.cutCount;
    this.#ahead = new Set(cleanability.segments);
  }

  /**
   * @throws {CompactionAborted} where the log has changed; it is as good as before.
   * @throws {OffsetMapTooSmall}
   * @throws {CorruptionError} LOG_CORRUPT; {ProtocolError} where a batch cannot be read.
   * @throws system errors.
   */
  async run(): Promise<CompactionResult> {
    try {
      return await this.#run();
    } catch (error) {
      // Retention has removed what was being read: whatever came of it means nothing.
      const isGone = [...this.#ahead].some((segment) => !this.#log.segments.includes(segment));
      throw isGone ? new CompactionAborted('', { cause: error }) : error;
    }
  }

  async #run(): Promise<CompactionResult> {
    const { segments, dirtyFrom } = this.#cleanability;
    const { mapBytesMax: bytesMax, mapLoadFactor: loadFactor } = this.#options;
    const keysMax = this.#cleanability.endOffset - dirtyFrom;
    const map = new OffsetMap({ bytesMax, keysMax, loadFactor });
    const endOffset = await this.#fill(map);
    if (endOffset > dirtyFrom) {
      const plan = this.#planOptions(map, endOffset);
      const touched = segments.filter(({ baseOffset }) => baseOffset < endOffset);
      for (const group of groupSegments(touched, {
        segmentBytes: this.#log.config.segmentBytes,
        endOffset: this.#endOf(touched.at(-1)!),
      })) {
        await this.#rewrite(group, plan);
      }
      this.#checkUnchanged();
      await this.#log.raiseCleanedOffset(endOffset);
    }
    return {
      endOffset,
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      recordsRead: this.#recordsRead,
      recordsKept: this.#recordsKept,
      mapFill: map.fill,
    };
  }

  /** @returns where the mapped part ends: with the dirty part, or with what the map had room for. */
  async #fill(map: OffsetMap): Promise<number> {
    const { segments, dirtyFrom, endOffset } = this.#cleanability;
    let mapped = dirtyFrom;
    for (const segment of segments) {
      if (this.#endOf(segment) <= dirtyFrom) continue;
      for await (const chunk of this.#chunks(segment)) {
        const entries = await this.#digest(chunk);
        const filled = await this.#fillChunk(map, chunk, { entries, mapped });
        mapped = filled.mapped;
        if (filled.isFull) return mapped;
      }
    }
    return endOffset;
  }

  async #fillChunk(
    map: OffsetMap,
    chunk: Uint8Array,
    from: { readonly entries: KeyEntries; readonly mapped: number },
  ): Promise<{ readonly mapped: number; readonly isFull: boolean }> {
    const { entries } = from;
    let { mapped } = from;
    let index = 0;
    for (let position = 0; position < chunk.length; ) {
      const { end, nextOffset, isControl, isTransactional, recordsCount } = this.#batch.at(
        chunk,
        position,
      );
      position = end;
      const endIndex = isControl ? index : index + recordsCount;
      if (nextOffset > this.#cleanability.dirtyFrom) {
        // Nobody can tell yet whether it was aborted: what an aborted record supersedes would go.
        if (isTransactional) return { mapped, isFull: true };
        if (!map.hasRoomFor(endIndex - index)) {
          if (map.keyCount === 0) throw new OffsetMapTooSmall();
          return { mapped, isFull: true };
        }
        for (; index < endIndex; index += 1) {
          if (index % KEYS_PER_TURN === KEYS_PER_TURN - 1) await this.#pause();
          if (entries.hasKey(index)) {
            map.put(entries.words, entries.digestAt(index), entries.offset(index));
          }
        }
        mapped = nextOffset;
      }
      index = endIndex;
    }
    return { mapped, isFull: false };
  }

  #planOptions(map: OffsetMap, endOffset: number): PlanOptions {
    const { nowMs } = this.#options;
    const lastOffsets = new Map<number, number>();
    for (const { producerId, lastOffset } of this.#log.newestOfProducers()) {
      lastOffsets.set(producerId, lastOffset);
    }
    const { deleteRetentionMs } = this.#log.config;
    const deleteHorizonMs = Math.min(nowMs + deleteRetentionMs, Number.MAX_SAFE_INTEGER);
    return { map, endOffset, lastOffsets, nowMs, deleteHorizonMs };
  }

  async #rewrite(group: readonly LogSegment[], plan: PlanOptions): Promise<void> {
    this.#checkUnchanged();
    const { fileSystem } = this.#options.environment;
    const cleaned = LogSegment.createCleaned({
      fileSystem,
      directory: this.#log.directory,
      baseOffset: group[0]!.baseOffset,
      createdMs: group.at(-1)!.createdMs,
    });
    try {
      let isCopy = group.length === 1;
      for (const segment of group) {
        for await (const chunk of this.#chunks(segment)) {
          const written = await this.#rewriteChunk(chunk, plan);
          isCopy &&= written === chunk;
          await this.#append(cleaned, written);
        }
      }
      for (const segment of group) this.#ahead.delete(segment);
      if (isCopy) {
        cleaned.remove();
        return;
      }
      await cleaned.file().datasync();
      this.#checkUnchanged();
      if (await this.#log.replaceSegments(group, cleaned)) return;
      throw new CompactionAborted();
    } catch (error) {
      this.#discard(cleaned);
      throw error;
    }
  }

  /** A file that has left its first name belongs to the log, or to the next start. */
  #discard(cleaned: LogSegment): void {
    const { fileSystem } = this.#options.environment;
    cleaned.close();
    if (this.#log.isOffline) return;
    if (fileSystem.statSync(cleaned.path + CLEANED_SUFFIX) !== undefined) cleaned.remove();
  }

  /** @returns the batches that stay: `chunk` itself where all do, as they are. */
  async #rewriteChunk(chunk: Uint8Array, options: PlanOptions): Promise<Uint8Array> {
    const entries = await this.#digest(chunk);
    // A look-up costs as much as a note; the plan of a chunk is one piece, bounded by its bytes.
    if (entries.count > KEYS_PER_TURN) await this.#pause();
    const plan = planChunk(chunk, entries, options);
    this.#recordsRead += entries.count;
    this.#recordsKept += plan.keptRecordCount;
    if (plan.isCopy) return chunk;
    return await this.#options.offload.run(rewriteBatchesTask, encodeRewrite(plan, chunk));
  }

  async #append(cleaned: LogSegment, batches: Uint8Array): Promise<void> {
    if (batches.length === 0) return;
    this.#checkUnchanged();
    cleaned.file().writevSync([batches], cleaned.sizeBytes);
    const { indexIntervalBytes } = this.#log.config;
    for (let position = 0; position < batches.length; position = this.#batch.end) {
      cleaned.noteWritten(writtenBatch(this.#batch.at(batches, position)), indexIntervalBytes);
    }
    this.#bytesWritten += batches.length;
    await this.#options.throttle.spend(batches.length);
  }

  async #digest(chunk: Uint8Array): Promise<KeyEntries> {
    return new KeyEntries(await this.#options.offload.run(digestKeysTask, chunk));
  }

  async *#chunks(segment: LogSegment): AsyncGenerator<Uint8Array, void, undefined> {
    const { chunkBytes, limitReads, throttle } = this.#options;
    const read = async (target: Uint8Array, position: number) => {
      this.#checkUnchanged();
      await throttle.spend(target.length);
      const byteCount = await limitReads(() => segment.read(target, position));
      this.#checkUnchanged();
      this.#bytesRead += byteCount;
      return byteCount;
    };
    try {
      yield* segmentChunks(segment, chunkBytes, read);
    } finally {
      // Thousands may be read one after the other: none keeps its file open for that.
      segment.onIdle();
    }
  }

  #endOf(segment: LogSegment): number {
    const { segments, endOffset } = this.#cleanability;
    return segments[segments.indexOf(segment) + 1]?.baseOffset ?? endOffset;
  }

  #checkUnchanged(): void {
    const log = this.#log;
    const isCut = log.isTruncating || log.cutCount !== this.#cutCount;
    const isUnwanted = log.isOffline || !log.config.cleanupPolicy.includes('compact');
    if (this.#options.isStopped() || isCut || isUnwanted) throw new CompactionAborted();
  }

  #pause(): Promise<void> {
    const { timers } = this.#options.environment;
    return new Promise((resolve) => void timers.set(0, resolve, { keepsProcessAlive: false }));
  }
}
