/**
 * `npm run bench -- --idle`: what a cluster costs that does nothing: the processor time of three
 * brokers that hold partitions which nobody writes to or reads from, and of the coordinator.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { ThreeBrokers } from './failover/threeBrokers.ts';
import { machineReport } from './load/machine.ts';
import { cpuSeconds, residentBytes } from './load/processUsage.ts';
import { loadAverage, writeResult } from './load/results.ts';

const TOPICS = 10;
const PARTITIONS = [0, 1_000];
/** What was begun by the creation of the topics is over then. */
const SETTLE_MS = 15_000;
const MEASURE_MS = 60_000;
/** Of one core. */
const PERCENT_MAX = 3;

interface IdleRow {
  readonly partitions: number;
  /** By broker: processor time in percent of one core. */
  readonly percent: readonly number[];
  readonly residentMib: readonly number[];
}

export async function benchIdle(command: string): Promise<void> {
  const before = loadAverage();
  const rows: IdleRow[] = [];
  for (const partitions of PARTITIONS) rows.push(await measure(partitions));
  const report = {
    date: new Date().toISOString(),
    command,
    machine: machineReport(),
    loadAverage: { before, after: loadAverage() },
    seconds: MEASURE_MS / 1_000,
    limitPercent: PERCENT_MAX,
    idle: rows,
  };
  process.stdout.write(`${table(rows)}\nwritten to ${writeResult(report, 'idle')}\n`);
}

async function measure(partitions: number): Promise<IdleRow> {
  const settings = { coordinator: 'embedded', tickMs: 100, sessionTimeoutMs: 2_000 } as const;
  const cluster = await ThreeBrokers.start(settings);
  try {
    const admin = cluster.client.admin();
    for (let number = 0; partitions > 0 && number < TOPICS; number += 1) {
      const topic = `idle-${number}`;
      await admin.createTopic({ topic, partitions: partitions / TOPICS, replicationFactor: 3 });
      await cluster.untilRestored(topic);
    }
    await cluster.client.close();
    await wait(SETTLE_MS);
    const from = cluster.pids.map(cpuSeconds);
    const fromMs = performance.now();
    await wait(MEASURE_MS);
    const seconds = (performance.now() - fromMs) / 1_000;
    const percent = cluster.pids.map((pid, index) => {
      const used = cpuSeconds(pid) - (from[index] ?? 0);
      return Number(((used / seconds) * 100).toFixed(2));
    });
    const residentMib = cluster.pids.map((pid) => Math.round(residentBytes(pid).now / 2 ** 20));
    return { partitions, percent, residentMib };
  } finally {
    await cluster.close();
  }
}

function table(rows: readonly IdleRow[]): string {
  const head = '| idle partitions, RF 3 | % of a core, by broker | MiB resident, by broker |';
  const lines = rows.map(
    ({ partitions, percent, residentMib }) =>
      `| ${partitions} | ${percent.join(' / ')} | ${residentMib.join(' / ')} |`,
  );
  return `${[head, '|---|---|---|', ...lines].join('\n')}\n`;
}
