/**
 * `npm run check-history -- FILE`: judges a history. One line of JSON on stdout, what it means on
 * stderr. Exit code 0 without anomalies, 1 with, 2 where there is nothing to judge.
 */

import { parseArgs } from 'node:util';
import { type Anomaly, anomalyCatalogue } from './anomaly.ts';
import { HistoryChecker, type Report } from './historyChecker.ts';
import { HistoryError } from './historyError.ts';
import { readHistory } from './historyFile.ts';

const USAGE = `usage: npm run check-history -- [--without-realtime] FILE
  FILE                a history: one JSON object a line, see docs/checker.md
  --without-realtime  lines of several processes stand in no order that can be relied on
`;

/** Where the text goes; the process by default. */
export interface Output {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

const processOutput: Output = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
};

/** Sets the exit code of the process. */
export function main(args: readonly string[]): void {
  process.exitCode = checkFile(args, processOutput);
}

/** @returns the exit code. */
export function checkFile(args: readonly string[], { stdout, stderr }: Output): number {
  const options = readOptions(args);
  if (options === undefined) {
    stderr(USAGE);
    return 2;
  }
  try {
    const checker = new HistoryChecker();
    for (const line of readHistory(options.file)) checker.add(line);
    const report = checker.report({ realtime: options.realtime });
    stdout(`${JSON.stringify({ anomalies: report.anomalies })}\n`);
    stderr(describe(report));
    return report.anomalies.length === 0 ? 0 : 1;
  } catch (error) {
    const isExpected = error instanceof HistoryError || isSystemError(error);
    if (!isExpected) throw error;
    stderr(`${options.file}: ${error.message}\n`);
    return 2;
  }
}

function readOptions(
  args: readonly string[],
): { readonly file: string; readonly realtime: boolean } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { 'without-realtime': { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const [file, ...others] = positionals;
    if (file === undefined || others.length > 0) return undefined;
    return { file, realtime: !values['without-realtime'] };
  } catch {
    return undefined;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

function describe({ anomalies, counts, statistics }: Report): string {
  const names = Object.entries(statistics).map(([name, count]) => `${name} ${count}`);
  const found = [...counts].flatMap(([kind, count]) => [
    `${kind}: ${count}. ${anomalyCatalogue[kind].rule}`,
    `  ${place(anomalies.find((anomaly) => anomaly.kind === kind)!)}`,
  ]);
  const verdict = found.length === 0 ? ['no anomalies'] : found;
  return `${[...verdict, names.join(', ')].join('\n')}\n`;
}

function place({ at }: Anomaly): string {
  const { lines = [], steps = [] } = at;
  const where = at.partition === undefined ? [] : [`${at.partition}@${at.offset ?? '?'}`];
  const which = at.values === undefined ? [] : [at.values.map((v) => JSON.stringify(v)).join(', ')];
  const how = steps.length === 0 ? [] : [steps.map((s, n) => `${lines[n]} -${s}->`).join(' ')];
  return ['for example', ...where, ...which, `lines ${lines.join(', ')}`, ...how].join(' ');
}
