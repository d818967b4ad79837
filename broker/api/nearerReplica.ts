/** Which replica a consumer should read from: one in its own rack, where there is one (KIP-392). */

import type { ClusterImage } from '../metadata/index.ts';
import type { Partition } from '../replica/index.ts';

/** @returns undefined to stay with the leader; only a leader redirects. */
export function nearerReplica(
  image: ClusterImage,
  options: {
    readonly selfId: number;
    readonly partition: Partition;
    readonly rack: string | null;
    readonly fetchOffset: number;
  },
): number | undefined {
  const { selfId, partition, rack, fetchOffset } = options;
  if (rack === null || !partition.isLeader) return undefined;
  const inRack = image.brokers.filter((broker) => broker.rack === rack);
  if (inRack.some(({ id }) => id === selfId)) return undefined;
  return inRack.find(({ id }) => partition.canServeFrom(id, fetchOffset))?.id;
}
