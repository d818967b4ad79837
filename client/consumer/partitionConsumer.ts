/** The consumer: finds its partitions, keeps their positions, and hands out what was fetched. */

import {
  type ErrorDefinition,
  errorCatalogue,
  errorName,
  ProtocolError,
} from '../../protocol/index.ts';
import type { CallOptions } from '../callOptions.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { Deadline } from '../cluster/deadline.ts';
import type { TopicMetadata } from '../cluster/metadata.ts';
import { AT_EARLIEST, AT_LATEST, queryOffsets } from '../cluster/offsetQuery.ts';
import { ClientError } from '../errors.ts';
import type { ConsumedBatch, ConsumedRecord } from './consumedRecord.ts';
import type {
  Consumer,
  ConsumerOptions,
  PartitionLag,
  PartitionPosition,
  PartitionSelection,
} from './consumer.ts';
import {
  type ConsumerSettings,
  checkedPosition,
  consumerSettings,
  timeMs,
} from './consumerSettings.ts';
import { type Fetched, Fetcher, type FetcherHost } from './fetcher.ts';
import { BatchIterator, type IterationHost, RecordIterator } from './iterators.ts';
import { PartitionState } from './partitionState.ts';
import { outOfRangeError, recreatedError } from './positionErrors.ts';
import type { AssignedPartition, StartPosition } from './startPosition.ts';

