/** `odradek start`: a whole cluster on this machine, in the foreground. */

import { Command } from 'commander';
import { reportFailure } from '../failure.ts';
import { type LoggingFlags, withLoggingFlags } from '../loggingFlags.ts';
import { wholeNumber } from '../parse.ts';
import { ClusterDirectory } from '../start/clusterDirectory.ts';
import { type RunningCluster, Starter } from '../start/starter.ts';
import { listenForStop } from '../stopSignals.ts';
import { formatTable } from '../table.ts';
import { UsageError } from '../usageError.ts';

interface StartFlags extends LoggingFlags {
  readonly brokerCount: number;
  readonly dir: string;
  readonly zookeeper?: string;
  readonly nativePort: number;
  readonly kafkaPort: number;
  readonly adminPort: number;
  readonly coordinatorPort: number;
  readonly json?: boolean;
}

const BROKER_COUNT_MAX = 100;

export function startCommand(): Command {
  const port = (flag: string): ((text: string) => number) =>
    wholeNumber(flag, { min: 0, max: 65_535 });
  const command = new Command('start')
    .description(
      'Runs the embedded coordinator and brokers, each as a process of its own, until ctrl-C. ' +
        'Logs go to stderr; the last line on stdout is "ready".',
    )
    .option(
      '--broker-count <number>',
      'how many brokers',
      wholeNumber('--broker-count', { min: 1, max: BROKER_COUNT_MAX }),
      3,
    )
    .option('--dir <directory>', 'where data and configuration live', '.odradek')
    .option(
      '--zookeeper <host:port,...>',
      'use this ZooKeeper instead of the embedded coordinator',
      zookeeperServers,
    )
    .option(
      '--native-port <port>',
      'of the first broker, counted up for the others; 0: any free port',
      port('--native-port'),
      9192,
    )
    .option(
      '--kafka-port <port>',
      'of the first Kafka listener, counted up; 0: any free port',
      port('--kafka-port'),
      9092,
    )
    .option(
      '--admin-port <port>',
      'of the first admin endpoint, counted up; 0: any free port',
      port('--admin-port'),
      9292,
    )
    .option(
      '--coordinator-port <port>',
      'of the embedded coordinator; 0: any free port',
      port('--coordinator-port'),
      2181,
    )
    .option('--json', 'print one JSON document instead of the table and "ready"');
  return withLoggingFlags(command, 'warn').action((flags: StartFlags) => runStart(flags));
}

async function runStart(flags: StartFlags): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const { dir, zookeeper, logLevel, logFormat, ...rest } = flags;
  const directory = new ClusterDirectory(dir);
  const childArgs = ['--log-level', logLevel, '--log-format', logFormat];
  const options = { ...rest, zookeeper, directory, childArgs };
  const starter = new Starter(options, (text) => process.stderr.write(`${text}\n`));
  let stopped = false;
  listenForStop({
    onStop: (signal) => {
      stopped = true;
      process.stderr.write(`${signal}: stopping the brokers, then the coordinator\n`);
      void starter.stop().then(() => process.exit(0));
    },
    onAbort: () => {
      starter.kill();
      process.exit(1);
    },
  });
  try {
    const cluster = await starter.start();
    if (!stopped) announce(cluster, flags.json ?? false);
  } catch (error) {
    if (stopped) return;
    reportFailure(error, { json: flags.json ?? false });
    await starter.stop();
    process.exit(error instanceof UsageError ? 2 : 1);
  }
}

function announce(cluster: RunningCluster, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ ready: true, ...cluster })}\n`);
    return;
  }
  const { coordinator, brokers, clusterId, dir } = cluster;
  const rows = [
    ['coordinator', coordinator.pid ?? '-', coordinator.address, '-', '-'],
    ...brokers.map(({ id, pid, native, kafka, admin }) => [
      `broker ${id}`,
      pid,
      native,
      kafka ?? '-',
      admin === null ? '-' : `http://${admin}`,
    ]),
  ];
  const lines = [
    `cluster ${clusterId} in ${dir}`,
    ...formatTable(['PROCESS', 'PID', 'ADDRESS', 'KAFKA', 'ADMIN'], rows),
    'ready',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function zookeeperServers(text: string): string {
  if (/^[^,/\s]+:\d+(,[^,/\s]+:\d+)*(\/\S*)?$/.test(text)) return text;
  throw new UsageError(`--zookeeper takes host:port,host:port/chroot, not "${text}"`);
}
