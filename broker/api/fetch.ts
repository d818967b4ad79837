/**
 * Fetch: reads what is there, and waits for more where that is too little.
 *
 * A waiting fetch hangs on its partitions and is woken by the append that makes them readable, in
 * the same turn; its deadline is kept by the purgatory. Memory answers at once; what must come from
 * the disk is read asynchronously, one partition after the other, within the bytes that are left.
 */

import type { Clock } from '../../common/index.ts';
import type { ServerRequest } from '../../network/index.ts';
import { errorCode, type fetchApi, type RequestOf, type ResponseOf } from '../../protocol/index.ts';
import type { LogRead } from '../log/index.ts';
import type { BrokerProbe } from '../metrics/index.ts';
import type {
  DelayedOperation,
  FetchWaiter,
  Partition,
  Purgatory,
  ReplicaManager,
} from '../replica/index.ts';
import type { Exchange } from './exchange.ts';
import { refusalOf } from './refusal.ts';

export type FetchRequest = RequestOf<typeof fetchApi>;
export type FetchResponse = ResponseOf<typeof fetchApi>;
type PartitionResult = FetchResponse['topics'][number]['partitions'][number];

/** A response holds at most this many bytes of records, unless one batch alone is larger. */
const RESPONSE_BYTES_MAX = 8 * 1024 * 1024;

export interface FetchParts {
  readonly clock: Clock;
  readonly replicas: ReplicaManager;
  /** Where requests wait for records. */
  readonly purgatory: Purgatory;
  readonly probe: BrokerProbe;
  /** The replica in the rack of the consumer that it should read from instead (KIP-392). */
  readonly nearerReplica: (
    partition: Partition,
    rack: string | null,
    fetchOffset: number,
  ) => number | undefined;
}

export class FetchHandler {
  readonly #parts: FetchParts;

  constructor(parts: FetchParts) {
    this.#parts = parts;
  }

  handle(request: ServerRequest): void {
    this.fetch(request.body as FetchRequest, request);
  }

  /** The exchange is answered when there is enough, or the wait is over. */
  fetch(body: FetchRequest, exchange: Exchange<FetchResponse>): void {
    new PendingFetch(this.#parts, exchange, body).start();
  }
}

/** One read of all partitions of a request. */
interface Attempt {
  readonly topics: { name: string; partitions: PartitionResult[] }[];
  /** Give the memory of what was read back. */
  readonly releases: (() => void)[];
  sizeBytes: number;
  /** Whether the answer must go out even if it is too small: an error or a redirection is in it. */
  failed: boolean;
}

class PendingFetch implements FetchWaiter, DelayedOperation {
  readonly #parts: FetchParts;
  readonly #exchange: Exchange<FetchResponse>;
  readonly #body: FetchRequest;
  /** Partitions on which this waits. */
  #waitingOn: Partition[] = [];
  readonly #deadlineMs: number;
  #expired: boolean;
  /** Whether the purgatory holds this. */
  #waiting = false;
  /** Whether a read of the disk is under way. */
  #reading = false;

  constructor(parts: FetchParts, exchange: Exchange<FetchResponse>, body: FetchRequest) {
    this.#parts = parts;
    this.#exchange = exchange;
    this.#body = body;
    this.#expired = body.maxWaitMs <= 0;
    this.#deadlineMs = parts.clock.monotonicMs() + body.maxWaitMs;
  }

  start(): void {
    this.#attempt();
  }

  wake(): void {
    this.#stopWaiting();
    this.#attempt();
  }

  /** While a read is under way its answer goes out as it is; otherwise one last look. */
  expire(): void {
    this.#waiting = false;
    this.#expired = true;
    if (this.#reading) return;
    this.#stopWaiting();
    this.#attempt();
  }

  #attempt(): void {
    const attempt: Attempt = { topics: [], releases: [], sizeBytes: 0, failed: false };
    const reading = this.#readFrom(attempt, 0, 0);
    this.#reading = reading !== undefined;
    if (reading === undefined) this.#finish(attempt);
    else
      reading.then(
        () => this.#finish(attempt),
        (error: unknown) => this.#crash(error),
      );
  }

