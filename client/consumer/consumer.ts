/** The face of the consumer. */

import type { CallOptions } from '../callOptions.ts';
import type { Deserializer, FormatName } from '../serialization/format.ts';
import type { ConsumedBatch, ConsumedRecord } from './consumedRecord.ts';
import type { AssignedPartition, StartPosition } from './startPosition.ts';

export interface ConsumerOptions<Key = Buffer | null, Value = Buffer | null> {
  /** One topic; or `topics`. */
  readonly topic?: string;
  readonly topics?: readonly string[];
  /** Only with one topic. Default: all, also those that are added later. */
  readonly partitions?: readonly number[];
  /** Where to begin; a function decides for each partition. Default 'end'. */
  readonly from?: StartPosition | ((partition: AssignedPartition) => StartPosition);
  /**
   * End the iteration once every partition has been read up to the end that it had when the
   * consumer started. Default false: wait for more.
   */
  readonly stopAtEnd?: boolean;
  /**
   * What to do where the position is not, or no longer, in the log, or the topic was deleted and
   * created anew. Default 'error': the iteration throws OFFSET_OUT_OF_RANGE.
   */
  readonly onOffsetOutOfRange?: 'error' | 'earliest' | 'latest';
  /** 'committed' hides records of open and aborted transactions. Default 'uncommitted'. */
  readonly isolation?: 'uncommitted' | 'committed';
  /**
   * The rack (host, zone) of this consumer: it reads from an in-sync replica there, where a partition
   * has one, and from the leader where it has none, or that replica fails. Default: from leaders.
   */
  readonly rack?: string;
  /** Bytes fetched ahead of the application, over all partitions. Default 32 MiB. */
  readonly prefetchBytes?: number;
  /** Bytes of one answer; a single larger batch still comes whole. Default 4 MiB. */
  readonly fetchBytesMax?: number;
  /** Bytes of one partition in one answer. Default 1 MiB. */
  readonly partitionBytesMax?: number;
  /** A broker answers as soon as it has this many bytes. Default 1. */
  readonly fetchBytesMin?: number;
  /** How long a broker waits for `fetchBytesMin`, in milliseconds. Default 500. */
  readonly fetchWaitMsMax?: number;
  /** Check the CRC-32C of every batch. Default true. */
  readonly checkCrc?: boolean;
  /**
   * After this long without any answer the iteration throws the last error, in milliseconds.
   * Default 120,000; Infinity for never. A consumer that never reached a broker does not wait for it.
   */
  readonly unreachableMsMax?: number;
  readonly keyFormat?: FormatName | Deserializer<Key>;
  readonly valueFormat?: FormatName | Deserializer<Value>;
}

export interface PartitionPosition extends AssignedPartition {
  /** Offset of the next record that the application gets; undefined until it is known. */
  readonly offset: number | undefined;
  readonly paused: boolean;
}

export interface PartitionLag extends AssignedPartition {
  /** Offset of the next record that the application gets. */
  readonly offset: number;
  /** First offset that consumers cannot see yet. */
  readonly endOffset: number;
  /** Offsets between the two: records still to come, at most. */
  readonly lag: number;
}

/** Which partitions a call means: one partition, all of one topic, or without it all. */
export type PartitionSelection = { readonly topic: string; readonly partition?: number };

/**
 * Reads partitions that the application names, without a group.
 *
 * Leaving the loop (`break`, `return`, an exception) stops fetching and drops what was prefetched;
 * the position stays after the last record handed out, so the consumer can be iterated again. One
 * iteration at a time.
 *
 * @example
 * for await (const record of odradek.consumer({ topic: 'orders', from: 'beginning' })) {
 *   console.log(record.offset, record.json());
 * }
 */
export interface Consumer<Key = Buffer | null, Value = Buffer | null>
  extends AsyncIterable<ConsumedRecord<Key, Value>>,
    AsyncDisposable {
  /**
   * Record by record.
   *
   * @throws {ProtocolError} OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION, CORRUPT_MESSAGE, ...
   * @throws {ClientError} NO_BROKER_AVAILABLE.
   */
  [Symbol.asyncIterator](): AsyncIterator<ConsumedRecord<Key, Value>, undefined>;

  /** Batch by batch: for throughput. Errors as for records. */
  batches(): AsyncIterableIterator<ConsumedBatch<Key, Value>>;

  /**
   * Resolves when the start offset of every partition is known: whatever is written afterwards is
   * read under `from: 'end'`. Iterating does this by itself.
   *
   * @throws {ProtocolError} UNKNOWN_TOPIC_OR_PARTITION, with the nearest topic's name.
   */
  ready(options?: CallOptions): Promise<void>;

  /**
   * Moves a partition; what was prefetched of it is dropped.
   *
   * @throws {RangeError} the consumer does not read that partition.
   */
  seek(partition: AssignedPartition, position: StartPosition, options?: CallOptions): Promise<void>;

  /** Hands out no more of these partitions, and stops fetching them, until `resume`. */
  pause(selection?: PartitionSelection): void;
  resume(selection?: PartitionSelection): void;

  /** Of every partition, by topic and number. */
  positions(): readonly PartitionPosition[];

  /** Asks the brokers. */
  lag(options?: CallOptions): Promise<readonly PartitionLag[]>;

  /** Ends a running iteration and gives everything back. Idempotent. */
  close(): Promise<void>;
}
