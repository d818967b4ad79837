/**
 * Fetch: reads by the same service as the native handler, with sessions around it.
 *
 * The partitions of a request, or of its session, are one list here; the answer of the service is
 * matched with it by position.
 */

import { type ErrorName, errorCode } from '../../../protocol/index.ts';
import type { FetchRequest, FetchResponse } from '../../api/index.ts';
import {
  type FetchedPartition,
  type FetchSession,
  FetchSessions,
  type OpenedFetch,
  takesPart,
} from '../fetchSessions.ts';
import type { KafkaCall } from '../kafkaCall.ts';
import { kafkaCode, kafkaErrorCode } from '../kafkaErrors.ts';
import type { KafkaParts } from '../kafkaParts.ts';
import { LeaderHints } from '../leaderHints.ts';
import { type KafkaResponse, kafkaFetch } from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

type FetchCall = KafkaCall<typeof kafkaFetch>;
type Response = KafkaResponse<typeof kafkaFetch>;
type TopicResult = Response['responses'][number];
type PartitionResult = TopicResult['partitions'][number];
type NativeResult = FetchResponse['topics'][number]['partitions'][number];
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** From here on topics are named by their ids. */
const BY_ID_SINCE = 13;
/** From here on a follower may answer a consumer (KIP-392). */
const FROM_FOLLOWER_SINCE = 11;
const READ_COMMITTED = 1;
const NO_RECORDS = new Uint8Array(0);

export function fetchHandler(parts: KafkaParts): Registration {
  const sessions = new FetchSessions(parts.environment, {
    countMax: parts.config.kafka.fetchSessionsMax,
  });
  return on(kafkaFetch, (call) => {
    const opened = openFetch(parts, sessions, call);
    if (typeof opened === 'string') {
      call.respond({ errorCode: kafkaErrorCode(opened), sessionId: 0, responses: [] });
    } else {
      new KafkaFetch(parts, call, opened).begin();
    }
  });
}

function openFetch(
  { image }: KafkaParts,
  sessions: FetchSessions,
  call: FetchCall,
): OpenedFetch | ErrorName {
  const { body } = call;
  const byTopicId = call.apiVersion >= BY_ID_SINCE;
  const nameOf = (it: { readonly topic: string; readonly topicId: string }): string | null => {
    if (!byTopicId) return it.topic;
    const topic = image.topicById(it.topicId);
    return topic === undefined || topic.deleting ? null : topic.name;
  };
  const partitions = body.topics.flatMap((topic): readonly FetchedPartition[] => {
    const name = nameOf(topic);
    return topic.partitions.map((wanted) => ({
      topic: name,
      topicId: topic.topicId,
      index: wanted.partition,
      leaderEpoch: wanted.currentLeaderEpoch,
      fetchOffset: wanted.fetchOffset,
      lastFetchedEpoch: wanted.lastFetchedEpoch,
      maxBytes: wanted.partitionMaxBytes,
    }));
  });
  const forgotten = body.forgottenTopicsData.flatMap((topic) =>
    topic.partitions.map((index) => ({ topic: nameOf(topic), topicId: topic.topicId, index })),
  );
  const { sessionId, sessionEpoch } = body;
  return sessions.open({ sessionId, sessionEpoch, byTopicId, partitions, forgotten });
}

class KafkaFetch {
  readonly #parts: KafkaParts;
  readonly #call: FetchCall;
  readonly #opened: OpenedFetch;
  /** Answers that the service is not asked for, by position. */
  readonly #early = new Map<number, PartitionResult>();

  constructor(parts: KafkaParts, call: FetchCall, opened: OpenedFetch) {
    this.#parts = parts;
    this.#call = call;
    this.#opened = opened;
  }

  begin(): void {
    const { body, apiVersion, connection, receivedMs } = this.#call;
    const topics = this.#wantedTopics();
    const mustAnswer = this.#early.size > 0 || this.#opened.partitions.length === 0;
    this.#parts.fetch.fetch(
      {
        rack: apiVersion >= FROM_FOLLOWER_SINCE ? body.rackId : null,
        maxWaitMs: mustAnswer ? 0 : body.maxWaitMs,
        minBytes: body.minBytes,
        maxBytes: Math.min(body.maxBytes, this.#parts.config.kafka.fetchBytesMax),
        isolationLevel: body.isolationLevel,
        topics,
      },
      {
        connection,
        receivedMs,
        respond: (response, onSent) => this.#answer(response, onSent),
        respondError: (error) => this.#call.closeConnection(`A fetch failed: ${error}`),
        dropResponse: () => this.#call.dropResponse(),
        closeConnection: (reason) => this.#call.closeConnection(reason),
      },
    );
  }

