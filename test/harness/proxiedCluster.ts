/**
 * Brokers as processes over a real ZooKeeper, each behind two proxies: one that everybody passes who
 * wants something of the broker, and one that the broker itself passes on its way to ZooKeeper. So
 * any pair can be cut, also in one direction, while all others go on.
 */

import { join } from 'node:path';
import { Odradek, type OdradekOptions } from '../../client/index.ts';
import { OPERATION } from '../../coordinator/embedded/wireConstants.ts';
import { BrokerProcess } from './cluster.ts';
import { freePort } from './freePort.ts';
import { JuteClient } from './juteClient.ts';
import { nativePeer } from './nativePeer.ts';
import { type Fault, type ProxiedConnection, TcpProxy } from './proxy.ts';
import { removeDirectory, temporaryDirectory } from './temporaryDirectory.ts';
import { waitFor } from './waitFor.ts';
import { startZooKeeper, type ZooKeeperServer } from './zookeeper.ts';
import { TestClient } from './zookeeperClient.ts';

export interface ProxiedClusterOptions {
  /** Default 3; their ids count from 1. */
  readonly brokerCount?: number;
  /** Of ZooKeeper. Default 100: sessions last from 200 to 2,000 ms. */
  readonly tickMs?: number;
  /** Default 1,000. */
  readonly sessionTimeoutMs?: number;
  /** Added to every broker's server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface PartitionFacts {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
}

export interface ProxiedBroker {
  readonly id: number;
  readonly process: BrokerProcess;
  /** What clients and other brokers pass. */
  readonly front: TcpProxy;
  /** The broker's own way to ZooKeeper. */
  readonly zookeeper: TcpProxy;
}

export class ProxiedCluster {
  readonly zookeeper: ZooKeeperServer;
  readonly brokers: readonly ProxiedBroker[];
  readonly #observer: TestClient;
  readonly #directory: string;
  readonly #clients: Odradek[] = [];

  private constructor(parts: {
    readonly zookeeper: ZooKeeperServer;
    readonly brokers: readonly ProxiedBroker[];
    readonly observer: TestClient;
    readonly directory: string;
  }) {
    this.zookeeper = parts.zookeeper;
    this.brokers = parts.brokers;
    this.#observer = parts.observer;
    this.#directory = parts.directory;
  }

