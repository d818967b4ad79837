/** Where results land, and the load of the machine that stands in each. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../cli/index.ts';

/**
 * @param kind stands behind the date in the name of the file; none for the main benchmark.
 * @returns the path of the file, from the root of the project.
 */
export function writeResult(report: { readonly date: string }, kind?: string): string {
  const directory = join(packageRoot, 'bench', 'results');
  mkdirSync(directory, { recursive: true });
  const date = report.date.replaceAll(':', '').slice(0, 17);
  const name = `${date}${kind === undefined ? '' : `-${kind}`}.json`;
  writeFileSync(join(directory, name), `${JSON.stringify(report, null, 2)}\n`);
  return join('bench', 'results', name);
}

/** Of the last minute. */
export function loadAverage(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2));
}