/** @see Consumer */
export class PartitionConsumer<Key, Value>
  implements Consumer<Key, Value>, FetcherHost<Key, Value>, IterationHost<Key, Value>
{
  readonly #cluster: Cluster;
  readonly #settings: ConsumerSettings<Key, Value>;
  readonly #fetcher: Fetcher<Key, Value>;
  readonly #onClosed: () => void;
  readonly #unsubscribe: () => void;
  readonly #states: PartitionState<Key, Value>[] = [];
  /** `pause` and `resume` before the partitions were known. */
  readonly #earlySelections: {
    readonly selection: PartitionSelection | undefined;
    readonly paused: boolean;
  }[] = [];
  #starting: Promise<void> | undefined;
  #started = false;
  #iterating = false;
  #failure: Error | undefined;
  #closed = false;
  #waiters: (() => void)[] = [];

  /** @throws {TypeError} see `consumerSettings`. */
  constructor(cluster: Cluster, options: ConsumerOptions<Key, Value>, onClosed: () => void) {
    this.#cluster = cluster;
    this.#onClosed = onClosed;
    this.#settings = consumerSettings(options);
    this.#fetcher = new Fetcher(cluster, this.#settings, this);
    for (const topic of this.#settings.topics) cluster.metadata.retain(topic);
    this.#unsubscribe = cluster.metadata.onChange(() => this.#onMetadata());
  }

  [Symbol.asyncIterator](): AsyncIterator<ConsumedRecord<Key, Value>, undefined> {
    return new RecordIterator<Key, Value>(this);
  }

  batches(): AsyncIterableIterator<ConsumedBatch<Key, Value>> {
    return new BatchIterator<Key, Value>(this);
  }

  ready(options: CallOptions = {}): Promise<void> {
    return this.#deadline('ready', options).race(this.#start());
  }

  async seek(
    partition: AssignedPartition,
    position: StartPosition,
    options: CallOptions = {},
  ): Promise<void> {
    checkedPosition(position);
    const deadline = this.#deadline('seek', options);
    await deadline.race(this.#start());
    const state = this.#states.find(
      (one) => one.topic === partition.topic && one.partition === partition.partition,
    );
    if (state === undefined) {
      throw new RangeError(
        `this consumer does not read partition ${partition.partition} of topic "${partition.topic}"`,
      );
    }
    await this.#moveTo([state], () => position, deadline);
  }

  pause(selection?: PartitionSelection): void {
    this.#setPaused(selection, true);
  }

  resume(selection?: PartitionSelection): void {
    this.#setPaused(selection, false);
  }

  positions(): readonly PartitionPosition[] {
    return this.#states.map(({ topic, partition, position, paused }) => {
      return { topic, partition, offset: position, paused };
    });
  }

  async lag(options: CallOptions = {}): Promise<readonly PartitionLag[]> {
    const deadline = this.#deadline('lag', options);
    await deadline.race(this.#start());
    const { isolation } = this.#settings;
    const wanted = this.#states.map(({ topic, partition }) => {
      return { topic, partition, timestamp: AT_LATEST };
    });
    const ends = await queryOffsets(this.#cluster, { wanted, isolation, deadline });
    return this.#states.map(({ topic, partition, position }) => {
      const end = ends.find((one) => one.topic === topic && one.partition === partition);
      const endOffset = end?.offset ?? 0;
      const offset = position ?? endOffset;
      return { topic, partition, offset, endOffset, lag: Math.max(endOffset - offset, 0) };
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    this.#fetcher.stop();
    for (const topic of this.#settings.topics) this.#cluster.metadata.release(topic);
    this.#wake();
    this.#onClosed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws {TypeError} an iteration is under way already. */
  begin(): void {
    if (this.#iterating) throw new TypeError('the consumer is being iterated already');
    this.#iterating = true;
    this.#failure = undefined;
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    for (const state of this.#states) state.answeredMs = nowMs;
  }

  /** Ends the iteration. What was taken and not handed out is fetched again by the next one. */
  end(): void {
    if (!this.#iterating) return;
    this.#iterating = false;
    this.#fetcher.stop();
  }

  /**
   * The next fetched batch, which may hold no record; undefined at the end.
   *
   * @throws the failure of the iteration.
   */
  async take(): Promise<Fetched<Key, Value> | undefined> {
    if (!this.#closed && !this.#started) await this.#start();
    if (!this.#closed) this.#fetcher.start(this.#states);
    for (;;) {
      if (this.#closed) return undefined;
      if (this.#failure !== undefined) throw this.#failure;
      const fetched = this.#fetcher.take();
      if (fetched !== undefined) return fetched;
      if (this.#settings.stopAtEnd && this.#states.every(({ finished }) => finished)) {
        return undefined;
      }
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Whether the application may still be given records of what was taken. */
  stillWanted({ state, generation }: Fetched<Key, Value>): boolean {
    return state.generation === generation && !state.paused && !this.#closed;
  }

  onFetched(): void {
    this.#wake();
  }

  onFailure(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  onPartitionError(state: PartitionState<Key, Value>, errorCode: number): void {
    const { topic, partition } = state;
    const name = errorName(errorCode);
    const definition: ErrorDefinition = errorCatalogue[name];
    const error = new ProtocolError(
      name,
      `partition ${partition} of topic "${topic}" at offset ${state.fetchOffset}: ${definition.message}`,
      { details: { topic, partition, offset: state.fetchOffset } },
    );
    const known = this.#cluster.metadata.topic(topic);
    if (name === 'OFFSET_OUT_OF_RANGE') void this.#recover(state, known);
    else if (isRecreated(known, state)) void this.#recover(state, known);
    else if (definition.retriable) this.#fetcher.retry(state, error);
    else this.onFailure(error);
  }

  #deadline(what: string, options: CallOptions): Deadline {
    const timeoutMs = options.timeoutMs ?? this.#settings.unreachableMsMax;
    return new Deadline(this.#cluster.environment, what, { ...options, timeoutMs });
  }

  /** Finds the partitions and their start offsets, once. After a failure the next call tries again. */
  #start(): Promise<void> {
    if (this.#closed) {
      return Promise.reject(new ClientError('CLIENT_CLOSED', 'the consumer is closed'));
    }
    this.#starting ??= this.#findPartitions().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  async #findPartitions(): Promise<void> {
    const { topics, from, stopAtEnd, isolation } = this.#settings;
    const deadline = this.#deadline('finding the start of a consumer', {});
    const states: PartitionState<Key, Value>[] = [];
    for (const topic of topics) {
      const metadata = await this.#cluster.metadata.resolve(topic, deadline);
      states.push(...this.#newStates(metadata, this.#settings.partitions));
    }
    await this.#moveTo(states, from, deadline);
    if (stopAtEnd) {
      const wanted = states.map(({ topic, partition }) => {
        return { topic, partition, timestamp: AT_LATEST };
      });
      for (const end of await queryOffsets(this.#cluster, { wanted, isolation, deadline })) {
        const state = states.find(
          ({ topic, partition }) => topic === end.topic && partition === end.partition,
        );
        state!.endOffset = end.offset;
      }
    }
    for (const { selection, paused } of this.#earlySelections) {
      for (const state of states) if (isSelected(state, selection)) state.paused = paused;
    }
    this.#states.push(...states);
    this.#started = true;
  }

  /** @throws {ProtocolError} UNKNOWN_TOPIC_OR_PARTITION: a partition that the topic does not have. */
  #newStates(
    { topic, topicId, partitions }: TopicMetadata,
    wanted: readonly number[] | undefined,
  ): PartitionState<Key, Value>[] {
    const { keyDeserializer, valueDeserializer } = this.#settings;
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    return (wanted ?? partitions.map(({ partition }) => partition)).map((partition) => {
      if (partitions[partition] === undefined) {
        throw new ProtocolError(
          'UNKNOWN_TOPIC_OR_PARTITION',
          `topic "${topic}" has ${partitions.length} partitions, from 0 to ${partitions.length - 1}, and ${partition} is none of them`,
          { retriable: false, details: { topic, partition } },
        );
      }
      const source = { topic, partition, keyDeserializer, valueDeserializer };
      return new PartitionState(source, topicId, nowMs);
    });
  }

  /** Looks the positions up and goes there. */
  async #moveTo(
    states: readonly PartitionState<Key, Value>[],
    positionOf: (partition: AssignedPartition) => StartPosition,
    deadline: Deadline,
  ): Promise<void> {
    const wanted: { topic: string; partition: number; timestamp: number }[] = [];
    for (const state of states) {
      const { topic, partition } = state;
      const position = positionOf({ topic, partition });
      if (typeof position === 'object' && 'offset' in position) {
        this.#arrive(state, position.offset);
        continue;
      }
      state.seeking = true;
      wanted.push({ topic, partition, timestamp: timestampOf(position) });
    }
    const { isolation } = this.#settings;
    const query = { isolation, deadline };
    try {
      const found = await queryOffsets(this.#cluster, { ...query, wanted });
      // No record is that late: the position is then the end.
      const late = found.filter(({ offset }) => offset < 0);
      const atEnd = late.map((one) => ({ ...one, timestamp: AT_LATEST }));
      const ends = await queryOffsets(this.#cluster, { ...query, wanted: atEnd });
      for (const { topic, partition, offset } of [...found, ...ends]) {
        if (offset < 0) continue;
        const state = states.find((one) => one.topic === topic && one.partition === partition);
        this.#arrive(state!, offset);
      }
    } finally {
      for (const state of states) state.seeking = false;
    }
    this.#fetcher.schedule();
  }

  #arrive(state: PartitionState<Key, Value>, offset: number): void {
    state.position = offset;
    this.#fetcher.drop(state);
    this.#wake();
  }

  /** The position is not in the log, or the topic is another one of the same name. */
  async #recover(
    state: PartitionState<Key, Value>,
    known: TopicMetadata | undefined,
  ): Promise<void> {
    if (state.seeking) return;
    // Nothing is fetched of it until it stands somewhere else.
    state.seeking = true;
    const { onOffsetOutOfRange, isolation } = this.#settings;
    const recreated = isRecreated(known, state);
    const deadline = this.#deadline('finding the position anew', {});
    try {
      if (onOffsetOutOfRange === 'error') {
        const error = recreated
          ? recreatedError(state)
          : await outOfRangeError(this.#cluster, state, { isolation, deadline });
        this.onFailure(error);
        return;
      }
      if (known !== undefined) state.topicId = known.topicId;
      const position = onOffsetOutOfRange === 'earliest' ? 'beginning' : 'end';
      await this.#moveTo([state], () => position, deadline);
    } catch (error) {
      this.onFailure(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Partitions were added: what stands in them was written after this consumer began. */
  #onMetadata(): void {
    this.#fetcher.schedule();
    if (!this.#started || this.#closed || this.#settings.partitions !== undefined) return;
    const added = this.#settings.topics.flatMap((topic) => {
      const metadata = this.#cluster.metadata.topic(topic);
      const known = new Set<number>();
      for (const state of this.#states) if (state.topic === topic) known.add(state.partition);
      const missing = metadata?.partitions.filter(({ partition }) => !known.has(partition)) ?? [];
      if (metadata === undefined || missing.length === 0) return [];
      return this.#newStates(
        metadata,
        missing.map(({ partition }) => partition),
      );
    });
    if (added.length === 0) return;
    this.#states.push(...added);
    this.#moveTo(added, () => 'beginning', this.#deadline('reading added partitions', {})).catch(
      (error: Error) => this.onFailure(error),
    );
  }

  #setPaused(selection: PartitionSelection | undefined, paused: boolean): void {
    if (!this.#started) this.#earlySelections.push({ selection, paused });
    for (const state of this.#states) {
      if (!isSelected(state, selection) || state.paused === paused) continue;
      state.paused = paused;
      // What is buffered of a paused partition would hold the room of the others.
      if (paused) this.#fetcher.drop(state);
    }
    this.#fetcher.schedule();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}

function isSelected(state: AssignedPartition, selection: PartitionSelection | undefined): boolean {
  if (selection === undefined) return true;
  const { topic, partition } = selection;
  return state.topic === topic && (partition === undefined || state.partition === partition);
}

function isRecreated(
  known: TopicMetadata | undefined,
  { topicId }: { readonly topicId: string | null },
): boolean {
  return known !== undefined && known.topicId !== null && known.topicId !== topicId;
}

function timestampOf(position: Exclude<StartPosition, { readonly offset: number }>): number {
  if (position === 'beginning') return AT_EARLIEST;
  return position === 'end' ? AT_LATEST : timeMs(position.time);
}
