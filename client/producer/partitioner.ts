/** Which partition a record goes to when it does not say. */

import { murmur2 } from './murmur2.ts';

export interface PartitionerInput {
  readonly topic: string;
  /** Serialised key; null without one. A view that is valid only during the call. */
  readonly key: Uint8Array | null;
  readonly partitionCount: number;
  /** Partitions that have a leader, ascending; all of them where none has one. */
  readonly availablePartitions: readonly number[];
}

/** @returns a partition from 0 to `partitionCount` - 1; anything else rejects the record. */
export type Partitioner = (input: PartitionerInput) => number;

/**
 * The partition of a key as Kafka's default partitioner chooses it: the same for all clients, as
 * long as the topic keeps its number of partitions.
 *
 * @param length bytes of `key` that count. Default all.
 */
export function keyedPartition(
  key: Uint8Array,
  partitionCount: number,
  length: number = key.length,
): number {
  return (murmur2(key, length) & 0x7fffffff) % partitionCount;
}
