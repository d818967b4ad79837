/** What a group has committed, as OffsetFetch tells it. */

import type { FetchOffsetsRequest, FetchOffsetsResponse } from '../groupMessages.ts';
import type { GroupOffset, GroupOffsets } from './groupOffsets.ts';

type FetchedPartition = FetchOffsetsResponse['topics'][number]['partitions'][number];

/** Of a group that has committed nothing. */
export function noOffsets({ topics }: FetchOffsetsRequest): FetchOffsetsResponse {
  return {
    error: 'NONE',
    topics: (topics ?? []).map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => fetched(partition, undefined)),
    })),
  };
}

export function fetchOffsets(
  offsets: GroupOffsets,
  { topics, requireStable }: FetchOffsetsRequest,
): FetchOffsetsResponse {
  const asked =
    topics ??
    [...offsets.topics()].map(([name, partitions]) => ({
      name,
      partitions: [...partitions.keys()],
    }));
  return {
    error: 'NONE',
    topics: asked.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => {
        if (requireStable && offsets.isUnstable(name, partition)) {
          return { ...fetched(partition, undefined), error: 'UNSTABLE_OFFSET_COMMIT' };
        }
        return fetched(partition, offsets.get(name, partition));
      }),
    })),
  };
}

function fetched(partition: number, offset: GroupOffset | undefined): FetchedPartition {
  return {
    partition,
    committedOffset: offset?.offset ?? -1,
    committedLeaderEpoch: offset?.leaderEpoch ?? -1,
    metadata: offset?.metadata ?? '',
    error: 'NONE',
  };
}
