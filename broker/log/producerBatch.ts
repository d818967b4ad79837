/** One batch of a producer, as `ProducerState` keeps it. */

/** Sequences run from 0 to 2^31 - 1 and begin anew. */
export const SEQUENCES = 2 ** 31;

export interface ProducerBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** -1 where only a marker of the epoch is known. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Newest timestamp of the batch, or of the marker after it. */
  readonly timestamp: number;
  /** How many sequences up to `lastSequence` this log has seen without a gap. */
  readonly knownSequenceCount: number;
  /** Of the last transaction marker; -1 for none. */
  readonly coordinatorEpoch: number;
  /** First offset of the transaction that is open; -1 for none. */
  readonly txnFirstOffset: number;
  /** Monotonic time of the append, or of the start that found it. */
  readonly usedMs: number;
  /** A transaction marker, which repeats sequences and offsets of the batch before it. */
  readonly isMarker: boolean;
  /** The one before it, as long as it is needed. */
  previous: ProducerBatch | undefined;
}
