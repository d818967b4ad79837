/**
 * The producers of one log: what is remembered of them, and the `.snapshot` files from which a start
 * or a truncation takes it up again, with a walk through the batches behind the snapshot.
 *
 * A snapshot is written where a segment begins and at a clean stop. It counts only as long as it
 * lies within the log and below the recovery point:
 *
 * Crash example: (1) the log rolls at 600 and writes a snapshot; (2) power loss, and the log comes
 * back up to 500; (3) other batches take the offsets 500 to 700; (4) at the next start the snapshot
 * of 600 would tell of batches that never were, and their repetition would be taken for done.
 */

import {
  CorruptionError,
  type FileSystem,
  type Logger,
  type OpenFile,
  systemErrorCode,
} from '../../common/index.ts';
import type { RecordBatchView } from '../../protocol/index.ts';
import type { LogContext } from './logContext.ts';
import { joinPath, offsetName, parseSnapshotName, SNAPSHOT_SUFFIX } from './logFileNames.ts';
import type { LogSegment } from './logSegment.ts';
import type { ProducerBatch } from './producerBatch.ts';
import { decodeProducerSnapshot, encodeProducerSnapshot } from './producerSnapshot.ts';
import { ProducerState } from './producerState.ts';
import { type ScanResult, scanSegment, scanSegmentAsync } from './segmentScan.ts';

export interface FoundLog {
  readonly segments: readonly LogSegment[];
  readonly isClean: boolean;
  /** Everything below it was on disk. */
  readonly recoveryPoint: number;
}

/** A segment whose batches cannot be walked through. */
export interface ProducerFault {
  readonly segment: LogSegment;
  readonly result: ScanResult;
}

export class LogProducers {
  readonly #state = new ProducerState();
  readonly #environment: LogContext['environment'];
  readonly #logger: Logger;
  readonly #directory: string;
  /** Offsets of the snapshots on disk, rising. */
  #snapshots: number[] = [];
  /** Those whose files no sync covers yet. */
  #unsynced = new Set<number>();

  constructor(context: Pick<LogContext, 'environment' | 'logger'>, directory: string) {
    this.#environment = context.environment;
    this.#logger = context.logger;
    this.#directory = directory;
  }

  get producerCount(): number {
    return this.#state.producerCount;
  }

  /** The newest batch of each producer that is remembered. */
  newest(): Iterable<ProducerBatch> {
    return this.#state.newest();
  }

  /**
   * Judges a batch that is about to be appended.
   *
   * @returns the batch of the log that it repeats, if it does.
   * @throws as `ProducerState.check`.
   */
  check(batch: RecordBatchView, origin: 'client' | 'coordinator'): ProducerBatch | undefined {
    if (batch.producerId < 0) return undefined;
    if (origin === 'client') return this.#state.check(batch);
    this.#state.checkEpoch(batch);
    return undefined;
  }

  /** Notes a batch that has its offsets. */
  note(batch: RecordBatchView): void {
    if (batch.producerId < 0) return;
    this.#state.note(batch, this.#environment.clock.monotonicMs());
  }

  /** The batch was noted last of its producer's, and is lost. */
  undo(batch: RecordBatchView): void {
    if (batch.producerId >= 0) this.#state.undo(batch.producerId);
  }

  /** The batch is in the file. */
  settle(batch: RecordBatchView): void {
    if (batch.producerId >= 0) this.#state.settle(batch.producerId);
  }

  /** Forgets producers that wrote nothing for so long. */
  expire(expirationMs: number): void {
    this.#state.expire(this.#environment.clock.monotonicMs() - expirationMs);
  }

