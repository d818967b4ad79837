/** Looks for one mutant with seeds of its profile, in a process of its own. */

import { type Mutant, mutants } from '../mutants/index.ts';
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
  /** CPU-seconds of these seeds. */
  readonly seconds: number;
  /** What the first seed that failed said. */
  readonly how?: string;
}

export const mutantNames: readonly string[] = mutants.map(({ name }) => name);

/** @throws where there is no such mutant. */
export async function huntMutant(name: string): Promise<Hunted> {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`There is no mutant "${name}"`);
  return hunt(mutant, { isMutated: true });
}

/** @param options.seed one seed alone: with `isMutated` false, the control. */
export async function hunt(
  { name, patches, profile }: Mutant,
  options: { readonly isMutated: boolean; readonly seed?: number },
): Promise<Hunted> {
  const { seed = 1, isMutated } = options;
  const last = options.seed ?? SEEDS_MAX;
  const args = [JSON.stringify(profile), ...[seed, last, CPU_SECONDS_MAX].map(String)];
  const located = (isMutated ? patches : []).map(({ file, ...patch }) => ({
    url: new URL(file, ROOT).href,
    ...patch,
  }));
  let line = '{}';
  const env = { SIM_PATCHES: JSON.stringify(located) };
  const imports = ['../mutants/mutate.mjs'];
  await runChild({ program: '../mutants/hunt.ts', args, imports, env }, (one) => {
    line = one;
  });
  const result = JSON.parse(line) as { seed?: number; how?: string; seeds?: number };
  const { how, seeds = SEEDS_MAX, seconds = 0 } = { seconds: undefined, ...result };
  const found = result.seed !== undefined;
  return { name, found, seeds, limit: SEEDS_MAX, seconds, ...(how === undefined ? {} : { how }) };
}
