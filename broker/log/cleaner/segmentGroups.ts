/** Which segments compaction puts together. */

import type { LogSegment } from '../logSegment.ts';

/** Offsets in indexes are relative to the segment and have 32 bits. */
const OFFSETS_MAX = 2 ** 31 - 1;

/**
 * As many neighbours to a group as fit into one segment with what they have now, so that a log whose
 * segments shrink does not end as thousands of small files.
 *
 * @param segments that follow each other.
 * @param options.endOffset where the last of them ends.
 * @returns groups of at least one, in order.
 */
export function groupSegments(
  segments: readonly LogSegment[],
  options: { readonly segmentBytes: number; readonly endOffset: number },
): readonly (readonly LogSegment[])[] {
  const groups: LogSegment[][] = [];
  let groupBytes = 0;
  for (const [index, segment] of segments.entries()) {
    const group = groups.at(-1);
    const endOffset = segments[index + 1]?.baseOffset ?? options.endOffset;
    const fits =
      group !== undefined &&
      groupBytes + segment.sizeBytes <= options.segmentBytes &&
      endOffset - group[0]!.baseOffset <= OFFSETS_MAX;
    if (fits) group.push(segment);
    else groups.push([segment]);
    groupBytes = fits ? groupBytes + segment.sizeBytes : segment.sizeBytes;
  }
  return groups;
}
