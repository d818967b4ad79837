/**
 * `npm run bench`: how fast one broker and the SDK are on this machine, each in a process of its own.
 *
 * Rules: the two durability classes are never mixed; rounds of all scenarios are interleaved and the
 * median is reported with least and most; server CPU stands beside every throughput, since client
 * and server share the machine; latency is counted from the intended time of sending; a figure
 * counts only if every record was read back and every byte was checked.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  type BrokerReady,
  ChildProcess,
  ClusterDirectory,
  type RunningBroker,
  Starter,
} from '../cli/index.ts';
import { Odradek } from '../client/index.ts';
import { benchElections } from './elections.ts';
import { benchFailover } from './failover.ts';
import { benchIdle } from './idle.ts';
import { machineReport } from './load/machine.ts';
import { residentBytes } from './load/processUsage.ts';
import {
  type BenchReport,
  benchTable,
  type LatencyRow,
  type ThroughputRow,
} from './load/report.ts';
import { loadAverage, writeResult } from './load/results.ts';
import { runLoad } from './load/runLoad.ts';
import { benchReplication } from './replication.ts';

const ROUNDS = 3;
/** Bytes of values in one throughput run. */
const RUN_BYTES = 300_000_000;
const LATENCY_SECONDS = 8;
const VALUE_SIZES = [100, 1024];
const RATES = [1000, 10_000];
/** An idle broker is looked at after this. */
const IDLE_MS = 5000;
/** Kafka's default: never forced by count. */
const RELAXED = '9223372036854775807';

type Durability = 'durable' | 'relaxed';
const DURABILITIES: readonly Durability[] = ['durable', 'relaxed'];

interface BenchOptions {
  readonly rounds: number;
  readonly runBytes: number;
  readonly latencySeconds: number;
  readonly only: string | undefined;
  /** Three brokers instead of one, and what replication costs. */
  readonly replication: boolean;
  /** Address of a ZooKeeper: how long elections take there, and nothing else. */
  readonly elections: string | undefined;
  /** How long producers wait when a leader is killed or stopped, and nothing else. */
  readonly failover: boolean;
  /** What a cluster costs that does nothing, and nothing else. */
  readonly idle: boolean;
}

export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options === undefined) {
    process.exitCode = 2;
    return;
  }
  if (options.elections !== undefined) {
    await benchElections(options.elections);
    return;
  }
  const command = ['npm run bench --', ...args].join(' ');
  if (options.failover) {
    await benchFailover(options, command);
    return;
  }
  if (options.idle) {
    await benchIdle(command);
    return;
  }
  if (options.replication) {
    await benchReplication(options, command);
    return;
  }
  const before = loadAverage();
  const machine = machineReport();
  const { start, idleBytes } = await measureStart();
  const bench = await BenchCluster.start();
  try {
    const throughput = await measureThroughput(bench, options);
    const latency = await measureLatency(bench, options);
    const { peakBytes } = bench;
    const report: BenchReport = {
      date: new Date().toISOString(),
      command,
      machine,
      loadAverage: { before, after: loadAverage() },
      start,
      memory: { idleBytes, peakBytes },
      throughput,
      latency,
    };
    process.stdout.write(benchTable(report));
    process.stdout.write(`\nwritten to ${writeResult(report)}\n`);
  } catch (error) {
    note(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  } finally {
    await bench.close();
  }
}

/** On a cluster without data: what a load leaves behind is still on its way to the disk for seconds. */
async function measureStart(): Promise<{
  readonly start: BenchReport['start'];
  readonly idleBytes: number;
}> {
  const bench = await BenchCluster.start();
  try {
    const idleBytes = await bench.idleUsage();
    return { start: { ...bench.startSeconds, ...(await bench.restart()) }, idleBytes };
  } finally {
    await bench.close();
  }
}

async function measureThroughput(
  bench: BenchCluster,
  options: BenchOptions,
): Promise<readonly ThroughputRow[]> {
  const rows = new Map<string, ThroughputRow>();
  const add = (name: string, valueBytes: number, run: ThroughputRow['runs'][number]): void => {
    const row = rows.get(name) ?? { name, valueBytes, runs: [] };
    rows.set(name, { ...row, runs: [...row.runs, run] });
  };
  for (let round = 0; round < options.rounds; round += 1) {
    for (const valueBytes of VALUE_SIZES) {
      for (const durability of DURABILITIES) {
        for (const call of ['send', 'sendBatch'] as const) {
          const name = `${valueBytes} B ${durability} ${call}`;
          if (options.only !== undefined && !name.includes(options.only)) continue;
          note(`round ${round + 1}: ${name}`);
          const topic = await bench.createTopic(durability);
          const recordCount = Math.round(options.runBytes / valueBytes);
          const load = { brokers: bench.brokers, topic, valueBytes, recordCount };
          const produced = await runLoad(
            { kind: 'produce', options: { ...load, acks: 'all', call } },
            [bench.pid],
          );
          add(`produce ${name}`, valueBytes, produced);
          const isOrdered = call === 'send';
          const consumed = await runLoad({ kind: 'consume', options: { ...load, isOrdered } }, [
            bench.pid,
          ]);
          if (call === 'sendBatch' && durability === 'relaxed') {
            add(`consume ${valueBytes} B`, valueBytes, consumed);
          }
          await bench.deleteTopic(topic);
        }
      }
    }
  }
  return [...rows.values()];
}

