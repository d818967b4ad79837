/** `odradek coordinator`: the embedded coordinator as a process of its own. */

import { resolve } from 'node:path';
import { Command } from 'commander';
import type { SocketAddress } from '../../common/index.ts';
import { type LoggingFlags, openLogger, withLoggingFlags } from '../loggingFlags.ts';
import { wholeNumber } from '../parse.ts';
import { runServer, type Server } from '../runServer.ts';
import type { CoordinatorReady } from '../start/supervision.ts';
import { UsageError } from '../usageError.ts';

interface CoordinatorFlags extends LoggingFlags {
  readonly dir: string;
  readonly listen: SocketAddress;
  readonly tickMs: number;
  readonly json?: boolean;
}

const TICK_MS = 100;

export function coordinatorCommand(): Command {
  const command = new Command('coordinator')
    .description(
      'Runs the embedded coordinator, which speaks the protocol of ZooKeeper, until a signal. ' +
        'It is for one machine and never clustered: for more, run ZooKeeper.',
    )
    .option('--dir <directory>', 'where its journal is', '.odradek/coordinator')
    .option('--listen <host:port>', 'where to listen; port 0: any free port', parseAddress, {
      host: '127.0.0.1',
      port: 2181,
    })
    .option(
      '--tick-ms <milliseconds>',
      'unit of session timeouts, which last from 2 to 20 ticks',
      wholeNumber('--tick-ms', { min: 10, max: 60_000 }),
      TICK_MS,
    )
    .option('--json', 'print one JSON document instead of the address and "ready"');
  return withLoggingFlags(command, 'info').action((flags: CoordinatorFlags) => run(flags));
}

async function run(flags: CoordinatorFlags): Promise<void> {
  const [{ EmbeddedCoordinator }, { createProductionEnvironment }] = await Promise.all([
    import('../../coordinator/embedded/index.ts'),
    import('../../broker/productionEnvironment.ts'),
  ]);
  const logger = await openLogger(flags, {});
  const coordinator = new EmbeddedCoordinator(
    createProductionEnvironment(),
    { directory: resolve(flags.dir), address: flags.listen, tickMs: flags.tickMs },
    logger,
  );
  const server: Server<CoordinatorReady> = {
    start: async () => {
      const { host, port } = await coordinator.start();
      return { type: 'ready', address: `${host}:${port}` };
    },
    stop: () => coordinator.close(),
    onFatal: (listener) => coordinator.onFailure(listener),
  };
  const json = flags.json ?? false;
  await runServer(server, ({ address }) => announce(address, json), { json });
}

function announce(address: string, json: boolean): void {
  const document = { ready: true, coordinator: { address, pid: process.pid } };
  const text = json ? JSON.stringify(document) : `coordinator: ${address}\nready`;
  process.stdout.write(`${text}\n`);
}

function parseAddress(text: string): SocketAddress {
  const match = /^(.+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port > 65_535) {
    throw new UsageError(`--listen takes host:port, not "${text}"`);
  }
  return { host: match[1], port };
}
