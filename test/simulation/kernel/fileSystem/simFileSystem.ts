/**
 * A file system in memory that forgets like a real one: what was not synced may be lost or torn by
 * a crash, names as well as bytes.
 *
 * Alone (`new SimFileSystem({ directories: ['/data'] })`) asynchronous operations complete by the
 * next microtask, and `crashAfterOperations(n)` with `afterCrash(mode, seed)` lets a test crash at
 * every step. In a simulation the node's completion schedules them in virtual time.
 */

import type { FileStat, FileSystem, OpenFile, OpenMode } from '../../../../common/index.ts';
import { SimRandom } from '../simRandom.ts';
import { type Completion, microtaskCompletion } from './completion.ts';
import { type CrashMode, DiskImage, namesOf } from './diskImage.ts';
import { DirectoryNode, type DiskNode, FileNode } from './diskNodes.ts';
import { Fault, type FaultRule, type FileOperation } from './faults.ts';
import { SimFile, type SimFileOwner } from './simFile.ts';
import { SimulatedCrash, systemError } from './systemError.ts';

export interface SimFileSystemOptions {
  /** What stands on it already. Default: an empty disk. */
  readonly disk?: DiskImage;
  /** Directories that exist and are durable from the start. */
  readonly directories?: readonly string[];
  /** ENOSPC above so many bytes of file content. Default: no limit. */
  readonly capacityBytes?: number;
  /** EMFILE above so many open files. Default: no limit. */
  readonly maxOpenFiles?: number;
  readonly completion?: Completion;
  /** For faults with a probability. Default 1. */
  readonly seed?: number;
  /** Called when `crashAfterOperations` strikes, before anything of the next step has happened. */
  readonly onCrash?: () => void;
  /** Wall clock for modification times. Default: counts the operations. */
  readonly nowMs?: () => number;
}

export class SimFileSystem implements FileSystem {
  readonly disk: DiskImage;
  /** May be changed at any time. */
  capacityBytes: number;
  maxOpenFiles: number;
  readonly #completion: Completion;
  readonly #random: SimRandom;
  readonly #nowMs: () => number;
  readonly #onCrash: () => void;
  readonly #faults: Fault[] = [];
  readonly #openFiles = new Set<SimFile>();
  #operationCount = 0;
  #crashAfter = Infinity;
  #isCrashed = false;
  readonly #owner: SimFileOwner;

