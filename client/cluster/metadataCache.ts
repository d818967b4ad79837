/**
 * Where the partitions of the topics in use are led.
 *
 * Users read it without waiting, report what proved wrong (`refresh`), and are called back when an
 * answer has come. Requests are coalesced and paced: however many partitions lose their leader at
 * once, one request is under way, with a pause between two of them.
 */

import { errorName, metadataApi, ProtocolError } from '../../protocol/index.ts';
import { ClientError } from '../errors.ts';
import { backOffMs } from './backOff.ts';
import type { ClusterContext } from './clusterContext.ts';
import type { ConnectionPool } from './connectionPool.ts';
import type { Deadline } from './deadline.ts';
import { type MetadataResponse, mergeTopic, type TopicMetadata, withLeader } from './metadata.ts';
import { unknownTopicError } from './topicSuggestion.ts';

/** A topic made a moment ago may not have reached every broker: ask this long before giving up. */
const UNKNOWN_TOPIC_GRACE_MS = 1_000;
/**
 * Whoever lost a leader waits for ZooKeeper to end its session, some seconds, and hears of the next
 * one by asking: for this long often, since that pause is added to every fail-over.
 */
const EAGER_MS = 30_000;
const EAGER_PAUSE_MS_MAX = 100;
/** A topic that was there is taken for deleted after this long without it. */
const TOPIC_GONE_MS = 30_000;

type TopicState =
  | { readonly kind: 'known'; readonly metadata: TopicMetadata }
  | {
      readonly kind: 'error';
      readonly error: ProtocolError;
      /** Since when every answer was this error, by the monotonic clock. */
      readonly sinceMs: number;
      readonly known: TopicMetadata | undefined;
    };

export class MetadataCache {
  readonly #context: ClusterContext;
  readonly #pool: ConnectionPool;
  readonly #topics = new Map<string, TopicState>();
  /** How many users each topic has: only these are asked for. */
  readonly #users = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  /** Topics whose state must be newer than now; asked for next. */
  readonly #wanted = new Set<string>();
  /** Brokers whose word proved doubtful since the last request: another one is asked next. */
  #doubted = new Set<number>();
  #waiters: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  #running = false;
  /** Answers and failures since the last quiet time: paces the requests. */
  #streak = 0;
  #streakStartMs = 0;
  #pacing: { cancel(): void } | undefined;
  #aging: { cancel(): void } | undefined;
  #closed = false;

  constructor(context: ClusterContext, pool: ConnectionPool) {
    this.#context = context;
    this.#pool = pool;
  }

  /** What is known, without waiting. After an error the last good state stays. */
  topic(name: string): TopicMetadata | undefined {
    const state = this.#topics.get(name);
    return state?.kind === 'error' ? state.known : state?.metadata;
  }

  /** The error of the last answer about the topic, if it was one. */
  topicError(name: string): ProtocolError | undefined {
    const state = this.#topics.get(name);
    return state?.kind === 'error' ? state.error : undefined;
  }

  /**
   * Why a topic that was known is given up: every answer of a long time says that it is gone, or
   * the brokers refuse it for good. A restarted broker may miss a topic for a moment.
   */
  goneError(name: string): ProtocolError | undefined {
    const state = this.#topics.get(name);
    if (state?.kind !== 'error') return undefined;
    if (state.error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') {
      return state.error.retriable ? undefined : state.error;
    }
    const forMs = this.#context.environment.clock.monotonicMs() - state.sinceMs;
    return forMs < TOPIC_GONE_MS ? undefined : unknownTopicError(name, undefined);
  }

  /** Keeps the topic fresh until `release`. */
  retain(name: string): void {
    this.#users.set(name, (this.#users.get(name) ?? 0) + 1);
    this.#armAging();
  }

