/**
 * One broker per log directory, without flock, which Node does not have.
 *
 * Every contender makes a file whose *name* is its identity (pid, start time, boot id), then looks
 * for others. A name needs no content to be read, so there is no moment at which a lock exists
 * but cannot be judged, and no file is ever taken over, so nothing can be taken over twice:
 *
 *     .lock.odradek-<pid>-<startTicks>-<bootId>
 *
 * 1. Make our file, exclusively. 2. List. A file of a process that runs: we lose, ours goes. A file
 * of one that ended (kill -9, power loss): it goes; its name never comes again, for a reused pid
 * has another start time. Since each makes its file before it lists, at least one of two that start
 * at the same moment sees the other; at worst both give up, and never do both go on.
 *
 * Kafka's own `.lock` is made too, and refused where another process holds a POSIX lock on it, as a
 * running Kafka does. The reverse does not hold: Kafka cannot see our lock, so do not start it on a
 * directory in use. Processes in different pid namespaces (containers sharing a volume) do not see
 * each other either.
 */

import {
  type FileSystem,
  type Host,
  OdradekError,
  type ProcessIdentity,
  systemErrorCode,
} from '../../common/index.ts';
import { joinPath, LOCK_FILE } from './logFileNames.ts';

const OWN_LOCK_PREFIX = `${LOCK_FILE}.odradek-`;

export class DirectoryLock {
  readonly #fileSystem: FileSystem;
  readonly #path: string;

  private constructor(fileSystem: FileSystem, path: string) {
    this.#fileSystem = fileSystem;
    this.#path = path;
  }

  /**
   * @throws {OdradekError} LOG_DIR_LOCKED naming the directory and the holder's pid.
   * @throws system errors of the directory itself.
   */
  static acquire(fileSystem: FileSystem, host: Host, directory: string): DirectoryLock {
    const kafkaLock = joinPath(directory, LOCK_FILE);
    fileSystem.openSync(kafkaLock, 'create').closeSync();
    const kafkaPid = host.posixLockHolder(kafkaLock);
    if (kafkaPid !== undefined) throw locked(directory, kafkaPid, 'holds a lock on its .lock file');

    const own = joinPath(directory, `${OWN_LOCK_PREFIX}${identityName(host.self)}`);
    try {
      fileSystem.openSync(own, 'createNew').closeSync();
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
      throw locked(directory, host.self.pid, 'is this very process');
    }
    const lock = new DirectoryLock(fileSystem, own);
    try {
      refuseOtherHolders(fileSystem, host, directory);
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

function refuseOtherHolders(fileSystem: FileSystem, host: Host, directory: string): void {
  const own = identityName(host.self);
  for (const name of fileSystem.readDirectorySync(directory)) {
    if (!name.startsWith(OWN_LOCK_PREFIX)) continue;
    const identity = name.slice(OWN_LOCK_PREFIX.length);
    if (identity === own) continue;
    const holder = parseIdentity(identity);
    if (holder !== undefined && host.isRunning(holder)) {
      throw locked(directory, holder.pid, `runs; its lock is "${name}"`);
    }
    fileSystem.unlinkSync(joinPath(directory, name));
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

function locked(directory: string, pid: number, how: string): OdradekError {
  return new OdradekError(
    'LOG_DIR_LOCKED',
    `The log directory "${directory}" is in use: process ${pid} ${how}; ` +
      'stop that process or give this broker another log.dirs',
    { details: { directory, pid } },
  );
}
