/** The cluster of the demo: its own, in a temporary directory, or one that runs already. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type BrokerReady,
  ChildProcess,
  ClusterDirectory,
  type RunningCluster,
  Starter,
} from '../cli/index.ts';

export interface DemoCluster {
  readonly brokers: readonly string[];
  /** Kills each broker with SIGKILL and starts it again; absent for a cluster that is not ours. */
  readonly killAndRestart: ((index: number) => Promise<void>) | undefined;
  readonly brokerCount: number;
  close(): Promise<void>;
}

export function runningCluster(brokers: readonly string[]): DemoCluster {
  return {
    brokers,
    brokerCount: 0,
    killAndRestart: undefined,
    close: () => Promise.resolve(),
  };
}

/** Starts an embedded coordinator and three brokers on free ports. */
export async function startCluster(): Promise<DemoCluster> {
  const path = mkdtempSync(join(tmpdir(), 'odradek-demo-'));
  const starter = new Starter(
    {
      directory: new ClusterDirectory(path),
      brokerCount: 3,
      zookeeper: undefined,
      nativePort: 0,
      kafkaPort: 0,
      adminPort: 0,
      coordinatorPort: 0,
      childArgs: ['--log-level', 'error'],
    },
    // That a broker ended is no news here: the demo itself kills them.
    () => undefined,
  );
  const restarted: ChildProcess<BrokerReady>[] = [];
  const close = async (): Promise<void> => {
    for (const child of restarted) child.stop();
    await Promise.all(restarted.map(({ exited }) => exited));
    await starter.stop();
    rmSync(path, { recursive: true, force: true });
  };
  let cluster: RunningCluster;
  try {
    cluster = await starter.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    brokers: cluster.brokers.map(({ native }) => native),
    brokerCount: cluster.brokers.length,
    killAndRestart: async (index) => {
      const broker = cluster.brokers[index];
      if (broker === undefined) return;
      process.kill(broker.pid, 'SIGKILL');
      await processEnd(broker.pid);
      const args = ['broker', '--config', broker.config, '--log-level', 'error'];
      const child = new ChildProcess<BrokerReady>(`broker ${broker.id}`, args);
      restarted.push(child);
      await child.ready();
    },
    close,
  };
}

async function processEnd(pid: number): Promise<void> {
  while (isRunning(pid)) await wait(10);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
