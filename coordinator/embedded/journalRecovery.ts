/** Reads a coordinator's directory: the newest snapshot, then every journal after it. */

import {
  CorruptionError,
  type FileSystem,
  type Logger,
  type OpenFile,
} from '../../common/index.ts';
import {
  decodeJournalEntry,
  encodeJournalHeader,
  findProofOfLoss,
  hasJournalHeader,
  JOURNAL_HEADER_BYTES,
} from './journalFormat.ts';
import { decodeSnapshot } from './snapshotFormat.ts';
import { ZnodeTree } from './znodeTree.ts';

/** What the journal goes on with. */
export interface RecoveredJournal {
  readonly tree: ZnodeTree;
  /** The last journal, open for writing; all of it is on disk. */
  readonly file: OpenFile;
  /** Bytes of it that hold the header and whole entries. */
  readonly sizeBytes: number;
}

const FILE_NAME = /^(snapshot|journal)-([0-9a-f]{16})$/;

export function snapshotName(lastZxid: number): string {
  return `snapshot-${hex(lastZxid)}`;
}

export function journalName(firstZxid: number): string {
  return `journal-${hex(firstZxid)}`;
}

/** Names of a kind in the directory, oldest first; `zxid` is the number in the name. */
export function listFiles(
  fileSystem: FileSystem,
  directory: string,
  kind: 'snapshot' | 'journal',
): { readonly name: string; readonly zxid: number }[] {
  return fileSystem
    .readDirectorySync(directory)
    .map((name) => FILE_NAME.exec(name))
    .filter((match) => match !== null)
    .filter((match) => match[1] === kind)
    .map((match) => ({ name: match[0], zxid: Number.parseInt(match[2]!, 16) }));
}

/**
 * Brings the tree of a directory back; an empty directory is made ready.
 *
 * @throws {CorruptionError} SNAPSHOT_DAMAGED, JOURNAL_DAMAGED or JOURNAL_OUT_OF_STEP where answered
 *   transactions cannot be brought back.
 */
export function recoverJournal(
  fileSystem: FileSystem,
  directory: string,
  logger: Logger,
): RecoveredJournal {
  const tree = loadSnapshot(fileSystem, directory);
  const names = listFiles(fileSystem, directory, 'journal').map(({ name }) => name);
  const last = names.at(-1);
  if (last === undefined) {
    const file = createJournal(fileSystem, `${directory}/${journalName(tree.lastZxid + 1)}`);
    file.datasyncSync();
    fileSystem.syncDirectorySync(directory);
    return { tree, file, sizeBytes: JOURNAL_HEADER_BYTES };
  }
  for (const name of names.slice(0, -1)) {
    const path = `${directory}/${name}`;
    const bytes = fileSystem.readFileSync(path);
    const end = replayEntries(tree, bytes, path);
    // A journal is synced as a whole before its successor begins, so no crash explains this.
    if (end !== bytes.length) throw damaged(path, end);
  }
  return { tree, ...openLast(fileSystem, `${directory}/${last}`, tree, logger) };
}

/** A journal with a header. Neither it nor its name is on disk yet. */
export function createJournal(fileSystem: FileSystem, path: string): OpenFile {
  const file = fileSystem.openSync(path, 'create');
  file.truncateSync(0);
  file.writevSync([encodeJournalHeader()], 0);
  return file;
}

function loadSnapshot(fileSystem: FileSystem, directory: string): ZnodeTree {
  const newest = listFiles(fileSystem, directory, 'snapshot').at(-1);
  if (newest === undefined) return new ZnodeTree();
  const path = `${directory}/${newest.name}`;
  return new ZnodeTree(decodeSnapshot(fileSystem.readFileSync(path), path));
}

function openLast(fileSystem: FileSystem, path: string, tree: ZnodeTree, logger: Logger) {
  const bytes = fileSystem.readFileSync(path);
  const end = replayEntries(tree, bytes, path);
  if (end < JOURNAL_HEADER_BYTES) {
    // Made, but nothing in it was ever answered: its header itself had not reached the disk.
    logger.warn('A journal without a whole header is begun anew', { path });
    const file = createJournal(fileSystem, path);
    file.datasyncSync();
    return { file, sizeBytes: JOURNAL_HEADER_BYTES };
  }
  const file = fileSystem.openSync(path, 'readWrite');
  if (end < bytes.length) {
    const droppedBytes = bytes.length - end;
    logger.warn('The torn tail of the journal is cut off', { path, position: end, droppedBytes });
    file.truncateSync(end);
  }
  // Whole entries at the end may never have been synced; what is served from now on must be.
  file.datasyncSync();
  return { file, sizeBytes: end };
}

/** @returns position after the last entry that could be read; 0 without a header. */
function replayEntries(tree: ZnodeTree, bytes: Buffer, path: string): number {
  if (!hasJournalHeader(bytes)) {
    if (bytes.length > JOURNAL_HEADER_BYTES) throw damaged(path, 0);
    return 0;
  }
  let position = JOURNAL_HEADER_BYTES;
  let lastZxid = 0;
  for (;;) {
    const entry = decodeJournalEntry(bytes, position);
    if (entry === undefined) break;
    lastZxid = entry.transaction.zxid;
    // A snapshot may already hold the first entries of the journal that was begun with it.
    if (lastZxid > tree.lastZxid) tree.replay(entry.transaction);
    position = entry.end;
  }
  if (findProofOfLoss(bytes, position, Math.max(lastZxid, tree.lastZxid)) !== undefined) {
    throw damaged(path, position);
  }
  return position;
}

function damaged(path: string, position: number): CorruptionError {
  return new CorruptionError(
    'JOURNAL_DAMAGED',
    `The coordinator's journal "${path}" is damaged at byte ${position}: expected an entry whose ` +
      'checksum matches. Transactions that were answered stand there, so nothing is cut off. ' +
      'Restore the directory from a copy.',
    { details: { path, position } },
  );
}

function hex(zxid: number): string {
  return zxid.toString(16).padStart(16, '0');
}
