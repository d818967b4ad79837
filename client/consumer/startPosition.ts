/** Where a consumer begins to read a partition. */

export type StartPosition =
  /** The first record that the partition still holds. */
  | 'beginning'
  /** Only what is written after the consumer has started. */
  | 'end'
  /** Exactly here, from 0. */
  | { readonly offset: number }
  /** The first record at or after this time, in milliseconds since 1970 or as Date; else the end. */
  | { readonly time: number | Date };

export interface AssignedPartition {
  readonly topic: string;
  readonly partition: number;
}
