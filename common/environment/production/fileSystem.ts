/**
 * Files by `node:fs`.
 *
 * Numbers that shaped it (2-core VM): `writeSync` of 16 KiB into the page cache takes 8 us, the
 * callback form 70 us, so appends are synchronous; whatever waits for a disk goes to the thread
 * pool. A descriptor is closed only when no operation of the pool uses it any more: closing it
 * earlier would let the operating system give its number to another file, and the read or
 * fdatasync under way would hit that one.
 */

import fs from 'node:fs';
import path from 'node:path';
import type { FileStat, FileSystem, OpenFile, OpenMode } from '../fileSystem.ts';

const openFlags: Readonly<Record<OpenMode, number>> = {
  read: fs.constants.O_RDONLY,
  readWrite: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
  createNew: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
};

class NodeOpenFile implements OpenFile {
  readonly path: string;
  readonly #descriptor: number;
  /** Operations in the thread pool that use the descriptor. */
  #operationsInFlight = 0;
  #closeAsked = false;

  constructor(filePath: string, mode: OpenMode) {
    this.path = filePath;
    this.#descriptor = fs.openSync(filePath, openFlags[mode]);
  }

  writevSync(buffers: readonly Uint8Array[], position: number): void {
    let remaining = buffers;
    let writePosition = position;
    while (remaining.length > 0) {
      const written = this.#writeOnce(remaining, writePosition);
      writePosition += written;
      remaining = withoutFirstBytes(remaining, written);
    }
  }

  readSync(target: Uint8Array, position: number): number {
    let filled = 0;
    while (filled < target.length) {
      const read = fs.readSync(
        this.#descriptor,
        target,
        filled,
        target.length - filled,
        position + filled,
      );
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#inPool<number>((done) => {
      let filled = 0;
      const readOn = (): void => {
        const length = target.length - filled;
        fs.read(this.#descriptor, target, filled, length, position + filled, (error, byteCount) => {
          if (error) {
            done(error);
            return;
          }
          filled += byteCount;
          if (byteCount === 0 || filled === target.length) done(null, filled);
          else readOn();
        });
      };
      readOn();
    });
  }

  sizeSync(): number {
    return fs.fstatSync(this.#descriptor).size;
  }

  truncateSync(sizeBytes: number): void {
    fs.ftruncateSync(this.#descriptor, sizeBytes);
  }

  async datasync(): Promise<void> {
    await this.#inPool<void>((done) => fs.fdatasync(this.#descriptor, (error) => done(error)));
  }

  datasyncSync(): void {
    fs.fdatasyncSync(this.#descriptor);
  }

  closeSync(): void {
    if (this.#closeAsked) return;
    this.#closeAsked = true;
    if (this.#operationsInFlight === 0) fs.closeSync(this.#descriptor);
  }

  #writeOnce(buffers: readonly Uint8Array[], position: number): number {
    const [first] = buffers;
    if (buffers.length === 1 && first !== undefined) {
      if (first.length === 0) return 0;
      return fs.writeSync(this.#descriptor, first, 0, first.length, position);
    }
    return fs.writevSync(this.#descriptor, buffers, position);
  }

  #inPool<T>(start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closeAsked) {
        reject(closedError(this.path));
        return;
      }
      this.#operationsInFlight += 1;
      start((error, value) => {
        this.#operationsInFlight -= 1;
        if (this.#closeAsked && this.#operationsInFlight === 0) fs.closeSync(this.#descriptor);
        if (error) reject(error);
        else resolve(value as T);
      });
    });
  }
}

/** The real file system. Stateless: one object serves a whole process. */
export class NodeFileSystem implements FileSystem {
  openSync(filePath: string, mode: OpenMode): OpenFile {
    return new NodeOpenFile(filePath, mode);
  }

  statSync(filePath: string): FileStat | undefined {
    const stats = fs.statSync(filePath, { throwIfNoEntry: false });
    return stats === undefined ? undefined : fileStat(stats);
  }

  readDirectorySync(directory: string): readonly string[] {
    return fs.readdirSync(directory).sort();
  }

  readFileSync(filePath: string): Buffer {
    return fs.readFileSync(filePath);
  }

  makeDirectorySync(directory: string): void {
    fs.mkdirSync(directory, { recursive: true });
  }

  renameSync(from: string, to: string): void {
    fs.renameSync(from, to);
  }

  unlinkSync(filePath: string): void {
    fs.rmSync(filePath, { force: true });
  }

  removeTreeSync(directory: string): void {
    fs.rmSync(directory, { force: true, recursive: true });
  }

  syncDirectorySync(directory: string): void {
    const descriptor = fs.openSync(directory, 'r');
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  }

  async stat(filePath: string): Promise<FileStat | undefined> {
    try {
      return fileStat(await fs.promises.stat(filePath));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  readFile(filePath: string): Promise<Buffer> {
    return fs.promises.readFile(filePath);
  }

  rename(from: string, to: string): Promise<void> {
    return fs.promises.rename(from, to);
  }

  unlink(filePath: string): Promise<void> {
    return fs.promises.rm(filePath, { force: true });
  }

  removeTree(directory: string): Promise<void> {
    return fs.promises.rm(directory, { force: true, recursive: true });
  }

  async syncDirectory(directory: string): Promise<void> {
    const handle = await fs.promises.open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** Crash examples beside the steps; each leaves either the old or the new content. */
  async replaceFile(filePath: string, content: Uint8Array): Promise<void> {
    const temporary = `${filePath}.tmp`;
    const handle = await fs.promises.open(temporary, 'w');
    try {
      await handle.writeFile(content);
      // 1. Crash before this: the old file stands, beside a `.tmp` that nobody reads.
      await handle.datasync();
    } finally {
      await handle.close();
    }
    // 2. Renaming before the data is on disk could leave an empty file under the good name.
    await fs.promises.rename(temporary, filePath);
    // 3. Crash before this: old or new, whichever name the directory kept. After it: new.
    await this.syncDirectory(path.dirname(filePath));
  }

  replaceFileSync(filePath: string, content: Uint8Array): void {
    const temporary = `${filePath}.tmp`;
    const descriptor = fs.openSync(temporary, 'w');
    try {
      fs.writeFileSync(descriptor, content);
      fs.fdatasyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    fs.renameSync(temporary, filePath);
    this.syncDirectorySync(path.dirname(filePath));
  }
}

function fileStat(stats: fs.Stats): FileStat {
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
  return { kind, sizeBytes: stats.size, modifiedMs: Math.floor(stats.mtimeMs) };
}

/** What is left of `buffers` after their first `byteCount` bytes; empty buffers go too. */
function withoutFirstBytes(
  buffers: readonly Uint8Array[],
  byteCount: number,
): readonly Uint8Array[] {
  let index = 0;
  let skipped = byteCount;
  for (const buffer of buffers) {
    if (skipped < buffer.length) break;
    skipped -= buffer.length;
    index += 1;
  }
  const rest = buffers.slice(index);
  const first = rest[0];
  if (first !== undefined && skipped > 0) rest[0] = first.subarray(skipped);
  return rest;
}

function closedError(filePath: string): Error {
  return Object.assign(new Error(`The file "${filePath}" is closed`), { code: 'EBADF' });
}
