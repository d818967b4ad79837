/**
 * Produce: finds the partitions, hands each its batch, and answers when all are acknowledged.
 *
 * One object a request, one slot a partition. The appends happen before `handle` returns, so
 * requests of one connection reach a partition in the order in which they came; only the wait for
 * the acknowledgement is concurrent.
 */

import type { Clock } from '../../common/index.ts';
import type { ServerRequest } from '../../network/index.ts';
import {
  type ErrorName,
  errorCode,
  ProtocolError,
  type produceApi,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { BrokerProbe } from '../metrics/index.ts';
import type {
  AppendWaiter,
  DelayedOperation,
  Purgatory,
  ReplicaManager,
} from '../replica/index.ts';
import type { Exchange } from './exchange.ts';
import { refusalOf } from './refusal.ts';

export type ProduceRequest = RequestOf<typeof produceApi>;
export type ProduceResponse = ResponseOf<typeof produceApi>;
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type PartitionResult = Mutable<ProduceResponse['topics'][number]['partitions'][number]>;

export interface ProduceParts {
  readonly clock: Clock;
  readonly replicas: ReplicaManager;
  /** Where requests wait for their acknowledgements. */
  readonly purgatory: Purgatory;
  readonly probe: BrokerProbe;
}

export class ProduceHandler {
  readonly #parts: ProduceParts;

  constructor(parts: ProduceParts) {
    this.#parts = parts;
  }

  handle(request: ServerRequest): void {
    this.produce(request.body as ProduceRequest, request);
  }

  /** Appends before it returns; the exchange is answered when all is acknowledged. */
  produce(body: ProduceRequest, exchange: Exchange<ProduceResponse>): void {
    if (body.acks !== -1 && body.acks !== 0 && body.acks !== 1) {
      exchange.respondError('INVALID_REQUIRED_ACKS', `acks must be -1, 0 or 1, not ${body.acks}`);
      return;
    }
    const produce = new PendingProduce(this.#parts, exchange, body);
    produce.appendAll(body.topics, body.acks);
  }
}

/** Keeps nothing of the request's body: its record batches are views that do not outlive the turn. */
class PendingProduce implements AppendWaiter, DelayedOperation {
  readonly #exchange: Exchange<ProduceResponse>;
  readonly #timeoutMs: number;
  readonly #topics: { readonly name: string; readonly partitionCount: number }[];
  readonly #parts: ProduceParts;
  readonly #results: PartitionResult[] = [];
  /** Slots that wait for their acknowledgement. */
  readonly #waiting = new Set<number>();
  #answered = false;

  constructor(parts: ProduceParts, exchange: Exchange<ProduceResponse>, body: ProduceRequest) {
    this.#parts = parts;
    this.#exchange = exchange;
    this.#timeoutMs = Math.max(0, body.timeoutMs);
    this.#topics = body.topics.map(({ name, partitions }) => ({
      name,
      partitionCount: partitions.length,
    }));
  }

  appendAll(topics: ProduceRequest['topics'], acks: -1 | 0 | 1): void {
    const { replicas, purgatory, probe } = this.#parts;
    for (const topic of topics) {
      for (const wanted of topic.partitions) {
        const slot = this.#results.length;
        this.#waiting.add(slot);
        try {
          const partition = replicas.partition(topic.name, wanted.index, topic.topicId);
          const appended = partition.append({
            batch: wanted.records as Uint8Array,
            acks,
            expectedLeaderEpoch: wanted.leaderEpoch,
            waiter: this,
            slot,
          });
          probe.producedBatchesTotal += 1;
          probe.producedBytesTotal += wanted.records.length;
          probe.producedRecordsTotal += appended.recordCount;
          this.#results.push({
            ...emptyResult(wanted.index),
            baseOffset: appended.baseOffset,
            logAppendTimeMs: appended.logAppendTimeMs,
            logStartOffset: partition.log.logStartOffset,
          });
        } catch (error) {
          this.#waiting.delete(slot);
          this.#results.push(this.#refused(topic.name, wanted.index, error));
        }
      }
    }
    if (acks === 0) this.#dropResponse();
    else if (this.#waiting.size === 0) this.#answer();
    else purgatory.add(this, this.#timeoutMs);
  }

  appendDone(slot: number, error: ErrorName | undefined): void {
    if (this.#answered || !this.#waiting.delete(slot)) return;
    if (error !== undefined) this.#fail(slot, error);
    if (this.#waiting.size > 0) return;
    this.#parts.purgatory.remove(this);
    this.#answer();
  }

  expire(): void {
    if (this.#answered) return;
    for (const slot of this.#waiting) this.#fail(slot, 'REQUEST_TIMED_OUT');
    this.#answer();
  }

  #fail(slot: number, error: ErrorName): void {
    const result = this.#results[slot];
    if (result === undefined) return;
    this.#parts.probe.countError(error);
    this.#results[slot] = { ...emptyResult(result.index), errorCode: errorCode(error) };
  }

  #refused(topic: string, index: number, error: unknown): PartitionResult {
    const { replicas, probe } = this.#parts;
    const code = refusalOf(error);
    probe.countError(code);
    const hint = code === 'NOT_LEADER_OR_FOLLOWER' ? replicas.leaderHint(topic, index) : undefined;
    return {
      ...emptyResult(index),
      ...hint,
      errorCode: errorCode(code),
      errorMessage: error instanceof ProtocolError ? error.message : null,
    };
  }

  /** With acks 0 the only sign of a refusal is that the connection ends. */
  #dropResponse(): void {
    this.#answered = true;
    const refused = this.#results.find((result) => result.errorCode !== 0);
    if (refused === undefined) this.#exchange.dropResponse();
    else
      this.#exchange.closeConnection(refused.errorMessage ?? 'A produce with acks 0 was refused');
  }

  #answer(): void {
    this.#answered = true;
    const { clock, probe } = this.#parts;
    probe.produceLatency.observe(clock.monotonicMs() - this.#exchange.receivedMs);
    let slot = 0;
    const topics = this.#topics.map(({ name, partitionCount }) => {
      const partitions = this.#results.slice(slot, slot + partitionCount);
      slot += partitionCount;
      return { name, partitions };
    });
    const response: ProduceResponse = { topics };
    this.#exchange.respond(response);
  }
}

function emptyResult(index: number): PartitionResult {
  return {
    index,
    errorCode: 0,
    errorMessage: null,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    leader: -1,
    leaderEpoch: -1,
  };
}
