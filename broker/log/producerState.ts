/**
 * What a log remembers of its idempotent producers (KIP-98): enough to know a repeated batch, to
 * refuse a gap, and to shut out a producer whose id has been given on. Pure.
 *
 * Of each producer the newest batches hang together as a list, newest first:
 *
 *     batch (epoch 1, sequence 7-9, offsets 42-44) -> batch (1, 5-6, 40-41) -> ... at most five
 *
 * A batch is noted when it is appended, before it is written, so that the same batch twice in one
 * turn is known, too; what a full disk loses is taken back with `undo`, newest first. Until a batch
 * is written, nothing behind it is let go (`settle`), so that taking it back restores everything.
 */

import { ProtocolError } from '../../protocol/index.ts';
import { type ProducerBatch, SEQUENCES } from './producerBatch.ts';

/** Batches of a producer whose repetition is known: what it may have in flight at once. */
export const PRODUCER_BATCHES_MAX = 5;

/** Beyond it, half the way round, what came before cannot be told from what is to come. */
const KNOWN_SEQUENCES_MAX = SEQUENCES / 2;

/** Length of the list, transaction markers included. */
const NODES_MAX = 16;

/** The header of a batch that is about to be appended, as `RecordBatchView` reads it. */
export interface ProducerHeader {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastOffsetDelta: number;
}

/** The header of a batch that has its place in the log. */
export interface NotedBatch extends ProducerHeader {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
}

export class ProducerState {
  /** Newest batch by producer id. */
  readonly #newest = new Map<number, ProducerBatch>();

  get producerCount(): number {
    return this.#newest.size;
  }

  /** The newest batch of each producer, in the order in which the producers were first seen. */
  newest(): Iterable<ProducerBatch> {
    return this.#newest.values();
  }

  /**
   * Judges what a client sent.
   *
   * An unknown producer may begin with any sequence, as in Kafka 3.9: retention may have taken what
   * it wrote before. A sequence from before the window counts as a repetition only where this log
   * has seen it: what an unknown producer skipped was perhaps never written.
   *
   * @returns the batch that is already there; undefined where this one is new and in order.
   * @throws {ProtocolError} INVALID_PRODUCER_EPOCH below the known epoch;
   *   OUT_OF_ORDER_SEQUENCE_NUMBER for a gap, a partial repetition, or a new epoch that does not
   *   begin at 0; DUPLICATE_SEQUENCE_NUMBER for a repetition from before the window.
   */
  check(batch: ProducerHeader): ProducerBatch | undefined {
    const newest = this.#newest.get(batch.producerId);
    if (newest === undefined) return undefined;
    const { producerEpoch, baseSequence } = batch;
    if (producerEpoch !== newest.producerEpoch) {
      this.checkEpoch(batch);
      if (baseSequence === 0) return undefined;
      throw outOfOrder(batch, `epoch ${producerEpoch} begins at sequence 0`);
    }
    const repeated = findRepeated(newest, batch);
    if (repeated !== undefined) return repeated;
    const dueSequence = nextSequence(newest.lastSequence);
    if (baseSequence === dueSequence) return undefined;
    if (isBeforeWindow(newest, batch)) {
      throw new ProtocolError(
        'DUPLICATE_SEQUENCE_NUMBER',
        `Producer ${batch.producerId} repeats sequence ${baseSequence}, which was written before ` +
          `its last ${PRODUCER_BATCHES_MAX} batches; ${dueSequence} is due`,
      );
    }
    throw outOfOrder(batch, `${dueSequence} is due`);
  }

  /**
   * The part of `check` that also holds for what a coordinator writes: that has no sequences.
   *
   * @throws {ProtocolError} INVALID_PRODUCER_EPOCH
   */
  checkEpoch({ producerId, producerEpoch }: Pick<ProducerHeader, 'producerId' | 'producerEpoch'>) {
    const known = this.#newest.get(producerId)?.producerEpoch ?? -1;
    if (producerEpoch >= known) return;
    throw new ProtocolError(
      'INVALID_PRODUCER_EPOCH',
      `Epoch ${producerEpoch} of producer ${producerId} is over; the present one is ${known}`,
    );
  }

