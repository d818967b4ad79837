/**
 * ReplicaFetch and ReplicaProgress: the leader's side of following.
 *
 * A session holds what one follower follows here, for the life of its connection. Each request says
 * what changed; the answer has the partitions with something to tell. A session that waits is woken
 * by every append to its partitions, in the same turn.
 */

import type { BrokerEpoch, Clock } from '../../common/index.ts';
import type { RequestConnection, ServerRequest } from '../../network/index.ts';
import {
  errorCode,
  type RequestOf,
  type ResponseOf,
  type replicaFetchApi,
  type replicaProgressApi,
} from '../../protocol/index.ts';
import type { LogRead } from '../log/index.ts';
import type {
  DelayedOperation,
  FetchWaiter,
  Partition,
  Purgatory,
  ReplicaManager,
} from '../replica/index.ts';
import { refusalOf } from './refusal.ts';

type FetchRequest = RequestOf<typeof replicaFetchApi>;
type FetchResponse = ResponseOf<typeof replicaFetchApi>;
type PartitionRequest = FetchRequest['topics'][number]['partitions'][number];
type PartitionResult = FetchResponse['topics'][number]['partitions'][number];

export interface ReplicaFetchParts {
  readonly clock: Clock;
  readonly replicas: ReplicaManager;
  readonly purgatory: Purgatory;
  readonly isAlive: (id: number, epoch: BrokerEpoch) => boolean;
}

export class ReplicaFetchHandler {
  readonly #parts: ReplicaFetchParts;
  readonly #sessions = new Map<RequestConnection, FollowerSession>();

  constructor(parts: ReplicaFetchParts) {
    this.#parts = parts;
  }

  fetch(request: ServerRequest): void {
    const { connection } = request;
    let session = this.#sessions.get(connection);
    if (session === undefined) {
      session = new FollowerSession(this.#parts, connection.brokerId);
      this.#sessions.set(connection, session);
    }
    session.fetch(request);
  }

  progress(request: ServerRequest): void {
    const body = request.body as RequestOf<typeof replicaProgressApi>;
    request.dropResponse();
    this.#sessions.get(request.connection)?.progress(body);
  }

  onConnectionClosed(connection: RequestConnection): void {
    this.#sessions.get(connection)?.close();
    this.#sessions.delete(connection);
  }
}

/** One partition in a session: where the follower is, and what it was last told. */
interface Followed {
  readonly topicId: string;
  readonly position: PartitionRequest;
  readonly partition: Partition | undefined;
  toldHighWatermark: number;
  toldLogStartOffset: number;
}

class FollowerSession implements FetchWaiter, DelayedOperation {
  readonly #parts: ReplicaFetchParts;
  readonly #followerId: number;
  /** In the order in which they are served; whoever was served goes to the end. */
  readonly #followed = new Map<string, Followed>();
  #brokerEpoch: BrokerEpoch = -1 as BrokerEpoch;
  /** The request that waits for its answer. */
  #waiting: { readonly request: ServerRequest; readonly maxBytes: number } | undefined;
  /** Results that are due whatever else there is: refusals and divergences. */
  #due: { readonly topicId: string; readonly result: PartitionResult }[] = [];
  #deadlineMs = 0;
  #reading = false;
  #wokenWhileReading = false;

  constructor(parts: ReplicaFetchParts, followerId: number) {
    this.#parts = parts;
    this.#followerId = followerId;
  }

  fetch(request: ServerRequest): void {
    const body = request.body as FetchRequest;
    if (this.#waiting !== undefined) {
      request.respondError('INVALID_REQUEST', 'One ReplicaFetch at a time on a connection');
      return;
    }
    this.#brokerEpoch = body.brokerEpoch as BrokerEpoch;
    if (!this.#parts.isAlive(this.#followerId, this.#brokerEpoch)) {
      request.respond({ errorCode: errorCode('STALE_BROKER_EPOCH'), topics: [] });
      return;
    }
    this.#waiting = { request, maxBytes: body.maxBytes };
    this.#deadlineMs = this.#parts.clock.monotonicMs() + body.maxWaitMs;
    this.#forget(body);
    const moved = this.#noteMoved(body);
    this.#noteUnmoved(moved);
    this.#attempt();
  }

