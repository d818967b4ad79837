/** `node hunt.ts FAULTS FIRST LAST`: runs seeds until one fails; prints which, and how. */

import type { FaultKind } from '../cluster/faultPlan.ts';
import { runSeed } from '../cluster/runSeed.ts';

const faults = (process.argv[2] ?? '').split(',') as FaultKind[];
const [first = 1, last = 1] = process.argv.slice(3).map(Number);
let found: { readonly seed: number; readonly how: string } | undefined;
// What escapes as an unhandled rejection is a way to be caught too.
let current = 0;
const onEscaped = (error: unknown): void => report(current, error);
process.on('unhandledRejection', onEscaped);
process.on('uncaughtException', onEscaped);

for (current = first; current <= last && found === undefined; current += 1) {
  try {
    await runSeed(current, { faults, faultMeanMs: 500 });
  } catch (error) {
    found = { seed: current, how: firstLine(error) };
  }
}
process.stdout.write(`${JSON.stringify(found ?? null)}\n`);

function report(seed: number, error: unknown): void {
  process.stdout.write(`${JSON.stringify({ seed, how: firstLine(error) })}\n`);
  process.exit(0);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