  /**
   * Takes up what the files tell. Before the log serves.
   *
   * @returns where a segment cannot be walked through, if one cannot.
   */
  load(found: FoundLog): ProducerFault | undefined {
    const { segments, isClean } = found;
    const endOffset = segments.at(-1)!.nextOffset;
    const bases = new Set(segments.map((segment) => segment.baseOffset));
    const present = this.#findSnapshots();
    const trustedOffset = isClean ? endOffset : Math.min(found.recoveryPoint, endOffset);
    const largest = present.findLast((offset) => offset <= trustedOffset);
    this.#snapshots = present.filter(
      (offset) => offset <= trustedOffset && (bases.has(offset) || offset === largest),
    );
    for (const offset of present) {
      if (!this.#snapshots.includes(offset)) this.#unlinkSync(offset);
    }
    const startOffset = this.#restoreNewestSync();
    if (this.#snapshots.length < present.length) {
      this.#fileSystem.syncDirectorySync(this.#directory);
    }
    // Kafka before 0.11 wrote none, nor did we at first: nobody was remembered then either.
    if (startOffset === undefined && isClean && present.length === 0) return undefined;
    for (const segment of segmentsFrom(segments, startOffset)) {
      const { baseOffset } = segment;
      const isNew = startOffset === undefined || baseOffset > startOffset;
      if (isNew && baseOffset > segments[0]!.baseOffset) this.tryWriteSnapshot(baseOffset);
      const options = { baseOffset, endPosition: segment.sizeBytes, checksums: false };
      const result = scanSegment(segment.file(), options, (batch) =>
        this.#replay(batch, startOffset),
      );
      if (result.fault !== undefined) return { segment, result };
    }
    return undefined;
  }

  /**
   * Takes up what is left after a truncation; `removeSnapshotsAbove` came before. While it works
   * nothing is appended.
   *
   * @throws system errors.
   */
  async reload(segments: readonly LogSegment[]): Promise<ProducerFault | undefined> {
    const endOffset = segments.at(-1)!.nextOffset;
    if (this.#state.endsBefore(endOffset)) return undefined;
    this.#state.clear();
    const startOffset = await this.#restoreNewest();
    for (const segment of segmentsFrom(segments, startOffset)) {
      const { baseOffset } = segment;
      const options = { baseOffset, endPosition: segment.sizeBytes, checksums: false };
      const result = await scanSegmentAsync(segment, options, (batch) =>
        this.#replay(batch, startOffset),
      );
      if (result.fault !== undefined) return { segment, result };
    }
    return undefined;
  }

  /** Everything is forgotten, on disk too, once the directory is synced. */
  reset(): void {
    this.#state.clear();
    this.removeSnapshotsAbove(-1);
  }

  /** Writes the snapshot of the log's end. @throws system errors; then it is not there. */
  writeSnapshot(endOffset: number): void {
    if (this.#snapshots.at(-1) === endOffset) return;
    const content = encodeProducerSnapshot(this.#state.newest(), this.#state.producerCount);
    const path = this.#pathOf(endOffset);
    let file: OpenFile | undefined;
    try {
      file = this.#fileSystem.openSync(path, 'create');
      file.truncateSync(content.length);
      file.writevSync([content], 0);
    } catch (error) {
      file?.closeSync();
      this.#fileSystem.unlinkSync(path);
      throw error;
    }
    file.closeSync();
    this.#snapshots.push(endOffset);
    this.#unsynced.add(endOffset);
  }

  /** As `writeSnapshot`; without one a start has more to read, that is all. */
  tryWriteSnapshot(endOffset: number): void {
    try {
      this.writeSnapshot(endOffset);
    } catch (error) {
      this.#logger.warn('A snapshot of the producers could not be written', {
        path: this.#pathOf(endOffset),
        error: String(error),
      });
    }
  }

  /** Whether `syncSnapshots` has something to do. */
  get hasUnsyncedSnapshots(): boolean {
    return this.#unsynced.size > 0;
  }

  /** Makes the snapshots durable, before the recovery point passes them. @throws system errors. */
  async syncSnapshots(): Promise<void> {
    for (const offset of [...this.#unsynced]) {
      const file = this.#openIfPresent(offset);
      try {
        await file?.datasync();
      } finally {
        file?.closeSync();
      }
      this.#unsynced.delete(offset);
    }
  }

  /** The log was cut. Durable with the next sync of the directory. @throws system errors. */
  removeSnapshotsAbove(endOffset: number): void {
    for (const offset of this.#snapshots) if (offset > endOffset) this.#unlinkSync(offset);
    this.#snapshots = this.#snapshots.filter((offset) => offset <= endOffset);
  }

  /** The segments below `startOffset` are gone. What a crash leaves, the next start removes. */
  removeSnapshotsBelow(startOffset: number): Promise<void> {
    return this.#remove((offset) => offset < startOffset);
  }

  /** No segment begins between these offsets any more. What a crash leaves, the next start removes. */
  removeSnapshotsBetween(startOffset: number, endOffset: number): Promise<void> {
    return this.#remove((offset) => startOffset < offset && offset < endOffset);
  }

  async #remove(isGone: (offset: number) => boolean): Promise<void> {
    const removed = this.#snapshots.filter((offset) => isGone(offset));
    this.#snapshots = this.#snapshots.filter((offset) => !isGone(offset));
    for (const offset of removed) {
      this.#unsynced.delete(offset);
      try {
        await this.#fileSystem.unlink(this.#pathOf(offset));
      } catch (error) {
        this.#logger.warn('A snapshot of the producers could not be removed', {
          path: this.#pathOf(offset),
          error: String(error),
        });
      }
    }
  }