  #wantedTopics(): FetchRequest['topics'] {
    const topics: Mutable<FetchRequest['topics'][number]>[] = [];
    for (const [position, partition] of this.#opened.partitions.entries()) {
      const early = this.#answeredEarly(partition);
      if (early !== undefined) {
        this.#early.set(position, early);
        continue;
      }
      const { topic, index, leaderEpoch, fetchOffset, maxBytes } = partition;
      const wanted = { index, leaderEpoch, fetchOffset, maxBytes };
      const last = topics.at(-1);
      if (last?.name === topic) last.partitions = [...last.partitions, wanted];
      else topics.push({ name: topic ?? '', topicId: this.#idOf(partition), partitions: [wanted] });
    }
    return topics;
  }

  #idOf({ topicId }: FetchedPartition): string | null {
    return this.#call.apiVersion >= BY_ID_SINCE ? topicId : null;
  }

  /** A topic that is not known by its id, and a log that parted from what the client has read. */
  #answeredEarly(partition: FetchedPartition): PartitionResult | undefined {
    const { topic, index, leaderEpoch, lastFetchedEpoch, fetchOffset } = partition;
    if (topic === null) return refused(index, kafkaErrorCode('UNKNOWN_TOPIC_ID'));
    if (lastFetchedEpoch < 0) return undefined;
    const found = this.#parts.replicas.find(topic, index);
    if (found === undefined || !found.isLeader) return undefined;
    if (leaderEpoch !== -1 && leaderEpoch !== found.leaderEpoch) return undefined;
    const end = found.log.endOffsetFor(lastFetchedEpoch as typeof found.leaderEpoch);
    if (end === undefined) return undefined;
    const { epoch, endOffset } = end;
    if (epoch === lastFetchedEpoch && endOffset >= fetchOffset) return undefined;
    return {
      partitionIndex: index,
      errorCode: 0,
      highWatermark: found.highWatermark,
      lastStableOffset: found.highWatermark,
      logStartOffset: found.log.logStartOffset,
      divergingEpoch: { epoch, endOffset },
      records: NO_RECORDS,
    };
  }

  #answer(response: FetchResponse, onSent: (() => void) | undefined): void {
    const call = this.#call;
    const { partitions, sessionId, session, isIncremental } = this.#opened;
    const hints = new LeaderHints(this.#parts.image);
    const read = response.topics.flatMap((topic) => topic.partitions).values();
    const responses: { topic: string; topicId: string; partitions: PartitionResult[] }[] = [];
    for (const [position, partition] of partitions.entries()) {
      const result =
        this.#early.get(position) ?? this.#partitionResult(hints, partition, read.next().value);
      const takes = session === undefined || isTold(session, partition, result);
      if (isIncremental && !takes) continue;
      const { topic, topicId } = partition;
      const last = responses.at(-1);
      if (last?.topic === (topic ?? '') && last.topicId === topicId) last.partitions.push(result);
      else responses.push({ topic: topic ?? '', topicId, partitions: [result] });
    }
    const nodeEndpoints = hints.endpoints(call.listener);
    call.respond({ errorCode: 0, sessionId, responses, nodeEndpoints }, onSent);
  }

  #partitionResult(
    hints: LeaderHints,
    { topic, index }: FetchedPartition,
    result: NativeResult | undefined,
  ): PartitionResult {
    if (result === undefined) return refused(index, errorCode('UNKNOWN_SERVER_ERROR'));
    const known = hints.errorFor(topic ?? '', index, result.errorCode);
    const isCommitted = this.#call.body.isolationLevel === READ_COMMITTED;
    return {
      partitionIndex: index,
      errorCode: kafkaCode(known),
      highWatermark: result.highWatermark,
      lastStableOffset: result.lastStableOffset,
      logStartOffset: result.logStartOffset,
      currentLeader: hints.leaderFor(topic ?? '', index, known),
      abortedTransactions: isCommitted && result.errorCode === 0 ? [] : null,
      preferredReadReplica: result.preferredReadReplica,
      records: result.records,
    };
  }
}

function isTold(
  session: FetchSession,
  partition: FetchedPartition,
  result: PartitionResult,
): boolean {
  const { records, preferredReadReplica = -1, divergingEpoch = null } = result;
  const hasRecords =
    records instanceof Uint8Array ? records.length > 0 : (records?.length ?? 0) > 0;
  const mustBeTold =
    result.errorCode !== 0 || preferredReadReplica !== -1 || divergingEpoch !== null;
  const { highWatermark, lastStableOffset = -1, logStartOffset = -1 } = result;
  const told = { highWatermark, lastStableOffset, logStartOffset, mustBeTold, hasRecords };
  return takesPart(session, partition, told);
}

function refused(partitionIndex: number, code: number): PartitionResult {
  return { partitionIndex, errorCode: code, highWatermark: -1, records: NO_RECORDS };
}
