/** Produce: hands each partition its batch, as the native handler does. */

import { BATCH_HEADER_BYTES, type ErrorName, RecordBatchView } from '../../../protocol/index.ts';
import type { ProduceRequest, ProduceResponse } from '../../api/index.ts';
import type { KafkaCall } from '../kafkaCall.ts';
import { kafkaCode, kafkaErrorCode, NO_TRANSACTIONS } from '../kafkaErrors.ts';
import type { KafkaParts } from '../kafkaParts.ts';
import { LeaderHints } from '../leaderHints.ts';
import { type KafkaResponse, kafkaProduce } from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

type ProduceCall = KafkaCall<typeof kafkaProduce>;
type Wanted = ProduceCall['body']['topicData'][number]['partitionData'][number];
type TopicResult = KafkaResponse<typeof kafkaProduce>['responses'][number];
type PartitionResult = TopicResult['partitionResponses'][number];
type NativeResult = ProduceResponse['topics'][number]['partitions'][number];

const ZSTD = 4;
const ZSTD_SINCE = 7;
const view = new RecordBatchView();

/** A partition that is not handed on, with the number and the words of the reason. */
interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string;
}

export function produceHandler(parts: KafkaParts): Registration {
  return on(kafkaProduce, (call) => new KafkaProduce(parts, call).begin());
}

class KafkaProduce {
  readonly #parts: KafkaParts;
  readonly #call: ProduceCall;
  /** For each topic and partition of the request, in its order: its index, and why not. */
  readonly #asked: {
    readonly name: string;
    readonly partitions: { readonly index: number; readonly refusal: Refusal | undefined }[];
  }[] = [];

  constructor(parts: KafkaParts, call: ProduceCall) {
    this.#parts = parts;
    this.#call = call;
  }

  begin(): void {
    const call = this.#call;
    const { acks, timeoutMs } = call.body;
    const wholeRefusal = this.#wholeRefusal();
    const topics: ProduceRequest['topics'][number][] = [];
    for (const { name, partitionData } of call.body.topicData) {
      const partitions: ProduceRequest['topics'][number]['partitions'][number][] = [];
      const asked = partitionData.map((wanted) => {
        const refusal = wholeRefusal ?? refusalFor(wanted, call.apiVersion);
        const { index, records } = wanted;
        if (refusal === undefined && records !== null) {
          partitions.push({ index, leaderEpoch: -1, records });
        }
        return { index, refusal };
      });
      this.#asked.push({ name, partitions: asked });
      topics.push({ name, topicId: null, partitions });
    }
    const { connection, receivedMs } = call;
    this.#parts.produce.produce(
      { acks: wholeRefusal === undefined ? acks : 1, timeoutMs, topics },
      {
        connection,
        receivedMs,
        respond: (response) => this.#answer(response),
        respondError: (error) => call.closeConnection(`A produce request failed: ${error}`),
        dropResponse: () => this.#drop(),
        closeConnection: (reason) => call.closeConnection(reason),
      },
    );
  }

  /** Why no partition of the request is appended to. */
  #wholeRefusal(): Refusal | undefined {
    const { acks, transactionalId } = this.#call.body;
    if (acks !== -1 && acks !== 0 && acks !== 1) {
      return refusal('INVALID_REQUIRED_ACKS', `acks must be -1, 0 or 1, not ${acks}`);
    }
    const isTransactional = this.#call.body.topicData.some(({ partitionData }) =>
      partitionData.some(
        ({ records }) => records !== null && isBatch(records) && headerOf(records).isTransactional,
      ),
    );
    if (transactionalId === null && !isTransactional) return undefined;
    return { errorCode: NO_TRANSACTIONS, errorMessage: 'This release has no transactions' };
  }

  /** With acks 0 the only sign of a refusal is that the connection ends. */
  #drop(): void {
    for (const { partitions } of this.#asked) {
      const refused = partitions.find((it) => it.refusal !== undefined)?.refusal;
      if (refused === undefined) continue;
      this.#call.closeConnection(refused.errorMessage);
      return;
    }
    this.#call.dropResponse();
  }

  #answer(response: ProduceResponse): void {
    const call = this.#call;
    if (call.body.acks === 0) {
      this.#drop();
      return;
    }
    const hints = new LeaderHints(this.#parts.image);
    const responses = this.#asked.map(({ name, partitions }, t): TopicResult => {
      const appended = response.topics[t]?.partitions.values();
      const partitionResponses = partitions.map(({ index, refusal: refused }): PartitionResult => {
        if (refused !== undefined) return { index, baseOffset: -1, ...refused };
        const result = appended?.next().value;
        return result === undefined
          ? { index, baseOffset: -1, errorCode: kafkaErrorCode('UNKNOWN_SERVER_ERROR') }
          : partitionResult(hints, name, result);
      });
      return { name, partitionResponses };
    });
    call.respond({ responses, nodeEndpoints: hints.endpoints(call.listener) });
  }
}

function partitionResult(hints: LeaderHints, topic: string, result: NativeResult): PartitionResult {
  const { index, baseOffset, logAppendTimeMs, logStartOffset, errorMessage } = result;
  const known = hints.errorFor(topic, index, result.errorCode);
  return {
    index,
    errorCode: kafkaCode(known),
    errorMessage,
    baseOffset,
    logAppendTimeMs,
    logStartOffset,
    currentLeader: hints.leaderFor(topic, index, known),
  };
}

/** What the version of the request does not allow: Kafka looks at it before it finds the partition. */
function refusalFor({ records }: Wanted, apiVersion: number): Refusal | undefined {
  if (records === null || records.length === 0) {
    return refusal('INVALID_RECORD', 'A produce request has exactly one record batch a partition');
  }
  if (!isBatch(records)) return undefined;
  const { magic, codecId } = headerOf(records);
  if (magic < 2) return refusal('INVALID_RECORD', `A record batch has magic ${magic}, not 2`);
  if (codecId === ZSTD && apiVersion < ZSTD_SINCE) {
    return refusal(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `Produce version ${apiVersion} does not know zstd; version ${ZSTD_SINCE} does`,
    );
  }
  return undefined;
}

function isBatch(records: Uint8Array): boolean {
  return records.length >= BATCH_HEADER_BYTES;
}

function headerOf(records: Uint8Array): {
  readonly magic: number;
  readonly codecId: number;
  readonly isTransactional: boolean;
} {
  const { magic, codecId, isTransactional } = view.at(records, 0);
  view.release();
  return { magic, codecId, isTransactional: magic === 2 && isTransactional };
}

function refusal(error: ErrorName, errorMessage: string): Refusal {
  return { errorCode: kafkaErrorCode(error), errorMessage };
}