  progress(body: RequestOf<typeof replicaProgressApi>): void {
    for (const { topicId, partitions } of body.topics) {
      for (const { index, leaderEpoch, durableOffset } of partitions) {
        const { partition } = this.#followed.get(keyOf(topicId, index)) ?? {};
        partition?.onFollowerProgress(this.#followerId, leaderEpoch, durableOffset);
      }
    }
    if (body.topics.length > 0 || this.#waiting === undefined) return;
    this.#deadlineMs = 0;
    this.wake();
  }

  wake(): void {
    if (this.#waiting === undefined) return;
    if (this.#reading) this.#wokenWhileReading = true;
    else this.#attempt();
  }

  expire(): void {
    this.wake();
  }

  close(): void {
    this.#parts.purgatory.remove(this);
    for (const { partition } of this.#followed.values()) {
      partition?.removeFollowerSession(this);
      // A lost connection, too: whoever is out of sync is not waited for until it asks again.
      partition?.onFollowerForgets(this.#followerId);
    }
    this.#followed.clear();
    this.#waiting = undefined;
  }

  #forget(body: FetchRequest): void {
    for (const { topicId, partitions } of body.forgotten) {
      for (const index of partitions) {
        const key = keyOf(topicId, index);
        const partition = this.#followed.get(key)?.partition;
        partition?.removeFollowerSession(this);
        partition?.onFollowerForgets(this.#followerId);
        this.#followed.delete(key);
      }
    }
  }

  #noteMoved(body: FetchRequest): ReadonlySet<string> {
    const moved = new Set<string>();
    for (const { topicId, partitions } of body.topics) {
      for (const position of partitions) {
        const key = keyOf(topicId, position.index);
        moved.add(key);
        const known = this.#followed.get(key);
        const partition = this.#parts.replicas.findById(topicId, position.index);
        if (known?.partition !== partition) {
          known?.partition?.removeFollowerSession(this);
          partition?.addFollowerSession(this);
        }
        const followed: Followed = {
          topicId,
          position,
          partition,
          toldHighWatermark: known?.toldHighWatermark ?? -1,
          toldLogStartOffset: known?.toldLogStartOffset ?? -1,
        };
        this.#followed.set(key, followed);
        this.#noteFetch(followed);
      }
    }
    return moved;
  }

  #noteFetch({ topicId, position, partition }: Followed): void {
    try {
      if (partition === undefined) {
        this.#due.push({ topicId, result: refused(position.index, 'UNKNOWN_TOPIC_OR_PARTITION') });
        return;
      }
      const divergence = partition.onFollowerFetch({
        ...position,
        id: this.#followerId,
        epoch: this.#brokerEpoch,
      });
      if (divergence === undefined) return;
      const result: PartitionResult = {
        ...answer(partition, []),
        divergingEpoch: divergence.epoch,
        divergingEndOffset: divergence.endOffset,
      };
      this.#due.push({ topicId, result });
    } catch (error) {
      this.#due.push({ topicId, result: this.#refuse(position.index, partition, error) });
    }
  }

  /** A partition that the request does not name is where it was: that, too, is a sign of life. */
  #noteUnmoved(moved: ReadonlySet<string>): void {
    for (const [key, { topicId, position, partition }] of this.#followed) {
      if (moved.has(key)) continue;
      const fetch = { ...position, id: this.#followerId, epoch: this.#brokerEpoch };
      if (partition?.onFollowerStays(fetch)) continue;
      this.#due.push({ topicId, result: refused(position.index, 'NOT_LEADER_OR_FOLLOWER') });
    }
  }

  #attempt(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const results = this.#due;
    const answered = new Set(results.map(({ topicId, result }) => keyOf(topicId, result.index)));
    const collected = { sizeBytes: 0, results, answered, releases: [], isHeldBack: false };
    const reading = this.#collect(collected, waiting.maxBytes, this.#followed.entries());
    this.#reading = reading !== undefined;
    if (reading === undefined) this.#finish(collected);
    else
      reading.then(
        () => this.#finish(collected),
        (error: unknown) => this.#crash(error),
      );
  }

  #collect(collected: Collected, maxBytes: number, entries: Entries): Promise<void> | undefined {
    for (;;) {
      const { done, value } = entries.next();
      if (done || collected.sizeBytes >= maxBytes) return undefined;
      const reading = this.#collectOne(collected, maxBytes, value[1]);
      if (reading !== undefined) {
        return reading.then(() => this.#collect(collected, maxBytes, entries));
      }
    }
  }

  #collectOne(
    collected: Collected,
    maxBytes: number,
    followed: Followed,
  ): Promise<void> | undefined {
    const { topicId, position, partition } = followed;
    if (partition === undefined || collected.answered.has(keyOf(topicId, position.index))) {
      return undefined;
    }
    try {
      partition.checkLeader(position.leaderEpoch);
      if (position.fetchOffset >= partition.log.writtenOffset) return undefined;
      const { throttle } = this.#parts.replicas;
      const sendable = throttle.sendable(partition, this.#followerId);
      if (sendable === 0) {
        collected.isHeldBack = true;
        return undefined;
      }
      const read = partition.readForFollower(position.fetchOffset, {
        maxBytes: Math.min(maxBytes - collected.sizeBytes, sendable),
        atLeastOneBatch: collected.sizeBytes === 0,
      });
      const add = ({ slices, sizeBytes, release }: LogRead): void => {
        if (sizeBytes === 0) return;
        if (release !== undefined) collected.releases.push(release);
        collected.sizeBytes += sizeBytes;
        throttle.onSent(partition, this.#followerId, sizeBytes);
        collected.results.push({ topicId, result: answer(partition, slices) });
      };
      if (!(read instanceof Promise)) {
        add(read);
        return undefined;
      }
      return read.then(add, (error: unknown) => {
        const result = this.#refuse(position.index, partition, error);
        collected.results.push({ topicId, result });
      });
    } catch (error) {
      const result = this.#refuse(position.index, partition, error);
      collected.results.push({ topicId, result });
      return undefined;
    }
  }

  #finish({ results, sizeBytes, releases, isHeldBack }: Collected): void {
    this.#reading = false;
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const leftMs = this.#deadlineMs - this.#parts.clock.monotonicMs();
    if (results.length === 0 && leftMs > 0) {
      if (this.#wokenWhileReading) {
        this.#wokenWhileReading = false;
        this.#attempt();
      } else {
        const waitMs = isHeldBack ? this.#parts.replicas.throttle.sendWaitMs : leftMs;
        this.#parts.purgatory.remove(this);
        this.#parts.purgatory.add(this, Math.min(leftMs, waitMs));
      }
      return;
    }
    this.#wokenWhileReading = false;
    this.#parts.purgatory.remove(this);
    this.#waiting = undefined;
    this.#due = [];
    this.#addMovedOffsets(results);
    if (sizeBytes > 0) this.#rotate(results);
    waiting.request.respond({ errorCode: 0, topics: grouped(results) }, () => {
      for (const release of releases) release();
    });
  }

  /** Partitions without records whose high watermark or log start the follower does not know yet. */
  #addMovedOffsets(results: Collected['results']): void {
    const told = new Set(results.map(({ topicId, result }) => keyOf(topicId, result.index)));
    for (const [key, followed] of this.#followed) {
      const { partition, topicId } = followed;
      if (partition === undefined || !partition.isLeader) continue;
      const { highWatermark, log } = partition;
      const moved =
        highWatermark !== followed.toldHighWatermark ||
        log.logStartOffset !== followed.toldLogStartOffset;
      if (!moved) continue;
      followed.toldHighWatermark = highWatermark;
      followed.toldLogStartOffset = log.logStartOffset;
      if (!told.has(key)) results.push({ topicId, result: answer(partition, []) });
    }
  }

  /** The bytes of a response are shared fairly: who was served now comes last next time. */
  #rotate(results: Collected['results']): void {
    for (const { topicId, result } of results) {
      const key = keyOf(topicId, result.index);
      const followed = this.#followed.get(key);
      if (followed === undefined || result.records.length === 0) continue;
      this.#followed.delete(key);
      this.#followed.set(key, followed);
    }
  }

