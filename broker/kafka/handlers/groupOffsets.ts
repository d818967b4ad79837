/** Offsets that groups have committed. */

import type {
  CommitOffsetsRequest,
  FetchOffsetsResponse,
  GroupService,
} from '../../group/index.ts';
import type { KafkaCall } from '../kafkaCall.ts';
import { kafkaErrorCode } from '../kafkaErrors.ts';
import type { KafkaParts } from '../kafkaParts.ts';
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

export function groupOffsetHandlers(parts: KafkaParts): readonly Registration[] {
  const { groups } = parts;
  return [
    on(kafkaOffsetCommit, (call) => commit(parts, call)),
    on(kafkaOffsetFetch, (call) => fetch(groups, call)),
    on(kafkaOffsetDelete, async (call) => {
      const { groupId } = call.body;
      const deleted = await groups.deleteOffsets({
        groupId,
        topics: knownTopics(parts, call.body.topics).map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => partitionIndex),
        })),
      });
      const errorCode = kafkaErrorCode(deleted.error);
      const topics = errorCode === 0 ? partitionErrors(call.body.topics, deleted.topics) : [];
      call.respond({ errorCode, topics });
    }),
  ];
}

async function commit(parts: KafkaParts, call: CommitCall): Promise<void> {
  const { body } = call;
  const topics = knownTopics(parts, body.topics);
  const request: CommitOffsetsRequest = {
    groupId: body.groupId,
    generationIdOrMemberEpoch: body.generationIdOrMemberEpoch,
    memberId: body.memberId,
    groupInstanceId: body.groupInstanceId,
    ...(body.retentionTimeMs < 0 ? {} : { retentionMs: body.retentionTimeMs }),
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => ({
        partition: partition.partitionIndex,
        committedOffset: partition.committedOffset,
        committedLeaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata,
      })),
    })),
  };
  const committed = topics.length === 0 ? [] : (await parts.groups.commitOffsets(request)).topics;
  call.respond({ topics: partitionErrors(body.topics, committed) });
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

interface TopicOfRequest<Partition extends { readonly partitionIndex: number }> {
  readonly name: string;
  readonly partitions: readonly Partition[];
}

/** Without what is not there, of which no group keeps an offset; all while nothing is known yet. */
function knownTopics<Partition extends { readonly partitionIndex: number }>(
  { image }: KafkaParts,
  topics: readonly TopicOfRequest<Partition>[],
): readonly TopicOfRequest<Partition>[] {
  if (image.version === 0) return topics;
  const known = topics.map(({ name, partitions }) => {
    const there = image.usableTopic(name)?.partitions ?? [];
    const isThere = ({ partitionIndex }: Partition): boolean => there[partitionIndex] !== undefined;
    return { name, partitions: partitions.filter(isThere) };
  });
  return known.filter(({ partitions }) => partitions.length > 0);
}

type PartitionError = {
  readonly partition: number;
  readonly error: FetchOffsetsResponse['error'];
};

/** All that were asked for, in that order; what was not handed on is not there. */
function partitionErrors(
  asked: readonly TopicOfRequest<{ readonly partitionIndex: number }>[],
  answered: readonly { readonly name: string; readonly partitions: readonly PartitionError[] }[],
): { name: string; partitions: { partitionIndex: number; errorCode: number }[] }[] {
  const errors = new Map(
    answered.map(({ name, partitions }) => [
      name,
      new Map(partitions.map(({ partition, error }) => [partition, error])),
    ]),
  );
  return asked.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => {
      const error = errors.get(name)?.get(partitionIndex) ?? 'UNKNOWN_TOPIC_OR_PARTITION';
      return { partitionIndex, errorCode: kafkaErrorCode(error) };
    }),
  }));
}
