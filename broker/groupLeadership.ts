/** Tells the group coordinator which partitions of its topic this broker leads. */

import { type GroupService, OFFSETS_TOPIC } from './group/index.ts';
import type { ImageChanges } from './metadata/index.ts';
import type { ReplicaManager } from './replica/index.ts';

/** To be called when the replicas have taken over what an update changed. */
export function followGroupLeadership(
  changes: ImageChanges,
  replicas: Pick<ReplicaManager, 'find'>,
  groups: GroupService,
): void {
  // Not those that an update merely leaves out: a controller leaves out what it cannot read.
  const gone = changes.changed.filter(({ deleting }) => deleting);
  const offsets = changes.changed.find(({ name }) => name === OFFSETS_TOPIC);
  for (const { index, leaderEpoch } of offsets?.partitions ?? []) {
    const leads = replicas.find(OFFSETS_TOPIC, index)?.isLeader === true;
    if (leads && offsets?.deleting === false) groups.onLeadership(index, leaderEpoch);
    else groups.onResigned(index, leaderEpoch);
  }
  if (gone.length > 0) groups.onTopicsDeleted(gone.map(({ name }) => name));
}