async function measureLatency(
  bench: BenchCluster,
  options: BenchOptions,
): Promise<readonly LatencyRow[]> {
  const rows: LatencyRow[] = [];
  for (const durability of DURABILITIES) {
    for (const recordsPerSecond of RATES) {
      const name = `100 B ${durability} latency`;
      if (options.only !== undefined && !name.includes(options.only)) continue;
      note(`${name} at ${recordsPerSecond}/s`);
      const topic = await bench.createTopic(durability);
      const recordCount = recordsPerSecond * options.latencySeconds;
      const load = { brokers: bench.brokers, topic, valueBytes: 100, recordCount };
      const result = await runLoad({ kind: 'latency', options: { ...load, recordsPerSecond } }, [
        bench.pid,
      ]);
      rows.push({ durability, recordsPerSecond, ...result });
      await bench.deleteTopic(topic);
    }
  }
  return rows;
}

/** A coordinator and one broker, each a process of its own. */
class BenchCluster {
  readonly #path: string;
  readonly #starter: Starter;
  readonly #broker: RunningBroker;
  readonly #odradek: Odradek;
  readonly startSeconds: { readonly clusterSeconds: number };
  #topicCount = 0;
  #restarted: ChildProcess<BrokerReady> | undefined;

  private constructor(
    path: string,
    starter: Starter,
    broker: RunningBroker,
    clusterSeconds: number,
  ) {
    this.#path = path;
    this.#starter = starter;
    this.#broker = broker;
    this.#odradek = new Odradek({ brokers: [broker.native] });
    this.startSeconds = { clusterSeconds };
  }

  static async start(): Promise<BenchCluster> {
    const path = mkdtempSync(join(tmpdir(), 'odradek-bench-'));
    const starter = new Starter(
      {
        directory: new ClusterDirectory(path),
        brokerCount: 1,
        zookeeper: undefined,
        nativePort: 0,
        kafkaPort: 0,
        adminPort: 0,
        coordinatorPort: 0,
        childArgs: ['--log-level', 'warn'],
      },
      () => undefined,
    );
    try {
      const startedMs = performance.now();
      const cluster = await starter.start();
      const seconds = (performance.now() - startedMs) / 1000;
      return new BenchCluster(path, starter, cluster.brokers[0]!, seconds);
    } catch (error) {
      await starter.stop();
      rmSync(path, { recursive: true, force: true });
      throw error;
    }
  }

  get brokers(): readonly string[] {
    return [this.#broker.native];
  }

  get pid(): number {
    return this.#broker.pid;
  }

  get peakBytes(): number {
    return residentBytes(this.pid).peak;
  }

  /** Resident memory of a broker that does nothing. */
  async idleUsage(): Promise<number> {
    await wait(IDLE_MS);
    return residentBytes(this.pid).now;
  }

  async createTopic(durability: Durability): Promise<string> {
    const topic = `bench-${this.#topicCount++}`;
    const flush = durability === 'durable' ? '1' : RELAXED;
    const request = { topic, partitions: 1, configs: { 'flush.messages': flush } };
    await this.#odradek.admin().createTopic(request);
    return topic;
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#odradek.admin().deleteTopic(topic);
  }

  /** Ends the broker cleanly and starts it again on the same directory. */
  async restart(): Promise<{ readonly brokerSeconds: number }> {
    await this.#odradek.close();
    process.kill(this.pid, 'SIGTERM');
    while (isRunning(this.pid)) await wait(10);
    const startedMs = performance.now();
    const args = ['broker', '--config', this.#broker.config, '--log-level', 'warn'];
    this.#restarted = new ChildProcess<BrokerReady>('broker', args);
    await this.#restarted.ready();
    return { brokerSeconds: (performance.now() - startedMs) / 1000 };
  }

  async close(): Promise<void> {
    await this.#odradek.close().catch(() => undefined);
    this.#restarted?.stop();
    await this.#restarted?.exited;
    await this.#starter.stop();
    rmSync(this.#path, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function readOptions(args: readonly string[]): BenchOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string', default: String(ROUNDS) },
        megabytes: { type: 'string', default: String(RUN_BYTES / 1e6) },
        seconds: { type: 'string', default: String(LATENCY_SECONDS) },
        only: { type: 'string' },
        replication: { type: 'boolean', default: false },
        elections: { type: 'string' },
        failover: { type: 'boolean', default: false },
        idle: { type: 'boolean', default: false },
      },
    });
    const rounds = Number(values.rounds);
    const runBytes = Number(values.megabytes) * 1e6;
    const latencySeconds = Number(values.seconds);
    if (!(rounds >= 1 && runBytes >= 1e6 && latencySeconds >= 1)) {
      throw new Error('--rounds, --megabytes and --seconds take numbers from 1');
    }
    const { only, replication, elections, failover, idle } = values;
    return { rounds, runBytes, latencySeconds, only, replication, elections, failover, idle };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
