/**
 * The producer: encodes each record into the batch of its partition at once, so that `send` costs
 * its bytes and one small object; everything else happens once a batch.
 *
 * A record that cannot be placed at once (its topic is not known yet, or the buffer is full) waits
 * in line of its topic, and so does every later one of that topic: order is that of the calls.
 */

import { RecordBatchBuilder, type RecordBytes } from '../../protocol/index.ts';
import type { CallOptions } from '../callOptions.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { Deadline } from '../cluster/deadline.ts';
import { ClientError, DeliveryError } from '../errors.ts';
import { checkedTopic } from '../options.ts';
import { BatchSend } from './batchSend.ts';
import { BuilderPool } from './builderPool.ts';
import { Delivery } from './delivery.ts';
import { FailureList } from './failureList.ts';
import { ObservedPromise } from './observedPromise.ts';
import { PartitionChooser } from './partitionChooser.ts';
import { hasLeft, type PendingHost, PendingRecords } from './pendingRecords.ts';
import type { Producer, ProducerOptions } from './producer.ts';
import { ProducerBatch } from './producerBatch.ts';
import type {
  BatchDeliveryResult,
  BatchRecord,
  DeliveryResult,
  ProducerRecord,
  RecordBatchInput,
} from './producerRecord.ts';
import { type ProducerSettings, producerSettings } from './producerSettings.ts';
import { headersToWrite, RecordEncoder, timestampToWrite } from './recordEncoder.ts';
import { refusal, tooLarge } from './refusal.ts';
import { Sender, type SenderHost } from './sender.ts';
import { type EncodedRecord, type PendingRecord, TopicQueue } from './topicQueue.ts';
import { TurnTime } from './turnTime.ts';

/** Varints and attributes of a record, at most. */
const RECORD_OVERHEAD_BYTES = 32;
/** A UTF-16 code unit takes at most three bytes of UTF-8. */
const UTF8_BYTES_PER_UNIT = 3;

export class BufferedProducer implements Producer, SenderHost, PendingHost {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #encoder: RecordEncoder;
  readonly #builders: BuilderPool;
  readonly #measure = new RecordBatchBuilder({ initialBytes: 64 });
  readonly #chooser: PartitionChooser;
  readonly #sender: Sender;
  readonly #pending: PendingRecords;
  readonly #failures = new FailureList();
  readonly #topics = new Map<string, TopicQueue>();
  readonly #turnTime: TurnTime;
  readonly #unsubscribe: () => void;
  readonly #undecided = new Set<ProducerBatch>();
  readonly #onClosed: () => void;
  #lastTopic: TopicQueue | undefined;
  #bufferedBytes = 0;
  #roomWaiters: (() => void)[] = [];
  #flushCount = 0;
  /** `sendBatch` calls under way: some of their records may have no place yet. */
  readonly #calls = new Set<ObservedPromise<BatchDeliveryResult>>();
  #closing: Promise<void> | undefined;

