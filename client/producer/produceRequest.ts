/** One produce request: from batches to what became of each. */

import type { ClientConnection } from '../../network/index.ts';
import {
  type ErrorDefinition,
  errorCatalogue,
  errorName,
  ProtocolError,
  produceApi,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ProducerBatch } from './producerBatch.ts';
import type { ProducerSettings } from './producerSettings.ts';

/** What became of one batch. */
export type ProduceAnswer =
  | {
      readonly kind: 'appended';
      readonly baseOffset: number;
      readonly logAppendTimeMs: number;
      /** Whether the bytes have surely left this process. */
      readonly written: boolean;
    }
  /** Nothing left this process: this was no attempt. */
  | { readonly kind: 'unsent'; readonly error: Error }
  | {
      readonly kind: 'failed';
      readonly error: ProtocolError;
      readonly outcomeUnknown: boolean;
      readonly refreshMetadata: boolean;
      /** The broker that was asked, where it may be cut off from the others. */
      readonly doubted?: number;
      /** The leader that the broker named instead of itself. */
      readonly leader?: { readonly leader: number; readonly leaderEpoch: number };
    };

type ProduceRequest = RequestOf<typeof produceApi>;
type ProduceResponse = ResponseOf<typeof produceApi>;
type PartitionAnswer = ProduceResponse['topics'][number]['partitions'][number];

/**
 * The share of the client's patience that a broker may spend on waiting for replicas: its own
 * timeout answer, which tells more, then comes first.
 */
const BROKER_PATIENCE = 0.8;

export interface ProduceCall {
  readonly batches: readonly ProducerBatch[];
  readonly settings: ProducerSettings;
  /** Settled when the request before this one has left. */
  readonly before: Promise<void> | undefined;
  /** Called when the request has been handed to its connection, or never will be. */
  readonly onLeft: () => void;
}

/** Sends one request and waits for its answer. Never rejects. @returns one answer a batch. */
export async function callProduce(
  cluster: Cluster,
  leader: number,
  options: ProduceCall,
): Promise<readonly ProduceAnswer[]> {
  const { batches, settings, before, onLeft } = options;
  let connection: ClientConnection | undefined;
  try {
    const encoded = encodedBatches(cluster, options);
    const bytes = encoded instanceof Promise ? await encoded : encoded;
    if (before !== undefined) await before;
    connection = cluster.pool.open(leader);
    if (connection === undefined) throw notConnected(leader);
    const timeoutMs = requestTimeoutMs(cluster, batches, settings);
    const request = produceRequest(cluster, { batches, bytes, settings, timeoutMs });
    if (settings.acks === 0) {
      // Waits only until the operating system has the bytes: a slow broker slows its producer down.
      const sending = connection.send(produceApi, request);
      onLeft();
      const written = await sending;
      return batches.map(() => (written ? unacknowledged : lostUnacknowledged));
    }
    const calling = connection.call(produceApi, request, { timeoutMs });
    onLeft();
    const response = await calling;
    return answersOf(response, batches).map((answer) => doubting(answer, leader));
  } catch (error) {
    onLeft();
    const answer = doubting(failedCall(error), leader);
    // A broker that does not answer is given up with its connection: a retry on the same one would
    // wait behind the same obstacle.
    if (answer.kind === 'failed' && answer.error.code === 'REQUEST_TIMED_OUT') {
      void connection?.close();
    }
    return batches.map(() => answer);
  }
}

const unacknowledged: Extract<ProduceAnswer, { readonly kind: 'appended' }> = {
  kind: 'appended',
  baseOffset: -1,
  logAppendTimeMs: -1,
  written: true,
};
/** With acks 0 nobody waits for an answer: what a lost connection swallowed is not sent again. */
const lostUnacknowledged: ProduceAnswer = { ...unacknowledged, written: false };

/** Waits only where another thread compresses. @throws {ProtocolError} with `details.sent` false. */
function encodedBatches(
  cluster: Cluster,
  options: { readonly batches: readonly ProducerBatch[]; readonly settings: ProducerSettings },
): readonly Uint8Array[] | Promise<readonly Uint8Array[]> {
  const compressed = options.settings.compression !== 'none';
  try {
    const encoded = options.batches.map((batch) =>
      batch.encode(cluster.environment.offload, compressed),
    );
    if (encoded.every((bytes) => bytes instanceof Uint8Array)) return encoded;
    return Promise.all(encoded).catch(notEncoded);
  } catch (error) {
    return notEncoded(error);
  }
}

