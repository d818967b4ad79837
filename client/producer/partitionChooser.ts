/** Chooses the partition of each record: as wished, by the application's own rule, by key, or any. */

import type { Random } from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import type { TopicMetadata } from '../cluster/metadata.ts';
import { keyedPartition } from './partitioner.ts';
import type { ProducerSettings } from './producerSettings.ts';
import type { EncodedRecord, TopicQueue } from './topicQueue.ts';

const SCRATCH_BYTES = 1024;
/** A UTF-16 code unit takes at most three bytes of UTF-8. */
const UTF8_BYTES_PER_UNIT = 3;

export class PartitionChooser {
  readonly #settings: Pick<ProducerSettings, 'partitioner' | 'batchBytes'>;
  readonly #random: Random;
  #scratch = Buffer.allocUnsafe(SCRATCH_BYTES);

  constructor(settings: Pick<ProducerSettings, 'partitioner' | 'batchBytes'>, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  /**
   * @param wished partition that the application named.
   * @throws {ProtocolError} UNKNOWN_TOPIC_OR_PARTITION. {TypeError} no whole number.
   */
  choose(
    topic: TopicQueue,
    metadata: TopicMetadata,
    { key, partition, sizeBytes }: Pick<EncodedRecord, 'key' | 'partition' | 'sizeBytes'>,
  ): number {
    const partitionCount = metadata.partitions.length;
    if (partition !== undefined) return checked(partition, metadata, 'partition');
    const { partitioner } = this.#settings;
    if (partitioner !== undefined) {
      const chosen = partitioner({
        topic: topic.topic,
        key: typeof key === 'string' ? Buffer.from(key) : key,
        partitionCount,
        availablePartitions: metadata.available,
      });
      return checked(chosen, metadata, 'the partition that the partitioner returned');
    }
    if (key === null) return this.#sticky(topic, metadata, sizeBytes);
    if (typeof key !== 'string') return keyedPartition(key, partitionCount);
    return keyedPartition(this.#scratch, partitionCount, this.#encode(key));
  }

  /**
   * Stays with one partition as long as a batch of it takes more records, so that batches are few
   * and large; then takes the less loaded of two at random, so that a slow broker gets less.
   */
  #sticky(topic: TopicQueue, { partitions, available }: TopicMetadata, sizeBytes: number): number {
    if (partitions.length === 1) return 0;
    const current = topic.stickyPartition;
    const open =
      current < 0 ? undefined : topic.queue(current).openFor(sizeBytes, this.#settings.batchBytes);
    if (open !== undefined) return current;
    const one = available[this.#random.below(available.length)]!;
    const other = available[this.#random.below(available.length)]!;
    const better = topic.queue(one).queuedBytes <= topic.queue(other).queuedBytes ? one : other;
    topic.stickyPartition = better;
    return better;
  }

  #encode(key: string): number {
    const room = key.length * UTF8_BYTES_PER_UNIT;
    if (room > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(room);
    const scratch = this.#scratch;
    for (let i = 0; i < key.length; i++) {
      const unit = key.charCodeAt(i);
      if (unit >= 0x80) return scratch.write(key, 'utf8');
      scratch[i] = unit;
    }
    return key.length;
  }
}

function checked(partition: number, metadata: TopicMetadata, what: string): number {
  const count = metadata.partitions.length;
  if (!Number.isInteger(partition)) {
    throw new TypeError(`${what} must be a whole number, not ${String(partition)}`);
  }
  if (partition >= 0 && partition < count) return partition;
  throw new ProtocolError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `topic "${metadata.topic}" has ${count} partitions, from 0 to ${count - 1}; ${what} is ${partition}`,
    { retriable: false, details: { topic: metadata.topic, partition, partitionCount: count } },
  );
}