  #refuse(index: number, partition: Partition | undefined, error: unknown): PartitionResult {
    const code = refusalOf(error);
    if (code !== 'OFFSET_OUT_OF_RANGE' || partition === undefined) return refused(index, code);
    // The follower decides by where our log begins and ends what it keeps.
    return {
      ...answer(partition, []),
      errorCode: errorCode(code),
      divergingEndOffset: partition.log.logEndOffset,
    };
  }

  #crash(error: unknown): void {
    this.#waiting?.request.respondError('UNKNOWN_SERVER_ERROR');
    this.#waiting = undefined;
    throw error;
  }
}

type Entries = IterableIterator<[string, Followed]>;

interface Collected {
  sizeBytes: number;
  readonly results: { readonly topicId: string; readonly result: PartitionResult }[];
  /** Give memory back when the answer has left. */
  readonly releases: (() => void)[];
  /** Partitions whose result was due before anything was read. */
  readonly answered: ReadonlySet<string>;
  /** Whether there is more, which the throttle does not let go yet. */
  isHeldBack: boolean;
}

function keyOf(topicId: string, index: number): string {
  return `${topicId}-${index}`;
}

function answer(partition: Partition, records: readonly Uint8Array[]): PartitionResult {
  return {
    index: partition.index,
    errorCode: 0,
    leaderEpoch: partition.leaderEpoch,
    highWatermark: partition.highWatermark,
    logStartOffset: partition.log.logStartOffset,
    divergingEpoch: -1,
    divergingEndOffset: -1,
    records,
  };
}

function refused(index: number, error: Parameters<typeof errorCode>[0]): PartitionResult {
  return {
    index,
    errorCode: errorCode(error),
    leaderEpoch: -1,
    highWatermark: -1,
    logStartOffset: -1,
    divergingEpoch: -1,
    divergingEndOffset: -1,
    records: [],
  };
}

function grouped(results: Collected['results']): FetchResponse['topics'] {
  const topics = new Map<string, PartitionResult[]>();
  for (const { topicId, result } of results) {
    const partitions = topics.get(topicId);
    if (partitions === undefined) topics.set(topicId, [result]);
    else partitions.push(result);
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }));
}
