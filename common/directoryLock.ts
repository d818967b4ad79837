/**
 * One process per directory, without flock, which Node does not have.
 *
 * Every contender makes a file whose *name* is its identity, then looks for others:
 *
 *     <prefix><pid>-<startTicks>-<bootId>
 *
 * 1. Make our file, exclusively. 2. List. A file of a process that runs: we lose, and ours goes. A
 * file of one that has ended (kill -9, power loss): it goes; its name never comes again, for a
 * reused pid has another start time. Each makes its file before it lists, so of two that start at
 * the same moment at least one sees the other: at worst both give up, and never do both go on.
 * Processes in different pid namespaces (containers that share a volume) do not see each other.
 */

import type { FileSystem } from './environment/fileSystem.ts';
import type { Host, ProcessIdentity } from './environment/host.ts';
import { systemErrorCode } from './errors.ts';

export interface DirectoryLockOptions {
  readonly fileSystem: FileSystem;
  readonly host: Host;
  readonly directory: string;
  /** Begins the name of the lock's file; ends with a separator. */
  readonly prefix: string;
  /** The error for a directory that process `pid` holds; it may be this very process. */
  readonly inUse: (pid: number) => Error;
}

export class DirectoryLock {
  readonly #fileSystem: FileSystem;
  readonly #path: string;

  private constructor(fileSystem: FileSystem, path: string) {
    this.#fileSystem = fileSystem;
    this.#path = path;
  }

  /**
   * @throws what `inUse` makes, when another lock on the directory is held.
   * @throws system errors of the directory itself.
   */
  static acquire(options: DirectoryLockOptions): DirectoryLock {
    const { fileSystem, host, directory, prefix } = options;
    const own = prefix + identityName(host.self);
    const path = `${directory}/${own}`;
    try {
      fileSystem.openSync(path, 'createNew').closeSync();
    } catch (error) {
      throw systemErrorCode(error) === 'EEXIST' ? options.inUse(host.self.pid) : error;
    }
    const lock = new DirectoryLock(fileSystem, path);
    try {
      refuseOtherHolders(options, own);
    } catch (error) {
      lock.release();
      throw error;
    }
    return lock;
  }

  /** Idempotent. */
  release(): void {
    this.#fileSystem.unlinkSync(this.#path);
  }
}

function refuseOtherHolders(options: DirectoryLockOptions, own: string): void {
  const { fileSystem, host, directory, prefix } = options;
  for (const name of fileSystem.readDirectorySync(directory)) {
    if (!name.startsWith(prefix) || name === own) continue;
    const holder = parseIdentity(name.slice(prefix.length));
    if (holder !== undefined && host.isRunning(holder)) throw options.inUse(holder.pid);
    fileSystem.unlinkSync(`${directory}/${name}`);
  }
}

function identityName({ pid, startTicks, bootId }: ProcessIdentity): string {
  return `${pid}-${startTicks}-${bootId}`;
}

function parseIdentity(text: string): ProcessIdentity | undefined {
  const match = /^(\d+)-(\d+)-(.*)$/.exec(text);
  if (match === null) return undefined;
  return { pid: Number(match[1]), startTicks: Number(match[2]), bootId: match[3]! };
}
