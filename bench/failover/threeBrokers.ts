/**
 * Three brokers as processes over a coordinator of one's choice, and what ZooKeeper says of them:
 * for measuring what happens when one of them goes.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createProductionEnvironment } from '../../broker/index.ts';
import {
  type BrokerReady,
  ChildProcess,
  ClusterDirectory,
  type RunningCluster,
  Starter,
} from '../../cli/index.ts';
import { Odradek } from '../../client/index.ts';
import { silentLogger } from '../../common/index.ts';
import { CoordinatorSession } from '../../coordinator/index.ts';
import { ZooKeeperProcess } from './zookeeperProcess.ts';

export interface ThreeBrokersOptions {
  readonly coordinator: 'embedded' | 'zookeeper';
  /** Of the real ZooKeeper; the embedded coordinator ticks every 100 ms. */
  readonly tickMs: number;
  /** What brokers ask for. */
  readonly sessionTimeoutMs: number;
}

const BROKER_IDS = [1, 2, 3];
const EMBEDDED_TICK_MS = 100;
const WAIT_MS_MAX = 60_000;

interface Node {
  readonly id: number;
  pid: number;
  readonly config: string;
}

export class ThreeBrokers {
  readonly client: Odradek;
  readonly tickMs: number;
  /** By broker: when its registration was last seen to go. */
  readonly #goneMs = new Map<number, number>();
  readonly #registered = new Set<number>();
  readonly #path: string;
  readonly #starter: Starter;
  readonly #zookeeper: ZooKeeperProcess | undefined;
  readonly #nodes: readonly Node[];
  readonly #session: CoordinatorSession;
  readonly #restarted: ChildProcess<BrokerReady>[] = [];
  #controller: number | undefined;

  private constructor(parts: {
    readonly path: string;
    readonly starter: Starter;
    readonly zookeeper: ZooKeeperProcess | undefined;
    readonly cluster: RunningCluster;
    readonly options: ThreeBrokersOptions;
  }) {
    const { cluster, options } = parts;
    this.#path = parts.path;
    this.#starter = parts.starter;
    this.#zookeeper = parts.zookeeper;
    this.tickMs = options.coordinator === 'embedded' ? EMBEDDED_TICK_MS : options.tickMs;
    this.#nodes = cluster.brokers.map(({ id, pid, config }) => ({ id, pid, config }));
    this.client = new Odradek({ brokers: cluster.brokers.map(({ native }) => native) });
    const servers = cluster.coordinator.address;
    const { sessionTimeoutMs } = options;
    const environment = createProductionEnvironment();
    const asked = { servers, sessionTimeoutMs };
    this.#session = new CoordinatorSession(environment, asked, silentLogger);
    this.#session.start();
    this.#watch();
  }

  static async start(options: ThreeBrokersOptions): Promise<ThreeBrokers> {
    const path = mkdtempSync(join(tmpdir(), 'odradek-bench-'));
    const directory = new ClusterDirectory(path);
    for (const id of BROKER_IDS) {
      const file = directory.configPath(id);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `zookeeper.session.timeout.ms=${options.sessionTimeoutMs}\n`);
    }
    const zookeeper =
      options.coordinator === 'embedded'
        ? undefined
        : await ZooKeeperProcess.start(join(path, 'zookeeper'), options.tickMs);
    const starter = new Starter(
      {
        directory,
        brokerCount: BROKER_IDS.length,
        zookeeper: zookeeper?.address,
        nativePort: 0,
        kafkaPort: 0,
        adminPort: 0,
        coordinatorPort: 0,
        childArgs: ['--log-level', process.env['ODRADEK_BENCH_LOG'] ?? 'error'],
      },
      () => undefined,
    );
    try {
      const cluster = await starter.start();
      return new ThreeBrokers({ path, starter, zookeeper, cluster, options });
    } catch (error) {
      await starter.stop();
      await zookeeper?.stop();
      rmSync(path, { recursive: true, force: true });
      throw error;
    }
  }

  /** Of a session that asked for the same as the brokers do. */
  get negotiatedTimeoutMs(): number {
    return this.#session.negotiatedTimeoutMs;
  }

  get brokerIds(): readonly number[] {
    return BROKER_IDS;
  }

  /** Processes, in the order of `brokerIds`. */
  get pids(): readonly number[] {
    return this.#nodes.map(({ pid }) => pid);
  }

  async controller(): Promise<number> {
    await until(() => this.#controller !== undefined, 'there is a controller');
    return this.#controller ?? -1;
  }

  /** By the clock of `performance.now`: when the registration of a broker that ended was gone. */
  async goneMs(id: number): Promise<number> {
    await until(() => this.#goneMs.has(id), `the registration of broker ${id} is gone`);
    return this.#goneMs.get(id) ?? Number.NaN;
  }

  /** @returns when the signal was sent, by the clock of `performance.now`. */
  signal(id: number, signal: 'SIGKILL' | 'SIGTERM'): number {
    this.#goneMs.delete(id);
    const sentMs = performance.now();
    process.kill(this.#node(id).pid, signal);
    return sentMs;
  }

  async ended(id: number): Promise<void> {
    const { pid } = this.#node(id);
    await until(() => !isRunning(pid), `broker ${id} ends`);
  }

  /** On its directory and port. Returns when it serves. */
  async restart(id: number): Promise<void> {
    const node = this.#node(id);
    await this.ended(id);
    // What a killed process has left must be gone, else the new one waits for it and then some.
    await until(() => !this.#registered.has(id), `the registration of broker ${id} is gone`);
    const args = ['broker', '--config', node.config, '--log-level'];
    args.push(process.env['ODRADEK_BENCH_LOG'] ?? 'error');
    const child = new ChildProcess<BrokerReady>(`broker ${id}`, args);
    this.#restarted.push(child);
    await child.ready();
    node.pid = child.pid;
  }

  /** Waits until all replicas are in sync, and each broker leads what it is the first replica of. */
  async untilRestored(topic: string): Promise<void> {
    const admin = this.client.admin();
    await until(async () => {
      const { partitions } = await admin.describeTopic(topic);
      if (!partitions.every(({ isr }) => isr.length === BROKER_IDS.length)) return false;
      if (partitions.every(({ leader, replicas }) => leader === replicas[0])) return true;
      await admin.electLeaders({ election: 'preferred' });
      return false;
    }, 'all replicas are in sync and the preferred ones lead');
  }

  async close(): Promise<void> {
    await this.client.close().catch(() => undefined);
    await this.#session.close();
    for (const child of this.#restarted) child.stop();
    await Promise.all(this.#restarted.map(({ exited }) => exited));
    await this.#starter.stop();
    await this.#zookeeper?.stop();
    rmSync(this.#path, { recursive: true, force: true });
  }

  #watch(): void {
    this.#session.watchData('/controller', (content) => {
      if (content === undefined) this.#controller = undefined;
      else {
        const text = Buffer.from(content.data).toString();
        this.#controller = (JSON.parse(text) as { readonly brokerid: number }).brokerid;
      }
    });
    for (const id of BROKER_IDS) {
      this.#session.watchData(`/brokers/ids/${id}`, (content) => {
        if (content !== undefined) this.#registered.add(id);
        else if (this.#registered.delete(id)) this.#goneMs.set(id, performance.now());
      });
    }
  }

  #node(id: number): Node {
    const node = this.#nodes.find((one) => one.id === id);
    if (node === undefined) throw new Error(`There is no broker ${id}`);
    return node;
  }
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    if (await Promise.resolve(condition()).catch(() => false)) return;
    if (performance.now() > endMs) throw new Error(`Waited in vain: ${what}`);
    await wait(5);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
