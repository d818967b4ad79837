/**
 * Records that have no place yet: their topic is not known, or the buffer is full. They wait in
 * line, topic by topic, at most `blockMsMax`.
 */

import type { Cluster } from '../cluster/cluster.ts';
import { Deadline } from '../cluster/deadline.ts';
import { ClientError } from '../errors.ts';
import { Delivery } from './delivery.ts';
import type { ProducerBatch } from './producerBatch.ts';
import type { ProducerSettings } from './producerSettings.ts';
import { RecordCopies } from './recordCopies.ts';
import { refusal } from './refusal.ts';
import type { EncodedRecord, PendingRecord, TopicQueue } from './topicQueue.ts';

export interface PendingHost {
  hasRoom(bytes: number): boolean;
  /** @throws whatever makes this record impossible. */
  place(topic: TopicQueue, record: EncodedRecord): ProducerBatch;
  refuse(delivery: Delivery, error: Error): void;
}

export class PendingRecords {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #host: PendingHost;
  /** Topics in which records wait; those that waited longest first. */
  readonly #topics = new Set<TopicQueue>();
  readonly #copies = new RecordCopies();
  #count = 0;

  constructor(cluster: Cluster, settings: ProducerSettings, host: PendingHost) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#host = host;
  }

  get count(): number {
    return this.#count;
  }

  /** Puts a record at the end of its topic's line. Its bytes are copied. */
  add(topic: TopicQueue, record: EncodedRecord): PendingRecord {
    const pending: PendingRecord = {
      record: this.#copies.record(record),
      delivery: new Delivery(undefined, -1),
      deadlineMs: this.#cluster.environment.clock.monotonicMs() + this.#settings.blockMsMax,
      onLeft: undefined,
    };
    topic.pending.push(pending);
    this.#topics.add(topic);
    this.#count += 1;
    if (topic.metadata === undefined) void this.#resolve(topic);
    else this.#armTimer(topic);
    return pending;
  }

  /** There may be room: places as many as fit, in order. */
  admit(): void {
    for (const topic of this.#topics) this.#admitTopic(topic);
  }

  /** Resolves when everything that waits now has a place or was refused. */
  async allLeft(): Promise<void> {
    const last = [...this.#topics].flatMap(({ pending }) => pending.last ?? []);
    await Promise.all(last.map(hasLeft));
  }

  refuseAll(error: Error): void {
    for (const topic of this.#topics) this.#refuseTopic(topic, error);
  }

  async #resolve(topic: TopicQueue): Promise<void> {
    if (topic.resolving) return;
    topic.resolving = true;
    const { environment, metadata } = this.#cluster;
    const timeoutMs = this.#settings.blockMsMax;
    const deadline = new Deadline(environment, `finding topic "${topic.topic}"`, { timeoutMs });
    try {
      topic.metadata = await metadata.resolve(topic.topic, deadline);
      this.#admitTopic(topic);
      this.#armTimer(topic);
    } catch (error) {
      this.#refuseTopic(topic, refusal(error, topic.topic));
    } finally {
      topic.resolving = false;
    }
  }

  #admitTopic(topic: TopicQueue): void {
    if (topic.metadata === undefined) return;
    for (let first = topic.pending.first; first !== undefined; first = topic.pending.first) {
      if (!this.#host.hasRoom(first.record.sizeBytes)) return;
      this.#shift(topic);
      // Its sender has stopped waiting.
      if (first.delivery.refused) continue;
      try {
        const batch = this.#host.place(topic, first.record);
        first.delivery.place(batch, batch.recordsCount - 1);
      } catch (error) {
        this.#host.refuse(first.delivery, refusal(error, topic.topic));
      }
    }
  }

  #refuseTopic(topic: TopicQueue, error: Error): void {
    for (let first = this.#shift(topic); first !== undefined; first = this.#shift(topic)) {
      if (!first.delivery.refused) this.#host.refuse(first.delivery, error);
    }
  }

  #shift(topic: TopicQueue): PendingRecord | undefined {
    const first = topic.pending.shift();
    if (first === undefined) return undefined;
    this.#count -= 1;
    if (topic.pending.length === 0) {
      this.#topics.delete(topic);
      topic.pendingTimer?.cancel();
      topic.pendingTimer = undefined;
    }
    // Not before the caller has dealt with it: whoever listens finds it placed or refused.
    const { onLeft } = first;
    if (onLeft !== undefined) {
      queueMicrotask(() => {
        for (const call of onLeft) call();
      });
    }
    return first;
  }

  /** The oldest of a line waits longest, so one timer serves the line. */
  #armTimer(topic: TopicQueue): void {
    const { first } = topic.pending;
    if (first === undefined || topic.pendingTimer !== undefined) return;
    const { clock, timers } = this.#cluster.environment;
    const delayMs = Math.max(first.deadlineMs - clock.monotonicMs(), 0);
    if (delayMs === Number.POSITIVE_INFINITY) return;
    topic.pendingTimer = timers.set(delayMs, () => {
      topic.pendingTimer = undefined;
      this.#refuseExpired(topic);
      this.#armTimer(topic);
    });
  }

  #refuseExpired(topic: TopicQueue): void {
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    const { blockMsMax, bufferBytes } = this.#settings;
    for (let first = topic.pending.first; first !== undefined; first = topic.pending.first) {
      if (first.deadlineMs > nowMs) return;
      this.#shift(topic);
      if (first.delivery.refused) continue;
      const error = new ClientError(
        'BUFFER_FULL',
        `the producer's buffer of ${bufferBytes} bytes had no room for ${blockMsMax} ms: ` +
          'await send() or ready(), or raise bufferBytes',
      );
      this.#host.refuse(first.delivery, refusal(error, topic.topic));
    }
  }
}

/** Resolves when the record has a place or was refused. */
export function hasLeft(pending: PendingRecord): Promise<void> {
  return new Promise((resolve) => {
    pending.onLeft ??= [];
    pending.onLeft.push(resolve);
  });
}