  release(name: string): void {
    const users = (this.#users.get(name) ?? 0) - 1;
    if (users > 0) {
      this.#users.set(name, users);
      return;
    }
    this.#users.delete(name);
    this.#topics.delete(name);
    this.#wanted.delete(name);
    if (this.#users.size === 0) this.#aging?.cancel();
  }

  /** Called after each answer. @returns a function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Asks again, soon: something about the topic proved wrong.
   *
   * @param doubted id of a broker that may be cut off from the others and know nothing newer itself:
   *   another one is asked where there is one.
   */
  refresh(name: string, doubted?: number): void {
    if (this.#closed) return;
    this.#wanted.add(name);
    if (doubted !== undefined) this.#doubted.add(doubted);
    this.#schedule();
  }

  /**
   * A broker named another leader: used at once, confirmed by the next answer.
   *
   * @returns whether that was news.
   */
  learnLeader(
    name: string,
    partition: number,
    told: { readonly leader: number; readonly leaderEpoch: number },
  ): boolean {
    const state = this.#topics.get(name);
    if (told.leader < 0 || state?.kind !== 'known') return false;
    const known = state.metadata.partitions[partition];
    if (known === undefined || told.leaderEpoch <= known.leaderEpoch) return false;
    this.#topics.set(name, {
      kind: 'known',
      metadata: withLeader(state.metadata, partition, told),
    });
    return true;
  }

  /**
   * Waits until the topic is known. The caller has retained it.
   *
   * @throws {ProtocolError} UNKNOWN_TOPIC_OR_PARTITION with the nearest name, or what else the
   *   brokers answer for good.
   * @throws {ClientError} NO_BROKER_AVAILABLE where none was ever reached; TIMED_OUT, ABORTED.
   */
  async resolve(name: string, deadline: Deadline): Promise<TopicMetadata> {
    const { clock } = this.#context.environment;
    const startMs = clock.monotonicMs();
    for (;;) {
      const known = this.#topics.get(name);
      if (known?.kind === 'known') return known.metadata;
      await this.#next(name, deadline);
      const state = this.#topics.get(name);
      if (state?.kind !== 'error') continue;
      const graceIsOver = clock.monotonicMs() - startMs >= UNKNOWN_TOPIC_GRACE_MS;
      if (state.error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') {
        if (!state.error.retriable) throw state.error;
      } else if (graceIsOver) {
        throw unknownTopicError(name, await this.#allNames(deadline));
      }
    }
  }

  /**
   * Metadata of these topics, or of all, as one broker knows them now; the cache stays as it is.
   *
   * @param doubted ids of brokers that are asked only where there is nobody else.
   * @throws {ClientError} NO_BROKER_AVAILABLE. {ProtocolError} of the request.
   */
  async ask(
    topics: readonly string[] | null,
    doubted?: ReadonlySet<number>,
  ): Promise<MetadataResponse> {
    const connection = await this.#pool.any(doubted);
    const timeoutMs = this.#context.requestTimeoutMs;
    const response = await connection.call(metadataApi, { topics }, { timeoutMs });
    this.#pool.learn(response.brokers);
    return response;
  }

  /** Ends all waiting. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#pacing?.cancel();
    this.#aging?.cancel();
    this.#settle(new ClientError('CLIENT_CLOSED', 'the client is closed'));
  }

  async #allNames(deadline: Deadline): Promise<readonly string[] | undefined> {
    try {
      const response = await deadline.race(this.ask(null));
      return response.topics.map(({ name }) => name);
    } catch {
      // The suggestion is a courtesy: without it the error says the same.
      return undefined;
    }
  }

  /** One more answer about the topic, or the failure to get one. */
  async #next(name: string, deadline: Deadline): Promise<void> {
    deadline.check();
    if (this.#closed) throw new ClientError('CLIENT_CLOSED', 'the client is closed');
    const answered = new Promise<void>((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
    this.refresh(name);
    try {
      await deadline.race(answered, this.topicError(name));
    } catch (error) {
      const lost = error instanceof ProtocolError && error.retriable;
      const unreachable = error instanceof ClientError && error.code === 'NO_BROKER_AVAILABLE';
      if (!(lost || (unreachable && this.#pool.everConnected))) throw error;
    }
  }

  #schedule(): void {
    if (this.#running || this.#pacing !== undefined || this.#closed) return;
    const { environment, backOff } = this.#context;
    if (this.#streak === 0) {
      this.#streakStartMs = environment.clock.monotonicMs();
      void this.#run();
      return;
    }
    const eager = environment.clock.monotonicMs() - this.#streakStartMs < EAGER_MS;
    const maxMs = eager ? Math.min(backOff.maxMs, EAGER_PAUSE_MS_MAX) : backOff.maxMs;
    const pauseMs = backOffMs({ ...backOff, maxMs }, this.#streak, environment.random);
    this.#pacing = environment.timers.set(pauseMs, () => {
      this.#pacing = undefined;
      if (this.#wanted.size === 0) this.#streak = 0;
      else void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    const names = new Set([...this.#users.keys(), ...this.#wanted]);
    const asked = [...this.#wanted];
    this.#wanted.clear();
    const doubted = this.#doubted;
    this.#doubted = new Set();
    let failure: unknown;
    try {
      this.#take(await this.ask([...names], doubted));
    } catch (error) {
      failure = error;
      // Without any broker ever reached nobody waits for a later success: the calls have failed.
      if (this.#pool.everConnected) for (const name of asked) this.#wanted.add(name);
      this.#context.logger.debug('Metadata could not be fetched', { error: String(error) });
    }
    this.#running = false;
    this.#streak++;
    this.#settle(failure);
    this.#armAging();
    // Arms the pause even where nothing more is wanted: it ends the streak.
    this.#schedule();
    if (failure === undefined) for (const listener of this.#listeners) listener();
  }

  #take(response: MetadataResponse): void {
    for (const answer of response.topics) {
      const known = this.topic(answer.name);
      if (answer.errorCode === 0) {
        this.#topics.set(answer.name, { kind: 'known', metadata: mergeTopic(known, answer) });
        continue;
      }
      const error = new ProtocolError(errorName(answer.errorCode), undefined, {
        details: { topic: answer.name },
      });
      const before = this.#topics.get(answer.name);
      const same = before?.kind === 'error' && before.error.code === error.code;
      const sinceMs = same ? before.sinceMs : this.#context.environment.clock.monotonicMs();
      this.#topics.set(answer.name, { kind: 'error', error, sinceMs, known });
      // Asked again and again while somebody uses it: it may come back.
      if (error.retriable && this.#users.has(answer.name)) this.#wanted.add(answer.name);
    }
  }

  #settle(failure: unknown): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { resolve, reject } of waiters) {
      if (failure === undefined) resolve();
      else reject(failure);
    }
  }

  #armAging(): void {
    this.#aging?.cancel();
    if (this.#closed || this.#users.size === 0) return;
    const { environment, metadataAgeMsMax } = this.#context;
    this.#aging = environment.timers.set(
      metadataAgeMsMax,
      () => {
        for (const name of this.#users.keys()) this.#wanted.add(name);
        this.#schedule();
      },
      { keepsProcessAlive: false },
    );
  }
}
