/** What an application sends, and what it learns about it. */

/** In order; names may repeat. */
export type HeadersInput =
  | readonly (readonly [name: string, value: string | Uint8Array | null])[]
  | Readonly<Record<string, string | Uint8Array | null>>;

/** One record without its topic, as `sendBatch` takes it. */
export interface BatchRecord {
  /** Absent or null: no key. Strings are sent as UTF-8; objects need a `keyFormat`. */
  readonly key?: unknown;
  /**
   * String (UTF-8), Uint8Array, null (a tombstone), or a plain object or array, which is sent as
   * JSON. With a `valueFormat` whatever that takes.
   */
  readonly value: unknown;
  readonly headers?: HeadersInput;
  /** Milliseconds since 1970, whole, or a Date. Default: now. */
  readonly timestamp?: number | Date;
  /** From 0. Default: chosen by the partitioner. */
  readonly partition?: number;
}

export interface ProducerRecord extends BatchRecord {
  readonly topic: string;
}

export interface RecordBatchInput {
  readonly topic: string;
  readonly records: readonly BatchRecord[];
}

/** Where a record stands. */
export interface DeliveryResult {
  readonly topic: string;
  readonly partition: number;
  /** -1 with `acks: 0`, where no broker tells. */
  readonly offset: number;
  /** Milliseconds since 1970: the record's own, or the broker's under LogAppendTime. */
  readonly timestamp: number;
  /** Whether the record was sent more than once. */
  readonly retried: boolean;
  /**
   * Whether an earlier attempt had an unknown outcome, so that the record may stand in the log
   * twice. Never so with an idempotent producer.
   */
  readonly possiblyDuplicated: boolean;
}

/** Results of a `sendBatch`, in the order of its records; each is made when asked for. */
export interface BatchDeliveryResult extends Iterable<DeliveryResult> {
  /** Number of records. */
  readonly length: number;
  /** @returns undefined outside of 0 to `length` - 1. */
  at(index: number): DeliveryResult | undefined;
}
