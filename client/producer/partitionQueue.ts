/** Batches of one partition, in the order in which they will stand in the log. */

import type { ProducerBatch } from './producerBatch.ts';

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** Oldest first. While a request is under way the first batch is in it. */
  readonly batches: ProducerBatch[] = [];
  /** Whether the first batch is in a request. At most one is: so records keep their order. */
  inFlight = false;
  /** After a failure the first batch waits until then, by the monotonic clock. */
  retryAtMs = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get head(): ProducerBatch | undefined {
    return this.batches[0];
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
