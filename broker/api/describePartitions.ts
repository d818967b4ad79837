/** DescribePartitions: what the logs hold that this broker leads. */

import type { ServerRequest } from '../../network/index.ts';
import {
  type describePartitionsApi,
  errorCode,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { ReplicaManager } from '../replica/index.ts';
import { refusalOf } from './refusal.ts';

type PartitionResult = ResponseOf<
  typeof describePartitionsApi
>['topics'][number]['partitions'][number];

export function handleDescribePartitions(request: ServerRequest, replicas: ReplicaManager): void {
  const body = request.body as RequestOf<typeof describePartitionsApi>;
  const topics = body.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((index) => describe(replicas, name, index)),
  }));
  request.respond({ topics });
}

function describe(replicas: ReplicaManager, topic: string, index: number): PartitionResult {
  try {
    const partition = replicas.partition(topic, index);
    partition.checkLeader(-1);
    const { log } = partition;
    return {
      index,
      errorCode: 0,
      leaderEpoch: partition.leaderEpoch,
      logStartOffset: log.logStartOffset,
      highWatermark: partition.highWatermark,
      logEndOffset: log.logEndOffset,
      sizeBytes: log.sizeBytes,
      segmentCount: log.segmentCount,
      replicas: partition.describeReplicas(),
    };
  } catch (error) {
    return {
      index,
      errorCode: errorCode(refusalOf(error)),
      leaderEpoch: -1,
      logStartOffset: -1,
      highWatermark: -1,
      logEndOffset: -1,
      sizeBytes: -1,
      segmentCount: -1,
      replicas: [],
    };
  }
}