  /** @throws {TypeError} an option outside of its range. {ProtocolError} a codec that is missing. */
  constructor(cluster: Cluster, options: ProducerOptions, onClosed: () => void) {
    this.#cluster = cluster;
    this.#onClosed = onClosed;
    this.#settings = producerSettings(options, cluster.context);
    this.#encoder = new RecordEncoder(options);
    const { compression, batchBytes } = this.#settings;
    this.#builders = new BuilderPool(compression, batchBytes);
    this.#chooser = new PartitionChooser(this.#settings, cluster.environment.random);
    this.#sender = new Sender(cluster, this.#settings, { builders: this.#builders, host: this });
    this.#pending = new PendingRecords(cluster, this.#settings, this);
    this.#turnTime = new TurnTime(cluster.environment);
    this.#unsubscribe = cluster.metadata.onChange(() => this.#onMetadata());
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  get flushing(): boolean {
    return this.#flushCount > 0;
  }

  send(record: ProducerRecord, options?: Pick<CallOptions, 'signal'>): Promise<DeliveryResult> {
    try {
      this.#checkOpen();
      const topic = this.#topic(record.topic);
      const encoded = this.#encode(topic.topic, record);
      if (options?.signal !== undefined) return this.#sendWith(options.signal, topic, encoded);
      if (this.#mustWait(topic, encoded)) return this.#pending.add(topic, encoded).delivery;
      const batch = this.place(topic, encoded);
      return new Delivery(batch, batch.recordsCount - 1);
    } catch (error) {
      const delivery = new Delivery(undefined, -1);
      this.refuse(delivery, refusal(error, String(record?.topic)));
      return delivery;
    }
  }

  sendBatch(
    batch: RecordBatchInput,
    options: Pick<CallOptions, 'signal'> = {},
  ): Promise<BatchDeliveryResult> {
    const call = new ObservedPromise(this.#sendBatch(batch, options));
    this.#calls.add(call);
    void call.settled.then(() => {
      this.#calls.delete(call);
      if (call.error !== undefined) this.#failures.addCall(call);
    });
    return call;
  }

  ready(options: Pick<CallOptions, 'signal'> = {}): Promise<void> {
    if (this.hasRoom(1) && this.#pending.count === 0) return READY;
    const room = new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    return this.#deadline('ready', options).race(room);
  }

  async flush(options: Pick<CallOptions, 'signal'> = {}): Promise<void> {
    await this.#settleAll(this.#deadline('flush', options));
    this.#failures.report();
  }

  close(options: CallOptions = {}): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.catch(() => undefined);
    this.#closing = this.#close(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  onDecided(batch: ProducerBatch, recyclable: boolean): void {
    this.#bufferedBytes -= batch.bufferedBytes;
    if (batch.outcome?.kind === 'failed') this.#failures.addBatch(batch);
    const builder = batch.takeBuilder();
    if (recyclable && builder !== undefined) this.#builders.give(builder);
    this.#onRoom();
  }

  onSplit(batch: ProducerBatch, [left, right]: readonly [ProducerBatch, ProducerBatch]): void {
    left.bufferedBytes = Math.floor(batch.bufferedBytes / 2);
    right.bufferedBytes = batch.bufferedBytes - left.bufferedBytes;
  }

  /** A record that never came into a batch. */
  refuse(delivery: Delivery, error: Error): void {
    delivery.refuse(error);
    this.#failures.addRefused(delivery);
  }

  async #sendBatch(
    batch: RecordBatchInput,
    options: Pick<CallOptions, 'signal'>,
  ): Promise<BatchDeliveryResult> {
    if (!Array.isArray(batch?.records)) {
      throw new TypeError('sendBatch takes { topic, records: [...] }');
    }
    this.#checkOpen();
    const topic = this.#topic(batch.topic);
    const deadline = this.#deadline('sendBatch', options);
    deadline.check();
    const sending = new BatchSend(batch.records.length);
    for (let start = 0; start < batch.records.length; start++) {
      try {
        const encoded = this.#encode(topic.topic, batch.records[start]!);
        if (!this.#mustWait(topic, encoded)) {
          const placed = this.place(topic, encoded);
          sending.placed(placed, { index: placed.recordsCount - 1, start });
          continue;
        }
        sending.endRun();
        const { delivery } = await this.#wait(topic, encoded, deadline);
        if (delivery.placed !== undefined) {
          sending.placed(delivery.placed.batch, { index: delivery.placed.index, start });
          continue;
        }
        // What kept this one from its place keeps the others too.
        const count = batch.records.length - start;
        sending.refused(delivery.refused!, { start, count });
        break;
      } catch (error) {
        if (error instanceof ClientError && error.code === 'ABORTED') throw error;
        sending.refused(refusal(error, topic.topic), { start, count: 1 });
      }
    }
    sending.endRun();
    return deadline.race(sending.result);
  }

  async #close(options: CallOptions): Promise<void> {
    const timeoutMs = options.timeoutMs ?? this.#settings.deliveryTimeoutMs;
    const deadline = new Deadline(this.#cluster.environment, 'close', { ...options, timeoutMs });
    try {
      await this.#settleAll(deadline);
    } catch (error) {
      this.#giveUp(error);
    } finally {
      this.#sender.close();
      this.#unsubscribe();
      for (const topic of this.#topics.keys()) this.#cluster.metadata.release(topic);
      this.#topics.clear();
      this.#lastTopic = undefined;
      this.#onClosed();
    }
    this.#failures.report();
  }

  /** Waits until everything that was sent so far is decided. */
  async #settleAll(deadline: Deadline): Promise<void> {
    this.#flushCount += 1;
    try {
      this.#sender.schedule();
      await deadline.race(this.#pending.allLeft());
      await deadline.race(Promise.all([...this.#calls].map(({ settled }) => settled)));
      this.#sender.schedule();
      const decided = [...this.#undecided].map(
        (batch) => new Promise<void>((resolve) => batch.whenDecided(resolve)),
      );
      await deadline.race(Promise.all(decided));
    } finally {
      this.#flushCount -= 1;
    }
  }

  /** The time for closing is over: whoever still waits learns it now. */
  #giveUp(cause: unknown): void {
    this.#pending.refuseAll(new ClientError('CLIENT_CLOSED', 'the producer was closed', { cause }));
    const parts = [...this.#undecided].flatMap((batch) => batch.undecidedParts());
    for (const batch of parts) {
      const { topic, partition } = batch;
      const outcomeUnknown = batch.sealed || batch.unknownAttempts > 0;
      const message = 'not acknowledged when the producer was closed';
      batch.failed(
        new DeliveryError('CLIENT_CLOSED', message, { topic, partition, outcomeUnknown, cause }),
      );
      this.onDecided(batch, false);
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined)
      throw new ClientError('CLIENT_CLOSED', 'the producer is closed');
  }

  #mustWait(topic: TopicQueue, { sizeBytes }: EncodedRecord): boolean {
    return topic.metadata === undefined || topic.pending.length > 0 || !this.hasRoom(sizeBytes);
  }

  /** Waits in line with a record of a `sendBatch`, until it has a place or was refused. */
  async #wait(
    topic: TopicQueue,
    record: EncodedRecord,
    deadline: Deadline,
  ): Promise<PendingRecord> {
    const pending = this.#pending.add(topic, record);
    try {
      await deadline.race(hasLeft(pending));
    } catch (error) {
      pending.delivery.refuse(refusal(error, topic.topic));
      throw error;
    }
    return pending;
  }

  #deadline(what: string, options: Pick<CallOptions, 'signal'>): Deadline {
    const timeoutMs = Number.POSITIVE_INFINITY;
    return new Deadline(this.#cluster.environment, what, { ...options, timeoutMs });
  }

  #topic(name: string): TopicQueue {
    if (this.#lastTopic?.topic === name) return this.#lastTopic;
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = new TopicQueue(checkedTopic(name));
      this.#topics.set(name, topic);
      this.#cluster.metadata.retain(name);
      topic.metadata = this.#cluster.metadata.topic(name);
    }
    this.#lastTopic = topic;
    return topic;
  }

  #onMetadata(): void {
    for (const topic of this.#topics.values()) {
      if (topic.metadata === undefined) continue;
      topic.metadata = this.#cluster.metadata.topic(topic.topic) ?? topic.metadata;
    }
  }

  #encode(topic: string, record: BatchRecord): EncodedRecord {
    const key = this.#encoder.key(topic, record.key);
    const value = this.#encoder.value(topic, record.value);
    const headers = headersToWrite(record.headers);
    const timestamp =
      record.timestamp === undefined ? this.#turnTime.wallMs() : timestampToWrite(record.timestamp);
    let sizeBytes = bytesAtMost(key) + bytesAtMost(value) + RECORD_OVERHEAD_BYTES;
    const { recordBytesMax, batchBytes } = this.#settings;
    // The bound is good enough, and cheaper, where it is far from any limit.
    if (headers.length > 0 || sizeBytes > Math.min(recordBytesMax, batchBytes / 8)) {
      sizeBytes = this.#measure.recordBytes(key, value, headers, timestamp);
      if (sizeBytes > recordBytesMax) throw tooLarge(sizeBytes, recordBytesMax);
    }
    return { key, value, headers, timestamp, partition: record.partition, sizeBytes };
  }

  /** Whether that many more bytes fit. One record always does, however large. */
  hasRoom(bytes: number): boolean {
    return this.#bufferedBytes + bytes <= this.#settings.bufferBytes || this.#bufferedBytes === 0;
  }

  /** The topic is known and there is room. @returns the batch that the record became the last of. */
  place(topic: TopicQueue, record: EncodedRecord): ProducerBatch {
    const { key, value, headers, timestamp, sizeBytes } = record;
    const queue = topic.queue(this.#chooser.choose(topic, topic.metadata!, record));
    let batch = queue.openFor(sizeBytes, this.#settings.batchBytes);
    if (batch === undefined) {
      const nowMs = this.#cluster.environment.clock.monotonicMs();
      batch = new ProducerBatch(queue, nowMs, this.#builders.take());
      queue.batches.push(batch);
      this.#track(batch);
      this.#sender.wake(queue);
    }
    const { builder } = batch;
    const before = builder.sizeBytes;
    builder.append(key, value, headers, timestamp);
    batch.added(timestamp);
    const addedBytes = builder.sizeBytes - before;
    batch.bufferedBytes += addedBytes;
    this.#bufferedBytes += addedBytes;
    return batch;
  }

  #track(batch: ProducerBatch): void {
    this.#undecided.add(batch);
    batch.whenDecided(() => this.#undecided.delete(batch));
  }

  #onRoom(): void {
    this.#pending.admit();
    if (this.#roomWaiters.length === 0 || !this.hasRoom(1) || this.#pending.count > 0) return;
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #sendWith(signal: AbortSignal, topic: TopicQueue, record: EncodedRecord): Delivery {
    const aborted = (placed: boolean) =>
      new DeliveryError('ABORTED', 'send was aborted by its caller', {
        topic: topic.topic,
        partition: -1,
        outcomeUnknown: placed,
        cause: signal.reason,
      });
    if (signal.aborted) throw aborted(false);
    const { delivery } = this.#pending.add(topic, record);
    delivery.followSignal(signal, aborted);
    this.#pending.admit();
    return delivery;
  }
}

function bytesAtMost(bytes: RecordBytes): number {
  if (bytes === null) return 0;
  return typeof bytes === 'string' ? bytes.length * UTF8_BYTES_PER_UNIT : bytes.length;
}

const READY = Promise.resolve();
