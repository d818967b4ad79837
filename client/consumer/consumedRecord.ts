/** What an application reads. */

/** Names may repeat; the order is that of the producer. */
export type ConsumedHeaders = readonly (readonly [name: string, value: Buffer | null])[];

/**
 * A record as it stands in the log. Key, value and headers are decoded when they are looked at.
 *
 * Buffers are views on the fetched batch: holding on to one holds on to the whole batch.
 */
export interface ConsumedRecord<Key = Buffer | null, Value = Buffer | null> {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** @throws {ClientError} DESERIALIZATION_FAILED under a declared `keyFormat`. */
  readonly key: Key;
  /** @throws {ClientError} DESERIALIZATION_FAILED under a declared `valueFormat`. */
  readonly value: Value;
  readonly headers: ConsumedHeaders;
  /** The key's bytes, whatever the format. */
  readonly keyBytes: Buffer | null;
  /** The value's bytes, whatever the format; null for a tombstone. */
  readonly valueBytes: Buffer | null;
  /** The value as UTF-8, or null for a tombstone. */
  text(): string | null;
  /**
   * The value parsed as JSON, or null for a tombstone.
   *
   * @throws {ClientError} DESERIALIZATION_FAILED, naming topic, partition and offset.
   */
  json<T = unknown>(): T;
}

/**
 * Consecutive records of one partition, in order: what one fetch brought. Iterating it is
 * synchronous, and several times faster than iterating the consumer.
 */
export interface ConsumedBatch<Key = Buffer | null, Value = Buffer | null>
  extends Iterable<ConsumedRecord<Key, Value>> {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first record. */
  readonly firstOffset: number;
  /** Offset of the last record. */
  readonly lastOffset: number;
  /** Number of records. */
  readonly length: number;
  /** First offset that consumers cannot see yet, when the batch was fetched. */
  readonly highWatermark: number;
}
