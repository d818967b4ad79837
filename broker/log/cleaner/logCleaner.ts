/**
 * Compacts logs, the one that needs it most first, as long as one does; then looks again after
 * `log.cleaner.backoff.ms`. A broker without a compacted log runs no timer for it.
 */

import {
  type Environment,
  type Logger,
  OdradekError,
  type Offload,
  type Timer,
  topicPartitionKey,
} from '../../../common/index.ts';
import { isShortage } from '../diskErrors.ts';
import type { PartitionLog } from '../partitionLog.ts';
import { cleanabilityOf, isDue } from './cleanability.ts';
import type { CleanerStats } from './cleanerStats.ts';
import {
  CompactionAborted,
  type CompactionOptions,
  type CompactionResult,
  CompactionRun,
  OffsetMapTooSmall,
} from './compactionRun.ts';
import { IoThrottle } from './ioThrottle.ts';

export interface LogCleanerOptions {
  /** Worker threads for what needs the CPU. */
  readonly offload: Offload;
  /** `log.cleaner.threads`: logs that are compacted at once. Default 1. */
  readonly runsMax?: number;
  /** `log.cleaner.dedupe.buffer.size`: bytes of all offset maps together. Default 128 MiB. */
  readonly mapBytesMax?: number;
  /** `log.cleaner.io.buffer.load.factor`, above 0 and below 1. Default 0.9. */
  readonly mapLoadFactor?: number;
  /** `log.cleaner.io.buffer.size`: bytes of one read. Default 512 KiB. */
  readonly chunkBytes?: number;
  /** `log.cleaner.io.max.bytes.per.second`, of reads and writes. Default without limit. */
  readonly bytesPerSecondMax?: number;
  /** `log.cleaner.backoff.ms`. Default 15,000. */
  readonly backoffMs?: number;
}

/** What the cleaner is given by the log manager. */
export interface CleanerContext {
  readonly environment: Pick<Environment, 'clock' | 'timers' | 'fileSystem'>;
  readonly logger: Logger;
  /** All logs that are served. */
  readonly logs: () => readonly PartitionLog[];
  readonly limitReads: CompactionOptions['limitReads'];
  /** The wall clock, as far as it is believed. */
  readonly nowMs: () => number;
  /** The disk under the log failed. */
  readonly onDiskFailure: (log: PartitionLog, error: unknown) => void;
}

/** A log that is not compacted any more, until its configuration changes or the broker starts anew. */
interface Uncleanable {
  readonly config: PartitionLog['config'];
}

