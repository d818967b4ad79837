/** One topic of one producer: its partitions' queues, and the records that have no place yet. */

import type { HeaderToWrite, RecordBytes } from '../../protocol/index.ts';
import type { TopicMetadata } from '../cluster/metadata.ts';
import type { Delivery } from './delivery.ts';
import { Fifo } from './fifo.ts';
import { PartitionQueue } from './partitionQueue.ts';

/** A record in the form in which a batch takes it. */
export interface EncodedRecord {
  readonly key: RecordBytes;
  readonly value: RecordBytes;
  readonly headers: readonly HeaderToWrite[];
  readonly timestamp: number;
  /** As the application wished, or undefined. */
  readonly partition: number | undefined;
  readonly sizeBytes: number;
}

/** A record that waits for metadata or for room; its bytes are its own. */
export interface PendingRecord {
  readonly record: EncodedRecord;
  readonly delivery: Delivery;
  /** When it is refused, by the monotonic clock. */
  readonly deadlineMs: number;
  /** Called when it has a place or was refused. */
  onLeft: (() => void)[] | undefined;
}

export class TopicQueue {
  readonly topic: string;
  /** Undefined until the topic is known. */
  metadata: TopicMetadata | undefined;
  resolving = false;
  /** Oldest first. While there are some, further records queue behind them. */
  readonly pending = new Fifo<PendingRecord>();
  /** Refuses the oldest pending record when its time is over. */
  pendingTimer: { cancel(): void } | undefined;
  /** Where records without key go at the moment. */
  stickyPartition = -1;
  readonly #queues: PartitionQueue[] = [];

  constructor(topic: string) {
    this.topic = topic;
  }

  queue(partition: number): PartitionQueue {
    const known = this.#queues[partition];
    if (known !== undefined) return known;
    const queue = new PartitionQueue(this.topic, partition);
    this.#queues[partition] = queue;
    return queue;
  }
}
