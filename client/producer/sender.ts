/**
 * Moves batches from the queues to the brokers that lead them, and decides their fate.
 *
 * At the end of each turn in which something changed, `#drain` looks at every queue that may send a
 * batch, and puts what is due into requests, each with one batch of a partition at most. How many
 * batches of a partition may be under way, and in which order, `PartitionQueue` tells.
 */

import { ProtocolError } from '../../protocol/index.ts';
import { backOffMs } from '../cluster/backOff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { DeliveryError } from '../errors.ts';
import type { BuilderPool } from './builderPool.ts';
import type { PartitionQueue } from './partitionQueue.ts';
import { callProduce, type ProduceAnswer } from './produceRequest.ts';
import { ProducerIdentities } from './producerIdentity.ts';
import type { ProducerBatch } from './producerBatch.ts';
import type { ProducerSettings } from './producerSettings.ts';

/** Bytes of batches in one request; a single larger batch still goes. */
const REQUEST_BYTES_MAX = 8 * 1024 * 1024;

/** The broker misses batches of the producer, or has forgotten it. */
const SEQUENCE_ERRORS: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
]);

type FailedAnswer = Extract<ProduceAnswer, { readonly kind: 'failed' }>;

/** What the sender needs to know from, and tell to, its producer. */
export interface SenderHost {
  /** Whether linger is over for everything that is queued. */
  readonly flushing: boolean;
  /** @param recyclable whether nobody reads the batch's bytes any more. */
  onDecided(batch: ProducerBatch, recyclable: boolean): void;
  onSplit(batch: ProducerBatch, parts: readonly [ProducerBatch, ProducerBatch]): void;
}

export class Sender {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #builders: BuilderPool;
  readonly #host: SenderHost;
  /** Undefined without idempotence. */
  readonly #identities: ProducerIdentities | undefined;
  /** Queues that may send a batch; those that waited longest first. */
  readonly #active = new Set<PartitionQueue>();
  readonly #requestsByBroker = new Map<number, number>();
  readonly #connecting = new Set<number>();
  /** Settled when the last request to a broker has left: another thread may compress out of order. */
  readonly #leaving = new Map<number, Promise<void>>();
  readonly #unsubscribe: () => void;
  #scheduled = false;
  #timer: { cancel(): void } | undefined;