  constructor(options: SimFileSystemOptions = {}) {
    this.disk = options.disk ?? new DiskImage();
    for (const directory of options.directories ?? []) this.disk.makeDurableDirectory(directory);
    this.capacityBytes = options.capacityBytes ?? Infinity;
    this.maxOpenFiles = options.maxOpenFiles ?? Infinity;
    this.#completion = options.completion ?? microtaskCompletion;
    this.#random = new SimRandom(options.seed ?? 1, 'file system');
    this.#nowMs = options.nowMs ?? (() => this.#operationCount);
    this.#onCrash = options.onCrash ?? (() => undefined);
    this.#owner = {
      check: (operation, path) => this.#check(operation, path),
      step: (operation, path) => this.#step(operation, path),
      write: (file, position, bytes, fault) => this.#write(file, position, bytes, fault),
      submit: (operation, path, begin) => this.#submit(operation, path, begin),
      closed: (file) => void this.#openFiles.delete(file),
      random: this.#random,
    };
  }

  // ---- for tests ----

  /** Steps that changed the disk or made it durable, so far. @see crashAfterOperations */
  get operationCount(): number {
    return this.#operationCount;
  }

  get openFileCount(): number {
    return this.#openFiles.size;
  }

  get isCrashed(): boolean {
    return this.#isCrashed;
  }

  /** Orders a fault; several may stand at once, the first that strikes counts. */
  inject(rule: FaultRule): Fault {
    const fault = new Fault(rule);
    this.#faults.push(fault);
    return fault;
  }

  /**
   * Lets `count` more steps happen, counted as `operationCount` does; the next one and every
   * operation after it throw (or reject with) SimulatedCrash and change nothing. To crash at every
   * step: run once without, read `operationCount`, then run once for each number below it.
   */
  crashAfterOperations(count: number): void {
    this.#crashAfter = this.#operationCount + count;
  }

  /** From now on every operation fails with SimulatedCrash, or never settles. */
  crash(): void {
    this.#isCrashed = true;
  }

  /**
   * The file system as it would be found after a crash at this moment; call it again with another
   * seed for another outcome. This one counts as crashed from now on.
   */
  afterCrash(mode: CrashMode = 'random', seed = 1): SimFileSystem {
    this.crash();
    return new SimFileSystem({
      disk: this.disk.afterCrash(mode, seed),
      capacityBytes: this.capacityBytes,
      maxOpenFiles: this.maxOpenFiles,
      seed,
    });
  }

  /** Content of every file as the page cache shows it, by path. Not an operation. */
  snapshot(): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    for (const { path, node } of this.disk.walk()) {
      if (node.kind === 'file') files.set(path, Buffer.from(node.cached.view()));
    }
    return files;
  }

  /** Everything is durable afterwards, as after sync(2): ends the preparation of a test. */
  syncAll(): void {
    this.disk.syncAll();
  }

  /** A latent fault: one bit of the file is wrong from now on, on disk too. */
  flipBit(path: string, position: number, bit = 0): void {
    const node = this.#fileAt(path, 'flipBit');
    node.cached.flipBit(position, bit);
    node.durable.flipBit(position, bit);
  }

  // ---- FileSystem: at once ----

  openSync(path: string, mode: OpenMode): OpenFile {
    this.#failIfOrdered('open', path);
    if (this.#openFiles.size >= this.maxOpenFiles) throw systemError('EMFILE', 'open', path);
    let node = this.disk.find(path);
    if (node?.kind === 'directory') throw systemError('EISDIR', 'open', path);
    if (node !== undefined && mode === 'createNew') throw systemError('EEXIST', 'open', path);
    if (node === undefined) {
      if (mode === 'read' || mode === 'readWrite') throw systemError('ENOENT', 'open', path);
      const { directory, name } = this.disk.parentOf(path, 'open');
      this.#countStep();
      node = new FileNode();
      node.modifiedMs = this.#nowMs();
      directory.change([[name, node]]);
    }
    const file = new SimFile({ path, node, isWritable: mode !== 'read', owner: this.#owner });
    this.#openFiles.add(file);
    return file;
  }

  statSync(path: string): FileStat | undefined {
    this.#failIfOrdered('stat', path);
    const node = this.disk.find(path);
    if (node === undefined) return undefined;
    const sizeBytes = node.kind === 'file' ? node.cached.sizeBytes : 4096;
    return { kind: node.kind, sizeBytes, modifiedMs: node.modifiedMs };
  }

  readDirectorySync(path: string): readonly string[] {
    this.#failIfOrdered('readDirectory', path);
    return [...this.#directoryAt(path, 'scandir').cached.keys()].sort();
  }

  readFileSync(path: string): Buffer {
    const file = this.openSync(path, 'read');
    try {
      const content = Buffer.alloc(file.sizeSync());
      file.readSync(content, 0);
      return content;
    } finally {
      file.closeSync();
    }
  }

  makeDirectorySync(path: string): void {
    this.#failIfOrdered('makeDirectory', path);
    let parent = '';
    for (const name of namesOf(path)) {
      const here = `${parent}/${name}`;
      const node = this.disk.find(here);
      if (node?.kind === 'file') throw systemError('ENOTDIR', 'mkdir', here);
      if (node === undefined) {
        this.#countStep();
        this.#directoryAt(parent === '' ? '/' : parent, 'mkdir').change([
          [name, new DirectoryNode()],
        ]);
      }
      parent = here;
    }
  }

  renameSync(from: string, to: string): void {
    this.#failIfOrdered('rename', from);
    const source = this.disk.parentOf(from, 'rename');
    const target = this.disk.parentOf(to, 'rename');
    const node = source.directory.cached.get(source.name);
    if (node === undefined) throw systemError('ENOENT', 'rename', from);
    const replaced = target.directory.cached.get(target.name);
    if (replaced === node) return;
    if (replaced !== undefined) failUnlessReplaceable(node, replaced, to);
    if (`${to}/`.startsWith(`${from}/`)) throw systemError('EINVAL', 'rename', from);
    this.#countStep();
    if (source.directory === target.directory) {
      source.directory.change([
        [source.name, undefined],
        [target.name, node],
      ]);
    } else {
      target.directory.change([[target.name, node]]);
      source.directory.change([[source.name, undefined]]);
    }
  }

  unlinkSync(path: string): void {
    this.#failIfOrdered('unlink', path);
    const node = this.disk.find(path);
    if (node === undefined) return;
    if (node.kind === 'directory') throw systemError('EISDIR', 'unlink', path);
    this.#removeEntry(path);
  }

  removeTreeSync(path: string): void {
    this.#failIfOrdered('unlink', path);
    const node = this.disk.find(path);
    if (node?.kind === 'directory') {
      for (const name of [...node.cached.keys()].sort()) this.removeTreeSync(`${path}/${name}`);
    }
    if (node !== undefined) this.#removeEntry(path);
  }

  syncDirectorySync(path: string): void {
    this.#failIfOrdered('syncDirectory', path);
    const directory = this.#directoryAt(path, 'fsync');
    this.#countStep();
    directory.sync(directory.syncMark());
  }

  replaceFileSync(path: string, content: Uint8Array): void {
    const file = this.#createEmpty(`${path}.tmp`);
    try {
      file.writevSync([content], 0);
      file.datasyncSync();
    } finally {
      file.closeSync();
    }
    this.renameSync(`${path}.tmp`, path);
    this.syncDirectorySync(parentPath(path));
  }

  // ---- FileSystem: later ----

  stat(path: string): Promise<FileStat | undefined> {
    return this.#submit('stat', path, () => () => this.statSync(path));
  }

  readFile(path: string): Promise<Buffer> {
    return this.#submit('read', path, () => () => this.readFileSync(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#submit('rename', from, () => () => this.renameSync(from, to));
  }

  unlink(path: string): Promise<void> {
    return this.#submit('unlink', path, () => () => this.unlinkSync(path));
  }

  removeTree(path: string): Promise<void> {
    return this.#submit('unlink', path, () => () => this.removeTreeSync(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#submit('syncDirectory', path, () => {
      const directory = this.#directoryAt(path, 'fsync');
      const mark = directory.syncMark();
      return () => {
        this.#failIfOrdered('syncDirectory', path);
        this.#countStep();
        directory.sync(mark);
      };
    });
  }

  async replaceFile(path: string, content: Uint8Array): Promise<void> {
    const file = await this.#submit('write', `${path}.tmp`, () => () => {
      const made = this.#createEmpty(`${path}.tmp`);
      made.writevSync([content], 0);
      return made;
    });
    try {
      await file.datasync();
    } finally {
      file.closeSync();
    }
    await this.rename(`${path}.tmp`, path);
    await this.syncDirectory(parentPath(path));
  }

  // ---- within ----

  /** @param begin runs at submission; what it returns takes effect later, at one moment. */
  #submit<Value>(operation: FileOperation, path: string, begin: () => () => Value): Promise<Value> {
    return new Promise((resolve, reject) => {
      const settle = (action: () => void): void => {
        if (this.#isCrashed && this.#completion.afterCrash === 'never') return;
        action();
      };
      let outcome: () => void = () => undefined;
      let apply: () => Value;
      try {
        this.#failIfCrashed();
        apply = begin();
      } catch (error) {
        apply = () => {
          throw error;
        };
      }
      const delay = this.#strike(operation, path, (rule) => rule.delayMs !== undefined);
      this.#completion.submit(
        operation,
        () => {
          try {
            this.#failIfCrashed();
            const value = apply();
            outcome = () => resolve(value);
          } catch (error) {
            outcome = () => reject(error);
          }
        },
        () => settle(outcome),
        delay?.rule.delayMs ?? 0,
      );
    });
  }

  /** In a simulation the dead process goes on to the end of its turn, on a disk that is no more. */
  #failIfCrashed(): void {
    if (this.#isCrashed && this.#completion.afterCrash === 'reject') {
      throw new SimulatedCrash('The simulated machine has crashed');
    }
  }

  /** @returns the fault that strikes this operation, for those who do more than throw. */
  #check(operation: FileOperation, path: string): Fault | undefined {
    this.#failIfCrashed();
    return this.#strike(operation, path, (rule) => rule.delayMs === undefined);
  }

  #strike(
    operation: FileOperation,
    path: string,
    isOfKind: (rule: FaultRule) => boolean,
  ): Fault | undefined {
    return this.#faults.find(
      (fault) => isOfKind(fault.rule) && fault.strikes(operation, path, this.#random),
    );
  }

  #failIfOrdered(operation: FileOperation, path: string): void {
    const fault = this.#check(operation, path);
    if (fault?.rule.error !== undefined) throw systemError(fault.rule.error, operation, path);
  }

  #countStep(): void {
    if (this.#operationCount >= this.#crashAfter && !this.#isCrashed) {
      this.#isCrashed = true;
      this.#onCrash();
    }
    this.#failIfCrashed();
    this.#operationCount += 1;
  }

  #step(operation: FileOperation, path: string): Fault | undefined {
    const fault = this.#check(operation, path);
    this.#countStep();
    return fault;
  }

  /** Writes as much as fits and as the fault lets through. @throws ENOSPC or the fault's error. */
  #write(file: SimFile, position: number, bytes: Uint8Array, fault: Fault | undefined): void {
    const { node } = file;
    const growth = Math.max(0, position + bytes.length - node.cached.sizeBytes);
    let count = bytes.length;
    let error = fault?.rule.error;
    if (error !== undefined) count = Math.min(count, fault?.rule.writtenBytes ?? 0);
    if (this.capacityBytes !== Infinity && growth > 0) {
      const free = Math.max(0, this.capacityBytes - this.disk.usedBytes());
      if (growth > free && count > bytes.length - growth + free) {
        count = Math.max(0, bytes.length - growth + free);
        error = 'ENOSPC';
      }
    }
    node.write(position, bytes.subarray(0, count));
    node.modifiedMs = this.#nowMs();
    if (error !== undefined) throw systemError(error, 'write', file.path);
  }

  #createEmpty(path: string): OpenFile {
    const file = this.openSync(path, 'create');
    if (file.sizeSync() > 0) file.truncateSync(0);
    return file;
  }

  #removeEntry(path: string): void {
    const { directory, name } = this.disk.parentOf(path, 'unlink');
    this.#countStep();
    directory.change([[name, undefined]]);
  }

  #directoryAt(path: string, syscall: string): DirectoryNode {
    const node = this.disk.find(path);
    if (node === undefined) throw systemError('ENOENT', syscall, path);
    if (node.kind !== 'directory') throw systemError('ENOTDIR', syscall, path);
    return node;
  }

  #fileAt(path: string, syscall: string): FileNode {
    const node = this.disk.find(path);
    if (node?.kind !== 'file') throw systemError('ENOENT', syscall, path);
    return node;
  }
}

function failUnlessReplaceable(node: DiskNode, replaced: DiskNode, to: string): void {
  if (replaced.kind === 'file') {
    if (node.kind === 'directory') throw systemError('ENOTDIR', 'rename', to);
  } else {
    if (node.kind === 'file') throw systemError('EISDIR', 'rename', to);
    if (replaced.cached.size > 0) throw systemError('ENOTEMPTY', 'rename', to);
  }
}

function parentPath(path: string): string {
  return `/${namesOf(path).slice(0, -1).join('/')}`;
}
