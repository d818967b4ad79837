/** Offsets that groups have committed. */

import type {
  CommitOffsetsRequest,
  FetchOffsetsResponse,
  GroupService,
} from '../../group/index.ts';
import type { KafkaCall } from '../kafkaCall.ts';
import { kafkaErrorCode } from '../kafkaErrors.ts';
import {
  type KafkaResponse,
  kafkaOffsetCommit,
  kafkaOffsetDelete,
  kafkaOffsetFetch,
} from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

type CommitCall = KafkaCall<typeof kafkaOffsetCommit>;
type FetchCall = KafkaCall<typeof kafkaOffsetFetch>;
type FetchedTopics = NonNullable<KafkaResponse<typeof kafkaOffsetFetch>['topics']>;

/** From here on several groups are asked for at once (KIP-709). */
const SEVERAL_GROUPS_SINCE = 8;
/** Before this version there is no error of the group as a whole. */
const GROUP_ERROR_SINCE = 2;

export function groupOffsetHandlers(groups: GroupService): readonly Registration[] {
  return [
    on(kafkaOffsetCommit, (call) => commit(groups, call)),
    on(kafkaOffsetFetch, (call) => fetch(groups, call)),
    on(kafkaOffsetDelete, async (call) => {
      const { groupId, topics } = call.body;
      const deleted = await groups.deleteOffsets({
        groupId,
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => partitionIndex),
        })),
      });
      call.respond({
        errorCode: kafkaErrorCode(deleted.error),
        topics: partitionErrors(deleted.topics),
      });
    }),
  ];
}

async function commit(groups: GroupService, call: CommitCall): Promise<void> {
  const { body } = call;
  const request: CommitOffsetsRequest = {
    groupId: body.groupId,
    generationIdOrMemberEpoch: body.generationIdOrMemberEpoch,
    memberId: body.memberId,
    groupInstanceId: body.groupInstanceId,
    ...(body.retentionTimeMs < 0 ? {} : { retentionMs: body.retentionTimeMs }),
    topics: body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => ({
        partition: partition.partitionIndex,
        committedOffset: partition.committedOffset,
        committedLeaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata,
      })),
    })),
  };
  const committed = await groups.commitOffsets(request);
  call.respond({ topics: partitionErrors(committed.topics) });
}

async function fetch(groups: GroupService, call: FetchCall): Promise<void> {
  const { body, apiVersion } = call;
  const { requireStable } = body;
  if (apiVersion >= SEVERAL_GROUPS_SINCE) {
    const fetched = body.groups.map(async ({ groupId, memberId, memberEpoch, topics }) => {
      const wanted = {
        groupId,
        memberId,
        memberEpoch,
        requireStable,
        topics: wantedTopics(topics),
      };
      const response = await groups.fetchOffsets(wanted);
      const errorCode = kafkaErrorCode(response.error);
      return { groupId, errorCode, topics: fetchedTopics(response) };
    });
    call.respond({ groups: await Promise.all(fetched) });
    return;
  }
  const response = await groups.fetchOffsets({
    groupId: body.groupId,
    memberId: null,
    memberEpoch: -1,
    requireStable,
    topics: wantedTopics(body.topics),
  });
  const errorCode = kafkaErrorCode(response.error);
  const isTold = errorCode === 0 || apiVersion >= GROUP_ERROR_SINCE;
  const topics = isTold ? fetchedTopics(response) : refusedTopics(body.topics ?? [], errorCode);
  call.respond({ errorCode, topics });
}

type WantedTopics = FetchCall['body']['topics'];

function wantedTopics(
  topics: WantedTopics,
): readonly { readonly name: string; readonly partitions: readonly number[] }[] | null {
  return (
    topics?.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes })) ?? null
  );
}

function fetchedTopics({ topics }: FetchOffsetsResponse): FetchedTopics {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((it) => ({
      partitionIndex: it.partition,
      committedOffset: it.committedOffset,
      committedLeaderEpoch: it.committedLeaderEpoch,
      metadata: it.metadata,
      errorCode: kafkaErrorCode(it.error),
    })),
  }));
}

/** Where the version has no place for the error of the group, each partition carries it. */
function refusedTopics(topics: NonNullable<WantedTopics>, errorCode: number): FetchedTopics {
  return topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      return { partitionIndex, committedOffset: -1, metadata: '', errorCode };
    }),
  }));
}

function partitionErrors(
  topics: readonly {
    readonly name: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly error: FetchOffsetsResponse['error'];
    }[];
  }[],
): {
  name: string;
  partitions: { partitionIndex: number; errorCode: number }[];
}[] {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partition, error }) => {
      return { partitionIndex: partition, errorCode: kafkaErrorCode(error) };
    }),
  }));
}
