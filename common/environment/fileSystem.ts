/**
 * Files, as much of them as a log needs. Errors are Node's system errors (`code` ENOSPC, EIO, ...).
 *
 * Two rules decide between the twin forms. Appends are synchronous: the page cache answers in
 * microseconds and order is plain. What can wait for a disk (fdatasync, cold reads, directory
 * syncs, checkpoints) is asynchronous once a broker is registered; the `Sync` twins serve start-up
 * and offline tools.
 */

export type OpenMode =
  /** Must exist; reads only. */
  | 'read'
  /** Must exist; reads and writes. */
  | 'readWrite'
  /** Made when absent, never cut; reads and writes. */
  | 'create'
  /** Must not exist (EEXIST); reads and writes. */
  | 'createNew';

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface OpenFile {
  readonly path: string;
  /**
   * Writes all buffers, in order, from `position` on. A short write is continued; when it cannot
   * be, the error is thrown and how much reached the file is unknown.
   */
  writevSync(buffers: readonly Uint8Array[], position: number): void;
  /** Reads up to `target.length` bytes. @returns bytes read; less than asked only at the end. */
  readSync(target: Uint8Array, position: number): number;
  read(target: Uint8Array, position: number): Promise<number>;
  /** Size in bytes. */
  sizeSync(): number;
  /** Cuts, or extends with zeros, to `sizeBytes`. Durable only after a sync. */
  truncateSync(sizeBytes: number): void;
  /** fdatasync: everything written before this call is on disk when it resolves. */
  datasync(): Promise<void>;
  datasyncSync(): void;
  /** Idempotent. */
  closeSync(): void;
}

export interface FileSystem {
  openSync(path: string, mode: OpenMode): OpenFile;
  /** @returns undefined where nothing stands at `path`. */
  statSync(path: string): FileStat | undefined;
  /** Names in the directory, sorted by code unit. */
  readDirectorySync(path: string): readonly string[];
  /** Whole content. For small files: checkpoints, properties. */
  readFileSync(path: string): Buffer;
  /** Creates the directory and its parents where absent. */
  makeDirectorySync(path: string): void;
  renameSync(from: string, to: string): void;
  /** No error where nothing stands at `path`. */
  unlinkSync(path: string): void;
  /** Removes a directory and all below it; no error where absent. */
  removeTreeSync(path: string): void;
  /** fsync of the directory: names created, renamed and removed in it are durable afterwards. */
  syncDirectorySync(path: string): void;

  stat(path: string): Promise<FileStat | undefined>;
  readFile(path: string): Promise<Buffer>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  removeTree(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /**
   * Replaces the file as a whole: write `path.tmp`, fdatasync, rename, fsync of the directory.
   * After a crash either the old or the new content stands, never a mixture.
   */
  replaceFile(path: string, content: Uint8Array): Promise<void>;
  replaceFileSync(path: string, content: Uint8Array): void;
}
