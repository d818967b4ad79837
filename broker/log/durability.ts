/**
 * How far a log is on disk: what must be synced, what is being synced, and who waits for it.
 *
 * Two offsets: everything below `capturedOffset` is on disk or in a sync under way; everything below
 * `durableOffset` is on disk. Invariant: durableOffset <= capturedOffset <= writtenOffset.
 */

import { assert, type OpenFile } from '../../common/index.ts';
import type { SyncTask } from './groupCommit.ts';

interface SyncInFlight {
  readonly task: SyncTask;
  coverOffset: number;
  isDone: boolean;
}

interface Waiter {
  offset: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Closable {
  close(): void;
}

export class Durability {
  #capturedOffset: number;
  #durableOffset: number;
  /** In the order in which they were written. */
  #files: OpenFile[] = [];
  #directories: string[] = [];
  /** In the order of capture. Two lanes of group commit may finish out of order. */
  readonly #inFlight: SyncInFlight[] = [];
  readonly #waiters: Waiter[] = [];
  #toClose: Closable[] = [];

  constructor(durableOffset: number) {
    this.#capturedOffset = durableOffset;
    this.#durableOffset = durableOffset;
  }

  get durableOffset(): number {
    return this.#durableOffset;
  }
  get capturedOffset(): number {
    return this.#capturedOffset;
  }

  /** The next sync covers this file before it covers the active segment. */
  addFile(file: OpenFile): void {
    this.#files.push(file);
  }

  /** The next sync covers the names in this directory first. */
  addDirectory(path: string): void {
    this.#directories.push(path);
  }

  /** @returns undefined where everything is on disk or under way. */
  capture(writtenOffset: number, activeFile: () => OpenFile): SyncTask | undefined {
    const needsActive = this.#capturedOffset < writtenOffset;
    if (!needsActive && this.#files.length === 0 && this.#directories.length === 0) {
      return undefined;
    }
    const files = needsActive ? [...this.#files, activeFile()] : this.#files;
    const task = { directories: this.#directories, files };
    this.#directories = [];
    this.#files = [];
    this.#capturedOffset = Math.max(this.#capturedOffset, writtenOffset);
    this.#inFlight.push({ task, coverOffset: this.#capturedOffset, isDone: false });
    return task;
  }

  /** @returns whether durableOffset moved. A later capture counts only after the earlier ones. */
  complete(task: SyncTask): boolean {
    const sync = this.#inFlight.find((candidate) => candidate.task === task);
    assert(sync !== undefined, 'A sync that completes was begun');
    sync.isDone = true;
    const before = this.#durableOffset;
    while (this.#inFlight[0]?.isDone) {
      const { coverOffset } = this.#inFlight.shift()!;
      this.#durableOffset = Math.max(this.#durableOffset, coverOffset);
    }
    this.#closeIdle();
    return this.#durableOffset > before;
  }

  /** The log was cut: what is under way covered bytes that are gone, not what will stand there. */
  lowerTo(endOffset: number): void {
    this.#durableOffset = Math.min(this.#durableOffset, endOffset);
    this.#capturedOffset = Math.min(this.#capturedOffset, endOffset);
    for (const sync of this.#inFlight) sync.coverOffset = Math.min(sync.coverOffset, endOffset);
    for (const waiter of this.#waiters) waiter.offset = Math.min(waiter.offset, endOffset);
  }

  /** The log starts later: what lies below needs no sync any more. */
  raiseTo(startOffset: number): void {
    this.#durableOffset = Math.max(this.#durableOffset, startOffset);
    this.#capturedOffset = Math.max(this.#capturedOffset, startOffset);
  }

  /**
   * Resolves when everything below `writtenOffset`, and every file and name noted so far, is on
   * disk; undefined where it is already.
   */
  wait(writtenOffset: number): Promise<void> | undefined {
    if (this.#durableOffset >= writtenOffset && this.#isIdle) return undefined;
    return new Promise<void>((resolve, reject) => {
      this.#waiters.push({ offset: writtenOffset, resolve, reject });
    });
  }

  /** Call after `complete` and `lowerTo`, when the listener has been told. */
  settleWaiters(): void {
    const ready = (waiter: Waiter) =>
      waiter.offset < this.#durableOffset || (this.#isIdle && waiter.offset <= this.#durableOffset);
    const settled = this.#waiters.filter(ready);
    if (settled.length === 0) return;
    this.#waiters.splice(0, this.#waiters.length, ...this.#waiters.filter((w) => !ready(w)));
    for (const waiter of settled) waiter.resolve();
  }

  rejectWaiters(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  /**
   * Closes a file as soon as no sync can name it any more. Closed under a sync, the fdatasync would
   * fail, and a failed fdatasync takes the log directory offline.
   */
  closeLater(file: Closable): void {
    this.#toClose.push(file);
    this.#closeIdle();
  }

  get #isIdle(): boolean {
    return (
      this.#inFlight.length === 0 && this.#files.length === 0 && this.#directories.length === 0
    );
  }

  #closeIdle(): void {
    if (this.#inFlight.length > 0 || this.#files.length > 0) return;
    for (const file of this.#toClose.splice(0)) file.close();
  }
}
