/** The face of the producer. */

import type { CallOptions } from '../callOptions.ts';
import type { FormatName, Serializer } from '../serialization/format.ts';
import type { Partitioner } from './partitioner.ts';
import type {
  BatchDeliveryResult,
  DeliveryResult,
  ProducerRecord,
  RecordBatchInput,
} from './producerRecord.ts';

/** `all` and -1: every in-sync replica; 1: the leader; 0: nobody, the record may be lost. */
export type Acks = 'all' | -1 | 0 | 1;

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface ProducerOptions {
  /** Who must have the record before it counts as delivered. Default 'all'. */
  readonly acks?: Acks;
  /**
   * Numbers the batches, so that a broker recognises one that comes again: a retry neither
   * duplicates nor reorders records. Default true; false with `acks` 0 or 1, which cannot have it.
   */
  readonly idempotent?: boolean;
  /** Default 'none'. */
  readonly compression?: Compression;
  /**
   * How long a batch waits for more records, in milliseconds from 0. Default 0: what is sent within
   * one turn of the event loop, and while a request is under way, travels together.
   */
  readonly lingerMs?: number;
  /** Size at which a batch is full, in bytes before compression, 1 KiB to 16 MiB. Default 1 MiB. */
  readonly batchBytes?: number;
  /** Largest record that `send` accepts, in encoded bytes. Default 1 MiB. */
  readonly recordBytesMax?: number;
  /** Encoded bytes that the producer may hold before `send` waits. Default 64 MiB. */
  readonly bufferBytes?: number;
  /** How long `send` waits for room or for metadata, in milliseconds. Default 60,000. */
  readonly blockMsMax?: number;
  /** Time from `send` to success or failure, retries included, in milliseconds. Default 120,000. */
  readonly deliveryTimeoutMs?: number;
  /** How long one request may take, in milliseconds. Default: that of the client. */
  readonly requestTimeoutMs?: number;
  /**
   * Requests under way to one broker, 1 to 100. Default 5. Of a partition up to five full batches
   * are under way at a time, without `idempotent` one: records of a partition are never reordered,
   * whatever fails.
   */
  readonly inFlightMax?: number;
  /** Default: murmur2 of the key as Kafka's, and without key one partition per batch. */
  readonly partitioner?: Partitioner;
  readonly keyFormat?: FormatName | Serializer<unknown>;
  readonly valueFormat?: FormatName | Serializer<unknown>;
}

/**
 * Sends records: buffered, batched, retried.
 *
 * @example
 * await producer.send({ topic: 'orders', key: 'o-1', value: { amount: 3 } }); // one at a time
 *
 * for (const order of orders) producer.send({ topic: 'orders', value: order }); // batched
 * await producer.flush();
 */
export interface Producer extends AsyncDisposable {
  /**
   * Encodes the record and queues it.
   *
   * The bytes are copied before `send` returns: the caller may change the record afterwards. The
   * returned promise need not be awaited: a failure that nobody awaited never raises
   * `unhandledRejection`, `flush()` and `close()` report it.
   *
   * @returns where the record stands, once it has been acknowledged.
   * @throws {TypeError} a field has a type that cannot be sent; the message names it.
   * @throws {DeliveryError} with code MESSAGE_TOO_LARGE, BUFFER_FULL, UNKNOWN_TOPIC_OR_PARTITION,
   *   NO_BROKER_AVAILABLE, DELIVERY_TIMED_OUT, CLIENT_CLOSED or what the broker answered. Look at
   *   `outcomeUnknown` before you send it again. (Rejected, never thrown synchronously.)
   */
  send(record: ProducerRecord, options?: Pick<CallOptions, 'signal'>): Promise<DeliveryResult>;

  /**
   * Sends many records of one topic with one promise: the cheapest way for bulk. A record that
   * cannot be sent fails alone. Waits for room in the buffer as it goes.
   *
   * @throws {DeliveriesFailedError} when all are decided and some failed; of each error that
   *   belongs to one record `details.index` is its place in `records`.
   */
  sendBatch(
    batch: RecordBatchInput,
    options?: Pick<CallOptions, 'signal'>,
  ): Promise<BatchDeliveryResult>;

  /**
   * Resolves when the buffer has room: await it now and then in a loop that does not await `send`.
   * Costs nothing while there is room.
   */
  ready(options?: Pick<CallOptions, 'signal'>): Promise<void>;

  /** Encoded bytes of records that are not decided yet. */
  readonly bufferedBytes: number;

  /**
   * Sends what is queued without further linger and waits until every record sent so far is decided.
   *
   * @throws {DeliveriesFailedError} records failed since the last flush that nobody awaited.
   */
  flush(options?: Pick<CallOptions, 'signal'>): Promise<void>;

  /**
   * Flushes, then refuses further records. Idempotent.
   *
   * @param options.timeoutMs after it, what is undecided fails with CLIENT_CLOSED. Default
   *   `deliveryTimeoutMs`.
   * @throws {DeliveriesFailedError} as `flush`.
   */
  close(options?: CallOptions): Promise<void>;
}
