/** A leader and a follower in one process: real logs in memory, real handlers, no sockets. */

import { ReplicaFetchHandler } from '../../../../broker/api/replicaFetch.ts';
import { parseBrokerConfig } from '../../../../broker/config/index.ts';
import { LogManager } from '../../../../broker/log/index.ts';
import {
  type AlterPartitionRequest,
  logConfigOf,
  Purgatory,
  type ReplicaChannel,
  type ReplicaFetchRequest,
  type ReplicaFetchResponse,
  ReplicaManager,
} from '../../../../broker/replica/index.ts';
import { brokerEpoch, silentLogger } from '../../../../common/index.ts';
import type { RequestConnection } from '../../../../network/index.ts';
import {
  type Api,
  type ErrorName,
  type PartitionState,
  replicaFetchApi,
  replicaProgressApi,
} from '../../../../protocol/index.ts';
import { SimFileSystem, SimHost, SimMachine, SimRandom } from '../../../simulation/kernel/index.ts';
import { batchOf, ManualTime, TestRequest, TOPIC_ID } from '../api/fixture.ts';

export const LEADER = 1;
export const FOLLOWER = 2;

export interface Acknowledgement {
  readonly slot: number;
  readonly error: ErrorName | undefined;
}

export class ReplicaNode {
  readonly id: number;
  readonly fileSystem: SimFileSystem;
  readonly logManager: LogManager;
  readonly replicas: ReplicaManager;
  readonly followers: ReplicaFetchHandler;
  readonly fetchWaits: Purgatory;
  readonly acknowledged: Acknowledgement[] = [];
  readonly proposals: AlterPartitionRequest[] = [];
  /** Every request that this broker sent as a follower. */
  readonly sent: ReplicaFetchRequest[] = [];
  #slot = 0;

  /** @param settings further lines of its configuration. */
  constructor(id: number, time: ManualTime, leader: () => ReplicaNode, settings: string) {
    this.id = id;
    this.fileSystem = new SimFileSystem({ directories: ['/data'] });
    const config = parseBrokerConfig(
      `broker.id=${id}\nlog.dirs=/data\nzookeeper.connect=127.0.0.1:2181\n` +
        `replica.lag.time.max.ms=10000\n${settings}`,
    );
    const environment = {
      clock: time.clock,
      timers: time.timers,
      fileSystem: this.fileSystem,
      random: new SimRandom(id, 'test'),
      host: new SimHost(new SimMachine(`machine-${id}`)),
    };
    this.logManager = new LogManager(
      environment,
      {
        logDirs: config.logDirs,
        brokerId: id,
        clusterId: 'cluster',
        configFor: () => logConfigOf(config.topicDefaults),
      },
      silentLogger,
    );
    this.logManager.start();
    this.fetchWaits = new Purgatory(time);
    this.replicas = new ReplicaManager(
      environment,
      this.logManager,
      config,
      {
        brokerEpoch: () => brokerEpoch(id * 10),
        isProven: () => true,
        isAlive: (other, epoch) => epoch === other * 10,
        openChannel: () => Promise.resolve(this.#channelTo(leader())),
        alterPartition: (request) => {
          this.proposals.push(request);
          return new Promise(() => undefined);
        },
        onReplicaOffline: () => undefined,
        onFatal: (error) => {
          throw error;
        },
      },
      silentLogger,
    );
    this.followers = new ReplicaFetchHandler({
      clock: time.clock,
      replicas: this.replicas,
      purgatory: this.fetchWaits,
      isAlive: (other, epoch) => epoch === other * 10,
    });
  }

  /** The controller's word on partition 0, or on several that are led alike. */
  async lead(state: Partial<PartitionState>, options: LeadOptions = {}): Promise<void> {
    const { partitionCount = 1, configs = { 'min.insync.replicas': '2' } } = options;
    const partitions = Array.from({ length: partitionCount }, (_, index) => ({
      index,
      leader: LEADER,
      leaderEpoch: 0,
      partitionEpoch: 0,
      replicas: [LEADER, FOLLOWER],
      isr: [LEADER, FOLLOWER],
      eligibleLeaders: [],
      addingReplicas: [],
      removingReplicas: [],
      throttle: 0,
      ...state,
    }));
    await this.replicas.apply({
      snapshot: true,
      brokersChanged: true,
      removed: [],
      changed: [{ name: 't', topicId: TOPIC_ID, deleting: false, configs, partitions }],
    });
  }

  append(value: string, partition = 0): void {
    const slot = this.#slot;
    this.#slot += 1;
    this.partition(partition).append({
      batch: batchOf(value),
      acks: -1,
      expectedLeaderEpoch: -1,
      slot,
      waiter: {
        appendDone: (done, error) => void this.acknowledged.push({ slot: done, error }),
      },
    });
    this.logManager.flushTurn();
  }

  partition(index = 0) {
    return this.replicas.partition('t', index);
  }

  /** Bytes of the partition's only segment. */
  bytes(index = 0): Buffer {
    const path = `/data/t-${index}/00000000000000000000.log`;
    return this.fileSystem.snapshot().get(path) ?? Buffer.alloc(0);
  }

  #channelTo(leader: ReplicaNode): ReplicaChannel {
    const connection = { brokerId: this.id, closed: false } as RequestConnection;
    return {
      fetch: (request) =>
        new Promise<ReplicaFetchResponse>((resolve, reject) => {
          this.sent.push(request);
          const incoming = new TestRequest(replicaFetchApi as Api, request, {
            connection,
            onAnswer: (answer, refusal) => {
              if (refusal === undefined) resolve(owned(answer as ReplicaFetchResponse));
              else reject(new Error(refusal));
            },
          });
          leader.followers.fetch(incoming);
        }),
      progress: (request) =>
        leader.followers.progress(
          new TestRequest(replicaProgressApi as Api, request, { connection }),
        ),
      close: () => leader.followers.onConnectionClosed(connection),
    };
  }
}

export interface LeadOptions {
  readonly partitionCount?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** As over a connection: the records are the receiver's own bytes. */
function owned(response: ReplicaFetchResponse): ReplicaFetchResponse {
  return {
    ...response,
    topics: response.topics.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((result) => ({
        ...result,
        records: Buffer.concat(
          result.records instanceof Uint8Array ? [result.records] : [...result.records],
        ),
      })),
    })),
  };
}

export class ReplicaPair {
  readonly time = new ManualTime();
  readonly leader: ReplicaNode;
  readonly follower: ReplicaNode;

  /** @param settings further lines of the configuration of both. */
  constructor(settings = '') {
    this.leader = new ReplicaNode(LEADER, this.time, () => this.follower, settings);
    this.follower = new ReplicaNode(FOLLOWER, this.time, () => this.leader, settings);
  }

  async lead(state: Partial<PartitionState> = {}, options: LeadOptions = {}): Promise<void> {
    await this.leader.lead(state, options);
    await this.follower.lead(state, options);
  }

  /** Lets messages arrive and disks finish; virtual time moves a little. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 40; turn += 1) {
      await new Promise((done) => setImmediate(done));
      if (turn % 10 === 9) this.time.advance(60);
    }
  }
}