  get #fileSystem(): FileSystem {
    return this.#environment.fileSystem;
  }

  #replay(batch: RecordBatchView, startOffset: number | undefined): void {
    if (startOffset !== undefined && batch.baseOffset < startOffset) return;
    this.note(batch);
    this.settle(batch);
  }

  /** @returns the offset of the newest sound snapshot, which is taken up; undefined without one. */
  #restoreNewestSync(): number | undefined {
    for (;;) {
      const offset = this.#snapshots.at(-1);
      if (offset === undefined) return undefined;
      if (this.#restore(offset, this.#fileSystem.readFileSync(this.#pathOf(offset)))) return offset;
    }
  }

  /** As `#restoreNewestSync`, in a broker that serves. */
  async #restoreNewest(): Promise<number | undefined> {
    for (;;) {
      const offset = this.#snapshots.at(-1);
      if (offset === undefined) return undefined;
      const bytes = await this.#readIfPresent(offset);
      // Retention may have removed it meanwhile.
      if (!this.#snapshots.includes(offset)) continue;
      if (this.#restore(offset, bytes)) return offset;
    }
  }

  async #readIfPresent(offset: number): Promise<Buffer> {
    try {
      return await this.#fileSystem.readFile(this.#pathOf(offset));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      return Buffer.alloc(0);
    }
  }

  /** @returns false where the bytes are no snapshot; then it is gone. */
  #restore(offset: number, bytes: Buffer): boolean {
    const nowMs = this.#environment.clock.monotonicMs();
    try {
      for (const batch of decodeProducerSnapshot(this.#pathOf(offset), bytes, nowMs)) {
        this.#state.restore(batch);
      }
      return true;
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#logger.warn('A snapshot of the producers is passed over', { reason: error.message });
      this.#snapshots.pop();
      this.#unlinkSync(offset);
      return false;
    }
  }

  #findSnapshots(): number[] {
    return this.#fileSystem
      .readDirectorySync(this.#directory)
      .flatMap((name) => parseSnapshotName(name) ?? [])
      .sort((a, b) => a - b);
  }

  #unlinkSync(offset: number): void {
    this.#unsynced.delete(offset);
    this.#fileSystem.unlinkSync(this.#pathOf(offset));
  }

  /** A truncation or retention may have taken it meanwhile. */
  #openIfPresent(offset: number): OpenFile | undefined {
    try {
      return this.#fileSystem.openSync(this.#pathOf(offset), 'readWrite');
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      return undefined;
    }
  }

  #pathOf(offset: number): string {
    return joinPath(this.#directory, offsetName(offset) + SNAPSHOT_SUFFIX);
  }
}

/** The segments that hold batches at or above the offset. */
function segmentsFrom(
  segments: readonly LogSegment[],
  startOffset: number | undefined,
): readonly LogSegment[] {
  if (startOffset === undefined) return segments;
  return segments.filter((segment) => segment.nextOffset > startOffset);
}
