/** Which partition a record goes to when it does not say. */

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
