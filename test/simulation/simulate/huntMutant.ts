/** Looks for one mutant with seeds of its profile, in a process of its own. */

import { type Mutant, mutants } from '../mutants/mutants.ts';
import {
  type Patch,
  type ReplicationMutant,
  replicationMutants,
} from '../mutants/replicationMutants.ts';
import { runChild } from './childLines.ts';

/** Seeds tried for a mutant at most; ten CPU-seconds end it before, where they are slow. */
export const SEEDS_MAX = 60;
const CPU_SECONDS_MAX = 10;
const ROOT = new URL('../../../', import.meta.url);

export interface Hunted {
  readonly name: string;
  readonly found: boolean;
  /** Seeds that it took, or that were tried in vain. */
  readonly seeds: number;
  readonly limit: number;
  /** What the first seed that failed said. */
  readonly how?: string;
}

export const mutantNames: readonly string[] = [
  ...mutants.map(({ name }) => name),
  ...replicationMutants.map(({ name }) => name),
];

/** @throws where there is no such mutant. */
export async function huntMutant(name: string): Promise<Hunted> {
  const replication = replicationMutants.find((mutant) => mutant.name === name);
  if (replication !== undefined) return huntReplication(replication, { isMutated: true });
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`There is no mutant "${name}"`);
  return huntCluster(mutant);
}

/** @param options.seed one seed alone: with `isMutated` false, the control. */
export async function huntReplication(
  { name, patches, profile }: ReplicationMutant,
  options: { readonly isMutated: boolean; readonly seed?: number },
): Promise<Hunted> {
  const { seed = 1, isMutated } = options;
  const last = options.seed ?? SEEDS_MAX;
  const program = '../mutants/huntReplication.ts';
  const args = [JSON.stringify(profile), ...[seed, last, CPU_SECONDS_MAX].map(String)];
  return hunted(name, await lastLine(program, args, isMutated ? patches : []));
}

async function huntCluster({ name, file, find, replace, faults }: Mutant): Promise<Hunted> {
  const args = [faults.join(), '1', String(SEEDS_MAX)];
  const line = await lastLine('../mutants/hunt.ts', args, [{ file, find, replace }]);
  return hunted(name, line);
}

async function lastLine(
  program: string,
  args: readonly string[],
  patches: readonly Patch[],
): Promise<string> {
  const located = patches.map(({ file, ...patch }) => ({
    url: new URL(file, ROOT).href,
    ...patch,
  }));
  let last = 'null';
  const env = { SIM_PATCHES: JSON.stringify(located) };
  const imports = ['../mutants/mutateAll.mjs'];
  await runChild({ program, args, imports, env }, (line) => {
    last = line;
  });
  return last;
}

function hunted(name: string, line: string): Hunted {
  const result = JSON.parse(line) as { seed?: number; how?: string; seeds?: number } | null;
  const { seed, how, seeds = seed ?? SEEDS_MAX } = result ?? {};
  const found = seed !== undefined;
  return { name, found, seeds, limit: SEEDS_MAX, ...(how === undefined ? {} : { how }) };
}
