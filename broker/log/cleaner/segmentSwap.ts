/**
 * How one compacted file takes the place of a group of segments, and how a start goes on with what a
 * crash left of that.
 *
 *     1  write N.log.cleaned                                        fdatasync
 *     2  rename it to N.log.swap                                    sync the directory: decided
 *     3  remove the logs and indexes of all segments of the group   sync the directory
 *     4  rename N.log.swap to N.log                                 sync the directory
 *     5  write N.index and N.timeindex
 *
 * Names reach the disk in any order between two syncs. Crash example, without the sync of 3: N.log
 * is new and durable, the removal of M.log is not; after a power loss the offsets of M stand twice.
 *
 * @see docs/adr/0015-compaction.md for every crash between two steps.
 */

import type { FileSystem, Logger } from '../../../common/index.ts';
import {
  CLEANED_SUFFIX,
  joinPath,
  LOG_SUFFIX,
  offsetName,
  parseLogFileName,
  SWAP_SUFFIX,
} from '../logFileNames.ts';
import type { LogSegment } from '../logSegment.ts';
import { corruptSegment, scanSegment } from '../segmentScan.ts';

export interface Swap {
  /** Path of the partition's directory. */
  readonly directory: string;
  /** The group, in order; the first gives the name. */
  readonly removed: readonly LogSegment[];
  /** Stands as `.cleaned`, written and synced. */
  readonly cleaned: LogSegment;
  /** Called in one turn with the decision: from now on the cleaned segment is read. */
  readonly onDecided: () => void;
}

/** Steps 2 to 4. @throws system errors; after `onDecided` only a start can tidy up. */
export async function swapSegments(fileSystem: FileSystem, swap: Swap): Promise<void> {
  const { directory, removed, cleaned } = swap;
  cleaned.moveTo(cleaned.path + SWAP_SUFFIX);
  await fileSystem.syncDirectory(directory);
  swap.onDecided();
  for (const { path, indexPaths } of removed) {
    for (const gone of [path, indexPaths.offsets, indexPaths.times]) await fileSystem.unlink(gone);
  }
  await fileSystem.syncDirectory(directory);
  cleaned.moveTo(cleaned.path);
  await fileSystem.syncDirectory(directory);
}

/**
 * Before the segments of a partition are looked for: goes on with the swaps that were decided and
 * removes what was not. Indexes are made anew by whoever finds them missing.
 *
 * @throws {CorruptionError} LOG_CORRUPT where a swap file, which was on disk, is not whole.
 * @throws system errors.
 */
export function finishSwaps(fileSystem: FileSystem, directory: string, logger: Logger): void {
  const names = fileSystem.readDirectorySync(directory);
  const remove = (name: string) => fileSystem.unlinkSync(joinPath(directory, name));
  const cleaned = names.filter((name) => name.endsWith(CLEANED_SUFFIX));
  const swapped = names.filter((name) => name.endsWith(SWAP_SUFFIX));
  if (cleaned.length === 0 && swapped.length === 0) return;
  // Kafka splits a segment in reverse order: as long as one part is not decided, none behind it is.
  const undecidedFrom = Math.min(...cleaned.map((name) => Number.parseInt(name, 10)));
  const logs = swapped.flatMap(
    (name) => parseLogFileName(name.slice(0, -SWAP_SUFFIX.length)) ?? [],
  );
  const decided = logs.filter((baseOffset) => baseOffset < undecidedFrom);
  const kept = new Set(
    decided.map((baseOffset) => offsetName(baseOffset) + LOG_SUFFIX + SWAP_SUFFIX),
  );
  // The old files first, and durably. Crash example: N.log.swap gets its name, the crash brings
  // M.log back: the offsets of M stand twice.
  for (const baseOffset of decided) removeReplaced(fileSystem, directory, baseOffset);
  fileSystem.syncDirectorySync(directory);
  for (const baseOffset of decided) {
    const path = joinPath(directory, offsetName(baseOffset) + LOG_SUFFIX);
    fileSystem.renameSync(path + SWAP_SUFFIX, path);
    logger.info('Finished a compaction that was interrupted', { path });
  }
  for (const name of [...cleaned, ...swapped]) if (!kept.has(name)) remove(name);
  fileSystem.syncDirectorySync(directory);
}

/** Removes the segments whose offsets the swap file covers. */
function removeReplaced(fileSystem: FileSystem, directory: string, baseOffset: number): void {
  const path = joinPath(directory, offsetName(baseOffset) + LOG_SUFFIX + SWAP_SUFFIX);
  const file = fileSystem.openSync(path, 'read');
  let nextOffset: number;
  try {
    const result = scanSegment(file, { baseOffset, endPosition: file.sizeSync() });
    if (result.fault !== undefined) throw corruptSegment({ path }, result);
    nextOffset = result.nextOffset;
  } finally {
    file.closeSync();
  }
  for (const name of fileSystem.readDirectorySync(directory)) {
    const found = /^(\d{20})\.(log|index|timeindex|txnindex)$/.exec(name)?.[1];
    if (found === undefined) continue;
    const isReplaced = Number(found) === baseOffset;
    const isCovered = Number(found) > baseOffset && Number(found) < nextOffset;
    if (isReplaced || isCovered) fileSystem.unlinkSync(joinPath(directory, name));
  }
}
