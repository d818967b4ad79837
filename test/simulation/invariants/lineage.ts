/** Which leader epoch wrote which offsets, of one log or of what is committed. */

export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

/** Of two logs in which an epoch has one writer, equal lineages mean equal records. */
export type Lineage = readonly EpochStart[];

/** @returns the first offset of `from` to `to` (exclusive) at which the two differ. */
export function firstDifference(
  one: Lineage,
  other: Lineage,
  { from, to }: { readonly from: number; readonly to: number },
): number | undefined {
  if (from >= to) return undefined;
  const starts = [...one, ...other]
    .map(({ startOffset }) => startOffset)
    .filter((start) => start > from && start < to);
  const differing = [from, ...starts].filter(
    (offset) => epochAt(one, offset) !== epochAt(other, offset),
  );
  return differing.length === 0 ? undefined : Math.min(...differing);
}

export function below(lineage: Lineage, endOffset: number): Lineage {
  return lineage.filter(({ startOffset }) => startOffset < endOffset);
}

function epochAt(lineage: Lineage, offset: number): number {
  return lineage.findLast(({ startOffset }) => startOffset <= offset)?.epoch ?? -1;
}
