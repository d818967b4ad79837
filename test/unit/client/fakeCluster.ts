/**
 * Scripted brokers on a simulated network: real frames and real connections, virtual time, and
 * answers that a test chooses. The logs are arrays of batches.
 */

import { Odradek, type OdradekOptions } from '../../../client/index.ts';
import { silentLogger } from '../../../common/index.ts';
import { NetworkServer, type ServerRequest } from '../../../network/index.ts';
import {
  apiCatalogue,
  type createTopicsApi,
  type deleteTopicsApi,
  type ErrorName,
  errorCode,
  type fetchApi,
  type BatchRecord as LoggedRecord,
  type listOffsetsApi,
  type metadataApi,
  type produceApi,
  RecordBatchView,
  type RequestOf,
  readRecords,
  setBaseOffset,
  verifyBatch,
} from '../../../protocol/index.ts';
import { Simulation } from '../../simulation/kernel/index.ts';

const PORT = 9192;

export interface FakePartition {
  leader: number;
  leaderEpoch: number;
  startOffset: number;
  endOffset: number;
  readonly batches: Buffer[];
  /** Default: the leader alone. */
  replicas?: readonly number[];
  isr?: readonly number[];
  /** By producer id, as a broker keeps it. */
  readonly producers: Map<number, FakeProducerState>;
}

/** Batches of one producer that a partition remembers: the last five. */
export interface FakeProducerState {
  epoch: number;
  recent: {
    readonly baseSequence: number;
    readonly lastSequence: number;
    readonly baseOffset: number;
  }[];
}

export interface FakeTopic {
  topicId: string;
  readonly partitions: FakePartition[];
}

/** One request as an interceptor sees it. */
export interface FakeRequest {
  readonly broker: number;
  readonly api: string;
  readonly body: unknown;
  readonly atMs: number;
  /** Counts the connections of the broker from 1. */
  readonly connection: number;
  /** Counts the requests of this API, from 1. */
  readonly number: number;
}

export type FakeAction =
  /** Not served and not answered. */
  | { readonly kind: 'ignore' }
  /** Served, and the answer lost with the connection, at once or after a while. */
  | { readonly kind: 'loseAnswer'; readonly afterMs?: number }
  /** Not served, and the connection lost. */
  | { readonly kind: 'loseRequest' }
  /** Every partition of a produce or fetch answers so, and nothing is served. */
  | { readonly kind: 'error'; readonly error: ErrorName; readonly message?: string }
  /** Served after this time. */
  | { readonly kind: 'delay'; readonly ms: number };

interface ParkedFetch {
  readonly answer: () => boolean;
}

export class FakeCluster {
  readonly simulation: Simulation;
  readonly topics = new Map<string, FakeTopic>();
  readonly requests: FakeRequest[] = [];
  /** Asked before each request is served; undefined serves it. */
  intercept: (request: FakeRequest) => FakeAction | undefined = () => undefined;
  /** Largest batch that the brokers take. */
  batchBytesMax = 1_048_588;
  /** What CreateTopics answers instead of creating, if anything. */
  createTopicsError: ErrorName | undefined;
  /** What every batch is stamped with; -1 for CreateTime. */
  logAppendTimeMs = -1;
  /** What InitProducerId answers instead of an id, if anything. */
  initProducerIdError: ErrorName | undefined;
  /** Brokers that metadata names although they are dead. */
  readonly stillRegistered = new Set<number>();
  /** Answers of further APIs, by name. */
  readonly answers = new Map<string, (body: unknown) => unknown>();
  /** Where a leader sends a consumer with a rack; the broker serves although it does not lead. */
  nearerReplica: number | undefined;
  /** What brokers know that are cut off from the others. */
  readonly #isolated = new Map<number, ReadonlyMap<string, FakeTopic>>();
  #lastProducerId = 999;
  readonly #brokerCount: number;
  readonly #counts = new Map<string, number>();
  readonly #parked = new Set<ParkedFetch>();

  private constructor(brokerCount: number, seed: number) {
    this.simulation = new Simulation({ seed });
    this.#brokerCount = brokerCount;
  }

  static async start(options: { readonly brokers?: number; readonly seed?: number } = {}) {
    const cluster = new FakeCluster(options.brokers ?? 1, options.seed ?? 1);
    for (const id of cluster.brokerIds) await cluster.startBroker(id);
    return cluster;
  }

