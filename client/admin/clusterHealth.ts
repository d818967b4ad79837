/** What a metadata answer says about the health of every partition. */

import type { MetadataResponse } from '../cluster/metadata.ts';
import type { ClusterHealth, PartitionName, UnreachableBroker } from './admin.ts';

export function healthOf(
  { brokers, topics }: MetadataResponse,
  seen: { readonly coordinatorState: string; readonly unreachable: readonly UnreachableBroker[] },
): ClusterHealth {
  const { coordinatorState, unreachable } = seen;
  const live = new Set(brokers.map(({ id }) => id));
  for (const { id } of unreachable) live.delete(id);
  const underReplicated: PartitionName[] = [];
  const offline: PartitionName[] = [];
  const leaderless: PartitionName[] = [];
  for (const { name, partitions } of topics) {
    for (const { index, leader, replicas, isr } of partitions) {
      const partition = { topic: name, partition: index };
      // A broker that died a moment ago may still stand as leader, or in the ISR.
      const inSync = isr.filter((id) => live.has(id));
      if (inSync.length < replicas.length) underReplicated.push(partition);
      if (!live.has(leader)) leaderless.push(partition);
      if (!replicas.some((id) => live.has(id))) offline.push(partition);
    }
  }
  return {
    healthy: underReplicated.length + offline.length + leaderless.length + unreachable.length === 0,
    underReplicated,
    offline,
    leaderless,
    unreachable,
    coordinatorState,
  };
}
