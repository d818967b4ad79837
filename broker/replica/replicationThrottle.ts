/**
 * What replication may take of this broker's network: the replicas that are throttled, as leader and
 * as follower, and a rate for each of the two (KIP-73).
 *
 * A replica is throttled
 *   - by its topic: `leader.replication.throttled.replicas` and `follower.replication.throttled.replicas`
 *     name it, as in Kafka; or
 *   - by its move: a reassignment adds it, and was given a throttle.
 *
 * The rate is the lowest of the broker's own (`leader.replication.throttled.rate`,
 * `follower.replication.throttled.rate`) and those of the moves that it has a part in; all throttled
 * replicas of the broker share it.
 *
 * Only replicas out of sync are held back: what acknowledgements wait for must not wait for this.
 * What goes for the others counts, but no longer than ten seconds.
 */

import type { Clock } from '../../common/index.ts';
import type { PartitionState } from '../../protocol/index.ts';
import type { TopicConfig } from '../config/index.ts';
import type { Partition } from './partition.ts';
import { RateLimit } from './rateLimit.ts';

export interface ReplicationThrottleOptions {
  readonly selfId: number;
  /** `leader.replication.throttled.rate`, in bytes per second. */
  readonly leaderRate: number;
  /** `follower.replication.throttled.rate`, in bytes per second. */
  readonly followerRate: number;
}

type ThrottledReplicas = Pick<TopicConfig, 'leaderThrottledReplicas' | 'followerThrottledReplicas'>;

/** What is throttled of one partition. */
interface Throttled {
  /** All that this broker sends as its leader. */
  readonly allSent: boolean;
  /** Followers to whom it is throttled, beside that. */
  readonly sentTo: readonly number[];
  /** What this broker takes in as a follower. */
  readonly taken: boolean;
  /** Rates of the move; infinite where this broker does not have that part in it. */
  readonly leaderRate: number;
  readonly followerRate: number;
}

export class ReplicationThrottle {
  readonly #options: ReplicationThrottleOptions;
  readonly #sent: RateLimit;
  readonly #taken: RateLimit;
  /** Only partitions of which anything is throttled. */
  readonly #throttled = new Map<Partition, Throttled>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, options: ReplicationThrottleOptions) {
    this.#options = options;
    this.#sent = new RateLimit(clock);
    this.#taken = new RateLimit(clock);
    this.#setRates();
  }

  /** The controller has said how the partition stands; to be repeated at each change. */
  update(partition: Partition, state: PartitionState, replicas: ThrottledReplicas): void {
    const throttled = throttledOf(state, replicas, this.#options.selfId);
    if (throttled === undefined) {
      this.remove(partition);
      return;
    }
    this.#throttled.set(partition, throttled);
    this.#setRates();
  }

  /** The partition is no longer held here. */
  remove(partition: Partition): void {
    if (this.#throttled.delete(partition)) this.#setRates();
  }

  /** Bytes that the leader may send to the follower now: 0 for none, infinite where not throttled. */
  sendable(partition: Partition, followerId: number): number {
    if (!this.#isSendingThrottled(partition, followerId)) return Number.POSITIVE_INFINITY;
    return partition.awaits(followerId) ? Number.POSITIVE_INFINITY : this.#sent.available;
  }

  /** Milliseconds until a leader may send again. */
  get sendWaitMs(): number {
    return this.#sent.waitMs;
  }

  onSent(partition: Partition, followerId: number, bytes: number): void {
    if (!this.#isSendingThrottled(partition, followerId)) return;
    if (partition.awaits(followerId)) this.#sent.note(bytes);
    else this.#sent.take(bytes);
  }

  /** Whether a follower has to wait before it asks for more. @param isInSync as far as it knows. */
  holdsBack(partition: Partition, isInSync: boolean): boolean {
    if (isInSync || !this.#throttled.get(partition)?.taken) return false;
    return this.#taken.available === 0;
  }

  onTaken(partition: Partition, isInSync: boolean, bytes: number): void {
    if (!this.#throttled.get(partition)?.taken) return;
    if (isInSync) this.#taken.note(bytes);
    else this.#taken.take(bytes);
  }

  #isSendingThrottled(partition: Partition, followerId: number): boolean {
    const throttled = this.#throttled.get(partition);
    return throttled !== undefined && (throttled.allSent || throttled.sentTo.includes(followerId));
  }

  #setRates(): void {
    let { leaderRate, followerRate } = this.#options;
    for (const throttled of this.#throttled.values()) {
      leaderRate = Math.min(leaderRate, throttled.leaderRate);
      followerRate = Math.min(followerRate, throttled.followerRate);
    }
    this.#sent.setRate(leaderRate);
    this.#taken.setRate(followerRate);
  }
}

function throttledOf(
  { index, leader, addingReplicas, throttle }: PartitionState,
  { leaderThrottledReplicas, followerThrottledReplicas }: ThrottledReplicas,
  selfId: number,
): Throttled | undefined {
  const names = (list: readonly string[]): boolean =>
    list.includes('*') || list.includes(`${index}:${selfId}`);
  const isMoved = throttle > 0 && addingReplicas.length > 0;
  const leads = leader === selfId;
  const isAdded = isMoved && addingReplicas.includes(selfId);
  const throttled: Throttled = {
    allSent: names(leaderThrottledReplicas),
    sentTo: isMoved && leads ? addingReplicas : [],
    taken: names(followerThrottledReplicas) || isAdded,
    leaderRate: isMoved && leads ? throttle : Number.POSITIVE_INFINITY,
    followerRate: isAdded ? throttle : Number.POSITIVE_INFINITY,
  };
  return throttled.allSent || throttled.sentTo.length > 0 || throttled.taken
    ? throttled
    : undefined;
}
