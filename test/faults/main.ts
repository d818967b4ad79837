/** `npm run faults`: runs named faults in their full form, one after the other. */

import { parseArgs } from 'node:util';
import { runScenario, scenarios } from './replication/index.ts';

const USAGE = `usage: npm run faults -- [--only F01,F07] [--short] [--json]
  --only   these faults; without it all: ${scenarios.map(({ id }) => id).join(' ')}
  --short  each as often as the tests repeat it
  --json   a line for each fault: {"id","status":"pass|fail|skip","reason"}
`;

interface Verdict {
  readonly id: string;
  readonly status: 'pass' | 'fail' | 'skip';
  /** What was measured, or what did not hold. */
  readonly reason: string;
}

/** Sets the exit code of the process: 0 where all passed, 1 where one did not, 2 for usage. */
export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  const verdicts: Verdict[] = [];
  for (const id of options.ids) {
    const verdict = await judge(id, options.short);
    verdicts.push(verdict);
    const { status, reason } = verdict;
    process.stdout.write(
      `${options.json ? JSON.stringify(verdict) : `${id} ${status} ${reason}`}\n`,
    );
  }
  // Clients of ZooKeeper that a failed fault has left would keep the process.
  process.exit(verdicts.every(({ status }) => status === 'pass') ? 0 : 1);
}

async function judge(id: string, short: boolean): Promise<Verdict> {
  const scenario = scenarios.find((one) => one.id === id);
  if (scenario === undefined) return { id, status: 'skip', reason: 'there is no such fault here' };
  try {
    const reason = await runScenario(scenario, short ? 'short' : 'full');
    return { id, status: 'pass', reason };
  } catch (error) {
    return { id, status: 'fail', reason: error instanceof Error ? error.message : String(error) };
  }
}

function readOptions(
  args: readonly string[],
):
  | { readonly ids: readonly string[]; readonly json: boolean; readonly short: boolean }
  | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
        short: { type: 'boolean', default: false },
      },
    });
    const all = scenarios.map(({ id }) => id);
    const ids = values.only === undefined ? all : values.only.split(',').map((id) => id.trim());
    return { ids, json: values.json, short: values.short };
  } catch {
    return undefined;
  }
}
