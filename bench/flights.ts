/** `npm run --silent flights -- --limit N`: flights as JSON, one a line. */

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { FLIGHT_COUNT, readFlights } from './flightRows.ts';

const LINES_PER_WRITE = 2_000;

/** @param args `--limit N`; without it all three million. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { limit: { type: 'string' } } });
  const limit = values.limit === undefined ? FLIGHT_COUNT : Number(values.limit);
  if (!Number.isSafeInteger(limit) || limit < 0) {
    process.stderr.write(`--limit takes a whole number from 0, not "${values.limit}"\n`);
    process.exitCode = 2;
    return;
  }
  // A reader that has enough (`| head`) is no failure.
  const closed = new AbortController();
  process.stdout.on('error', () => closed.abort());
  for await (const flights of readFlights(limit)) {
    for (let start = 0; start < flights.length; start += LINES_PER_WRITE) {
      if (closed.signal.aborted) return;
      const lines = flights.slice(start, start + LINES_PER_WRITE).map((it) => JSON.stringify(it));
      if (!process.stdout.write(`${lines.join('\n')}\n`)) {
        await once(process.stdout, 'drain', { signal: closed.signal }).catch(() => undefined);
      }
    }
  }
}
