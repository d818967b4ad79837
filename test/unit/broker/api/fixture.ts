/** A broker's data path without sockets: handlers over real replicas and a real log in memory. */

import { FetchHandler } from '../../../../broker/api/fetch.ts';
import { ProduceHandler } from '../../../../broker/api/produce.ts';
import { parseBrokerConfig } from '../../../../broker/config/index.ts';
import { LogManager } from '../../../../broker/log/index.ts';
import { BrokerProbe } from '../../../../broker/metrics/index.ts';
import { logConfigOf, Purgatory, ReplicaManager } from '../../../../broker/replica/index.ts';
import {
  brokerEpoch,
  silentLogger,
  type TimestampMs,
  type Timers,
} from '../../../../common/index.ts';
import type { RequestConnection, ServerRequest } from '../../../../network/index.ts';
import {
  type Api,
  type ErrorName,
  fetchApi,
  produceApi,
  RecordBatchBuilder,
  type RequestOf,
  type ResponseOf,
} from '../../../../protocol/index.ts';
import { SimFileSystem, SimHost, SimMachine, SimRandom } from '../../../simulation/kernel/index.ts';

export type ProduceResponse = ResponseOf<typeof produceApi>;
export type FetchResponse = ResponseOf<typeof fetchApi>;

/** Time that stands still until the test moves it. */
export class ManualTime {
  nowMs = 1_000;
  #due: { readonly atMs: number; readonly callback: () => void }[] = [];
  readonly clock = { monotonicMs: () => this.nowMs, wallMs: () => this.nowMs as TimestampMs };
  readonly timers: Timers = {
    set: (delayMs, callback) => {
      const entry = { atMs: this.nowMs + delayMs, callback };
      this.#due.push(entry);
      const cancel = (): void => {
        this.#due = this.#due.filter((other) => other !== entry);
      };
      return { cancel };
    },
    afterTurn: (callback) => queueMicrotask(callback),
  };

  advance(ms: number): void {
    this.nowMs += ms;
    const due = this.#due.filter(({ atMs }) => atMs <= this.nowMs);
    this.#due = this.#due.filter(({ atMs }) => atMs > this.nowMs);
    for (const { callback } of due) callback();
  }
}

/** A request whose answer is kept. */
export class TestRequest implements ServerRequest {
  readonly connection: RequestConnection;
  readonly apiVersion = 0;
  readonly receivedMs = 1_000;
  readonly api: Api;
  readonly body: unknown;
  response: unknown;
  refusal: { readonly error: ErrorName; readonly message: string | undefined } | undefined;
  dropped = false;
  closedFor: string | undefined;

  readonly #onAnswer: (answer: unknown, refusal: ErrorName | undefined) => void;

  constructor(
    api: Api,
    body: unknown,
    options: {
      readonly connection?: RequestConnection;
      readonly onAnswer?: (answer: unknown, refusal: ErrorName | undefined) => void;
    } = {},
  ) {
    this.api = api;
    this.body = body;
    this.connection = options.connection ?? ({ id: 1, closed: false } as RequestConnection);
    this.#onAnswer = options.onAnswer ?? (() => undefined);
  }

  respond(value: unknown): void {
    if (this.response !== undefined) throw new Error('A request was answered twice');
    this.response = value;
    this.#onAnswer(value, undefined);
  }

  respondError(error: ErrorName, message?: string): void {
    this.refusal = { error, message };
    this.#onAnswer(undefined, error);
  }

  dropResponse(): void {
    this.dropped = true;
  }

  closeConnection(reason: string): void {
    this.closedFor = reason;
  }
}

export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
export const SELF = 1;

export interface DataPathOptions {
  readonly topicConfigs?: Readonly<Record<string, string>>;
  readonly partitionCount?: number;
}

export class DataPath {
  readonly time = new ManualTime();
  readonly fileSystem = new SimFileSystem({ directories: ['/data'] });
  readonly probe = new BrokerProbe();
  readonly replicas: ReplicaManager;
  readonly logManager: LogManager;
  readonly produceWaits = new Purgatory(this.time);
  readonly fetchWaits = new Purgatory(this.time);
  readonly #produce: ProduceHandler;
  readonly #fetch: FetchHandler;
  #version = 0;