  /**
   * Notes a batch that was checked, or that a leader or the file has.
   *
   * @param nowMs monotonic time, from which the producer's expiry counts.
   */
  note(batch: NotedBatch, nowMs: number): void {
    const { producerId, producerEpoch } = batch;
    const previous = this.#newest.get(producerId);
    const sameEpoch = previous?.producerEpoch === producerEpoch ? previous : undefined;
    if (batch.isControl) {
      this.#newest.set(producerId, {
        ...(sameEpoch ?? { ...nothing, producerId, producerEpoch }),
        coordinatorEpoch: previous?.coordinatorEpoch ?? -1,
        timestamp: batch.maxTimestamp,
        txnFirstOffset: -1,
        usedMs: nowMs,
        isMarker: true,
        previous,
      });
      return;
    }
    const { baseSequence, lastOffsetDelta, baseOffset } = batch;
    const follows =
      sameEpoch !== undefined && nextSequence(sameEpoch.lastSequence) === baseSequence;
    const txnFirstOffset = previous?.txnFirstOffset ?? -1;
    this.#newest.set(producerId, {
      producerId,
      producerEpoch,
      firstSequence: baseSequence,
      lastSequence: baseSequence < 0 ? -1 : (baseSequence + lastOffsetDelta) % SEQUENCES,
      baseOffset,
      lastOffset: batch.lastOffset,
      timestamp: batch.maxTimestamp,
      knownSequenceCount: Math.min(
        lastOffsetDelta + 1 + (follows ? sameEpoch.knownSequenceCount : 0),
        KNOWN_SEQUENCES_MAX,
      ),
      coordinatorEpoch: previous?.coordinatorEpoch ?? -1,
      txnFirstOffset: txnFirstOffset < 0 && batch.isTransactional ? baseOffset : txnFirstOffset,
      usedMs: nowMs,
      isMarker: false,
      previous,
    });
  }

  /** Takes the newest batch, or marker, of a producer back. Only before `settle`. */
  undo(producerId: number): void {
    const previous = this.#newest.get(producerId)?.previous;
    if (previous === undefined) this.#newest.delete(producerId);
    else this.#newest.set(producerId, previous);
  }

  /** What was noted of the producer is written and stays: lets go of what lies behind its window. */
  settle(producerId: number): void {
    const newest = this.#newest.get(producerId);
    let node = newest;
    let batchCount = 0;
    for (let nodeCount = 1; node !== undefined; nodeCount += 1, node = node.previous) {
      if (!node.isMarker) batchCount += 1;
      const isLast = batchCount === PRODUCER_BATCHES_MAX || nodeCount === NODES_MAX;
      if (isLast || node.previous?.producerEpoch !== newest?.producerEpoch) {
        node.previous = undefined;
      }
    }
  }

  /** Takes one producer out of a snapshot. */
  restore(batch: ProducerBatch): void {
    this.#newest.set(batch.producerId, batch);
  }

  clear(): void {
    this.#newest.clear();
  }

  /** Whether a log that is cut at `endOffset` keeps everything that is remembered here. */
  endsBefore(endOffset: number): boolean {
    for (const { lastOffset, isMarker } of this.#newest.values()) {
      if (isMarker || lastOffset >= endOffset) return false;
    }
    return true;
  }

  /**
   * Forgets producers that have been quiet, but for those with an open transaction.
   *
   * @param usedBeforeMs monotonic time: a wall clock that jumps must not make a retry a new record.
   */
  expire(usedBeforeMs: number): void {
    for (const [producerId, { usedMs, txnFirstOffset }] of this.#newest) {
      if (usedMs < usedBeforeMs && txnFirstOffset < 0) this.#newest.delete(producerId);
    }
  }
}

/** What is known of an epoch of which only a marker was seen. */
const nothing = {
  firstSequence: -1,
  lastSequence: -1,
  baseOffset: -1,
  lastOffset: -1,
  knownSequenceCount: 0,
};

/** Sequences have 31 bits and begin at 0 again. */
function nextSequence(sequence: number): number {
  return (sequence + 1) % SEQUENCES;
}

/** Calls `visit` for the batches of the window, newest first, until it returns true. */
function findInWindow(
  newest: ProducerBatch,
  visit: (node: ProducerBatch) => boolean,
): ProducerBatch | undefined {
  let batchCount = 0;
  for (let node: ProducerBatch | undefined = newest; node !== undefined; node = node.previous) {
    if (node.producerEpoch !== newest.producerEpoch) return undefined;
    if (visit(node)) return node;
    if (!node.isMarker) batchCount += 1;
    if (batchCount === PRODUCER_BATCHES_MAX) return undefined;
  }
  return undefined;
}

function findRepeated(newest: ProducerBatch, batch: ProducerHeader): ProducerBatch | undefined {
  const lastSequence = (batch.baseSequence + batch.lastOffsetDelta) % SEQUENCES;
  return findInWindow(
    newest,
    (node) => node.firstSequence === batch.baseSequence && node.lastSequence === lastSequence,
  );
}

/** Whether the batch ends before the window, and all its sequences were seen without a gap. */
function isBeforeWindow(newest: ProducerBatch, batch: ProducerHeader): boolean {
  let firstSequence = newest.firstSequence;
  findInWindow(newest, (node) => {
    firstSequence = node.firstSequence;
    return false;
  });
  const back = (sequence: number) => (newest.lastSequence - sequence + SEQUENCES) % SEQUENCES;
  const firstBack = back(batch.baseSequence);
  return (
    firstBack < newest.knownSequenceCount && firstBack - batch.lastOffsetDelta > back(firstSequence)
  );
}

function outOfOrder(batch: ProducerHeader, why: string): ProtocolError {
  const { producerId, producerEpoch, baseSequence } = batch;
  return new ProtocolError(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    `Producer ${producerId}, epoch ${producerEpoch}, sent sequence ${baseSequence}; ${why}`,
  );
}