export class LogCleaner {
  readonly #context: CleanerContext;
  readonly #options: Required<LogCleanerOptions>;
  readonly #throttle: IoThrottle;
  readonly #running = new Map<PartitionLog, Promise<void>>();
  /** Put off until the next look, which is not before the back-off is over. */
  readonly #putOff = new Set<PartitionLog>();
  readonly #uncleanable = new WeakMap<PartitionLog, Uncleanable>();
  #timer: Timer | undefined;
  #isClosed = false;
  #lastLookMs: number | undefined;
  #totals = {
    runsTotal: 0,
    bytesReadTotal: 0,
    bytesWrittenTotal: 0,
    recordsReadTotal: 0,
    recordsKeptTotal: 0,
    lastRunSeconds: 0,
    lastMapFill: 0,
  };

  constructor(context: CleanerContext, options: LogCleanerOptions) {
    this.#context = context;
    this.#options = {
      runsMax: 1,
      mapBytesMax: 128 * 1024 ** 2,
      mapLoadFactor: 0.9,
      chunkBytes: 512 * 1024,
      bytesPerSecondMax: Number.POSITIVE_INFINITY,
      backoffMs: 15_000,
      ...options,
    };
    this.#throttle = new IoThrottle(context.environment, this.#options.bytesPerSecondMax);
  }

  /** There may be a compacted log now. Call it where one was found, made or given a configuration. */
  wake(): void {
    if (this.#isClosed || this.#timer !== undefined || this.#compacted().length === 0) return;
    const look = () => {
      this.#timer = undefined;
      this.#putOff.clear();
      this.look();
      this.wake();
    };
    this.#timer = this.#context.environment.timers.set(this.#options.backoffMs, look, {
      keepsProcessAlive: false,
    });
  }

  /** Begins as many runs as there may be; each is followed by the next while one is due. */
  look(): void {
    this.#lastLookMs = this.#context.environment.clock.monotonicMs();
    while (!this.#isClosed && this.#running.size < this.#options.runsMax) {
      const log = this.#choose();
      if (log === undefined) return;
      this.#begin(log);
    }
  }

  /** Compacts what is due now. Resolves when nothing is left to do. */
  async runToEnd(): Promise<void> {
    this.#putOff.clear();
    this.look();
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /** Gives up what is under way. Resolves when nothing touches a file any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#throttle.stop();
    await Promise.all(this.#running.values());
  }

  stats(): CleanerStats {
    const { clock } = this.#context.environment;
    const nowMs = this.#context.nowMs();
    let maxDirtyRatio = 0;
    let uncleanableBytes = 0;
    let uncleanablePartitions = 0;
    for (const log of this.#compacted()) {
      const cleanability = cleanabilityOf(log, nowMs, { recoveryPoint: log.writtenOffset });
      if (this.#isUncleanable(log)) {
        uncleanablePartitions += 1;
        uncleanableBytes += log.sizeBytes;
      } else maxDirtyRatio = Math.max(maxDirtyRatio, cleanability.dirtyRatio);
    }
    return {
      ...this.#totals,
      maxDirtyRatio,
      uncleanableBytes,
      uncleanablePartitions,
      secondsSinceLastLook:
        this.#lastLookMs === undefined
          ? undefined
          : (clock.monotonicMs() - this.#lastLookMs) / 1000,
    };
  }

  #begin(log: PartitionLog): void {
    const run = this.#compact(log).then(() => {
      this.#running.delete(log);
      this.look();
    });
    this.#running.set(log, run);
  }

  /** The dirtiest of those that are due; what is overdue goes first. */
  #choose(): PartitionLog | undefined {
    const nowMs = this.#context.nowMs();
    let chosen: { readonly log: PartitionLog; readonly urgency: number } | undefined;
    for (const log of this.#compacted()) {
      if (this.#running.has(log) || this.#putOff.has(log) || this.#isUncleanable(log)) continue;
      // A run begins with a sync, which takes the recovery point up to what is written now.
      const cleanability = cleanabilityOf(log, nowMs, { recoveryPoint: log.writtenOffset });
      if (!isDue(cleanability, log.config)) continue;
      const urgency = cleanability.dirtyRatio + (cleanability.isOverdue ? 1 : 0);
      if (chosen === undefined || urgency > chosen.urgency) chosen = { log, urgency };
    }
    return chosen?.log;
  }

  #compacted(): readonly PartitionLog[] {
    return this.#context
      .logs()
      .filter((log) => !log.isOffline && log.config.cleanupPolicy.includes('compact'));
  }

  #isUncleanable(log: PartitionLog): boolean {
    const known = this.#uncleanable.get(log);
    if (known === undefined) return false;
    if (known.config === log.config) return true;
    this.#uncleanable.delete(log);
    return false;
  }

  /** Never rejects. */
  async #compact(log: PartitionLog): Promise<void> {
    const { clock } = this.#context.environment;
    const startMs = clock.monotonicMs();
    try {
      await log.prepareCompaction();
      const nowMs = this.#context.nowMs();
      const cleanability = cleanabilityOf(log, nowMs);
      // A sync under way keeps the recovery point behind; the next look finds it moved.
      if (cleanability.dirtyBytes === 0) {
        this.#putOff.add(log);
        return;
      }
      const result = await new CompactionRun(log, cleanability, {
        environment: this.#context.environment,
        offload: this.#options.offload,
        throttle: this.#throttle,
        limitReads: this.#context.limitReads,
        mapBytesMax: this.#options.mapBytesMax / this.#options.runsMax,
        mapLoadFactor: this.#options.mapLoadFactor,
        chunkBytes: this.#options.chunkBytes,
        nowMs,
        isStopped: () => this.#isClosed,
      }).run();
      if (result.endOffset <= cleanability.dirtyFrom) this.#putOff.add(log);
      this.#count(log, result, (clock.monotonicMs() - startMs) / 1000);
    } catch (error) {
      this.#putOff.add(log);
      this.#failed(log, error);
    }
  }

  #count(log: PartitionLog, result: CompactionResult, seconds: number): void {
    const totals = this.#totals;
    totals.runsTotal += 1;
    totals.bytesReadTotal += result.bytesRead;
    totals.bytesWrittenTotal += result.bytesWritten;
    totals.recordsReadTotal += result.recordsRead;
    totals.recordsKeptTotal += result.recordsKept;
    totals.lastRunSeconds = seconds;
    totals.lastMapFill = result.mapFill;
    this.#context.logger.info('Compacted a log', {
      partition: topicPartitionKey(log.topicPartition),
      ...result,
    });
  }

  /** Nothing is wrong with a log that was cut or deleted meanwhile, whatever the run then met. */
  #failed(log: PartitionLog, error: unknown): void {
    if (log.isOffline || error instanceof CompactionAborted) return;
    const partition = topicPartitionKey(log.topicPartition);
    if (isShortage(error)) {
      this.#context.logger.warn('There is no room to compact a log; it is tried again', {
        partition,
        error: String(error),
      });
      return;
    }
    if (error instanceof OffsetMapTooSmall || error instanceof OdradekError) {
      this.#uncleanable.set(log, { config: log.config });
      this.#context.logger.error('A log cannot be compacted and grows', {
        partition,
        reason:
          error instanceof OffsetMapTooSmall
            ? 'one batch has more keys than log.cleaner.dedupe.buffer.size has room for'
            : error.message,
      });
      return;
    }
    this.#context.onDiskFailure(log, error);
  }
}
