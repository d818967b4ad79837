/**
 * Moves batches from the queues to the brokers that lead them, and decides their fate.
 *
 * At the end of each turn in which something changed, `#drain` looks at every queue that has a
 * batch and none under way, and puts what is due into one request per broker. One batch of a
 * partition is under way at a time: with two, a retry of the first could land after the second.
 */

import { ProtocolError } from '../../protocol/index.ts';
import { backOffMs } from '../cluster/backOff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { DeliveryError } from '../errors.ts';
import type { BuilderPool } from './builderPool.ts';
import type { PartitionQueue } from './partitionQueue.ts';
import { callProduce, type ProduceAnswer } from './produceRequest.ts';
import type { ProducerBatch } from './producerBatch.ts';
import type { ProducerSettings } from './producerSettings.ts';

/** Bytes of batches in one request; a single larger batch still goes. */
const REQUEST_BYTES_MAX = 8 * 1024 * 1024;

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
  /** Queues with something to send and nothing under way; those that waited longest first. */
  readonly #active = new Set<PartitionQueue>();
  readonly #requestsByBroker = new Map<number, number>();
  readonly #connecting = new Set<number>();
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
    this.#unsubscribe = cluster.metadata.onChange(() => this.schedule());
  }

  /** The queue has a first batch, or a full one. */
  wake(queue: PartitionQueue): void {
    if (!queue.inFlight) this.#active.add(queue);
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
    this.#timer?.cancel();
    this.#active.clear();
  }

  #drain(): void {
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    const due = new Map<number, PartitionQueue[]>();
    let wakeMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#active) {
      this.#failExpired(queue, nowMs);
      const { head } = queue;
      if (head === undefined) {
        this.#active.delete(queue);
        continue;
      }
      const dueMs = this.#dueMs(queue, head);
      wakeMs = Math.min(wakeMs, head.createdMs + this.#settings.deliveryTimeoutMs);
      if (dueMs > nowMs) {
        wakeMs = Math.min(wakeMs, dueMs);
        continue;
      }
      const leader = this.#leaderOf(queue, head);
      if (leader === undefined) continue;
      const queues = due.get(leader);
      if (queues === undefined) due.set(leader, [queue]);
      else queues.push(queue);
    }
    for (const [leader, queues] of due) this.#sendTo(leader, queues);
    this.#arm(wakeMs - nowMs);
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
      if (head === undefined || nowMs < head.createdMs + deliveryTimeoutMs) return;
      const reason = head.lastError === undefined ? '' : `: ${head.lastError.message}`;
      const message = `no acknowledgement within ${deliveryTimeoutMs} ms${reason}`;
      this.#fail(queue, head, { code: 'DELIVERY_TIMED_OUT', message, retriable: true });
    }
  }

  #dueMs(queue: PartitionQueue, head: ProducerBatch): number {
    if (head.attempts > 0 || queue.batches.length > 1 || this.#host.flushing) {
      return queue.retryAtMs;
    }
    return Math.max(queue.retryAtMs, head.createdMs + this.#settings.lingerMs);
  }

  /** @returns undefined where none is known: a new look at the metadata is then under way. */
  #leaderOf(queue: PartitionQueue, head: ProducerBatch): number | undefined {
    const { metadata } = this.#cluster;
    const gone = metadata.goneError(queue.topic);
    if (gone !== undefined) {
      this.#failAll(queue, gone);
      return undefined;
    }
    const known = metadata.topic(queue.topic)?.partitions[queue.partition];
    if (known !== undefined && known.leader >= 0) return known.leader;
    head.lastError = new ProtocolError(
      'LEADER_NOT_AVAILABLE',
      `partition ${queue.partition} of topic "${queue.topic}" has no leader`,
    );
    metadata.refresh(queue.topic);
    return undefined;
  }

  /** As many requests as fit under the cap; the rest waits for the next answer. */
  #sendTo(leader: number, queues: readonly PartitionQueue[]): void {
    if (this.#cluster.pool.open(leader) === undefined) {
      this.#connect(leader, queues);
      return;
    }
    let next = 0;
    while (next < queues.length) {
      const requests = this.#requestsByBroker.get(leader) ?? 0;
      if (requests >= this.#settings.inFlightMax) return;
      let bytes = 0;
      const chosen: PartitionQueue[] = [];
      for (; next < queues.length; next++) {
        const queue = queues[next]!;
        bytes += queue.head!.builder.sizeBytes;
        if (chosen.length > 0 && bytes > REQUEST_BYTES_MAX) break;
        chosen.push(queue);
        queue.inFlight = true;
        this.#active.delete(queue);
      }
      this.#requestsByBroker.set(leader, requests + 1);
      void this.#request(leader, chosen);
    }
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
        for (const queue of queues) {
          if (queue.head !== undefined) queue.head.lastError = error;
          this.#cluster.metadata.refresh(queue.topic);
        }
        this.schedule();
      },
    );
  }

  async #request(leader: number, queues: readonly PartitionQueue[]): Promise<void> {
    const batches = queues.map((queue) => queue.head!);
    const answers = await callProduce(this.#cluster, leader, {
      batches,
      settings: this.#settings,
    });
    this.#requestsByBroker.set(leader, this.#requestsByBroker.get(leader)! - 1);
    for (const [index, queue] of queues.entries()) {
      queue.inFlight = false;
      const batch = batches[index]!;
      // A close that gave up waiting has decided it meanwhile.
      if (batch.outcome === undefined) this.#take(queue, batch, answers[index]!);
      if (queue.head !== undefined) this.#active.add(queue);
    }
    this.schedule();
  }

  #take(queue: PartitionQueue, batch: ProducerBatch, answer: ProduceAnswer): void {
    if (answer.kind === 'unsent') {
      batch.lastError = answer.error;
      return;
    }
    batch.attempts++;
    if (answer.kind === 'appended') {
      queue.batches.shift();
      batch.delivered(answer.baseOffset, answer.logAppendTimeMs);
      this.#host.onDecided(batch, answer.written && batch.unknownAttempts === 0);
      return;
    }
    const { error } = answer;
    batch.lastError = error;
    if (answer.outcomeUnknown) batch.unknownAttempts++;
    if (error.code === 'MESSAGE_TOO_LARGE' && batch.recordsCount > 1) {
      const parts = batch.split(() => this.#builders.take());
      queue.batches.splice(0, 1, ...parts);
      this.#host.onSplit(batch, parts);
      return;
    }
    if (!error.retriable) {
      this.#fail(queue, batch, { code: error.code, message: error.message, retriable: false });
      return;
    }
    this.#retryLater(queue, batch, answer);
  }

  #retryLater(
    queue: PartitionQueue,
    batch: ProducerBatch,
    answer: Extract<ProduceAnswer, { readonly kind: 'failed' }>,
  ): void {
    const { metadata, environment, context } = this.#cluster;
    if (answer.refreshMetadata) metadata.refresh(queue.topic);
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
    for (let head = queue.head; head !== undefined; head = queue.head) {
      head.lastError = error;
      this.#fail(queue, head, { code, message, retriable });
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
