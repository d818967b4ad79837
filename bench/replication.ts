/**
 * What replication costs: the same records with one replica, with three, and with three that all
 * must have them, in one run on three broker processes.
 *
 * All processes share the machine, so the figures are ratios of one another first of all.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterDirectory, type RunningCluster, Starter } from '../cli/index.ts';
import { Odradek } from '../client/index.ts';
import { machineReport } from './load/machine.ts';
import { type ThroughputRow, throughputHead, throughputLine } from './load/report.ts';
import { loadAverage, writeResult } from './load/results.ts';
import { runLoad } from './load/runLoad.ts';

export interface ReplicationOptions {
  readonly rounds: number;
  /** Bytes of values in one run. */
  readonly runBytes: number;
  /** Only the rows whose name has this. */
  readonly only: string | undefined;
}

interface Scenario {
  readonly replicas: 1 | 3;
  readonly acks: 1 | 'all';
}

const SCENARIOS: readonly Scenario[] = [
  { replicas: 1, acks: 1 },
  { replicas: 3, acks: 1 },
  { replicas: 3, acks: 'all' },
];
const VALUE_SIZES = [100, 1024];
/** Kafka's default: never forced by count. */
const FLUSH_MESSAGES = { durable: '1', relaxed: '9223372036854775807' } as const;

export async function benchReplication(
  options: ReplicationOptions,
  command: string,
): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'odradek-bench-'));
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
    () => undefined,
  );
  const before = loadAverage();
  try {
    const cluster = await starter.start();
    const rows = await measure(cluster, options);
    const report = {
      date: new Date().toISOString(),
      command,
      machine: machineReport(),
      loadAverage: { before, after: loadAverage() },
      replication: rows,
    };
    process.stdout.write(table(report));
    process.stdout.write(`\nwritten to ${writeResult(report, 'replication')}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  } finally {
    await starter.stop();
    rmSync(path, { recursive: true, force: true });
  }
}

async function measure(
  cluster: RunningCluster,
  options: ReplicationOptions,
): Promise<readonly ThroughputRow[]> {
  const brokers = cluster.brokers.map(({ native }) => native);
  const pids = cluster.brokers.map(({ pid }) => pid);
  await using odradek = new Odradek({ brokers });
  const rows = new Map<string, ThroughputRow>();
  let topicCount = 0;
  for (let round = 0; round < options.rounds; round += 1) {
    for (const valueBytes of VALUE_SIZES) {
      for (const durability of ['durable', 'relaxed'] as const) {
        for (const { replicas, acks } of SCENARIOS) {
          const name = `${valueBytes} B ${durability} RF${replicas} acks=${acks}`;
          if (options.only !== undefined && !name.includes(options.only)) continue;
          process.stderr.write(`round ${round + 1}: ${name}\n`);
          const topic = `replication-${topicCount++}`;
          const configs = {
            'flush.messages': FLUSH_MESSAGES[durability],
            'min.insync.replicas': replicas === 3 ? '2' : '1',
          };
          const admin = odradek.admin();
          await admin.createTopic({ topic, partitions: 1, replicationFactor: replicas, configs });
          const recordCount = Math.round(options.runBytes / valueBytes);
          const common = { brokers, topic, valueBytes, recordCount };
          const run = await runLoad(
            { kind: 'produce', options: { ...common, acks, call: 'send' } },
            pids,
          );
          // A figure counts only if every record is read back and is the one that was sent.
          await runLoad({ kind: 'consume', options: { ...common, isOrdered: true } }, pids);
          const row = rows.get(name) ?? { name, valueBytes, runs: [] };
          rows.set(name, { ...row, runs: [...row.runs, run] });
          await admin.deleteTopic(topic);
        }
      }
    }
  }
  return [...rows.values()];
}

function table(report: {
  readonly date: string;
  readonly command: string;
  readonly machine: ReturnType<typeof machineReport>;
  readonly loadAverage: { readonly before: number; readonly after: number };
  readonly replication: readonly ThroughputRow[];
}): string {
  const { machine, loadAverage } = report;
  return [
    `${report.date}   ${report.command}`,
    `${machine.cpuCount} x ${machine.cpu}, ${machine.memoryGb} GB, Linux ${machine.kernel}, ` +
      `Node ${machine.node}, odradek ${machine.odradek}`,
    `load average ${loadAverage.before} before, ${loadAverage.after} after`,
    '',
    '3 brokers, 1 partition, min.insync.replicas 2 with 3 replicas; server CPU of all three',
    throughputHead(),
    ...report.replication.map(throughputLine),
    '',
  ].join('\n');
}
