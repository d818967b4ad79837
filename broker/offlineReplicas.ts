/**
 * Replicas that cannot be served, most of them on log directories that failed, at the start or
 * later: the controller must know, so that others lead. What it knows ends with its term and with
 * our registration; each new one is told again.
 *
 * A registration says already whether there may be any: the controller then elects none of the
 * broker's replicas before it has heard which, even if it is none. Crash example: (1) all brokers lose
 * power; (2) one comes back first, without one of its disks; (3) it is elected for a partition on that
 * disk, and the others leave the ISR; (4) it says that it cannot serve, and nobody else may any more.
 */

import {
  type Environment,
  type Logger,
  type TopicPartition,
  topicPartitionKey,
} from '../common/index.ts';
import { ProtocolError } from '../protocol/index.ts';
import type { ControllerChannel } from './api/index.ts';
import type { ClusterImage } from './metadata/index.ts';

export interface OfflineReplicasParts {
  readonly channel: ControllerChannel;
  readonly image: ClusterImage;
  readonly brokerId: number;
  /** -1 while there is no registration. */
  readonly brokerEpoch: () => number;
  /** As the registrations say it; once true, always. */
  readonly mayHaveSome: () => boolean;
}

const RETRY_MS = 500;

export class OfflineReplicas {
  readonly #timers: Environment['timers'];
  readonly #parts: OfflineReplicasParts;
  readonly #logger: Logger;
  /** By topic id and index, as far as the id is known: a topic may be made anew. */
  readonly #partitions = new Map<string, TopicPartition>();
  /** Counts what there is to tell; equal to `#told` where nothing is. */
  #wanted = 0;
  #told = 0;
  #telling = false;
  /** Until all that the first snapshot names was opened, or was not. */
  #isHeld = true;
  #closed = false;

  constructor(timers: Environment['timers'], parts: OfflineReplicasParts, logger: Logger) {
    this.#timers = timers;
    this.#parts = parts;
    this.#logger = logger;
  }

  /** What is known already is not told again. */
  add(partitions: readonly TopicPartition[]): void {
    const known = this.#partitions.size;
    for (const each of partitions) {
      const topicId = this.#parts.image.usableTopic(each.topic)?.topicId ?? '';
      this.#partitions.set(`${topicId}:${topicPartitionKey(each)}`, each);
    }
    if (this.#partitions.size > known) this.tellAgain();
  }

  /** The first snapshot was taken over: what is known now is all. */
  begin(): void {
    this.#isHeld = false;
    this.tellAgain();
  }

  /** There is another controller, or another registration of ours. */
  tellAgain(): void {
    if (this.#isHeld || this.#closed) return;
    if (this.#partitions.size === 0 && !this.#parts.mayHaveSome()) return;
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
    const topics = new Map<string, Set<number>>();
    for (const { topic, partition } of this.#partitions.values()) {
      const topicId = image.usableTopic(topic)?.topicId;
      if (topicId === undefined) continue;
      topics.set(topicId, (topics.get(topicId) ?? new Set()).add(partition));
    }
    const request = {
      brokerId,
      brokerEpoch: brokerEpoch(),
      topics: [...topics].map(([topicId, indexes]) => ({ topicId, partitions: [...indexes] })),
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