function notEncoded(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  throw new ProtocolError('INVALID_RECORD', `the batch could not be encoded: ${message}`, {
    cause: error,
    details: { sent: false },
  });
}

function notConnected(leader: number): ProtocolError {
  return new ProtocolError('NETWORK_EXCEPTION', `the connection to broker ${leader} is lost`, {
    details: { sent: false },
  });
}

/** Until the deadline of the oldest batch, at most the configured time. */
function requestTimeoutMs(
  cluster: Cluster,
  batches: readonly ProducerBatch[],
  settings: ProducerSettings,
): number {
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const { createdMs } of batches) oldestMs = Math.min(oldestMs, createdMs);
  const leftMs = oldestMs + settings.deliveryTimeoutMs - cluster.environment.clock.monotonicMs();
  return Math.max(Math.min(Math.ceil(leftMs), settings.requestTimeoutMs), 1);
}

function produceRequest(
  cluster: Cluster,
  content: {
    readonly batches: readonly ProducerBatch[];
    readonly bytes: readonly Uint8Array[];
    readonly settings: ProducerSettings;
    readonly timeoutMs: number;
  },
): ProduceRequest {
  const { batches, bytes, settings, timeoutMs } = content;
  type TopicPart = { name: string; topicId: string | null; partitions: PartitionPart[] };
  type PartitionPart = ProduceRequest['topics'][number]['partitions'][number];
  const topics = new Map<string, TopicPart>();
  for (const [index, { topic, partition }] of batches.entries()) {
    const metadata = cluster.metadata.topic(topic);
    let part = topics.get(topic);
    if (part === undefined) {
      part = { name: topic, topicId: metadata?.topicId ?? null, partitions: [] };
      topics.set(topic, part);
    }
    part.partitions.push({
      index: partition,
      leaderEpoch: metadata?.partitions[partition]?.leaderEpoch ?? -1,
      records: bytes[index]!,
    });
  }
  return {
    acks: settings.acks,
    timeoutMs: Math.max(Math.floor(timeoutMs * BROKER_PATIENCE), 1),
    topics: [...topics.values()],
  };
}

function answersOf(
  response: ProduceResponse,
  batches: readonly ProducerBatch[],
): readonly ProduceAnswer[] {
  const answers = new Map<string, PartitionAnswer>();
  for (const { name, partitions } of response.topics) {
    for (const partition of partitions) answers.set(`${partition.index} ${name}`, partition);
  }
  return batches.map(({ topic, partition }) => {
    const answer = answers.get(`${partition} ${topic}`);
    if (answer !== undefined) return answerOf(answer);
    const message = `the broker did not answer for partition ${partition} of topic "${topic}"`;
    return failed(new ProtocolError('UNKNOWN_SERVER_ERROR', message));
  });
}

function answerOf(answer: PartitionAnswer): ProduceAnswer {
  if (answer.errorCode === 0) {
    const { baseOffset, logAppendTimeMs } = answer;
    return { kind: 'appended', baseOffset, logAppendTimeMs, written: true };
  }
  const name = errorName(answer.errorCode);
  // It stands in the log since long ago: only where is forgotten.
  if (name === 'DUPLICATE_SEQUENCE_NUMBER') return unacknowledged;
  const { leader, leaderEpoch } = answer;
  return {
    ...failed(new ProtocolError(name, answer.errorMessage ?? undefined)),
    ...(leader >= 0 ? { leader: { leader, leaderEpoch } } : {}),
  };
}

function failed(error: ProtocolError): Extract<ProduceAnswer, { readonly kind: 'failed' }> {
  const definition: ErrorDefinition = errorCatalogue[error.code];
  return {
    kind: 'failed',
    error,
    // A call says by itself whether its bytes have left; an answer of the broker is one.
    outcomeUnknown: (definition.outcomeUnknown ?? false) && error.details['sent'] !== false,
    refreshMetadata: definition.refreshMetadata ?? false,
  };
}

/** A leader that was deposed and does not know it still says that it leads: others are to be asked. */
function doubting(answer: ProduceAnswer, broker: number): ProduceAnswer {
  const timedOut = answer.kind === 'failed' && answer.error.code === 'REQUEST_TIMED_OUT';
  return timedOut ? { ...answer, doubted: broker } : answer;
}

function failedCall(error: unknown): ProduceAnswer {
  if (error instanceof ProtocolError) {
    const unsent = error.details['sent'] === false && error.retriable;
    return unsent ? { kind: 'unsent', error } : failed(error);
  }
  const message = error instanceof Error ? error.message : String(error);
  return failed(new ProtocolError('UNKNOWN_SERVER_ERROR', message, { cause: error }));
}