  constructor() {
    const config = parseBrokerConfig(
      `broker.id=${SELF}\nlog.dirs=/data\nzookeeper.connect=127.0.0.1:2181`,
    );
    const environment = {
      ...this.time,
      clock: this.time.clock,
      timers: this.time.timers,
      fileSystem: this.fileSystem,
      random: new SimRandom(1, 'test'),
      host: new SimHost(new SimMachine('test')),
    };
    this.logManager = new LogManager(
      environment,
      {
        logDirs: config.logDirs,
        brokerId: SELF,
        clusterId: 'cluster',
        configFor: () => logConfigOf(config.topicDefaults),
      },
      silentLogger,
    );
    this.logManager.start();
    this.replicas = new ReplicaManager(
      this.time,
      this.logManager,
      config,
      {
        brokerEpoch: () => brokerEpoch(7),
        isProven: () => true,
        isAlive: () => true,
        openChannel: () => Promise.reject(new Error('There is no other broker')),
        alterPartition: () => Promise.reject(new Error('There is no controller')),
        onReplicaOffline: () => undefined,
        onFatal: (error) => {
          throw error;
        },
      },
      silentLogger,
    );
    const parts = { clock: this.time.clock, replicas: this.replicas, probe: this.probe };
    this.#produce = new ProduceHandler({ ...parts, purgatory: this.produceWaits });
    this.#fetch = new FetchHandler({
      ...parts,
      purgatory: this.fetchWaits,
      nearerReplica: () => undefined,
    });
  }

  /** The controller gives this broker the topic `t`. */
  async lead(
    options: DataPathOptions & { readonly leader?: number; readonly leaderEpoch?: number } = {},
  ): Promise<void> {
    const { leader = SELF, leaderEpoch = 0, partitionCount = 1 } = options;
    this.#version += 1;
    const partitions = Array.from({ length: partitionCount }, (_, index) => ({
      index,
      leader,
      leaderEpoch,
      partitionEpoch: leaderEpoch,
      replicas: [SELF, 2],
      isr: [leader],
      eligibleLeaders: [],
      addingReplicas: [],
      removingReplicas: [],
      throttle: 0,
    }));
    await this.replicas.apply({
      snapshot: true,
      brokersChanged: true,
      removed: [],
      changed: [
        {
          name: 't',
          topicId: TOPIC_ID,
          deleting: false,
          configs: options.topicConfigs ?? {},
          partitions,
        },
      ],
    });
  }

  produce(
    batches: readonly Uint8Array[],
    options: Partial<RequestOf<typeof produceApi>> & {
      readonly leaderEpoch?: number;
      readonly topic?: string;
      readonly topicId?: string | null;
    } = {},
  ): TestRequest {
    const { acks = -1, timeoutMs = 1_000, leaderEpoch = -1, topic = 't', topicId = null } = options;
    const partitions = batches.map((records, index) => ({ index, leaderEpoch, records }));
    const request = new TestRequest(produceApi as Api, {
      acks,
      timeoutMs,
      topics: [{ name: topic, topicId, partitions }],
    });
    this.#produce.handle(request);
    return request;
  }

  fetch(
    fetchOffset: number,
    options: Partial<RequestOf<typeof fetchApi>> & {
      readonly leaderEpoch?: number;
      readonly partitionCount?: number;
      readonly partitionMaxBytes?: number;
    } = {},
  ): TestRequest {
    const { leaderEpoch = -1, partitionCount = 1, partitionMaxBytes = 1 << 20, ...rest } = options;
    const request = new TestRequest(fetchApi as Api, {
      rack: null,
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 1 << 20,
      isolationLevel: 0,
      topics: [
        {
          name: 't',
          topicId: null,
          partitions: Array.from({ length: partitionCount }, (_, index) => ({
            index,
            leaderEpoch,
            fetchOffset,
            maxBytes: partitionMaxBytes,
          })),
        },
      ],
      ...rest,
    });
    this.#fetch.handle(request);
    return request;
  }

  /** The end of a receive turn: what was appended is written. */
  flush(): void {
    this.logManager.flushTurn();
  }

  /** Lets the disk finish what it was given. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((done) => setImmediate(done));
  }
}

/** One batch of records with these values. */
export function batchOf(...values: readonly string[]): Uint8Array {
  const builder = new RecordBatchBuilder();
  for (const value of values) {
    builder.append(null, Buffer.from(value), [], 5);
  }
  return Uint8Array.from(builder.build());
}