  /**
   * Reads from the given partition of the given topic on; goes on by a promise from the first that
   * is not in memory.
   */
  #readFrom(
    attempt: Attempt,
    topicIndex: number,
    partitionIndex: number,
  ): Promise<void> | undefined {
    for (let t = topicIndex; t < this.#body.topics.length; t += 1) {
      const topic = this.#body.topics[t]!;
      if (attempt.topics.length === t) attempt.topics.push({ name: topic.name, partitions: [] });
      for (let p = t === topicIndex ? partitionIndex : 0; p < topic.partitions.length; p += 1) {
        const reading = this.#readOne(attempt, topic, p);
        if (reading !== undefined) {
          return reading.then(() => this.#readFrom(attempt, t, p + 1));
        }
      }
    }
    return undefined;
  }

  #readOne(
    attempt: Attempt,
    topic: FetchRequest['topics'][number],
    position: number,
  ): Promise<void> | undefined {
    const wanted = topic.partitions[position]!;
    const results = attempt.topics.at(-1)!.partitions;
    const left = Math.min(this.#body.maxBytes, RESPONSE_BYTES_MAX) - attempt.sizeBytes;
    let partition: Partition;
    try {
      partition = this.#parts.replicas.partition(topic.name, wanted.index, topic.topicId);
      if (left <= 0 && attempt.sizeBytes > 0) {
        results.push(readResult(partition, wanted.index, []));
        return undefined;
      }
      const nearer = this.#parts.nearerReplica(partition, this.#body.rack, wanted.fetchOffset);
      if (nearer !== undefined) {
        attempt.failed = true;
        results.push({
          ...readResult(partition, wanted.index, []),
          preferredReadReplica: nearer,
        });
        return undefined;
      }
      const read = partition.read({
        fetchOffset: wanted.fetchOffset,
        expectedLeaderEpoch: wanted.leaderEpoch,
        fromFollower: this.#body.rack !== null,
        maxBytes: Math.max(0, Math.min(wanted.maxBytes, left)),
        atLeastOneBatch: attempt.sizeBytes === 0,
      });
      if (!(read instanceof Promise)) {
        this.#add(attempt, results, readResult(partition, wanted.index, read.slices), read);
        return undefined;
      }
      return read.then(
        (cold) =>
          this.#add(attempt, results, readResult(partition, wanted.index, cold.slices), cold),
        (error: unknown) => this.#refuse(attempt, results, wanted.index, error),
      );
    } catch (error) {
      this.#refuse(attempt, results, wanted.index, error);
      return undefined;
    }
  }

  #add(attempt: Attempt, results: PartitionResult[], result: PartitionResult, read: LogRead): void {
    results.push(result);
    attempt.sizeBytes += read.sizeBytes;
    if (read.release !== undefined) attempt.releases.push(read.release);
  }

  #refuse(attempt: Attempt, results: PartitionResult[], index: number, error: unknown): void {
    attempt.failed = true;
    this.#parts.probe.countError(refusalOf(error));
    results.push(refusedResult(this.#parts.replicas, attempt.topics.at(-1)!.name, index, error));
  }

  #finish(attempt: Attempt): void {
    this.#reading = false;
    if (this.#leftMs() <= 0) this.#expired = true;
    const enough = attempt.sizeBytes >= this.#body.minBytes;
    if (enough || attempt.failed || this.#expired || this.#exchange.connection.closed) {
      if (this.#waiting) this.#parts.purgatory.remove(this);
      this.#waiting = false;
      const { clock, probe } = this.#parts;
      probe.fetchedBytesTotal += attempt.sizeBytes;
      probe.fetchLatency.observe(clock.monotonicMs() - this.#exchange.receivedMs);
      const response: FetchResponse = { errorCode: 0, topics: attempt.topics };
      this.#exchange.respond(response, () => releaseAll(attempt));
      return;
    }
    releaseAll(attempt);
    this.#wait(attempt);
  }

  /**
   * Hangs on the partitions. While a cold read was under way something may have been appended, and
   * nobody was told: then this reads again instead of waiting.
   */
  #wait(attempt: Attempt): void {
    if (!this.#waiting) {
      this.#waiting = true;
      this.#parts.purgatory.add(this, this.#leftMs());
    }
    let changed = false;
    for (const [t, topic] of this.#body.topics.entries()) {
      for (const [p, wanted] of topic.partitions.entries()) {
        const partition = this.#parts.replicas.find(topic.name, wanted.index);
        const seen = attempt.topics[t]!.partitions[p]!;
        changed ||= partition?.highWatermark !== seen.highWatermark;
        if (partition === undefined) continue;
        partition.addFetchWaiter(this);
        this.#waitingOn.push(partition);
      }
    }
    if (changed) this.wake();
  }

  #stopWaiting(): void {
    for (const partition of this.#waitingOn) partition.removeFetchWaiter(this);
    this.#waitingOn = [];
  }

  #leftMs(): number {
    return this.#deadlineMs - this.#parts.clock.monotonicMs();
  }

  /** Only an error that nothing above expects comes here; it must not vanish in a promise. */
  #crash(error: unknown): void {
    this.#exchange.respondError('UNKNOWN_SERVER_ERROR');
    throw error;
  }
}

function releaseAll({ releases }: Attempt): void {
  for (const release of releases) release();
}

function readResult(
  partition: Partition,
  index: number,
  slices: readonly Uint8Array[],
): PartitionResult {
  return {
    index,
    errorCode: 0,
    highWatermark: partition.highWatermark,
    lastStableOffset: partition.highWatermark,
    logStartOffset: partition.log.logStartOffset,
    leader: -1,
    leaderEpoch: -1,
    preferredReadReplica: -1,
    records: slices,
  };
}

function refusedResult(
  replicas: ReplicaManager,
  topic: string,
  index: number,
  error: unknown,
): PartitionResult {
  const code = refusalOf(error);
  const hint = code === 'NOT_LEADER_OR_FOLLOWER' ? replicas.leaderHint(topic, index) : undefined;
  return {
    index,
    errorCode: errorCode(code),
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    leader: hint?.leader ?? -1,
    leaderEpoch: hint?.leaderEpoch ?? -1,
    preferredReadReplica: -1,
    records: [],
  };
}
