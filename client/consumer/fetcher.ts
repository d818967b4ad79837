/**
 * Keeps fetches under way to the leaders of all partitions, ahead of the application; to a replica
 * in the consumer's own rack instead where the leader names one (KIP-392).
 *
 * A partition is in one fetch at a time; one fetch asks a broker for all of its partitions that are
 * in none. When an answer has come, the next fetch leaves before the application has seen the
 * first. Fetching rests while half of `prefetchBytes` is buffered, so that what is buffered and what
 * is asked for stay below it together.
 */

import type { ClientConnection } from '../../network/index.ts';
import { fetchApi, ProtocolError, type ResponseOf } from '../../protocol/index.ts';
import { backOffMs } from '../cluster/backOff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { groupBy } from '../cluster/groupBy.ts';
import { ClientError } from '../errors.ts';
import type { ConsumerSettings } from './consumerSettings.ts';
import { FetchedBatch } from './fetchedBatch.ts';
import type { PartitionState } from './partitionState.ts';

/** Less than this is not worth a request. */
const FETCH_BYTES_MIN = 64 * 1024;

/** After a failure of the replica in the own rack the leader serves for this long. */
const LEADER_ONLY_MS = 10_000;

/** What the fetcher tells its consumer. */
export interface FetcherHost<Key, Value> {
  /** There is something to take, or the consumer has failed. */
  onFetched(): void;
  /** A partition's answer is an error that a new attempt does not heal by itself. */
  onPartitionError(state: PartitionState<Key, Value>, errorCode: number): void;
  onFailure(error: Error): void;
}

export interface Fetched<Key, Value> {
  readonly state: PartitionState<Key, Value>;
  /** Generation of the state for which it was fetched. */
  readonly generation: number;
  readonly batch: FetchedBatch<Key, Value>;
}

interface AskedPartition<Key, Value> {
  readonly state: PartitionState<Key, Value>;
  readonly generation: number;
  readonly fetchOffset: number;
  /** Id of who is asked. */
  readonly broker: number;
  /** Asked of a replica that does not lead it. */
  readonly ofFollower: boolean;
}

type FetchResponse = ResponseOf<typeof fetchApi>;
type PartitionAnswer = FetchResponse['topics'][number]['partitions'][number];

export class Fetcher<Key, Value> {
  readonly #cluster: Cluster;
  readonly #settings: ConsumerSettings<Key, Value>;
  readonly #host: FetcherHost<Key, Value>;
  #states: readonly PartitionState<Key, Value>[] = [];
  #ready: Fetched<Key, Value>[] = [];
  #bufferedBytes = 0;
  #running = false;
  #scheduled = false;
  #timer: { cancel(): void } | undefined;
  /** Ends the calls that are under way when fetching stops. */
  #abort = new AbortController();
  /** Rotates which partition is asked for first: the first is served first. */
  #rotation = 0;

