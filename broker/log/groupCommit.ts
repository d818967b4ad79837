/**
 * Group commit: one round of fdatasync covers everything that was written before it began.
 *
 * At most one group per lane is under way; what is written meanwhile collects for the next one.
 * So under load each group grows to what arrives within one fdatasync, and an idle log waits for
 * one fdatasync and no timer.
 *
 * The order within a group, each step with the crash that it prevents:
 *
 * 1. What each log covers is captured *before* anything is submitted. Captured later, it could
 *    count bytes that were written after the fdatasync began: acknowledged, then lost.
 * 2. The directories with new names are synced. Without it a segment whose bytes are on disk could
 *    have no name after a power loss: acknowledged, then lost.
 * 3. The files of one log are synced in the order in which they were written, old segment first.
 *    Otherwise a crash could leave the new segment without the end of the old one: recovery stops
 *    at the hole.
 * 4. Only then the log may say that it is durable.
 */

import { type FileSystem, type OpenFile, systemErrorCode } from '../../common/index.ts';
import { ConcurrencyLimit } from './concurrencyLimit.ts';

/** What must reach the disk before a log is durable up to where it was written at the capture. */
export interface SyncTask {
  /** Directories that got new names, outermost last. */
  readonly directories: readonly string[];
  /** Files in the order in which they were written. */
  readonly files: readonly OpenFile[];
}

export interface SyncableLog {
  /** @returns undefined where everything is on disk or under way. */
  captureSync(): SyncTask | undefined;
  /** Everything of the task is on disk. */
  completeSync(task: SyncTask): void;
}

export interface GroupCommitOptions {
  readonly fileSystem: FileSystem;
  /** Operations at once in the thread pool. */
  readonly parallelMax: number;
  /** Something could not be synced: it may never be tried again. */
  readonly onFailure: (error: Error) => void;
}

interface CapturedSync {
  readonly log: SyncableLog;
  readonly task: SyncTask;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #limit: ConcurrencyLimit;
  #collecting = new Set<SyncableLog>();
  #inFlight = false;
  #failed = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#limit = new ConcurrencyLimit(options.parallelMax);
  }

  /** The log has something to sync; `start` begins with it. */
  add(log: SyncableLog): void {
    this.#collecting.add(log);
  }

  /** Begins a group of all that was added, unless one is under way: then that goes next. */
  start(): void {
    if (this.#inFlight || this.#failed || this.#collecting.size === 0) return;
    const group: CapturedSync[] = [];
    for (const log of this.#collecting) {
      const task = log.captureSync();
      if (task !== undefined) group.push({ log, task });
    }
    this.#collecting = new Set();
    if (group.length === 0) return;
    this.#inFlight = true;
    void this.#run(group);
  }

  /** After a failure nothing more is synced: fdatasync may report success for lost pages. */
  stop(): void {
    this.#failed = true;
    this.#collecting.clear();
  }

  async #run(group: readonly CapturedSync[]): Promise<void> {
    await this.#syncDirectories(group);
    await Promise.all(group.map((captured) => this.#syncFiles(captured)));
    this.#inFlight = false;
    this.start();
  }

  async #syncDirectories(group: readonly CapturedSync[]): Promise<void> {
    const directories = new Set<string>();
    for (const { task } of group) for (const path of task.directories) directories.add(path);
    if (directories.size === 0) return;
    await Promise.all(
      [...directories].map((path) =>
        this.#try(async () => {
          try {
            await this.#options.fileSystem.syncDirectory(path);
          } catch (error) {
            // A partition deleted meanwhile has taken its directory along; nobody waits for it.
            if (systemErrorCode(error) !== 'ENOENT') throw error;
          }
        }),
      ),
    );
  }

  async #syncFiles({ log, task }: CapturedSync): Promise<void> {
    for (const file of task.files) await this.#try(() => file.datasync());
    // What this calls is the broker's own code: its failures are no failures of the disk.
    if (!this.#failed) log.completeSync(task);
  }

  async #try(operation: () => Promise<void>): Promise<void> {
    await this.#limit.run(async () => {
      if (this.#failed) return;
      try {
        await operation();
      } catch (error) {
        this.stop();
        this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }
}