  get brokerIds(): readonly number[] {
    return Array.from({ length: this.#brokerCount }, (_, index) => index + 1);
  }

  get clientEnvironment() {
    return this.simulation.node('client').environment();
  }

  /** A client in the simulation. Its promises settle only while the simulation runs. */
  client(options: Partial<OdradekOptions> = {}): Odradek {
    const brokers = this.brokerIds.map((id) => `${hostOf(id)}:${PORT}`);
    return new Odradek({ brokers, environment: this.clientEnvironment, ...options });
  }

  /** Runs the simulation until the work is done. */
  run<T>(work: () => Promise<T>, timeoutMs = 600_000): Promise<T> {
    return this.simulation.settle(work(), { timeoutMs });
  }

  /** Waits in virtual time, inside of `run`. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.simulation.scheduler.after(ms, 'test sleeps', resolve);
    });
  }

  createTopic(name: string, partitions = 1): FakeTopic {
    const topic: FakeTopic = {
      topicId: `id-of-${name}`,
      partitions: Array.from({ length: partitions }, (_, index) => ({
        leader: (index % this.#brokerCount) + 1,
        leaderEpoch: 0,
        startOffset: 0,
        endOffset: 0,
        batches: [],
        producers: new Map(),
      })),
    };
    this.topics.set(name, topic);
    return topic;
  }

  partition(topic: string, partition = 0): FakePartition {
    return this.topics.get(topic)!.partitions[partition]!;
  }

  /** From now on the broker learns nothing new: it leads what it leads, as it was then. */
  isolate(broker: number): void {
    this.#isolated.set(broker, structuredClone(this.topics));
  }

  moveLeader(topic: string, partition: number, leader: number): void {
    const state = this.partition(topic, partition);
    state.leader = leader;
    state.leaderEpoch += 1;
    this.#wakeParked();
  }

  /** What stands in the log, as text. */
  values(topic: string, partition = 0): readonly (string | null)[] {
    return this.records(topic, partition).map(({ value }) => {
      return value === null ? null : Buffer.from(value).toString();
    });
  }

  records(topic: string, partition = 0): readonly LoggedRecord[] {
    return this.partition(topic, partition).batches.flatMap((batch) => [...readRecords(batch)]);
  }

  /** Appends batches as a broker would, without a producer. */
  append(topic: string, partition: number, batch: Uint8Array): number {
    const state = this.partition(topic, partition);
    const owned = Buffer.from(batch);
    setBaseOffset(owned, 0, state.endOffset);
    const baseOffset = state.endOffset;
    state.endOffset += new RecordBatchView().at(owned).lastOffsetDelta + 1;
    state.batches.push(owned);
    this.#wakeParked();
    return baseOffset;
  }

  countOf(api: string): number {
    return this.#counts.get(api) ?? 0;
  }

  async startBroker(id: number): Promise<void> {
    const node = this.simulation.node(hostOf(id));
    const environment = node.isUp ? node.environment() : startedAgain(node);
    const server = new NetworkServer(
      environment,
      {
        listen: { host: hostOf(id), port: PORT },
        logger: silentLogger,
        brokerId: id,
        clusterId: () => 'fake-cluster',
        softwareVersion: '0.0.0',
        apis: apiCatalogue.filter(({ key }) => key > 1 && key < 64),
      },
      {
        onRequest: (request) => this.#onRequest(id, request),
        onReceiveTurnEnd: () => undefined,
      },
    );
    await this.simulation.settle(server.listen());
  }

  stopBroker(id: number): void {
    this.simulation.node(hostOf(id)).crash();
  }

  #onRequest(broker: number, request: ServerRequest): void {
    const { name } = request.api;
    const number = this.countOf(name) + 1;
    this.#counts.set(name, number);
    // The handler's views are void after this turn.
    const body = structuredClone(request.body);
    const { id: connection } = request.connection;
    const seen = { broker, api: name, body, atMs: this.simulation.nowMs, number, connection };
    this.requests.push(seen);
    const action = this.intercept(seen);
    switch (action?.kind) {
      case undefined:
        this.#serve(broker, request, body);
        return;
      case 'ignore':
        return;
      case 'loseAnswer':
        this.#serve(broker, muted(request), body);
        this.#reset(broker, action.afterMs);
        return;
      case 'loseRequest':
        this.#reset(broker);
        return;
      case 'error':
        this.#refuse(request, body, action);
        return;
      case 'delay':
        this.simulation.scheduler.after(action.ms, 'fake broker delays', () =>
          this.#serve(broker, request, body),
        );
    }
  }

  #known(broker: number): ReadonlyMap<string, FakeTopic> {
    return this.#isolated.get(broker) ?? this.topics;
  }

