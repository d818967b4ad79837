/** How the files of a segment go: a new name first, and the bytes when no reader wants them. */

import { type FileSystem, systemErrorCode } from '../../common/index.ts';
import type { LogContext } from './logContext.ts';
import { DELETED_SUFFIX } from './logFileNames.ts';
import type { LogSegment } from './logSegment.ts';

/** The log first: a crash in between leaves indexes without a log, which a start removes. */
export async function renameAway(fileSystem: FileSystem, segment: LogSegment): Promise<void> {
  for (const path of pathsOf(segment)) {
    try {
      await fileSystem.rename(path, path + DELETED_SUFFIX);
    } catch (error) {
      // Indexes that could not be written when the segment was rolled.
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }
}

export async function unlinkRenamed(context: LogContext, segment: LogSegment): Promise<void> {
  try {
    for (const path of pathsOf(segment)) {
      await context.environment.fileSystem.unlink(path + DELETED_SUFFIX);
    }
  } catch (error) {
    // Left over; the next start removes it. Nothing depends on it.
    context.logger.warn('A removed segment could not be deleted', {
      path: segment.path,
      error: String(error),
    });
  }
}

function pathsOf(segment: LogSegment): readonly string[] {
  const { offsets, times } = segment.indexPaths;
  return [segment.path, offsets, times];
}
