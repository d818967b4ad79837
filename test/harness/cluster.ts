/**
 * Brokers as processes of their own, over a coordinator of one's choice: for tests that kill, stop
 * and restart them. Every process is ended by its pid, at the latest when the test run exits.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Odradek } from '../../client/index.ts';
import { Child, type ChildExit } from './childProcess.ts';
import { startEmbedded } from './embedded.ts';
import { odradekBin } from './odradek.ts';
import type { SmallDisk } from './smallDisk.ts';
import { removeDirectory, temporaryDirectory } from './temporaryDirectory.ts';
import { startZooKeeper, type ZooKeeperServer } from './zookeeper.ts';

export interface ClusterOptions {
  /** Default 1; their ids count from 1. */
  readonly brokerCount?: number;
  /** Default 'embedded'. */
  readonly coordinator?: 'embedded' | 'zookeeper';
  /** Of the coordinator. Default 100: sessions last from 200 to 2,000 ms. */
  readonly tickMs?: number;
  /** Added to every broker's server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Added to the environment of the brokers and of the embedded coordinator. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface BrokerOptions {
  readonly id: number;
  readonly coordinatorAddress: string;
  /** Holds server.properties and `data`; removed by nobody. */
  readonly directory: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs the process on this disk; `log.dirs` is then to be set among the properties. */
  readonly disk?: SmallDisk;
}

/** What a broker prints on stdout with `--json`. */
interface BrokerJson {
  readonly clusterId: string;
  readonly brokers: readonly [{ readonly native: string; readonly kafka: string | null }];
}

export class BrokerProcess {
  readonly id: number;
  readonly directory: string;
  readonly #options: BrokerOptions;
  #child: Child | undefined;
  /** `host:port`; the same after a restart. */
  native = '127.0.0.1:0';
  /** Of the first Kafka listener; empty without one. */
  kafka = '';
  clusterId = '';

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.id = options.id;
    this.directory = options.directory;
  }

  get dataDirectory(): string {
    return join(this.directory, 'data');
  }

  /** The present process, or the last one. @throws when there was none. */
  get child(): Child {
    if (this.#child === undefined) throw new Error(`Broker ${this.id} was never started`);
    return this.#child;
  }

  /** What the present process has logged. */
  get log(): string {
    return this.child.stderr;
  }

  /**
   * Starts the process and waits until it is ready.
   *
   * @throws with its output when it ends instead.
   */
  async start(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const child = this.launch();
    const [line] = await child.waitForOutput(/^\{.*\}\n/, {
      timeoutMs: options.timeoutMs ?? 30_000,
    });
    const { clusterId, brokers } = JSON.parse(line) as BrokerJson;
    this.native = brokers[0].native;
    this.kafka = brokers[0].kafka ?? '';
    this.clusterId = clusterId;
  }

  /** Starts the process without waiting for anything. */
  launch(): Child {
    const { id, coordinatorAddress, properties = {}, env } = this.#options;
    const settings = {
      'broker.id': String(id),
      'log.dirs': this.dataDirectory,
      'zookeeper.connect': coordinatorAddress,
      'zookeeper.session.timeout.ms': '1000',
      'native.listeners': this.native,
      'admin.listeners': 'none',
      ...properties,
    };
    const file = join(this.directory, 'server.properties');
    mkdirSync(this.directory, { recursive: true });
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, lines.join(''));
    const args = [odradekBin, 'broker', '--config', file, '--json'];
    const [command, commandArgs] = this.#options.disk?.within(process.execPath, args) ?? [
      process.execPath,
      args,
    ];
    this.#child = new Child(command, commandArgs, env === undefined ? {} : { env });
    return this.#child;
  }

  /** Starts the process and waits for it to give up. */
  async startInVain(timeoutMs = 30_000): Promise<{ exit: ChildExit; stderr: string }> {
    const child = this.launch();
    const timer = setTimeout(() => child.signal('SIGKILL'), timeoutMs);
    const exit = await child.exited;
    clearTimeout(timer);
    return { exit, stderr: child.stderr };
  }

  async kill9(): Promise<void> {
    await this.child.kill9();
  }

  pause(): void {
    this.child.signal('SIGSTOP');
  }

  resume(): void {
    this.child.signal('SIGCONT');
  }

  /** SIGTERM. */
  async stop(): Promise<ChildExit> {
    return this.child.stop(20_000);
  }
}

export class TestCluster {
  readonly coordinator: ZooKeeperServer;
  readonly brokers: readonly BrokerProcess[];
  readonly #directory: string;
  readonly #clients: Odradek[] = [];

  private constructor(
    coordinator: ZooKeeperServer,
    brokers: readonly BrokerProcess[],
    directory: string,
  ) {
    this.coordinator = coordinator;
    this.brokers = brokers;
    this.#directory = directory;
  }

  static async start(options: ClusterOptions = {}): Promise<TestCluster> {
    const { brokerCount = 1, coordinator: kind = 'embedded', properties = {}, env = {} } = options;
    const tick = { tickMs: options.tickMs ?? 100 };
    const coordinator = await (kind === 'embedded'
      ? startEmbedded({ ...tick, env })
      : startZooKeeper(tick));
    const directory = temporaryDirectory('cluster');
    const brokers = Array.from({ length: brokerCount }, (_, index) => {
      const id = index + 1;
      const coordinatorAddress = coordinator.address;
      const home = join(directory, `broker-${id}`);
      return new BrokerProcess({ id, coordinatorAddress, directory: home, properties, env });
    });
    const cluster = new TestCluster(coordinator, brokers, directory);
    try {
      for (const broker of brokers) await broker.start();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** The first broker, for clusters of one. */
  get broker(): BrokerProcess {
    return this.brokers[0]!;
  }

  /** A place for directories of further brokers; goes with the cluster. */
  directoryFor(name: string): string {
    return join(this.#directory, name);
  }

  /** A client of all brokers; closed by `stop`. */
  client(): Odradek {
    const client = new Odradek({ brokers: this.brokers.map(({ native }) => native) });
    this.#clients.push(client);
    return client;
  }

  /** Ends everything, the processes by kill -9, and removes the directories. */
  async stop(): Promise<void> {
    // While the brokers live; a client that waits for one that does not is left to its deadlines.
    const closed = Promise.allSettled(this.#clients.map((client) => client.close()));
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2_000).unref())]);
    await Promise.all(this.brokers.map((broker) => broker.kill9().catch(() => undefined)));
    await this.coordinator.stop();
    removeDirectory(this.#directory);
  }
}