  #partitionAt(broker: number, name: string, index: number): FakePartition {
    return this.#known(broker).get(name)!.partitions[index]!;
  }

  #reset(broker: number, afterMs = 0): void {
    this.simulation.scheduler.after(afterMs, 'fake broker resets', () =>
      this.simulation.network.resetConnections({ host: hostOf(broker) }),
    );
  }

  #serve(broker: number, request: ServerRequest, body: unknown): void {
    switch (request.api.name) {
      case 'Metadata':
        request.respond(this.#metadata(broker, body as RequestOf<typeof metadataApi>));
        return;
      case 'Produce':
        this.#produce(broker, request, body as RequestOf<typeof produceApi>);
        return;
      case 'InitProducerId':
        request.respond(this.#initProducerId());
        return;
      case 'Fetch':
        this.#fetch(broker, request, body as RequestOf<typeof fetchApi>);
        return;
      case 'ListOffsets':
        request.respond(this.#listOffsets(broker, body as RequestOf<typeof listOffsetsApi>));
        return;
      case 'CreateTopics':
        request.respond(this.#createTopics(body as RequestOf<typeof createTopicsApi>));
        return;
      case 'DeleteTopics':
        request.respond(this.#deleteTopics(body as RequestOf<typeof deleteTopicsApi>));
        return;
      default: {
        const answer = this.answers.get(request.api.name);
        if (answer === undefined) request.respondError('UNKNOWN_API');
        else request.respond(answer(body));
      }
    }
  }

  #metadata(broker: number, { topics }: RequestOf<typeof metadataApi>) {
    const known = this.#known(broker);
    return {
      clusterId: 'fake-cluster',
      controllerId: 1,
      brokers: this.brokerIds
        .filter((id) => this.simulation.node(hostOf(id)).isUp || this.stillRegistered.has(id))
        .map((id) => ({ id, host: hostOf(id), port: PORT, rack: null })),
      topics: (topics ?? [...known.keys()]).map((name) => {
        const topic = known.get(name);
        return {
          errorCode: topic === undefined ? errorCode('UNKNOWN_TOPIC_OR_PARTITION') : 0,
          name,
          topicId: topic?.topicId ?? null,
          internal: false,
          partitions: (topic?.partitions ?? []).map(
            ({ leader, leaderEpoch, replicas, isr }, index) => ({
              index,
              errorCode: 0,
              leader,
              leaderEpoch,
              replicas: replicas ?? [leader],
              isr: isr ?? [leader],
              offlineReplicas: [],
              eligibleLeaders: [],
            }),
          ),
        };
      }),
    };
  }

  /** Why this broker cannot serve the partition, if so. */
  #leaderError(broker: number, name: string, index: number, topicId?: string | null) {
    const topic = this.#known(broker).get(name);
    const state = topic?.partitions[index];
    if (topic === undefined || state === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION';
    if (topicId !== undefined && topicId !== null && topicId !== topic.topicId) {
      return 'UNKNOWN_TOPIC_ID';
    }
    return state.leader === broker ? undefined : 'NOT_LEADER_OR_FOLLOWER';
  }

  #produce(broker: number, request: ServerRequest, body: RequestOf<typeof produceApi>): void {
    const topics = body.topics.map(({ name, topicId, partitions }) => ({
      name,
      partitions: partitions.map(({ index, records }) => {
        const bytes = records as Uint8Array;
        let error: ErrorName | undefined = this.#leaderError(broker, name, index, topicId);
        if (bytes.length > this.batchBytesMax) error ??= 'MESSAGE_TOO_LARGE';
        error ??= verifyBatch(bytes, 0, { origin: 'client' })?.error;
        if (error !== undefined) return produceError(index, error);
        const baseOffset = this.#appendOnce(name, index, bytes);
        if (typeof baseOffset === 'string') return produceError(index, baseOffset);
        return {
          index,
          errorCode: 0,
          errorMessage: null,
          baseOffset,
          logAppendTimeMs: this.logAppendTimeMs,
          logStartOffset: 0,
          leader: -1,
          leaderEpoch: -1,
        };
      }),
    }));
    if (body.acks === 0) request.dropResponse();
    else request.respond({ topics });
  }

  #initProducerId() {
    const error = this.initProducerIdError;
    if (error === undefined) this.#lastProducerId += 1;
    return {
      errorCode: error === undefined ? 0 : errorCode(error),
      errorMessage: null,
      producerId: error === undefined ? this.#lastProducerId : -1,
      producerEpoch: error === undefined ? 0 : -1,
    };
  }

  /** Appends what is new of a numbered batch, by the rules of Kafka 3.9. */
  #appendOnce(name: string, index: number, bytes: Uint8Array): number | ErrorName {
    const view = new RecordBatchView().at(bytes);
    const { producerId, producerEpoch: epoch, baseSequence, recordsCount } = view;
    if (producerId < 0) return this.append(name, index, bytes);
    const { producers } = this.partition(name, index);
    const state = producers.get(producerId);
    const lastSequence = (baseSequence + recordsCount - 1) % 2 ** 31;
    if (state !== undefined) {
      if (epoch < state.epoch) return 'INVALID_PRODUCER_EPOCH';
      if (epoch > state.epoch && baseSequence !== 0) return 'OUT_OF_ORDER_SEQUENCE_NUMBER';
      if (epoch === state.epoch) {
        const same = state.recent.find((batch) => {
          return batch.baseSequence === baseSequence && batch.lastSequence === lastSequence;
        });
        if (same !== undefined) return same.baseOffset;
        const last = state.recent.at(-1)!.lastSequence;
        if (baseSequence !== (last + 1) % 2 ** 31) {
          return lastSequence <= last
            ? 'DUPLICATE_SEQUENCE_NUMBER'
            : 'OUT_OF_ORDER_SEQUENCE_NUMBER';
        }
      }
    }
    const baseOffset = this.append(name, index, bytes);
    const recent = state?.epoch === epoch ? state.recent : [];
    producers.set(producerId, {
      epoch,
      recent: [...recent, { baseSequence, lastSequence, baseOffset }].slice(-5),
    });
    return baseOffset;
  }

  #fetch(broker: number, request: ServerRequest, body: RequestOf<typeof fetchApi>): void {
    const respond = (mayWait: boolean): boolean => {
      let ready = !mayWait;
      let leftBytes = body.maxBytes;
      const topics = body.topics.map(({ name, topicId, partitions }) => ({
        name,
        partitions: partitions.map(({ index, fetchOffset, maxBytes }) => {
          const error = this.#fetchError(broker, { name, topicId, index, fetchOffset });
          if (error !== undefined) ready = true;
          if (error !== undefined) return fetchError(index, error);
          const state = this.#partitionAt(broker, name, index);
          const nearer = this.nearerReplica;
          if (body.rack !== null && nearer !== undefined && state.leader === broker) {
            ready = true;
            return { ...fetched(index, state, new Uint8Array(0)), preferredReadReplica: nearer };
          }
          const records = read(state, fetchOffset, Math.min(maxBytes, leftBytes));
          leftBytes -= records.length;
          if (records.length > 0) ready = true;
          return fetched(index, state, records);
        }),
      }));
      if (ready) request.respond({ errorCode: 0, topics });
      return ready;
    };
    if (respond(true)) return;
    const parked = { answer: () => respond(true) };
    this.#parked.add(parked);
    this.simulation.scheduler.after(body.maxWaitMs, 'fake broker waits', () => {
      if (this.#parked.delete(parked)) respond(false);
    });
  }

  #fetchError(
    broker: number,
    place: { name: string; topicId: string | null; index: number; fetchOffset: number },
  ): ErrorName | undefined {
    const { name, topicId, index, fetchOffset } = place;
    const error = this.#leaderError(broker, name, index, topicId);
    const mayServe = error === 'NOT_LEADER_OR_FOLLOWER' && broker === this.nearerReplica;
    if (error !== undefined && !mayServe) return error;
    const { startOffset, endOffset } = this.#partitionAt(broker, name, index);
    return fetchOffset < startOffset || fetchOffset > endOffset ? 'OFFSET_OUT_OF_RANGE' : undefined;
  }

  #wakeParked(): void {
    for (const parked of [...this.#parked]) if (parked.answer()) this.#parked.delete(parked);
  }

  #listOffsets(broker: number, { topics }: RequestOf<typeof listOffsetsApi>) {
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ index, timestamp }) => {
          const error = this.#leaderError(broker, name, index);
          if (error !== undefined) {
            return {
              index,
              errorCode: errorCode(error),
              timestamp: -1,
              offset: -1,
              leaderEpoch: -1,
            };
          }
          const state = this.partition(name, index);
          return {
            index,
            errorCode: 0,
            leaderEpoch: 0,
            ...this.#find(name, index, state, timestamp),
          };
        }),
      })),
    };
  }

  #find(name: string, index: number, state: FakePartition, timestamp: number) {
    if (timestamp === -1) return { timestamp: -1, offset: state.endOffset };
    if (timestamp === -2) return { timestamp: -1, offset: state.startOffset };
    const found = this.records(name, index).find((record) => record.timestamp >= timestamp);
    return { timestamp: found?.timestamp ?? -1, offset: found?.offset ?? -1 };
  }

  #createTopics({ topics }: RequestOf<typeof createTopicsApi>) {
    return {
      topics: topics.map(({ name, partitionCount }) => {
        const exists = this.topics.has(name);
        const refusal = this.createTopicsError ?? (exists ? 'TOPIC_ALREADY_EXISTS' : undefined);
        if (refusal !== undefined) return refusedTopic(name, refusal);
        const partitions = partitionCount < 0 ? 1 : partitionCount;
        const topic = this.createTopic(name, partitions);
        return {
          name,
          errorCode: 0,
          errorMessage: null,
          topicId: topic.topicId,
          partitionCount: partitions,
          replicationFactor: 1,
        };
      }),
    };
  }

  #deleteTopics({ names }: RequestOf<typeof deleteTopicsApi>) {
    return {
      topics: names.map((name) => {
        const error = this.topics.delete(name) ? 'NONE' : 'UNKNOWN_TOPIC_OR_PARTITION';
        return { name, errorCode: errorCode(error), errorMessage: null };
      }),
    };
  }

  #refuse(
    request: ServerRequest,
    body: unknown,
    { error, message }: { readonly error: ErrorName; readonly message?: string },
  ): void {
    const { topics } = body as RequestOf<typeof produceApi> & RequestOf<typeof fetchApi>;
    const refused = (index: number) =>
      request.api.name === 'Produce'
        ? produceError(index, error, message)
        : fetchError(index, error);
    request.respond({
      errorCode: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ index }) => refused(index)),
      })),
    });
  }
}

