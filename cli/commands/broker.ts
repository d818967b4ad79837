/** `odradek broker`: one broker, by its server.properties. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { BrokerConfig } from '../../broker/index.ts';
import { OdradekError, systemErrorCode } from '../../common/index.ts';
import { type LoggingFlags, openLogger, withLoggingFlags } from '../loggingFlags.ts';
import { property } from '../parse.ts';
import { runServer, type Server } from '../runServer.ts';
import type { BrokerReady } from '../start/supervision.ts';
import { keepYoungGenerationSmall, letYoungGenerationGrow } from '../youngGeneration.ts';

interface BrokerFlags extends LoggingFlags {
  readonly config: string;
  readonly override?: ReadonlyMap<string, string>;
  readonly json?: boolean;
}

export function brokerCommand(): Command {
  const command = new Command('broker')
    .description(
      'Runs one broker until a signal. Logs go to stderr; the last line on stdout is "ready".',
    )
    .requiredOption('--config <file>', 'server.properties; docs/configuration.md lists the keys')
    .option(
      '--override <name=value>',
      'a key that goes before the one in the file; may be repeated',
      property('--override'),
    )
    .option('--json', 'print one JSON document instead of the address and "ready"');
  return withLoggingFlags(command, 'info').action((flags: BrokerFlags) => runBroker(flags));
}

async function runBroker(flags: BrokerFlags): Promise<void> {
  keepYoungGenerationSmall();
  const { Broker, createProductionEnvironment, formatSocketAddress } = await import(
    '../../broker/index.ts'
  );
  const config = await readConfig(flags);
  const logger = await openLogger(flags, { brokerId: config.brokerId });
  const broker = new Broker(createProductionEnvironment(), config, logger);
  const server: Server<BrokerReady> = {
    start: async () => {
      await broker.start();
      letYoungGenerationGrow();
      const { adminAddress, kafkaAddresses, nativeAddress, clusterId } = broker;
      const admin = adminAddress === undefined ? null : formatSocketAddress(adminAddress);
      const [first] = kafkaAddresses;
      const kafka = first === undefined ? null : formatSocketAddress(first);
      return { type: 'ready', clusterId, native: formatSocketAddress(nativeAddress), kafka, admin };
    },
    stop: () => broker.stop(),
    onFatal: (listener) => broker.onFatal(listener),
  };
  const json = flags.json ?? false;
  await runServer(server, (ready) => announce(ready, { config, file: flags.config, json }), {
    json,
  });
}

/** @throws {OdradekError} the file cannot be read, or has a value that cannot be trusted. */
async function readConfig({ config: file, override }: BrokerFlags): Promise<BrokerConfig> {
  const { brokerConfigFrom, parseProperties } = await import('../../broker/index.ts');
  const given = new Map(parseProperties(readText(file)));
  for (const [key, value] of override ?? []) given.set(key, value);
  return brokerConfigFrom(given);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = systemErrorCode(error) ?? 'UNKNOWN';
    const why = code === 'ENOENT' ? 'there is no such file' : code;
    throw new OdradekError(code, `cannot read the configuration "${resolve(file)}": ${why}`, {
      cause: error,
    });
  }
}

function announce(
  { clusterId, native, kafka, admin }: BrokerReady,
  {
    config,
    file,
    json,
  }: { readonly config: BrokerConfig; readonly file: string; readonly json: boolean },
): void {
  const id = config.brokerId;
  if (!json) {
    const listener = kafka === null ? '' : `, Kafka ${kafka}`;
    const endpoint = admin === null ? '' : `, admin http://${admin}`;
    const where = `${native}${listener}${endpoint}`;
    process.stdout.write(`broker ${id} of cluster ${clusterId}: ${where}\nready\n`);
    return;
  }
  const document = {
    ready: true,
    clusterId,
    dir: config.logDirs[0] ?? null,
    coordinator: { address: config.zookeeperConnect, pid: null },
    brokers: [{ id, pid: process.pid, native, kafka, admin, config: resolve(file) }],
  };
  process.stdout.write(`${JSON.stringify(document)}\n`);
}
