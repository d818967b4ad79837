/**
 * Runs a whole cluster on this machine: the embedded coordinator and the brokers, each a process of
 * its own, which meet only through TCP and the data directory. Brokers are not restarted: whoever
 * looks for a fault must see it.
 */

import { relative } from 'node:path';
import { OdradekError } from '../../common/index.ts';
import { type ChildExit, ChildProcess, describeExit } from './childProcess.ts';
import type { ClusterDirectory, StartSettings } from './clusterDirectory.ts';
import { assertPortsFree, countUp } from './portPlan.ts';
import type { BrokerReady, CoordinatorReady } from './supervision.ts';

export interface StartOptions {
  readonly directory: ClusterDirectory;
  readonly brokerCount: number;
  /** ZooKeeper servers; undefined for the embedded coordinator. */
  readonly zookeeper: string | undefined;
  readonly nativePort: number;
  readonly kafkaPort: number;
  readonly adminPort: number;
  readonly coordinatorPort: number;
  /** Flags for every child: how it logs. */
  readonly childArgs: readonly string[];
}

export interface RunningBroker {
  readonly id: number;
  readonly pid: number;
  readonly native: string;
  readonly kafka: string | null;
  readonly admin: string | null;
  readonly config: string;
}

export interface RunningCluster {
  readonly clusterId: string;
  readonly dir: string;
  /** `pid` is null where ZooKeeper is somebody else's. */
  readonly coordinator: { readonly address: string; readonly pid: number | null };
  readonly brokers: readonly RunningBroker[];
}

const HOST = '127.0.0.1';
/** After this a broker that does not end is killed, in milliseconds. */
const STOP_MS_MAX = 30_000;

type Child = ChildProcess<BrokerReady> | ChildProcess<CoordinatorReady>;

export class Starter {
  readonly #options: StartOptions;
  readonly #note: (text: string) => void;
  readonly #brokers: ChildProcess<BrokerReady>[] = [];
  #coordinator: ChildProcess<CoordinatorReady> | undefined;
  #stopping: Promise<void> | undefined;

  /** @param note hears what a person should know, one line at a time. */
  constructor(options: StartOptions, note: (text: string) => void) {
    this.#options = options;
    this.#note = note;
  }

  /**
   * Starts everything and waits until it serves.
   *
   * @throws {OdradekError} PORT_IN_USE before anything runs; CHILD_ENDED, after which the caller
   *   calls `stop`.
   */
  async start(): Promise<RunningCluster> {
    const { directory, brokerCount, nativePort, kafkaPort, adminPort, zookeeper } = this.#options;
    const native = countUp(nativePort, brokerCount, '--native-port');
    const kafka = countUp(kafkaPort, brokerCount, '--kafka-port');
    const admin = countUp(adminPort, brokerCount, '--admin-port');
    const coordinatorPort = { port: this.#options.coordinatorPort, flag: '--coordinator-port' };
    const own = zookeeper === undefined ? [coordinatorPort] : [];
    await assertPortsFree(HOST, [...native, ...kafka, ...admin, ...own]);
    directory.create();

    const coordinator =
      zookeeper === undefined ? await this.#startCoordinator() : { address: zookeeper, pid: null };
    const starting = native.map(async ({ port }, index) =>
      this.#startBroker(index + 1, {
        native: `${HOST}:${port}`,
        kafka: `${HOST}:${kafka[index]?.port ?? 0}`,
        admin: `${HOST}:${admin[index]?.port ?? 0}`,
        zookeeperConnect: coordinator.address,
        brokerCount,
      }),
    );
    const brokers = await Promise.all(starting);
    const clusterId = brokers[0]?.clusterId ?? '';
    return { clusterId, dir: directory.path, coordinator, brokers: brokers.map(withoutClusterId) };
  }

  /** Brokers first, the coordinator last: a broker says goodbye to the coordinator. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  /** Ends everything at once. */
  kill(): void {
    for (const child of [...this.#brokers, this.#coordinator]) child?.kill();
  }

  async #startCoordinator(): Promise<RunningCluster['coordinator']> {
    const { directory, coordinatorPort } = this.#options;
    const address = `${HOST}:${coordinatorPort}`;
    const args = ['coordinator', '--dir', directory.coordinatorPath, '--listen', address];
    args.push(...this.#options.childArgs);
    const child = new ChildProcess<CoordinatorReady>('the coordinator', args);
    this.#coordinator = child;
    this.#refuseWhenStopping();
    const ready = await child.ready();
    const again = ['coordinator', '--dir', this.#shown(directory.coordinatorPath)];
    this.#watch(child, [...again, '--listen', ready.address]);
    return { address: ready.address, pid: child.pid };
  }

  async #startBroker(
    id: number,
    settings: StartSettings,
  ): Promise<RunningBroker & { readonly clusterId: string }> {
    const { directory } = this.#options;
    this.#refuseWhenStopping();
    directory.writeConfig(id, settings);
    const config = directory.configPath(id);
    const args = ['broker', '--config', config, ...this.#options.childArgs];
    const child = new ChildProcess<BrokerReady>(`broker ${id}`, args);
    this.#brokers.push(child);
    const { native, kafka, admin, clusterId } = await child.ready();
    // Whoever restarts the broker by its file finds it where it was, also under port 0.
    directory.writeConfig(id, {
      ...settings,
      native,
      kafka: kafka ?? settings.kafka,
      admin: admin ?? settings.admin,
    });
    this.#watch(child, ['broker', '--config', this.#shown(config)]);
    return { id, pid: child.pid, native, kafka, admin, config, clusterId };
  }

  /** A stop that comes while children are being started must not miss one. */
  #refuseWhenStopping(): void {
    if (this.#stopping === undefined) return;
    throw new OdradekError('STOPPED', 'stopped before the cluster was ready');
  }

  /** Says when a child dies on its own, and which command brings it back. */
  #watch(child: Child, args: readonly string[]): void {
    void child.exited.then((exit: ChildExit) => {
      if (this.#stopping !== undefined) return;
      this.#note(
        `${child.name} (pid ${child.pid}) ended ${describeExit(exit)} and is not restarted; ` +
          `start it again with: npx odradek ${args.map(quote).join(' ')}`,
      );
    });
  }

  async #stopAll(): Promise<void> {
    await stopGroup(this.#brokers);
    await stopGroup(this.#coordinator === undefined ? [] : [this.#coordinator]);
  }

  /** The shorter way to a path, from where the user stands. */
  #shown(path: string): string {
    const short = relative(process.cwd(), path);
    return short.startsWith('..') ? path : short;
  }
}

function withoutClusterId(broker: RunningBroker): RunningBroker {
  const { id, pid, native, kafka, admin, config } = broker;
  return { id, pid, native, kafka, admin, config };
}

/** Asks all to stop and waits; kills those that do not. */
async function stopGroup(children: readonly Child[]): Promise<void> {
  for (const child of children) child.stop();
  const deadline = setTimeout(() => {
    for (const child of children) child.kill();
  }, STOP_MS_MAX);
  await Promise.all(children.map(({ exited }) => exited));
  clearTimeout(deadline);
}

function quote(argument: string): string {
  return /^[\w./:=-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
