/** ListOffsets: where a partition begins and ends, and which record is the first at or after a time. */

import { offset, timestampMs } from '../../common/index.ts';
import type { ServerRequest } from '../../network/index.ts';
import {
  errorCode,
  type listOffsetsApi,
  ProtocolError,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { TimestampAndOffset } from '../log/index.ts';
import type { Partition, ReplicaManager } from '../replica/index.ts';
import { refusalOf } from './refusal.ts';

export type ListOffsetsRequest = RequestOf<typeof listOffsetsApi>;
type PartitionResult = ResponseOf<typeof listOffsetsApi>['topics'][number]['partitions'][number];

const END = -1;
const START = -2;
const GREATEST_TIMESTAMP = -3;

export async function handleListOffsets(
  request: ServerRequest,
  replicas: ReplicaManager,
): Promise<void> {
  request.respond(await listOffsets(request.body as ListOffsetsRequest, replicas));
}

export async function listOffsets(
  body: ListOffsetsRequest,
  replicas: ReplicaManager,
): Promise<ResponseOf<typeof listOffsetsApi>> {
  const topics = await Promise.all(
    body.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(partitions.map((wanted) => findOne(replicas, name, wanted))),
    })),
  );
  return { topics };
}

async function findOne(
  replicas: ReplicaManager,
  topic: string,
  wanted: ListOffsetsRequest['topics'][number]['partitions'][number],
): Promise<PartitionResult> {
  try {
    const partition = replicas.partition(topic, wanted.index);
    partition.checkLeader(wanted.leaderEpoch);
    const found = await find(partition, wanted.timestamp);
    return {
      index: wanted.index,
      errorCode: 0,
      timestamp: found?.timestamp ?? -1,
      offset: found?.offset ?? -1,
      leaderEpoch: found?.leaderEpoch ?? -1,
    };
  } catch (error) {
    const code = errorCode(refusalOf(error));
    return { index: wanted.index, errorCode: code, timestamp: -1, offset: -1, leaderEpoch: -1 };
  }
}

interface Found {
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

async function find(partition: Partition, timestamp: number): Promise<Found | undefined> {
  const { log } = partition;
  if (timestamp === END) {
    // Less than what consumers were told before would make them go back.
    if (!partition.knowsHighWatermark) throw new ProtocolError('OFFSET_NOT_AVAILABLE');
    return { timestamp: -1, offset: partition.highWatermark, leaderEpoch: partition.leaderEpoch };
  }
  if (timestamp === START) {
    const first = log.logStartOffset;
    return { timestamp: -1, offset: first, leaderEpoch: log.epochFor(first) ?? -1 };
  }
  if (timestamp === GREATEST_TIMESTAMP) {
    return below(await log.maxTimestamp(), partition.highWatermark);
  }
  if (timestamp < 0) {
    throw new ProtocolError('INVALID_REQUEST', `No offset is known as timestamp ${timestamp}`);
  }
  return log.findByTimestamp(timestampMs(timestamp), offset(partition.highWatermark));
}

/** Consumers are not told of what lies above the high watermark. */
function below(found: TimestampAndOffset | undefined, end: number): TimestampAndOffset | undefined {
  return found !== undefined && found.offset < end ? found : undefined;
}