  constructor(
    cluster: Cluster,
    settings: ProducerSettings,
    parts: { readonly builders: BuilderPool; readonly host: SenderHost },
  ) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#builders = parts.builders;
    this.#host = parts.host;
    this.#identities = settings.idempotent
      ? new ProducerIdentities(cluster, settings.requestTimeoutMs, () => this.schedule())
      : undefined;
    this.#unsubscribe = cluster.metadata.onChange(() => this.schedule());
  }

  /** The queue has a first batch, or a full one. */
  wake(queue: PartitionQueue): void {
    this.#active.add(queue);
    this.schedule();
  }

  /** Looks at the queues at the end of this turn. */
  schedule(): void {
    if (this.#scheduled || this.#active.size === 0) return;
    this.#scheduled = true;
    this.#cluster.environment.timers.afterTurn(() => {
      this.#scheduled = false;
      this.#drain();
    });
  }

  close(): void {
    this.#unsubscribe();
    this.#identities?.close();
    this.#timer?.cancel();
    this.#active.clear();
  }

  #drain(): void {
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    // Each round takes at most one batch of a queue.
    for (;;) {
      const { due, wakeMs } = this.#lookAtQueues(nowMs);
      let sentAny = false;
      for (const [leader, queues] of due) sentAny = this.#sendTo(leader, queues) || sentAny;
      if (sentAny) continue;
      this.#arm(wakeMs - nowMs);
      return;
    }
  }

  /** @returns who may send now, by leader, and when to look again. */
  #lookAtQueues(nowMs: number): {
    readonly due: ReadonlyMap<number, PartitionQueue[]>;
    readonly wakeMs: number;
  } {
    const due = new Map<number, PartitionQueue[]>();
    let wakeMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#active) {
      this.#failExpired(queue, nowMs);
      const batch = queue.sendable;
      if (batch === undefined) {
        this.#active.delete(queue);
        continue;
      }
      const dueMs = this.#dueMs(queue, batch);
      wakeMs = Math.min(wakeMs, batch.createdMs + this.#settings.deliveryTimeoutMs);
      if (dueMs > nowMs) {
        wakeMs = Math.min(wakeMs, dueMs);
        continue;
      }
      if (!this.#hasIdentity(queue, batch)) continue;
      const leader = this.#leaderOf(queue, batch);
      if (leader === undefined) continue;
      const queues = due.get(leader);
      if (queues === undefined) due.set(leader, [queue]);
      else queues.push(queue);
    }
    return { due, wakeMs };
  }

  /** Asks for a producer id where one is needed; an answer schedules the next look. */
  #hasIdentity(queue: PartitionQueue, batch: ProducerBatch): boolean {
    if (this.#identities === undefined || this.#identities.get() !== undefined) return true;
    const { error } = this.#identities;
    batch.lastError = error ?? batch.lastError;
    if (error instanceof ProtocolError && !error.retriable) this.#failAll(queue, error);
    return false;
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#active.size === 0 || delayMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#cluster.environment.timers.set(Math.max(delayMs, 0), () => this.#drain());
  }

  #failExpired(queue: PartitionQueue, nowMs: number): void {
    const { deliveryTimeoutMs } = this.#settings;
    for (;;) {
      const { head } = queue;
      if (head === undefined || head.inFlight) return;
      if (nowMs < head.createdMs + deliveryTimeoutMs) return;
      const reason = head.lastError === undefined ? '' : `: ${head.lastError.message}`;
      const message = `no acknowledgement within ${deliveryTimeoutMs} ms${reason}`;
      this.#fail(queue, head, { code: 'DELIVERY_TIMED_OUT', message, retriable: true });
    }
  }

  #dueMs(queue: PartitionQueue, batch: ProducerBatch): number {
    if (batch.attempts > 0 || queue.batches.length > 1 || this.#host.flushing) {
      return queue.retryAtMs;
    }
    return Math.max(queue.retryAtMs, batch.createdMs + this.#settings.lingerMs);
  }

  /** @returns undefined where none is known: a new look at the metadata is then under way. */
  #leaderOf(queue: PartitionQueue, batch: ProducerBatch): number | undefined {
    const { metadata } = this.#cluster;
    const gone = metadata.goneError(queue.topic);
    if (gone !== undefined) {
      this.#failAll(queue, gone);
      return undefined;
    }
    const known = metadata.topic(queue.topic)?.partitions[queue.partition];
    if (known !== undefined && known.leader >= 0) return known.leader;
    batch.lastError = new ProtocolError(
      'LEADER_NOT_AVAILABLE',
      `partition ${queue.partition} of topic "${queue.topic}" has no leader`,
    );
    metadata.refresh(queue.topic);
    return undefined;
  }

  /**
   * As many requests as fit under the cap; the rest waits for the next answer.
   *
   * @returns whether anything was sent.
   */
  #sendTo(leader: number, queues: readonly PartitionQueue[]): boolean {
    const { pool, metadata } = this.#cluster;
    if (pool.open(leader) === undefined) {
      this.#connect(leader, queues);
      // Each answer leads here again: others may know of a new leader long before this one, which
      // is tried ever more rarely, refuses once more.
      if (pool.fails(leader)) for (const { topic } of queues) metadata.refresh(topic);
      return false;
    }
    let next = 0;
    while (next < queues.length) {
      const requests = this.#requestsByBroker.get(leader) ?? 0;
      if (requests >= this.#settings.inFlightMax) return next > 0;
      let bytes = 0;
      const chosen: PartitionQueue[] = [];
      const batches: ProducerBatch[] = [];
      for (; next < queues.length; next++) {
        const queue = queues[next]!;
        const batch = queue.sendable!;
        bytes += batch.builder.sizeBytes;
        if (chosen.length > 0 && bytes > REQUEST_BYTES_MAX) break;
        chosen.push(queue);
        batches.push(batch);
        queue.sending(batch, this.#identities?.get());
        // At the end of the line.
        this.#active.delete(queue);
        this.#active.add(queue);
      }
      this.#requestsByBroker.set(leader, requests + 1);
      void this.#request(leader, chosen, batches);
    }
    return true;
  }

  #connect(leader: number, queues: readonly PartitionQueue[]): void {
    if (this.#connecting.has(leader)) return;
    this.#connecting.add(leader);
    this.#cluster.pool.broker(leader).then(
      () => {
        this.#connecting.delete(leader);
        this.schedule();
      },
      (error: Error) => {
        this.#connecting.delete(leader);
        for (const queue of queues) if (queue.head !== undefined) queue.head.lastError = error;
        this.schedule();
      },
    );
  }

  async #request(
    leader: number,
    queues: readonly PartitionQueue[],
    batches: readonly ProducerBatch[],
  ): Promise<void> {
    const before = this.#leaving.get(leader);
    let left!: () => void;
    if (this.#settings.compression !== 'none') {
      this.#leaving.set(leader, new Promise((resolve) => (left = resolve)));
    } else left = NOTHING;
    const answers = await callProduce(this.#cluster, leader, {
      batches,
      settings: this.#settings,
      before,
      onLeft: left,
    });
    this.#requestsByBroker.set(leader, this.#requestsByBroker.get(leader)! - 1);
    for (const [index, queue] of queues.entries()) {
      const batch = batches[index]!;
      queue.answered(batch);
      // A close that gave up waiting has decided it meanwhile.
      if (batch.outcome === undefined) this.#take(queue, batch, answers[index]!);
      if (queue.head !== undefined) this.#active.add(queue);
    }
    this.schedule();
  }

  #take(queue: PartitionQueue, batch: ProducerBatch, answer: ProduceAnswer): void {
    if (answer.kind === 'unsent') {
      batch.lastError = answer.error;
      queue.failed();
      return;
    }
    batch.attempts++;
    if (answer.kind === 'appended') {
      queue.acknowledged(batch);
      batch.delivered(answer.baseOffset, answer.logAppendTimeMs);
      this.#host.onDecided(batch, answer.written && batch.unknownAttempts === 0);
      return;
    }
    queue.failed();
    const { error } = answer;
    batch.lastError = error;
    if (answer.outcomeUnknown) batch.unknownAttempts++;
    if (error.code === 'MESSAGE_TOO_LARGE' && batch.recordsCount > 1) {
      const parts = batch.split(() => this.#builders.take());
      queue.batches.splice(queue.batches.indexOf(batch), 1, ...parts);
      this.#host.onSplit(batch, parts);
      return;
    }
    if (batch.producer !== undefined && SEQUENCE_ERRORS.has(error.code)) {
      this.#onMissingBatches(queue, batch, answer);
      return;
    }
    if (!error.retriable) {
      this.#fail(queue, batch, { code: error.code, message: error.message, retriable: false });
      return;
    }
    this.#retryLater(queue, batch, answer);
  }

  /** The batch is not appended, since the broker has not got what was sent before it. */
  #onMissingBatches(queue: PartitionQueue, batch: ProducerBatch, answer: FailedAnswer): void {
    const { error } = answer;
    // What is missing failed too, or is sent again before this one.
    if (!batch.sentAlone || queue.head !== batch) return;
    this.#cluster.logger.warn('The numbers of a partition begin again', {
      topic: queue.topic,
      partition: queue.partition,
      code: error.code,
      reason: error.message,
    });
    this.#retryLater(queue, batch, answer);
    const { unknown, exhausted } = queue.bumpEpoch();
    if (exhausted) this.#identities?.renew();
    for (const lost of unknown) {
      lost.lastError ??= error;
      this.#fail(queue, lost, { code: error.code, message: error.message, retriable: false });
    }
  }

  #retryLater(queue: PartitionQueue, batch: ProducerBatch, answer: FailedAnswer): void {
    const { metadata, environment, context } = this.#cluster;
    if (answer.refreshMetadata) metadata.refresh(queue.topic, answer.doubted);
    const { leader } = answer;
    const moved =
      leader !== undefined && metadata.learnLeader(queue.topic, queue.partition, leader);
    const pauseMs = moved ? 0 : backOffMs(context.backOff, batch.attempts, environment.random);
    queue.retryAtMs = environment.clock.monotonicMs() + pauseMs;
    this.#cluster.logger.debug('A batch is sent again', {
      topic: queue.topic,
      partition: queue.partition,
      attempts: batch.attempts,
      code: answer.error.code,
    });
  }

  #failAll(queue: PartitionQueue, error: ProtocolError): void {
    const { code, message, retriable } = error;
    // Those under way are decided by their answers.
    for (const batch of queue.batches.filter(({ inFlight }) => !inFlight)) {
      batch.lastError = error;
      this.#fail(queue, batch, { code, message, retriable });
    }
  }

  #fail(
    queue: PartitionQueue,
    batch: ProducerBatch,
    error: { readonly code: string; readonly message: string; readonly retriable: boolean },
  ): void {
    queue.batches.splice(queue.batches.indexOf(batch), 1);
    const outcomeUnknown = batch.unknownAttempts > 0;
    const count = batch.recordsCount;
    const what = `${count} record${count === 1 ? '' : 's'} for partition ${queue.partition} of topic "${queue.topic}"`;
    const fate = outcomeUnknown ? 'may not have been written' : 'not written';
    batch.failed(
      new DeliveryError(error.code, `${what} ${fate}: ${error.message}`, {
        topic: queue.topic,
        partition: queue.partition,
        outcomeUnknown,
        retriable: error.retriable,
        cause: batch.lastError,
        details: { attempts: batch.attempts, recordsCount: count },
      }),
    );
    this.#host.onDecided(batch, false);
  }
}

const NOTHING = () => undefined;