  static async start(options: ProxiedClusterOptions = {}): Promise<ProxiedCluster> {
    const zookeeper = await startZooKeeper({ tickMs: options.tickMs ?? 100 });
    const observer = await TestClient.connect(zookeeper.address, 20_000);
    const directory = temporaryDirectory('proxied');
    const ids = Array.from({ length: options.brokerCount ?? 3 }, (_, index) => index + 1);
    const brokers = await Promise.all(
      ids.map((id) => proxiedBroker(id, { directory, zookeeper, options })),
    );
    const cluster = new ProxiedCluster({ zookeeper, brokers, observer, directory });
    try {
      await Promise.all(brokers.map(({ process }) => process.start()));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  broker(id: number): ProxiedBroker {
    const found = this.brokers.find((broker) => broker.id === id);
    if (found === undefined) throw new Error(`There is no broker ${id}`);
    return found;
  }

  /** All but one. */
  others(id: number): readonly ProxiedBroker[] {
    return this.brokers.filter((broker) => broker.id !== id);
  }

  /** A client that goes through the proxies; closed by `stop`. */
  client(options: Partial<OdradekOptions> = {}): Odradek {
    const brokers = this.brokers.map(({ front }) => front.address);
    const client = new Odradek({ ...options, brokers });
    this.#clients.push(client);
    return client;
  }

  /** What stands in ZooKeeper, whatever a broker believes. @throws where it does not. */
  async partition(topic: string, partition: number): Promise<PartitionFacts> {
    const path = `/brokers/topics/${topic}/partitions/${partition}/state`;
    const state = (await this.#json(path)) as Record<'leader' | 'leader_epoch', number> & {
      readonly isr: readonly number[];
    };
    return { leader: state.leader, leaderEpoch: state.leader_epoch, isr: state.isr };
  }

  /** Id of the controller. @throws where there is none. */
  async controller(): Promise<number> {
    return ((await this.#json('/controller')) as { readonly brokerid: number }).brokerid;
  }

  /** Broker epoch of its present registration; undefined where it has none. */
  async registration(id: number): Promise<number | undefined> {
    return (await this.#observer.exists(`/brokers/ids/${id}`))?.czxid;
  }

  /** Waits for what ZooKeeper says of a partition. */
  async untilPartition(
    { topic, partition }: { readonly topic: string; readonly partition: number },
    holds: (facts: PartitionFacts) => boolean,
    { what, timeoutMs = 30_000 }: { readonly what: string; readonly timeoutMs?: number },
  ): Promise<PartitionFacts> {
    let last: PartitionFacts | undefined;
    const asked = waitFor(
      async () => {
        last = await this.partition(topic, partition);
        return holds(last) ? last : undefined;
      },
      { what: `${topic}-${partition}: ${what}`, timeoutMs, intervalMs: 20 },
    );
    return asked.catch((error: unknown) => {
      throw new Error(`${String(error)}; it is ${JSON.stringify(last)}`, { cause: error });
    });
  }

  /** Holds back everything between a broker and the other brokers, both ways; clients pass. */
  cutFromBrokers(id: number): Fault {
    const opened = (by: (peer: number) => boolean) => (connection: ProxiedConnection) => {
      const peer = nativePeer(connection.opening)?.brokerId;
      return peer !== undefined && peer !== -1 && by(peer);
    };
    const faults = [
      this.broker(id).front.impair(
        { stalled: true },
        opened(() => true),
      ),
      ...this.others(id).map(({ front }) =>
        front.impair(
          { stalled: true },
          opened((peer) => peer === id),
        ),
      ),
    ];
    return liftAll(faults);
  }

  /**
   * What leaders send to their followers comes late: between the leader's append and the followers'
   * lies time, in which a record that is acknowledged too early can be lost.
   */
  delayReplication(delayMs: number): Fault {
    const isFollower = ({ opening }: ProxiedConnection) =>
      nativePeer(opening)?.clientSoftwareName === 'odradek-follower';
    const faults = this.brokers.map(({ front }) =>
      front.impair({ direction: 'toClient', delayMs }, isFollower),
    );
    return liftAll(faults);
  }

  /** Holds back everything between a broker and ZooKeeper. */
  cutFromZooKeeper(id: number): Fault {
    return this.broker(id).zookeeper.impair({ stalled: true });
  }

  /**
   * Ends a broker's session at ZooKeeper, as an expiry does: somebody else takes the session over by
   * its id and password and closes it.
   */
  async expireSession(id: number): Promise<void> {
    const { zookeeper } = this.broker(id);
    const sessions = [...zookeeper.connections].map(sessionIn);
    // Else the broker, whose connection ends by this, takes its session back at once.
    zookeeper.refusing = true;
    for (const resume of sessions) {
      if (resume === undefined) continue;
      const client = await JuteClient.connect(this.zookeeper.address, { resume });
      if (client.session.timeoutMs > 0) await client.call(OPERATION.closeSession);
      client.drop();
    }
    zookeeper.refusing = false;
  }

  /** Lifts every cut, lets paused processes go on and starts those that are gone. */
  async heal(): Promise<void> {
    for (const { front, zookeeper, process } of this.brokers) {
      front.heal();
      zookeeper.heal();
      process.resume();
    }
    await Promise.all(
      this.brokers.map(async ({ process }) => {
        if (process.child.exit !== undefined) await process.start();
      }),
    );
  }

  /** Ends everything, the processes by kill -9, and removes the directories. */
  async stop(): Promise<void> {
    for (const { front, zookeeper } of this.brokers) {
      front.heal();
      zookeeper.heal();
    }
    const closed = Promise.allSettled(this.#clients.map((client) => client.close()));
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2_000).unref())]);
    this.#observer.vanish();
    await Promise.all(this.brokers.map(({ process }) => process.kill9().catch(() => undefined)));
    await Promise.all(this.brokers.flatMap((one) => [one.front.close(), one.zookeeper.close()]));
    await this.zookeeper.stop();
    removeDirectory(this.#directory);
  }

  async #json(path: string): Promise<unknown> {
    const { data } = await this.#observer.getData(path);
    return JSON.parse(data.toString()) as unknown;
  }
}

async function proxiedBroker(
  id: number,
  parts: {
    readonly directory: string;
    readonly zookeeper: ZooKeeperServer;
    readonly options: ProxiedClusterOptions;
  },
): Promise<ProxiedBroker> {
  const { options } = parts;
  const native = `127.0.0.1:${await freePort()}`;
  const front = await TcpProxy.start(native);
  const zookeeper = await TcpProxy.start(parts.zookeeper.address);
  const process = new BrokerProcess({
    id,
    coordinatorAddress: zookeeper.address,
    directory: join(parts.directory, `broker-${id}`),
    properties: {
      'native.listeners': native,
      'advertised.native.listeners': front.address,
      'zookeeper.session.timeout.ms': String(options.sessionTimeoutMs ?? 1_000),
      ...options.properties,
    },
  });
  return { id, process, front, zookeeper };
}

/**
 * Id and password of the session that ZooKeeper gave over a connection:
 * `length(4) protocolVersion(4) timeout(4) sessionId(8) passwordLength(4) password(16)`.
 */
function sessionIn({
  answer,
}: ProxiedConnection): { readonly sessionId: string; readonly password: Buffer } | undefined {
  if (answer.length < 40) return undefined;
  return {
    sessionId: answer.subarray(12, 20).toString('hex'),
    password: Buffer.from(answer.subarray(24, 40)),
  };
}

function liftAll(faults: readonly { lift(): void }[]): { lift(): void } {
  return {
    lift: () => {
      for (const fault of faults) fault.lift();
    },
  };
}
