/**
 * What the recovery point needs on disk beside the batches: leader epochs, the indexes of closed
 * segments, and the snapshots of the producers. All of it can be made anew from the batches, so none
 * of it is synced before an acknowledgement; but what lies below the recovery point is not scanned.
 */

import { encodeEpochCheckpoint } from './checkpointFile.ts';
import type { LeaderEpochCache } from './leaderEpochCache.ts';
import type { LogContext } from './logContext.ts';
import { joinPath, LEADER_EPOCH_CHECKPOINT } from './logFileNames.ts';
import type { LogProducers } from './logProducers.ts';
import type { LogSegment } from './logSegment.ts';

export interface SideFilesState {
  /** Path of the partition's directory. */
  readonly directory: string;
  readonly epochs: LeaderEpochCache;
  readonly producers: LogProducers;
  /** Version of `epochs` that `leader-epoch-checkpoint` holds; -1 for none. */
  readonly epochVersionOnDisk: number;
  /** Whether the index files of the active segment are as its indexes in memory. */
  readonly indexesAreOnDisk: boolean;
}

export class SideFiles {
  readonly #context: LogContext;
  readonly #state: SideFilesState;
  /** Segments whose index files are synced before the recovery point passes them. */
  #unsyncedIndexes: LogSegment[] = [];
  #epochVersionOnDisk: number;
  #indexesAreOnDisk: boolean;

  constructor(context: LogContext, state: SideFilesState) {
    this.#context = context;
    this.#state = state;
    this.#epochVersionOnDisk = state.epochVersionOnDisk;
    this.#indexesAreOnDisk = state.indexesAreOnDisk;
  }

  /** The active segment has changed, and its indexes with it. */
  noteChange(): void {
    this.#indexesAreOnDisk = false;
  }

  /**
   * A segment was closed, where the log ends. Without these files it is as good: they are made anew
   * when they are needed.
   */
  segmentClosed(segment: LogSegment): void {
    try {
      segment.writeIndexes();
      this.#unsyncedIndexes.push(segment);
    } catch (error) {
      this.#context.logger.warn('The indexes of a closed segment could not be written', {
        path: segment.path,
        error: String(error),
      });
    }
    this.#state.producers.tryWriteSnapshot(segment.nextOffset);
  }

  /** Writes what belongs to the end of the log, for a clean stop. @throws system errors. */
  async writeAtEnd(active: LogSegment): Promise<void> {
    const { directory, producers } = this.#state;
    if (!this.#indexesAreOnDisk) {
      active.writeIndexes();
      this.#unsyncedIndexes.push(active);
      this.#indexesAreOnDisk = true;
    }
    // Without it the next start, which believes the marker, might take nobody for known.
    producers.writeSnapshot(active.nextOffset);
    if (this.#unsyncedIndexes.length > 0 || producers.hasUnsyncedSnapshots) {
      await this.#context.environment.fileSystem.syncDirectory(directory);
    }
  }

  /** Makes everything durable that was written so far. @throws system errors. */
  async sync(): Promise<void> {
    await this.#writeEpochs();
    await this.#syncIndexes();
    await this.#state.producers.syncSnapshots();
  }

  /** No epoch on disk any more, while memory still has them. @throws system errors. */
  async voidEpochs(): Promise<void> {
    this.#epochVersionOnDisk = -1;
    await this.#replaceEpochs([]);
  }

  /** The log begins anew, after `voidEpochs`: nothing is remembered, nothing left to sync. */
  reset(): void {
    const { epochs, producers } = this.#state;
    epochs.clear();
    producers.reset();
    this.#epochVersionOnDisk = epochs.version;
    this.#unsyncedIndexes = [];
    this.#indexesAreOnDisk = false;
  }

  /** Index files of closed segments: trusted after a crash once the recovery point has passed. */
  async #syncIndexes(): Promise<void> {
    for (const segment of this.#unsyncedIndexes.splice(0)) {
      try {
        await segment.syncIndexes();
      } catch (error) {
        this.#unsyncedIndexes.push(segment);
        throw error;
      }
    }
  }

  async #writeEpochs(): Promise<void> {
    const { version, entries } = this.#state.epochs;
    if (version === this.#epochVersionOnDisk) return;
    await this.#replaceEpochs(entries);
    this.#epochVersionOnDisk = version;
  }

  async #replaceEpochs(entries: LeaderEpochCache['entries']): Promise<void> {
    const path = joinPath(this.#state.directory, LEADER_EPOCH_CHECKPOINT);
    await this.#context.environment.fileSystem.replaceFile(path, encodeEpochCheckpoint(entries));
  }
}
