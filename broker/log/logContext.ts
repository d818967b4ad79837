/** What every log of a log directory shares. */

import type { Environment, Logger } from '../../common/index.ts';
import type { ConcurrencyLimit } from './concurrencyLimit.ts';
import type { GroupCommit } from './groupCommit.ts';
import type { IndexCache } from './indexCache.ts';
import type { TailBudget } from './logTail.ts';
import type { PartitionLog } from './partitionLog.ts';
import type { ReadMemory } from './readMemory.ts';

export type LogEnvironment = Pick<
  Environment,
  'clock' | 'timers' | 'random' | 'fileSystem' | 'host'
>;

export interface LogContext {
  readonly environment: LogEnvironment;
  readonly logger: Logger;
  /** Path of the log directory. */
  readonly logDirectory: string;
  /** Groups whose end acknowledgements wait for. */
  readonly commits: GroupCommit;
  /** Groups nobody waits for: rolled segments, flush.ms, checkpoints. */
  readonly backgroundCommits: GroupCommit;
  readonly tailBudget: TailBudget;
  readonly indexCache: IndexCache;
  readonly coldReads: ConcurrencyLimit;
  readonly readMemory: ReadMemory;
  /** The log holds batches, or news for its listener: `flushTurn` must see it. */
  onPending(log: PartitionLog): void;
  /** The disk failed: the whole log directory goes offline. */
  onDiskFailure(error: unknown): void;
  /** Replaces the checkpoint of recovery points, with those of all logs as they are now. */
  writeRecoveryPoints(): Promise<void>;
  /** The same for the log start offsets. */
  writeLogStarts(): Promise<void>;
  /** The same for the offsets up to which compaction has come. */
  writeCleanedOffsets(): Promise<void>;
}
