/**
 * `npm run fuzz -- --frames N`: spoiled frames against a broker, which must answer or close each of
 * them, keep its memory flat and go on serving others.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ClusterDirectory, Progress, Starter } from '../cli/index.ts';
import { Odradek } from '../client/index.ts';
import { systemClock, systemTimers } from '../common/environment/production/index.ts';
import type { SocketAddress } from '../common/index.ts';
import { nodeTransport } from '../network/index.ts';
import { fuzz } from './fuzz/fuzzer.ts';
import { startStubServer } from './fuzz/stubServer.ts';

const FRAMES = 1_000_000;
/** Frames sent before memory is looked at first: caches and compiled code are then in place. */
const WARM_UP_FRAMES = 50_000;
const KIB = 1024;

const environment = { clock: systemClock, timers: systemTimers, transport: nodeTransport };

interface FuzzTarget {
  readonly name: string;
  readonly address: SocketAddress;
  /** Of the process that is fuzzed; undefined for one whose pid is not known. */
  readonly pid: number | undefined;
  readonly topics: readonly string[];
  close(): Promise<void>;
}

/** Ends with exit code 0 where the target served a good connection to the end. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      frames: { type: 'string', default: String(FRAMES) },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      stub: { type: 'boolean', default: false },
      brokers: { type: 'string' },
      pid: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const frames = Number(values.frames);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(frames) || frames < 1 || !Number.isSafeInteger(seed)) {
    process.stderr.write('usage: npm run fuzz -- [--frames N] [--seed N] [--json]\n');
    process.stderr.write('       [--stub | --brokers HOST:PORT [--pid N]]\n');
    process.exitCode = 2;
    return;
  }
  const target = await startTarget(values);
  try {
    process.stderr.write(`fuzzing ${target.name} with seed ${seed}\n`);
    const result = await run(target, frames, seed);
    process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : described(result));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`seed ${seed}: ${message}\n`);
    process.exitCode = 1;
  } finally {
    await target.close();
  }
}

async function run(target: FuzzTarget, frames: number, seed: number) {
  const { address, topics } = target;
  const warmUp = Math.min(WARM_UP_FRAMES, Math.floor(frames / 4));
  const options = { seed, address, topics, environment };
  await fuzz({ ...options, frames: warmUp });
  const rssBeforeKib = rssKib(target.pid);
  const progress = new Progress('fuzz');
  const result = await fuzz({
    ...options,
    seed: seed + 1,
    frames: frames - warmUp,
    onProgress: (count) => progress.update({ done: warmUp + count, total: frames }),
  });
  progress.end();
  return {
    target: target.name,
    seed,
    ...result,
    frames: result.frames + warmUp,
    rssBeforeKib,
    rssAfterKib: rssKib(target.pid),
  };
}

function described(result: Awaited<ReturnType<typeof run>>): string {
  const mib = (kib: number | undefined) =>
    kib === undefined ? 'unknown' : `${(kib / KIB).toFixed(1)} MiB`;
  return [
    `frames sent           ${result.frames} (${(result.bytesSent / KIB / KIB).toFixed(0)} MiB)`,
    `connections           ${result.connections}`,
    `answers               ${(result.bytesReceived / KIB / KIB).toFixed(1)} MiB`,
    `seconds               ${result.seconds.toFixed(1)}`,
    `good calls answered   ${result.goodCalls}, slowest ${result.goodLatencyMsMax.toFixed(1)} ms`,
    `RSS of the target     ${mib(result.rssBeforeKib)} before, ${mib(result.rssAfterKib)} after`,
    '',
  ].join('\n');
}

async function startTarget(values: {
  readonly stub: boolean;
  readonly brokers?: string | undefined;
  readonly pid?: string | undefined;
}): Promise<FuzzTarget> {
  if (values.stub) {
    const server = await startStubServer(environment);
    return {
      name: 'a listener without a broker, in this process',
      address: server.address,
      pid: process.pid,
      topics: ['fuzz', 'absent'],
      close: () => server.close(),
    };
  }
  if (values.brokers === undefined) return startBroker();
  const separator = values.brokers.lastIndexOf(':');
  const host = values.brokers.slice(0, separator);
  return {
    name: values.brokers,
    address: { host, port: Number(values.brokers.slice(separator + 1)) },
    pid: values.pid === undefined ? undefined : Number(values.pid),
    topics: ['fuzz', 'absent'],
    close: async () => undefined,
  };
}

/** A coordinator and one broker, each a process of its own, with a topic to aim at. */
async function startBroker(): Promise<FuzzTarget> {
  const path = mkdtempSync(join(tmpdir(), 'odradek-fuzz-'));
  const starter = new Starter(
    {
      directory: new ClusterDirectory(path),
      brokerCount: 1,
      zookeeper: undefined,
      nativePort: 0,
      adminPort: 0,
      coordinatorPort: 0,
      childArgs: ['--log-level', 'error'],
    },
    (text) => process.stderr.write(`${text}\n`),
  );
  const close = async (): Promise<void> => {
    await starter.stop();
    rmSync(path, { recursive: true, force: true });
  };
  try {
    const cluster = await starter.start();
    const broker = cluster.brokers[0]!;
    await using odradek = new Odradek({ brokers: [broker.native] });
    await odradek.admin().createTopic({ topic: 'fuzz', partitions: 2 });
    const separator = broker.native.lastIndexOf(':');
    return {
      name: `broker ${broker.id}`,
      address: {
        host: broker.native.slice(0, separator),
        port: Number(broker.native.slice(separator + 1)),
      },
      pid: broker.pid,
      topics: ['fuzz', 'absent'],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function rssKib(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return found === undefined ? undefined : Number(found);
}
