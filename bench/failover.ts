/**
 * `npm run bench -- --failover`: how long nobody can produce when a leader is killed, and how long
 * producers wait when it is stopped, with three brokers over the embedded coordinator and over a
 * real ZooKeeper.
 *
 * A kill is counted from the signal to the first acknowledgement of a record that was sent after it.
 * Most of that is ZooKeeper's: it lets the session live for its timeout, rounded up to its tick.
 * What is ours begins when the ephemeral node of the broker is seen to be gone.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { SteadyLoad } from './failover/steadyLoad.ts';
import { ThreeBrokers, type ThreeBrokersOptions } from './failover/threeBrokers.ts';
import { ZooKeeperProcess } from './failover/zookeeperProcess.ts';
import { machineReport } from './load/machine.ts';
import { loadAverage, writeResult } from './load/results.ts';

export interface FailoverOptions {
  /** Of each kind of broker, by each coordinator. */
  readonly rounds: number;
}

/** What each coordinator is asked for; the embedded one has a tick of its own. */
const SETTINGS: readonly ThreeBrokersOptions[] = [
  { coordinator: 'embedded', tickMs: 100, sessionTimeoutMs: 2_000 },
  { coordinator: 'zookeeper', tickMs: 500, sessionTimeoutMs: 3_000 },
];
const TOPIC = 'failover';
/** Ours, from the deletion of the ephemeral node on; and the longest wait at a clean stop. */
const OURS_MS_MAX = 200;
/** A restarted cluster is left alone for this long, so that one round does not disturb the next. */
const QUIET_MS = 1_000;

type Role = 'controller' | 'other broker';

interface Kill {
  readonly role: Role;
  readonly wholeMs: number;
  /** From the signal to the deletion of the ephemeral node: ZooKeeper's part. */
  readonly sessionMs: number;
  readonly oursMs: number;
}

interface Stop {
  readonly role: Role;
  readonly longestWaitMs: number;
  /** The same over as long a time before the stop, with nothing happening: what the machine costs. */
  readonly undisturbedMs: number;
}

interface FailoverRow {
  readonly coordinator: ThreeBrokersOptions['coordinator'];
  readonly sessionTimeoutMs: number;
  readonly tickMs: number;
  readonly kills: readonly Kill[];
  readonly stops: readonly Stop[];
  readonly acknowledged: number;
  /** Records that were given up, by code. */
  readonly failures: Readonly<Record<string, number>>;
}

export async function benchFailover(options: FailoverOptions, command: string): Promise<void> {
  const before = loadAverage();
  const rows: FailoverRow[] = [];
  for (const settings of SETTINGS) {
    if (settings.coordinator === 'zookeeper' && !ZooKeeperProcess.installed) {
      note('There is no ZooKeeper on this machine (Debian: apt-get install zookeeper)');
      continue;
    }
    rows.push(await measure(settings, options));
  }
  const report = {
    date: new Date().toISOString(),
    command,
    machine: machineReport(),
    loadAverage: { before, after: loadAverage() },
    failover: rows,
  };
  process.stdout.write(`${table(rows)}\nwritten to ${writeResult(report, 'failover')}\n`);
}

async function measure(
  settings: ThreeBrokersOptions,
  { rounds }: FailoverOptions,
): Promise<FailoverRow> {
  const cluster = await ThreeBrokers.start(settings);
  const [kills, stops]: [Kill[], Stop[]] = [[], []];
  try {
    const ids = cluster.brokerIds;
    const assignments = ids.map((_, first) => [...ids.slice(first), ...ids.slice(0, first)]);
    const configs = { 'min.insync.replicas': 2 };
    await cluster.client.admin().createTopic({ topic: TOPIC, assignments, configs });
    const load = new SteadyLoad(cluster.client, TOPIC, ids.length);
    load.start();
    for (let round = 0; round < rounds; round += 1) {
      for (const role of ['controller', 'other broker'] as const) {
        await cluster.untilRestored(TOPIC);
        await wait(QUIET_MS);
        kills.push(await kill(cluster, load, role));
        await cluster.untilRestored(TOPIC);
        await wait(QUIET_MS);
        stops.push(await stop(cluster, load, role));
        note(
          `${settings.coordinator} ${round + 1}: ${JSON.stringify([kills.at(-1), stops.at(-1)])}`,
        );
      }
    }
    await load.close();
    return {
      coordinator: settings.coordinator,
      sessionTimeoutMs: cluster.negotiatedTimeoutMs,
      tickMs: cluster.tickMs,
      kills,
      stops,
      acknowledged: load.acknowledgedCount,
      failures: Object.fromEntries(load.failures),
    };
  } finally {
    await cluster.close();
  }
}

/** Each broker leads the partition of which it is the first replica: broker 1 partition 0. */
async function kill(cluster: ThreeBrokers, load: SteadyLoad, role: Role): Promise<Kill> {
  const victim = await chosen(cluster, role);
  const killedMs = cluster.signal(victim, 'SIGKILL');
  const partition = cluster.brokerIds.indexOf(victim);
  const acknowledgedMs = await load.firstAcknowledged(partition, killedMs);
  const goneMs = await cluster.goneMs(victim);
  await cluster.restart(victim);
  return {
    role,
    wholeMs: Math.round(acknowledgedMs - killedMs),
    sessionMs: Math.round(goneMs - killedMs),
    oursMs: Math.round(acknowledgedMs - goneMs),
  };
}

async function stop(cluster: ThreeBrokers, load: SteadyLoad, role: Role): Promise<Stop> {
  const victim = await chosen(cluster, role);
  load.reset();
  await wait(QUIET_MS);
  const undisturbedMs = Math.round(load.longestMs);
  load.reset();
  cluster.signal(victim, 'SIGTERM');
  await cluster.ended(victim);
  await wait(QUIET_MS);
  const longestWaitMs = Math.round(load.longestMs);
  await cluster.restart(victim);
  return { role, longestWaitMs, undisturbedMs };
}

async function chosen(cluster: ThreeBrokers, role: Role): Promise<number> {
  const controller = await cluster.controller();
  if (role === 'controller') return controller;
  return cluster.brokerIds.find((id) => id !== controller) ?? -1;
}

function table(rows: readonly FailoverRow[]): string {
  const head =
    '| coordinator | session, tick | broker | kill to acknowledged | limit | ours | stop: longest wait | without |';
  const lines = rows.flatMap(({ coordinator, sessionTimeoutMs, tickMs, kills, stops }) =>
    (['controller', 'other broker'] as const).map((role) => {
      const killed = kills.filter((one) => one.role === role);
      const stopped = stops.filter((one) => one.role === role);
      const cells = [
        coordinator,
        `${sessionTimeoutMs}, ${tickMs} ms`,
        role,
        spread(killed.map(({ wholeMs }) => wholeMs)),
        `${sessionTimeoutMs + 1.5 * tickMs + OURS_MS_MAX}`,
        spread(killed.map(({ oursMs }) => oursMs)),
        spread(stopped.map(({ longestWaitMs }) => longestWaitMs)),
        spread(stopped.map(({ undisturbedMs }) => undisturbedMs)),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  );
  const rule = '|---|---|---|---|---|---|---|---|';
  const failed = rows.map(({ failures }) => JSON.stringify(failures)).join(' ');
  return `milliseconds, median (most); given up: ${failed}\n\n${[head, rule, ...lines].join('\n')}\n`;
}

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return `${sorted[Math.floor(sorted.length / 2)] ?? '-'} (${sorted.at(-1) ?? '-'})`;
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
