/** `node worker.ts FIRST STRIDE COUNT`: runs seeds, and prints a line of JSON for each. */

import { runWorldSeed, type WorldOutcome } from './worldSeed.ts';

const [first = 1, stride = 1, count = 1] = process.argv.slice(2).map(Number);
const NOTHING = { traceHash: '', events: 0, virtualMs: 0, cpuSeconds: 0 };
// Most errors are answers that nobody prints.
Error.stackTraceLimit = 5;
let current = first;
// What escapes as an unhandled rejection ends the worker: its starter goes on behind the seed.
process.on('unhandledRejection', (error) => fail(error));
process.on('uncaughtException', (error) => fail(error));

for (let index = 0; index < count; index += 1) {
  current = first + index * stride;
  print(await runWorldSeed(current));
}

function fail(error: unknown): never {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  print({ seed: current, ...NOTHING, anomalies: [message] });
  process.exit(1);
}

function print(outcome: WorldOutcome): void {
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
