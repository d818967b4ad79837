/**
 * `npm run simulate`: one seed, many seeds, or mutants. The last line of stdout is JSON; what was
 * broken, and how fast it went, stands on stderr. Exit code 1 on any anomaly, and for `--mutant`
 * where it was found; 2 for a wrong use.
 */

import { parseArgs } from 'node:util';
import { type Hunted, huntMutant, mutantNames } from './huntMutant.ts';
import { runManySeeds, type SeedRange } from './manySeeds.ts';
import type { WorldOutcome } from './worldSeed.ts';

const USAGE = `usage: npm run simulate -- --seed N [--json]
       npm run simulate -- --seeds N [--first S] [--processes P]
       npm run simulate -- --mutants
       npm run simulate -- --mutant NAME
  --json   no log lines of a seed that failed
mutants: ${mutantNames.join(', ')}
`;

/** Sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  process.exitCode = await simulate(args);
}

async function simulate(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options?.seed !== undefined) return simulateOne(options.seed, options.json);
  if (options?.seeds !== undefined) {
    const { first, seeds: count, processes: workers } = options;
    return simulateMany({ first, count, workers });
  }
  if (options?.mutants === true) return simulateMutants(mutantNames);
  const { mutant } = options ?? {};
  if (mutant !== undefined && mutantNames.includes(mutant)) {
    const [hunted] = await huntAll([mutant]);
    return hunted?.found === true ? 1 : 0;
  }
  process.stderr.write(USAGE);
  return 2;
}

async function simulateOne(seed: number, json: boolean): Promise<number> {
  const measure = new Measure();
  const outcomes: WorldOutcome[] = [];
  await runManySeeds({ first: seed, count: 1 }, (outcome) => void outcomes.push(outcome));
  const { traceHash = '', events = 0, anomalies = [] } = outcomes[0] ?? {};
  if (!json) for (const anomaly of anomalies) process.stderr.write(`${anomaly}\n`);
  measure.report(events);
  const shown = anomalies.map((anomaly) => firstLine(anomaly));
  print({ seed, traceHash, events, anomalies: shown });
  return anomalies.length === 0 ? 0 : 1;
}

async function simulateMany(range: Required<SeedRange>): Promise<number> {
  const measure = new Measure();
  const { count: seeds } = range;
  const worst = { events: 0, cpuSeconds: 0 };
  const failed: number[] = [];
  let events = 0;
  let virtualMs = 0;
  await runManySeeds(range, (outcome) => {
    worst.events = Math.max(worst.events, outcome.events);
    worst.cpuSeconds = Math.max(worst.cpuSeconds, outcome.cpuSeconds);
    events += outcome.events;
    virtualMs += outcome.virtualMs;
    const [anomaly] = outcome.anomalies;
    if (anomaly === undefined) return;
    failed.push(outcome.seed);
    process.stderr.write(`${firstLine(anomaly)}\n`);
  });
  measure.report(events);
  const { events: most, cpuSeconds } = worst;
  process.stderr.write(`worst seed: ${most} events, ${cpuSeconds.toFixed(2)} CPU-seconds\n`);
  const virtualHours = Math.round(virtualMs / 36_000) / 100;
  print({ seeds, events, virtualHours, failed: failed.sort((a, b) => a - b) });
  return failed.length === 0 ? 0 : 1;
}

async function simulateMutants(names: readonly string[]): Promise<number> {
  const hunted = await huntAll(names);
  return hunted.every(({ found }) => found) ? 0 : 1;
}

async function huntAll(names: readonly string[]): Promise<readonly Hunted[]> {
  const hunted: Hunted[] = [];
  for (const name of names) {
    const result = await huntMutant(name);
    hunted.push(result);
    const { found, seeds, seconds, how = '' } = result;
    const took = `${seeds} seeds, ${seconds.toFixed(1)} CPU-seconds`;
    process.stderr.write(`${name}: ${found ? 'found' : 'NOT FOUND'} in ${took}: ${how}\n`);
  }
  print({ mutants: hunted.map(({ how: _how, seconds: _seconds, ...shown }) => shown) });
  return hunted;
}

class Measure {
  readonly #startMs = performance.now();

  report(events: number): void {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const perSecond = Math.round(events / seconds);
    process.stderr.write(`${events} events in ${seconds.toFixed(1)} s: ${perSecond} a second\n`);
  }
}

function readOptions(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        first: { type: 'string', default: '1' },
        processes: { type: 'string', default: '2' },
        json: { type: 'boolean', default: false },
        mutants: { type: 'boolean', default: false },
        mutant: { type: 'string' },
      },
    });
    const { seed, seeds, first, processes, ...others } = values;
    return {
      ...others,
      first: wholeNumber(first),
      processes: wholeNumber(processes),
      ...(seed === undefined ? {} : { seed: wholeNumber(seed) }),
      ...(seeds === undefined ? {} : { seeds: wholeNumber(seeds) }),
    };
  } catch {
    return undefined;
  }
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${text} is no seed`);
  return value;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

function print(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