export function hostOf(broker: number): string {
  return `broker-${broker}`;
}

function startedAgain(node: ReturnType<Simulation['node']>) {
  return node.incarnation === 0 ? node.environment() : node.restart();
}

/** Serves, and keeps the answer to itself. */
function muted(request: ServerRequest): ServerRequest {
  return { ...request, api: request.api, respond: () => undefined, dropResponse: () => undefined };
}

function produceError(index: number, error: ErrorName, message?: string) {
  return {
    index,
    errorCode: errorCode(error),
    errorMessage: message ?? null,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    leader: -1,
    leaderEpoch: -1,
  };
}

function refusedTopic(name: string, error: ErrorName) {
  return {
    name,
    errorCode: errorCode(error),
    errorMessage: error === 'TOPIC_ALREADY_EXISTS' ? `topic "${name}" exists already` : null,
    topicId: null,
    partitionCount: -1,
    replicationFactor: -1,
  };
}

function fetchError(index: number, error: ErrorName) {
  return {
    index,
    errorCode: errorCode(error),
    highWatermark: -1,
    lastStableOffset: -1,
    preferredReadReplica: -1,
    logStartOffset: -1,
    leader: -1,
    leaderEpoch: -1,
    records: new Uint8Array(0),
  };
}

function fetched(index: number, state: FakePartition, records: Uint8Array) {
  return {
    index,
    errorCode: 0,
    highWatermark: state.endOffset,
    lastStableOffset: state.endOffset,
    preferredReadReplica: -1,
    logStartOffset: state.startOffset,
    leader: -1,
    leaderEpoch: -1,
    records,
  };
}

/** Whole batches from the one that holds `fetchOffset` on; the first comes whatever its size. */
function read(state: FakePartition, fetchOffset: number, bytesMax: number): Uint8Array {
  const view = new RecordBatchView();
  const chosen: Buffer[] = [];
  let bytes = 0;
  for (const batch of state.batches) {
    if (view.at(batch).nextOffset <= fetchOffset) continue;
    if (chosen.length > 0 && bytes + batch.length > bytesMax) break;
    chosen.push(batch);
    bytes += batch.length;
  }
  return Buffer.concat(chosen);
}
