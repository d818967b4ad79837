/**
 * What the group coordinator needs of the partitions of `__consumer_offsets` that this broker
 * leads. `replicatedOffsetsLog` gives it for a broker; a simulation gives its own.
 */

/** The name of the topic that holds groups and offsets. */
export const OFFSETS_TOPIC = '__consumer_offsets';

export interface OffsetsRead {
  /** Whole record batches, one after the other; empty at the end. Owned by the caller. */
  readonly batches: Uint8Array;
  /** Up to which the partition was committed when this was read. */
  readonly highWatermark: number;
}

export interface OffsetsLog {
  /**
   * Appends one record batch with acks=all.
   *
   * @param batch owned by the callee until the promise settles.
   * @returns when every in-sync replica holds it: the offset of its first record.
   * @throws {ProtocolError} NOT_LEADER_OR_FOLLOWER where this broker does not lead the partition at
   *   exactly this epoch, or ceased to before the batch was replicated; NOT_ENOUGH_REPLICAS,
   *   MESSAGE_TOO_LARGE, REQUEST_TIMED_OUT and what else a produce request hears.
   */
  append(
    partition: number,
    batch: Uint8Array,
    options: { readonly leaderEpoch: number; readonly timeoutMs: number },
  ): Promise<number>;

  /** Whether this broker leads the partition at exactly this epoch, as far as it knows. */
  leads(partition: number, leaderEpoch: number): boolean;

  /**
   * Where a load begins and ends: everything that was in the log when the leadership began.
   *
   * @throws {ProtocolError} NOT_LEADER_OR_FOLLOWER unless this broker leads at the epoch.
   */
  bounds(
    partition: number,
    leaderEpoch: number,
  ): { readonly startOffset: number; readonly endOffset: number };

  /**
   * Reads committed batches from `offset` on.
   *
   * Below the high watermark only: a group that was loaded from records which a later leader does
   * not have would tell its consumers an offset that goes back afterwards.
   *
   * @returns no batches while nothing from `offset` on is committed.
   * @throws {ProtocolError} NOT_LEADER_OR_FOLLOWER unless this broker leads at the epoch.
   */
  read(
    partition: number,
    offset: number,
    options: { readonly leaderEpoch: number; readonly maxBytes: number },
  ): Promise<OffsetsRead>;
}
