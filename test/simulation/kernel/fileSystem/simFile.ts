/** An open file of the simulated file system. */

import type { OpenFile } from '../../../../common/index.ts';
import type { SimRandom } from '../simRandom.ts';
import type { FileNode } from './diskNodes.ts';
import type { Fault, FileOperation } from './faults.ts';
import { systemError } from './systemError.ts';

/** What a file needs of its file system: faults, counting, space, and later completion. */
export interface SimFileOwner {
  check(operation: FileOperation, path: string): Fault | undefined;
  step(operation: FileOperation, path: string): Fault | undefined;
  write(file: SimFile, position: number, bytes: Uint8Array, fault: Fault | undefined): void;
  submit<Value>(operation: FileOperation, path: string, begin: () => () => Value): Promise<Value>;
  closed(file: SimFile): void;
  readonly random: SimRandom;
}

export class SimFile implements OpenFile {
  readonly path: string;
  readonly node: FileNode;
  readonly #isWritable: boolean;
  readonly #owner: SimFileOwner;
  #isClosed = false;

  constructor(options: {
    readonly path: string;
    readonly node: FileNode;
    readonly isWritable: boolean;
    readonly owner: SimFileOwner;
  }) {
    this.path = options.path;
    this.node = options.node;
    this.#isWritable = options.isWritable;
    this.#owner = options.owner;
  }

  writevSync(buffers: readonly Uint8Array[], position: number): void {
    this.#failUnlessOpen('write', true);
    const fault = this.#owner.step('write', this.path);
    const bytes = buffers.length === 1 ? (buffers[0] as Uint8Array) : Buffer.concat(buffers);
    this.#owner.write(this, position, bytes, fault);
  }

  readSync(target: Uint8Array, position: number): number {
    this.#failUnlessOpen('read');
    const fault = this.#owner.check('read', this.path);
    if (fault?.rule.error !== undefined) throw systemError(fault.rule.error, 'read', this.path);
    const count = this.node.cached.read(target, position);
    if (fault?.rule.flipBit === true && count > 0) {
      const index = this.#owner.random.below(count);
      target[index] = (target[index] as number) ^ (1 << this.#owner.random.below(8));
    }
    return count;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#owner.submit('read', this.path, () => () => this.readSync(target, position));
  }

  sizeSync(): number {
    this.#failUnlessOpen('fstat');
    return this.node.cached.sizeBytes;
  }

  truncateSync(sizeBytes: number): void {
    this.#failUnlessOpen('ftruncate', true);
    const fault = this.#owner.step('resize', this.path);
    if (fault?.rule.error !== undefined) {
      throw systemError(fault.rule.error, 'ftruncate', this.path);
    }
    this.node.resize(sizeBytes);
  }

  datasync(): Promise<void> {
    return this.#owner.submit('datasync', this.path, () => {
      this.#failUnlessOpen('fdatasync');
      const mark = this.node.syncMark();
      return () => this.#sync(mark);
    });
  }

  datasyncSync(): void {
    this.#sync(this.node.syncMark());
  }

  closeSync(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#owner.closed(this);
  }

  #sync(mark: number): void {
    this.#failUnlessOpen('fdatasync');
    const fault = this.#owner.step('datasync', this.path);
    if (fault?.rule.error === undefined) {
      this.node.sync(mark);
      return;
    }
    if (fault.rule.dropDirty === true) this.node.dropDirty(mark);
    throw systemError(fault.rule.error, 'fdatasync', this.path);
  }

  /** A file closed under an operation in flight answers EBADF: in production that is a bug too. */
  #failUnlessOpen(syscall: string, toWrite = false): void {
    if (this.#isClosed) throw systemError('EBADF', syscall, this.path);
    if (toWrite && !this.#isWritable) throw systemError('EBADF', syscall, this.path);
  }
}
