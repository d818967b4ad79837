/**
 * Batches of one partition, in the order in which they will stand in the log, and their numbers.
 *
 * An idempotent producer has up to five batches of a partition under way: a broker remembers the
 * last five of each producer, so each of them can be sent again and is recognised. Order holds
 * because a broker refuses a batch whose predecessor is missing, and because after any failure the
 * queue waits until nothing is under way and then begins again with its first batch, alone:
 *
 *     1. Batches 1 to 5 are sent; the answer to 1 is lost, 2 to 5 are acknowledged.
 *     2. Were 6 sent now, the broker would remember 2 to 6: a repeated 1 would be a stranger.
 *     3. So 1 is sent alone, is recognised, and then 6 may go.
 *
 * The first batch under new numbers goes alone too: a broker that does not know the producer takes
 * any number, so a second batch could land where the first was refused.
 */

import type { BatchProducer } from '../../protocol/index.ts';
import { type ProducerBatch, sequenceAfter } from './producerBatch.ts';
import type { ProducerIdentity } from './producerIdentity.ts';

/** Batches that a broker remembers of each producer and partition. */
const REMEMBERED_BATCHES = 5;
const PRODUCER_EPOCH_MAX = 32_767;

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** Oldest first. Those under way stay until they are decided. */
  readonly batches: ProducerBatch[] = [];
  /** After a failure the first batch waits until then, by the monotonic clock. */
  retryAtMs = 0;
  /** Batches in requests. */
  #inFlight = 0;
  /** One batch at a time: at the beginning, after a failure, and without numbers always. */
  #alone = true;
  /** What the next batch gets. Epochs count per partition: a bump here touches no other. */
  #next: BatchProducer | undefined;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get head(): ProducerBatch | undefined {
    return this.batches[0];
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * The batch to send next, if one may be sent beside those under way: a full one, or one that was
   * sent before. A batch that still takes records waits for its turn: it grows meanwhile.
   */
  get sendable(): ProducerBatch | undefined {
    if (this.#inFlight === 0) return this.head;
    if (this.#alone || this.#inFlight >= REMEMBERED_BATCHES) return undefined;
    const at = this.batches.findIndex((batch) => !batch.inFlight);
    const batch = this.batches[at];
    if (batch === undefined) return undefined;
    if (batch.producer !== undefined) return batch;
    // Of what the broker remembers, all from the first undecided batch on must still be there.
    if (at + this.head!.ackedBehind >= REMEMBERED_BATCHES) return undefined;
    return at < this.batches.length - 1 ? batch : undefined;
  }

  /** The batch goes into a request. @param identity undefined for a producer without numbers. */
  sending(batch: ProducerBatch, identity: ProducerIdentity | undefined): void {
    batch.sentAlone = this.#inFlight === 0;
    batch.inFlight = true;
    batch.sealed = true;
    this.#inFlight += 1;
    if (identity === undefined || batch.producer !== undefined) return;
    this.#next ??= { ...identity, baseSequence: 0 };
    batch.setProducer(this.#next);
    const baseSequence = sequenceAfter(this.#next.baseSequence, batch.recordsCount);
    this.#next = { ...this.#next, baseSequence };
  }

  /** Its request is over, whatever became of the batch. */
  answered(batch: ProducerBatch): void {
    batch.inFlight = false;
    this.#inFlight -= 1;
  }

  /** After `answered`: the batch stands in the log. */
  acknowledged(batch: ProducerBatch): void {
    const at = this.batches.indexOf(batch);
    for (let i = 0; i < at; i++) this.batches[i]!.ackedBehind += 1;
    this.batches.splice(at, 1);
    if (at === 0 && this.#inFlight === 0 && batch.producer !== undefined) this.#alone = false;
  }

  /** A batch of the queue was not taken: the next one goes when nothing is under way. */
  failed(): void {
    this.#alone = true;
  }

  /**
   * The broker misses batches before the first one, and no answer is outstanding: what surely stands
   * nowhere is numbered anew, under the next epoch.
   *
   * @returns batches that may stand in the log: nobody can know, and under new numbers they could
   *   stand there twice.
   */
  bumpEpoch(): { readonly unknown: readonly ProducerBatch[]; readonly exhausted: boolean } {
    const numbered = this.batches.filter(({ producer }) => producer !== undefined);
    const unknown = numbered.filter(({ unknownAttempts }) => unknownAttempts > 0);
    for (const batch of numbered) {
      batch.ackedBehind = 0;
      if (batch.unknownAttempts === 0) batch.forgetProducer();
    }
    this.#alone = true;
    const { producerId, producerEpoch } = this.#next!;
    const exhausted = producerEpoch >= PRODUCER_EPOCH_MAX;
    this.#next = exhausted
      ? undefined
      : { producerId, producerEpoch: producerEpoch + 1, baseSequence: 0 };
    return { unknown, exhausted };
  }

  /** The batch that takes a further record of this size, if one does. */
  openFor(sizeBytes: number, batchBytes: number): ProducerBatch | undefined {
    const last = this.batches.at(-1);
    if (last === undefined || last.sealed) return undefined;
    return last.builder.sizeBytes + sizeBytes <= batchBytes ? last : undefined;
  }

  /** Bytes of all batches: what a record added now would have before it. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const batch of this.batches) bytes += batch.builder.sizeBytes;
    return bytes;
  }
}
