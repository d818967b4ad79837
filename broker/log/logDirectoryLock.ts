/**
 * One broker per log directory: ours see each other by `DirectoryLock`.
 *
 * Kafka's own `.lock` is made too, and refused where another process holds a POSIX lock on it, as a
 * running Kafka does. The reverse does not hold: Kafka cannot see our lock, so do not start it on a
 * directory in use.
 */

import { DirectoryLock, type FileSystem, type Host, OdradekError } from '../../common/index.ts';
import { joinPath, LOCK_FILE } from './logFileNames.ts';

const OWN_LOCK_PREFIX = `${LOCK_FILE}.odradek-`;

/**
 * @throws {OdradekError} LOG_DIR_LOCKED naming the directory and the holder's pid.
 * @throws system errors of the directory itself.
 */
export function lockLogDirectory(
  fileSystem: FileSystem,
  host: Host,
  directory: string,
): DirectoryLock {
  const kafkaLock = joinPath(directory, LOCK_FILE);
  fileSystem.openSync(kafkaLock, 'create').closeSync();
  const kafkaPid = host.posixLockHolder(kafkaLock);
  if (kafkaPid !== undefined) throw locked(directory, kafkaPid, 'holds a lock on its .lock file');

  return DirectoryLock.acquire({
    fileSystem,
    host,
    directory,
    prefix: OWN_LOCK_PREFIX,
    inUse: (pid) => locked(directory, pid, pid === host.self.pid ? 'is this very process' : 'runs'),
  });
}

function locked(directory: string, pid: number, how: string): OdradekError {
  return new OdradekError(
    'LOG_DIR_LOCKED',
    `The log directory "${directory}" is in use: process ${pid} ${how}; ` +
      'stop that process or give this broker another log.dirs',
    { details: { directory, pid } },
  );
}
