/**
 * Replicas on log directories that failed: the controller must know, so that others lead. What it
 * knows ends with its term and with our registration; each new one is told again.
 */

import type { Environment, Logger, TopicPartition } from '../common/index.ts';
import { ProtocolError } from '../protocol/index.ts';
import type { ControllerChannel } from './api/index.ts';
import type { ClusterImage } from './metadata/index.ts';

export interface OfflineReplicasParts {
  readonly channel: ControllerChannel;
  readonly image: ClusterImage;
  readonly brokerId: number;
  /** -1 while there is no registration. */
  readonly brokerEpoch: () => number;
}

const RETRY_MS = 500;

export class OfflineReplicas {
  readonly #timers: Environment['timers'];
  readonly #parts: OfflineReplicasParts;
  readonly #logger: Logger;
  readonly #partitions: TopicPartition[] = [];
  /** Counts what there is to tell; equal to `#told` where nothing is. */
  #wanted = 0;
  #told = 0;
  #telling = false;
  #closed = false;

  constructor(timers: Environment['timers'], parts: OfflineReplicasParts, logger: Logger) {
    this.#timers = timers;
    this.#parts = parts;
    this.#logger = logger;
  }

  add(partitions: readonly TopicPartition[]): void {
    this.#partitions.push(...partitions);
    this.tellAgain();
  }

  /** There is another controller, or another registration of ours. */
  tellAgain(): void {
    if (this.#partitions.length === 0 || this.#closed) return;
    this.#wanted += 1;
    if (this.#telling) return;
    this.#telling = true;
    void this.#tell();
  }

  close(): void {
    this.#closed = true;
  }

  async #tell(): Promise<void> {
    while (!this.#closed && this.#told < this.#wanted) {
      const wanted = this.#wanted;
      if (await this.#tellOnce()) this.#told = wanted;
      else await new Promise<void>((resolve) => this.#timers.set(RETRY_MS, resolve));
    }
    this.#telling = false;
  }

  async #tellOnce(): Promise<boolean> {
    const { channel, image, brokerId, brokerEpoch } = this.#parts;
    const topics = new Map<string, number[]>();
    for (const { topic, partition } of this.#partitions) {
      const topicId = image.usableTopic(topic)?.topicId;
      if (topicId !== undefined) topics.set(topicId, [...(topics.get(topicId) ?? []), partition]);
    }
    const request = {
      brokerId,
      brokerEpoch: brokerEpoch(),
      topics: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
    };
    try {
      const { errorCode } = await channel.logDirFailure(request);
      return errorCode === 0;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#logger.debug('The controller was not told of the failed directory', {
        error: error.message,
      });
      return false;
    }
  }
}
