/**
 * `npm run fuzz -- --frames N`: spoiled frames against a broker, which must answer or close each of
 * them, keep its memory flat and go on serving others; with `--kafka` against its Kafka listener.
 */

import { parseArgs } from 'node:util';
import { Progress } from '../cli/index.ts';
import { systemClock, systemTimers } from '../common/environment/production/index.ts';
import { nodeTransport } from '../network/index.ts';
import type { FuzzDialect } from './fuzz/fuzzDialect.ts';
import { type FuzzResult, fuzz } from './fuzz/fuzzer.ts';
import { brokerTarget, type FuzzTarget, stubTarget } from './fuzz/fuzzTarget.ts';
import { kafkaDialect } from './fuzz/kafkaDialect.ts';
import { nativeDialect } from './fuzz/nativeDialect.ts';
import { residentBytes } from './load/processUsage.ts';

const FRAMES = 1_000_000;
/** Frames sent before memory is looked at first: caches and compiled code are then in place. */
const WARM_UP_FRAMES = 50_000;
/** Parts of a run after which memory is looked at. */
const PARTS = 4;
const MIB = 1024 * 1024;

const environment = { clock: systemClock, timers: systemTimers, transport: nodeTransport };

/** Ends with exit code 0 where the target served a good connection to the end. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      frames: { type: 'string', default: String(FRAMES) },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      stub: { type: 'boolean', default: false },
      kafka: { type: 'boolean', default: false },
      apis: { type: 'string', default: '' },
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
    process.stderr.write('       [--kafka [--apis Produce,Fetch]]\n');
    process.exitCode = 2;
    return;
  }
  const target = await startTarget(values);
  try {
    process.stderr.write(`fuzzing ${target.name} with seed ${seed}\n`);
    const dialect = values.kafka
      ? kafkaDialect(target, values.apis === '' ? [] : values.apis.split(','))
      : nativeDialect(environment, target);
    const result = await run(target, dialect, { frames, seed });
    process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : described(result));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`seed ${seed}: ${message}\n`);
    process.exitCode = 1;
  } finally {
    await target.close();
  }
}

async function run(
  target: FuzzTarget,
  dialect: FuzzDialect,
  { frames, seed }: { readonly frames: number; readonly seed: number },
) {
  const warmUp = Math.min(WARM_UP_FRAMES, Math.floor(frames / 4));
  const options = { address: target.address, dialect };
  await fuzz({ ...options, seed, frames: warmUp });
  const rss = [rssBytes(target.pid)];
  const results: FuzzResult[] = [];
  const progress = new Progress('fuzz');
  const part = Math.ceil((frames - warmUp) / PARTS);
  for (let index = 0; index < PARTS; index += 1) {
    const onProgress = (count: number): void =>
      progress.update({ done: warmUp + index * part + count, total: frames });
    results.push(await fuzz({ ...options, seed: seed + 1 + index, frames: part, onProgress }));
    rss.push(rssBytes(target.pid));
  }
  progress.end();
  const sum = (of: (result: FuzzResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  return {
    target: target.name,
    seed,
    frames: warmUp + sum((result) => result.frames),
    bytesSent: sum(({ bytesSent }) => bytesSent),
    bytesReceived: sum(({ bytesReceived }) => bytesReceived),
    connections: sum(({ connections }) => connections),
    goodCalls: sum(({ goodCalls }) => goodCalls),
    goodLatencyMsMax: Math.max(...results.map(({ goodLatencyMsMax }) => goodLatencyMsMax)),
    seconds: sum(({ seconds }) => seconds),
    /** After the warm-up and after each quarter of the rest. */
    rssBytes: rss,
  };
}

function described(result: Awaited<ReturnType<typeof run>>): string {
  const mib = (bytes: number | undefined) =>
    bytes === undefined ? 'unknown' : `${(bytes / MIB).toFixed(1)} MiB`;
  return [
    `frames sent           ${result.frames} (${(result.bytesSent / MIB).toFixed(0)} MiB)`,
    `connections           ${result.connections}`,
    `answers               ${(result.bytesReceived / MIB).toFixed(1)} MiB`,
    `seconds               ${result.seconds.toFixed(1)}`,
    `good calls answered   ${result.goodCalls}, slowest ${result.goodLatencyMsMax.toFixed(1)} ms`,
    `RSS of the target     ${mib(result.rssBytes[0])}, after each quarter ${result.rssBytes.slice(1).map(mib).join(', ')}`,
    '',
  ].join('\n');
}

async function startTarget(values: {
  readonly stub: boolean;
  readonly kafka: boolean;
  readonly brokers?: string | undefined;
  readonly pid?: string | undefined;
}): Promise<FuzzTarget> {
  if (values.stub && !values.kafka) return stubTarget(environment);
  if (values.brokers === undefined) return brokerTarget(values.kafka ? 'kafka' : 'native');
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

function rssBytes(pid: number | undefined): number | undefined {
  return pid === undefined ? undefined : residentBytes(pid).now;
}
