/**
 * Follows one leader broker: one loop fetches for all partitions that it leads and we hold.
 *
 *     request   what is new or changed since the last one; the leader remembers the rest
 *     response  append, write, take over the high watermark; truncate where the logs part
 *     progress  between two responses: how far our disk is, as soon as a sync has ended
 *
 * The next fetch leaves when the response is written, without waiting for the disk: network and
 * disk work side by side, and the disk's progress follows in a message of its own.
 *
 * What the leader remembers lives as long as the connection; after a loss everything is sent again.
 *
 * A replica that is throttled and out of sync is left out while its broker has taken in too much.
 */

import {
  assert,
  type BrokerEpoch,
  type Environment,
  type Logger,
  offset,
} from '../../common/index.ts';
import {
  errorName,
  type RecordsField,
  type replicaFetchApi,
  type replicaProgressApi,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { Fetched, Partition } from './partition.ts';
import type { ReplicationThrottle } from './replicationThrottle.ts';
import { truncationOffset } from './truncation.ts';

export type ReplicaFetchRequest = RequestOf<typeof replicaFetchApi>;
export type ReplicaFetchResponse = ResponseOf<typeof replicaFetchApi>;
export type ReplicaProgressRequest = RequestOf<typeof replicaProgressApi>;
type PartitionResult = ReplicaFetchResponse['topics'][number]['partitions'][number];
type PartitionRequest = ReplicaFetchRequest['topics'][number]['partitions'][number];

/** One connection to a leader. */
export interface ReplicaChannel {
  /** @throws where no answer came: the channel is then of no use any more. */
  fetch(request: ReplicaFetchRequest): Promise<ReplicaFetchResponse>;
  /** No answer comes. */
  progress(request: ReplicaProgressRequest): void;
  close(): void;
}

/** A leader that stays away is asked again at least this often. */
const BACK_OFF_MS_MAX = 1_000;

export interface LeaderFetcherOptions {
  readonly selfId: number;
  readonly throttle: ReplicationThrottle;
  readonly brokerEpoch: () => BrokerEpoch;
  readonly open: () => Promise<ReplicaChannel>;
  /** Writes what was appended; starts the syncs. */
  readonly flushTurn: () => void;
  /** `replica.fetch.wait.max.ms`. */
  readonly maxWaitMs: number;
  /** `replica.fetch.response.max.bytes`. */
  readonly maxBytes: number;
  /** `replica.fetch.backoff.ms`. */
  readonly backOffMs: number;
  /** A broken promise of the program: the broker ends. */
  readonly onFatal: (error: unknown) => void;
}

interface Followed {
  readonly partition: Partition;
  /** What the leader was last told; undefined before the first request of the connection. */
  told: PartitionRequest | undefined;
  /** Durable offset that it was last told. */
  toldDurable: number;
  /** After an error: not asked for before this time. */
  notBeforeMs: number;
  /** As the leader said last; infinite before. */
  leaderHighWatermark: number;
}

export class LeaderFetcher {
  readonly #environment: Pick<Environment, 'clock' | 'timers'>;
  readonly #options: LeaderFetcherOptions;
  readonly #logger: Logger;
  readonly #followed = new Map<Partition, Followed>();
  /** Left since the last request: the leader is told. */
  readonly #forgotten: Partition[] = [];
  #channel: ReplicaChannel | undefined;
  #running = false;
  #closed = false;
  #progressDue = false;
  /** Whether a fetch is under way. */
  #fetching = false;
  #hurrying = false;
  readonly #durable = new Set<Followed>();
  /** Ends the pause of the loop. */
  #wake: () => void = () => undefined;

  constructor(
    environment: Pick<Environment, 'clock' | 'timers'>,
    options: LeaderFetcherOptions,
    logger: Logger,
  ) {
    this.#environment = environment;
    this.#options = options;
    this.#logger = logger;
  }

  get size(): number {
    return this.#followed.size;
  }

  /** Begins to follow, or begins anew: the leader's epoch may have changed. */
  follow(partition: Partition): void {
    const known = this.#followed.get(partition);
    if (known !== undefined) {
      known.notBeforeMs = 0;
      known.leaderHighWatermark = Number.POSITIVE_INFINITY;
    } else {
      this.#followed.set(partition, {
        partition,
        told: undefined,
        toldDurable: -1,
        notBeforeMs: 0,
        leaderHighWatermark: Number.POSITIVE_INFINITY,
      });
    }
    this.#hurry();
    if (!this.#running) this.#run().catch(this.#options.onFatal);
  }

  unfollow(partition: Partition): void {
    const followed = this.#followed.get(partition);
    if (followed === undefined) return;
    this.#followed.delete(partition);
    this.#durable.delete(followed);
    if (followed.told === undefined) return;
    this.#forgotten.push(partition);
    // A leader goes on waiting for a replica that seems about to join.
    this.#hurry();
  }

  /** More of the log is on disk: told to the leader at the end of this turn. */
  onDurable(partition: Partition): void {
    const followed = this.#followed.get(partition);
    if (followed === undefined) return;
    this.#durable.add(followed);
    if (this.#progressDue) return;
    this.#progressDue = true;
    this.#environment.timers.afterTurn(() => this.#tellProgress());
  }

  close(): void {
    this.#closed = true;
    this.#channel?.close();
    this.#wake();
  }

  async #run(): Promise<void> {
    this.#running = true;
    let failures = 0;
    while (!this.#closed && this.#followed.size > 0) {
      try {
        this.#channel ??= await this.#options.open();
        await this.#fetchOnce(this.#channel);
        failures = 0;
      } catch (error) {
        // A broken promise of ours is no lost connection: trying again would hide it.
        if (error instanceof Error && error.name === 'AssertionError') throw error;
        this.#loseChannel(error);
        failures += 1;
        await this.#pause(Math.min(this.#options.backOffMs * 2 ** (failures - 1), BACK_OFF_MS_MAX));
      }
    }
    this.#running = false;
    this.#channel?.close();
    this.#channel = undefined;
  }

  #loseChannel(error: unknown): void {
    if (!this.#closed) this.#logger.debug('A leader cannot be fetched from', { error });
    this.#channel?.close();
    this.#channel = undefined;
    this.#forgotten.length = 0;
    for (const followed of this.#followed.values()) {
      followed.told = undefined;
      followed.toldDurable = -1;
    }
  }

  async #fetchOnce(channel: ReplicaChannel): Promise<void> {
    const request = this.#request();
    if (request === undefined) {
      await this.#pause(this.#options.backOffMs);
      return;
    }
    this.#fetching = true;
    const response = await channel.fetch(request).finally(() => {
      this.#fetching = false;
    });
    if (this.#closed) return;
    const error = errorName(response.errorCode);
    if (error !== 'NONE') throw new Error(`The leader refused the fetch with ${error}`);
    const fetched: { readonly partition: Partition; readonly result: Fetched }[] = [];
    for (const { topicId, partitions } of response.topics) {
      for (const result of partitions) {
        const followed = this.#find(topicId, result.index);
        if (followed === undefined || followed.partition.log.isTruncating) continue;
        const taken = this.#take(followed, result);
        if (taken !== undefined) fetched.push({ partition: followed.partition, result: taken });
      }
    }
    // The records are views of one response: they are in the file before the next is read.
    this.#options.flushTurn();
    for (const { partition, result } of fetched) partition.followOffsets(result);
  }

  /** @returns undefined where there is nothing to ask for at the moment. */
  #request(): ReplicaFetchRequest | undefined {
    const nowMs = this.#environment.clock.monotonicMs();
    const changed = new Map<string, PartitionRequest[]>();
    let active = 0;
    for (const followed of this.#followed.values()) {
      // Another fetcher, of the leader before, may have begun the truncation.
      const { partition, notBeforeMs } = followed;
      const isHeldBack = this.#options.throttle.holdsBack(partition, this.#isInSync(followed));
      if (partition.log.isTruncating || notBeforeMs > nowMs || isHeldBack) {
        this.#suspend(followed);
        continue;
      }
      active += 1;
      const wanted = position(followed.partition);
      if (followed.told !== undefined && isSame(followed.told, wanted)) continue;
      followed.told = wanted;
      followed.toldDurable = wanted.durableOffset;
      push(changed, followed.partition.topicId, wanted);
    }
    if (active === 0) return undefined;
    const forgotten = new Map<string, number[]>();
    for (const { topicId, index } of this.#forgotten.splice(0)) push(forgotten, topicId, index);
    return {
      brokerEpoch: this.#options.brokerEpoch(),
      // A partition that is out for a while must come back in time.
      maxWaitMs:
        active < this.#followed.size
          ? Math.min(this.#options.backOffMs, this.#options.maxWaitMs)
          : this.#options.maxWaitMs,
      maxBytes: this.#options.maxBytes,
      topics: [...changed].map(([topicId, partitions]) => ({ topicId, partitions })),
      forgotten: [...forgotten].map(([topicId, partitions]) => ({ topicId, partitions })),
    };
  }

  /** Takes it out of what the leader sends, until it is asked for again. */
  #suspend(followed: Followed): void {
    if (followed.told === undefined) return;
    followed.told = undefined;
    this.#forgotten.push(followed.partition);
  }

  /** As far as a follower can tell: it has all that its leader has called committed. */
  #isInSync({ partition, leaderHighWatermark }: Followed): boolean {
    const { selfId } = this.#options;
    return partition.isr.includes(selfId) || partition.log.logEndOffset >= leaderHighWatermark;
  }

  #take(followed: Followed, result: PartitionResult): Fetched | undefined {
    const { partition } = followed;
    const error = errorName(result.errorCode);
    if (error === 'OFFSET_OUT_OF_RANGE' || result.divergingEpoch !== -1) {
      this.#truncate(followed, result);
      return undefined;
    }
    if (error !== 'NONE') {
      followed.notBeforeMs = this.#environment.clock.monotonicMs() + this.#options.backOffMs;
      this.#logger.debug('A partition cannot be fetched', {
        topic: partition.topic,
        partition: partition.index,
        error,
      });
      return undefined;
    }
    const fetched: Fetched = {
      leaderEpoch: result.leaderEpoch,
      highWatermark: result.highWatermark,
      logStartOffset: result.logStartOffset,
      records: bytesOf(result.records),
    };
    const isInSync = this.#isInSync(followed);
    this.#options.throttle.onTaken(partition, isInSync, fetched.records.length);
    followed.leaderHighWatermark = result.highWatermark;
    try {
      partition.appendFetched(fetched);
      return fetched;
    } catch (caught) {
      this.#setBack(followed, caught);
      return undefined;
    }
  }

  /** The log, the role or the bytes refuse: asked for again after a while. */
  #setBack(followed: Followed, error: unknown): void {
    followed.notBeforeMs = this.#environment.clock.monotonicMs() + this.#options.backOffMs;
    this.#logger.warn('What a leader sent could not be appended', {
      topic: followed.partition.topic,
      partition: followed.partition.index,
      error,
    });
    if (error instanceof Error && error.name === 'AssertionError') throw error;
  }

  /** Cuts what the leader does not have. The partition is asked for again when that is on disk. */
  #truncate(followed: Followed, result: PartitionResult): void {
    const { partition } = followed;
    if (partition.isLeader || result.leaderEpoch !== partition.leaderEpoch) return;
    const { log } = partition;
    const target = truncationOffset(log, result);
    this.#logger.info('Truncating to where the log of the leader is the same', {
      topic: partition.topic,
      partition: partition.index,
      from: log.logEndOffset,
      to: target.offset,
      highWatermark: partition.highWatermark,
    });
    const done =
      target.kind === 'truncate'
        ? log.truncateTo(offset(target.offset))
        : log.resetTo(offset(target.offset));
    done.then(
      () => this.#hurry(),
      (error: unknown) => this.#setBack(followed, error),
    );
  }

  /** There is something new to ask for: a fetch that waits at the leader comes back at once. */
  #hurry(): void {
    this.#wake();
    if (this.#hurrying) return;
    this.#hurrying = true;
    this.#environment.timers.afterTurn(() => {
      this.#hurrying = false;
      if (this.#fetching && !this.#closed) this.#channel?.progress({ topics: [] });
    });
  }

  #tellProgress(): void {
    this.#progressDue = false;
    const due = [...this.#durable];
    this.#durable.clear();
    if (this.#channel === undefined || this.#closed) return;
    const topics = new Map<
      string,
      ReplicaProgressRequest['topics'][number]['partitions'][number][]
    >();
    for (const followed of due) {
      const { partition } = followed;
      const { durableOffset } = partition.log;
      if (followed.told === undefined || durableOffset <= followed.toldDurable) continue;
      followed.toldDurable = durableOffset;
      push(topics, partition.topicId, {
        index: partition.index,
        leaderEpoch: partition.leaderEpoch,
        durableOffset,
      });
    }
    if (topics.size === 0) return;
    this.#channel.progress({
      topics: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
    });
  }

  #find(topicId: string, index: number): Followed | undefined {
    for (const followed of this.#byTopic(topicId)) {
      if (followed.partition.index === index) return followed;
    }
    return undefined;
  }

  *#byTopic(topicId: string): Generator<Followed> {
    for (const followed of this.#followed.values()) {
      if (followed.partition.topicId === topicId) yield followed;
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#environment.timers.set(delayMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

/** Where the follower stands. */
function position(partition: Partition): PartitionRequest {
  const { log } = partition;
  assert(log.writtenOffset === log.logEndOffset, 'A follower asks for what follows its file', {
    writtenOffset: log.writtenOffset,
    logEndOffset: log.logEndOffset,
  });
  return {
    index: partition.index,
    leaderEpoch: partition.leaderEpoch,
    fetchOffset: log.logEndOffset,
    lastFetchedEpoch: log.latestEpoch,
    durableOffset: log.durableOffset,
    logStartOffset: log.logStartOffset,
  };
}

function isSame(told: PartitionRequest, wanted: PartitionRequest): boolean {
  return (
    told.leaderEpoch === wanted.leaderEpoch &&
    told.fetchOffset === wanted.fetchOffset &&
    told.lastFetchedEpoch === wanted.lastFetchedEpoch &&
    told.durableOffset === wanted.durableOffset &&
    told.logStartOffset === wanted.logStartOffset
  );
}

function push<Key, Value>(groups: Map<Key, Value[]>, key: Key, value: Value): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [value]);
  else group.push(value);
}

function bytesOf(records: RecordsField): Uint8Array {
  return records instanceof Uint8Array ? records : Buffer.concat([...records]);
}
