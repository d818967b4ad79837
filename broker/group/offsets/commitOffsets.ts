/** A commit of offsets: what of it may be written, the write, and what it changes. */

import type { ErrorName } from '../../../protocol/index.ts';
import { commitError } from '../appendErrors.ts';
import type { GroupContext } from '../groupContext.ts';
import type { GroupEntry } from '../groupEntry.ts';
import type { CommitOffsetsRequest, CommitOffsetsResponse } from '../groupMessages.ts';
import { batchOf } from '../groupRecords.ts';
import type { Leadership } from '../leadership.ts';
import {
  type CommittedOffset,
  encodeOffsetCommitKey,
  encodeOffsetCommitValue,
} from '../records/index.ts';
import type { OffsetPlace } from './groupOffsets.ts';

/** The record holds the length of a text in an int16. */
const RECORD_TEXT_BYTES_MAX = 32_767;

interface Commit {
  readonly request: CommitOffsetsRequest;
  /** Undefined where there is no such group. */
  readonly entry: GroupEntry | undefined;
}

interface Write {
  readonly place: OffsetPlace;
  readonly committed: CommittedOffset;
}

/** @returns when what could be written is on every in-sync replica. */
export async function commitOffsets(
  context: GroupContext,
  leadership: Leadership,
  { request, entry }: Commit,
): Promise<CommitOffsetsResponse> {
  const refusal = entry?.classic.admitCommit(request) ?? 'ILLEGAL_GENERATION';
  if (entry === undefined || refusal !== 'NONE') return answerAll(request, refusal);
  const writes: Write[] = [];
  const checked = request.topics.map((topic) => ({
    name: topic.name,
    partitions: topic.partitions.map((asked) => {
      const error = faultOf(context, topic.name, asked.metadata ?? '');
      if (error === 'NONE') writes.push(writeOf(context, request, { topic: topic.name, ...asked }));
      return { partition: asked.partition, error };
    }),
  }));
  if (writes.length === 0) return { topics: checked };
  const outcome = await write(context, leadership, { entry, writes });
  return {
    topics: checked.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partition, error }) => ({
        partition,
        error: error === 'NONE' ? outcome : error,
      })),
    })),
  };
}

/** The same error for everything that was asked. */
export function answerAll(request: CommitOffsetsRequest, error: ErrorName): CommitOffsetsResponse {
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partition }) => ({ partition, error })),
    })),
  };
}

function faultOf({ options, topicExists }: GroupContext, topic: string, text: string): ErrorName {
  if (!topicExists(topic)) return 'UNKNOWN_TOPIC_OR_PARTITION';
  const isTooLong =
    text.length > options.offsetMetadataBytesMax || Buffer.byteLength(text) > RECORD_TEXT_BYTES_MAX;
  return isTooLong ? 'OFFSET_METADATA_TOO_LARGE' : 'NONE';
}

function writeOf(
  { environment }: GroupContext,
  { retentionMs = -1 }: CommitOffsetsRequest,
  asked: OffsetPlace & {
    readonly committedOffset: number;
    readonly committedLeaderEpoch: number;
    readonly metadata: string | null;
  },
): Write {
  const nowMs = environment.clock.wallMs();
  return {
    place: { topic: asked.topic, partition: asked.partition },
    committed: {
      offset: asked.committedOffset,
      leaderEpoch: asked.committedLeaderEpoch,
      metadata: asked.metadata ?? '',
      commitTimestampMs: nowMs,
      expireTimestampMs: retentionMs < 0 ? -1 : nowMs + retentionMs,
    },
  };
}

async function write(
  { environment }: GroupContext,
  leadership: Leadership,
  { entry, writes }: { readonly entry: GroupEntry; readonly writes: readonly Write[] },
): Promise<ErrorName> {
  const { groupId, offsets } = entry;
  const records = writes.map(({ place, committed }) => ({
    key: encodeOffsetCommitKey({ groupId, ...place }),
    value: encodeOffsetCommitValue(committed),
  }));
  for (const { place } of writes) offsets.begin(place);
  const { error, baseOffset } = await leadership.append(
    batchOf(records, environment.clock.wallMs()),
  );
  writes.forEach(({ place, committed }, index) => {
    offsets.settle(place);
    if (error === 'NONE') offsets.put(place, { ...committed, recordOffset: baseOffset + index });
  });
  return error === 'NONE' ? error : commitError(error);
}