  constructor(
    cluster: Cluster,
    settings: ConsumerSettings<Key, Value>,
    host: FetcherHost<Key, Value>,
  ) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#host = host;
  }

  /** Bytes fetched and not yet taken. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  start(states: readonly PartitionState<Key, Value>[]): void {
    this.#states = states;
    this.#running = true;
    this.schedule();
  }

  /** Drops what is under way and buffered; positions stay. */
  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
    this.#abort.abort(new ClientError('ABORTED', 'fetching has stopped'));
    this.#abort = new AbortController();
    this.#ready = [];
    this.#bufferedBytes = 0;
    for (const state of this.#states) state.moveTo(state.position);
  }

  /** The oldest fetched batch that still counts. */
  take(): Fetched<Key, Value> | undefined {
    for (;;) {
      const fetched = this.#ready.shift();
      if (fetched === undefined) return undefined;
      this.#bufferedBytes -= fetched.batch.sizeBytes;
      this.schedule();
      if (fetched.generation === fetched.state.generation) return fetched;
    }
  }

  /** Drops what is buffered of one partition, to be fetched again from its position. */
  drop(state: PartitionState<Key, Value>): void {
    state.moveTo(state.position);
    this.#ready = this.#ready.filter(({ state: other, batch }) => {
      if (other === state) this.#bufferedBytes -= batch.sizeBytes;
      return other !== state;
    });
    this.schedule();
  }

  /** Looks for partitions to fetch, at the end of this turn. */
  schedule(): void {
    if (this.#scheduled || !this.#running) return;
    this.#scheduled = true;
    this.#cluster.environment.timers.afterTurn(() => {
      this.#scheduled = false;
      if (this.#running) this.#pump();
    });
  }

  #pump(): void {
    if (this.#bufferedBytes * 2 >= this.#settings.prefetchBytes) return;
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    let wakeMs = Number.POSITIVE_INFINITY;
    const due = this.#states.filter((state) => {
      const wanted = state.position !== undefined && state.fetchOffset < state.endOffset;
      if (!wanted || state.paused || state.fetching || state.seeking) return false;
      if (state.retryAtMs > nowMs) wakeMs = Math.min(wakeMs, state.retryAtMs);
      return state.retryAtMs <= nowMs;
    });
    this.#rotation += 1;
    const from = due.length === 0 ? 0 : this.#rotation % due.length;
    const rotated = [...due.slice(from), ...due.slice(0, from)];
    for (const [leader, states] of groupBy(rotated, (state) => this.#brokerOf(state))) {
      if (leader >= 0) void this.#fetch(leader, states);
      else for (const state of states) this.#retryLater(state, noLeader(state));
    }
    this.#timer?.cancel();
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#cluster.environment.timers.set(wakeMs - nowMs, () => this.schedule());
  }

  #leaderOf({ topic, partition }: PartitionState<Key, Value>): number {
    return this.#cluster.metadata.topic(topic)?.partitions[partition]?.leader ?? -1;
  }

  /** The leader, or the replica that it named. */
  #brokerOf(state: PartitionState<Key, Value>): number {
    const known = this.#cluster.metadata.topic(state.topic)?.partitions[state.partition];
    const leader = known?.leader ?? -1;
    const { nearer } = state;
    if (nearer === undefined) return leader;
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    if (nearer.untilMs > nowMs && known?.leaderEpoch === nearer.leaderEpoch) return nearer.broker;
    state.nearer = undefined;
    return leader;
  }

  async #fetch(leader: number, states: readonly PartitionState<Key, Value>[]): Promise<void> {
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    const asked = states.map((state): AskedPartition<Key, Value> => {
      state.fetching = true;
      // The time in which nothing was asked for is no time without an answer.
      if (state.failures === 0) state.answeredMs = nowMs;
      const { generation, fetchOffset } = state;
      const ofFollower = state.nearer !== undefined;
      return { state, generation, fetchOffset, broker: leader, ofFollower };
    });
    const { signal } = this.#abort;
    let connection: ClientConnection | undefined;
    try {
      connection = this.#cluster.pool.open(leader) ?? (await this.#cluster.pool.broker(leader));
      if (signal.aborted) return;
      const { fetchWaitMsMax } = this.#settings;
      const timeoutMs = this.#cluster.context.requestTimeoutMs + fetchWaitMsMax;
      const request = this.#request(asked);
      const response = await connection.call(fetchApi, request, { timeoutMs, signal });
      if (signal.aborted) return;
      this.#takeResponse(asked, response);
    } catch (error) {
      if (signal.aborted) return;
      // A broker that does not answer is given up with its connection: it may be half open.
      const timedOut = error instanceof ProtocolError && error.code === 'REQUEST_TIMED_OUT';
      if (timedOut) void connection?.close();
      this.#takeFailure(asked, error);
    }
    this.schedule();
  }

  #request(asked: readonly AskedPartition<Key, Value>[]) {
    const settings = this.#settings;
    const shareBytes = Math.floor(settings.prefetchBytes / (2 * this.#leaderCount()));
    const maxBytes = Math.min(settings.fetchBytesMax, Math.max(shareBytes, FETCH_BYTES_MIN));
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    const mayRedirect = asked.every(({ state }) => state.leaderOnlyUntilMs <= nowMs);
    return {
      rack: mayRedirect ? settings.rack : null,
      maxWaitMs: settings.fetchWaitMsMax,
      minBytes: settings.fetchBytesMin,
      maxBytes,
      isolationLevel: settings.isolation === 'committed' ? 1 : 0,
      topics: [...groupBy(asked, ({ state }) => state.topic)].map(([name, group]) => ({
        name,
        topicId: group[0]!.state.topicId,
        partitions: group.map(({ state, fetchOffset }) => ({
          index: state.partition,
          leaderEpoch:
            this.#cluster.metadata.topic(name)?.partitions[state.partition]?.leaderEpoch ?? -1,
          fetchOffset,
          maxBytes: Math.min(settings.partitionBytesMax, maxBytes),
        })),
      })),
    };
  }

  #leaderCount(): number {
    const leaders = new Set(this.#states.map((state) => this.#leaderOf(state)));
    return Math.max(leaders.size, 1);
  }

  #takeResponse(asked: readonly AskedPartition<Key, Value>[], response: FetchResponse): void {
    if (response.errorCode !== 0) {
      for (const one of asked) this.#takePartition(one, undefined, response.errorCode);
      return;
    }
    const answers = new Map<string, PartitionAnswer>();
    for (const { name, partitions } of response.topics) {
      for (const partition of partitions) answers.set(`${partition.index} ${name}`, partition);
    }
    for (const one of asked) {
      const answer = answers.get(`${one.state.partition} ${one.state.topic}`);
      this.#takePartition(one, answer, answer?.errorCode ?? 0);
    }
  }

  #takePartition(
    { state, generation, fetchOffset, broker, ofFollower }: AskedPartition<Key, Value>,
    answer: PartitionAnswer | undefined,
    errorCode: number,
  ): void {
    // Moved since: the answer is about another place.
    if (state.generation !== generation) return;
    state.fetching = false;
    if (errorCode !== 0) {
      if (answer !== undefined) {
        this.#cluster.metadata.learnLeader(state.topic, state.partition, answer);
      }
      // Also OFFSET_OUT_OF_RANGE: a replica may be behind, only the leader knows.
      if (ofFollower) {
        this.#backToLeader(state);
        return;
      }
      this.#host.onPartitionError(state, errorCode);
      return;
    }
    state.failures = 0;
    state.answeredMs = this.#cluster.environment.clock.monotonicMs();
    if (answer !== undefined && answer.preferredReadReplica >= 0) {
      this.#redirect(state, answer.preferredReadReplica);
      return;
    }
    const bytes = answer?.records;
    if (answer === undefined || !(bytes instanceof Uint8Array) || bytes.length === 0) {
      if (state.quiet(state.answeredMs)) {
        state.nearer = undefined;
        this.#cluster.metadata.refresh(state.topic, broker);
      }
      return;
    }
    state.heard();
    try {
      const batch = new FetchedBatch(state.source, bytes, {
        fromOffset: fetchOffset,
        endOffset: state.endOffset,
        highWatermark: answer.highWatermark,
        checkCrc: this.#settings.checkCrc,
      });
      state.fetchOffset = batch.nextOffset;
      this.#ready.push({ state, generation, batch });
      this.#bufferedBytes += batch.sizeBytes;
      this.#host.onFetched();
    } catch (error) {
      this.#host.onFailure(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #takeFailure(asked: readonly AskedPartition<Key, Value>[], error: unknown): void {
    const transient =
      (error instanceof ProtocolError && error.retriable) ||
      (error instanceof ClientError && error.code === 'NO_BROKER_AVAILABLE');
    if (!transient) {
      this.#host.onFailure(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    for (const { state, generation, ofFollower } of asked) {
      if (state.generation !== generation) continue;
      state.fetching = false;
      if (ofFollower) {
        this.#backToLeader(state);
        continue;
      }
      this.#retryLater(state, error);
    }
  }

  /** The leader names a replica in the consumer's rack: it is asked from now on. */
  #redirect(state: PartitionState<Key, Value>, broker: number): void {
    const known = this.#cluster.metadata.topic(state.topic)?.partitions[state.partition];
    if (known === undefined || known.leader === broker) return;
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    const untilMs = nowMs + this.#cluster.context.metadataAgeMsMax;
    state.nearer = { broker, leaderEpoch: known.leaderEpoch, untilMs };
  }

  /** The replica does not serve: the leader does, and may name one again after a while. */
  #backToLeader(state: PartitionState<Key, Value>): void {
    state.nearer = undefined;
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    state.leaderOnlyUntilMs = nowMs + LEADER_ONLY_MS;
    this.#cluster.metadata.refresh(state.topic);
  }

  /** Tries again after a pause, with fresh metadata; gives up after `unreachableMsMax`. */
  #retryLater(state: PartitionState<Key, Value>, error: Error): void {
    const { environment, metadata, context } = this.#cluster;
    const nowMs = environment.clock.monotonicMs();
    const gone = metadata.goneError(state.topic);
    if (gone !== undefined || nowMs - state.answeredMs >= this.#settings.unreachableMsMax) {
      this.#host.onFailure(gone ?? error);
      return;
    }
    state.failures += 1;
    state.retryAtMs = nowMs + backOffMs(context.backOff, state.failures, environment.random);
    metadata.refresh(state.topic);
    this.schedule();
  }

  /** For the consumer: an error of one partition that goes away by itself. */
  retry(state: PartitionState<Key, Value>, error: Error): void {
    this.#retryLater(state, error);
  }
}

function noLeader({ topic, partition }: { topic: string; partition: number }): ProtocolError {
  return new ProtocolError(
    'LEADER_NOT_AVAILABLE',
    `partition ${partition} of topic "${topic}" has no leader`,
  );
}
