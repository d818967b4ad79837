/** The simulation is only worth what it finds: each mutant must be caught within a few seeds. */

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Child } from '../harness/childProcess.ts';
import { type Mutant, mutants } from './mutants/mutants.ts';

const ROOT = new URL('../../', import.meta.url);
const SEEDS_MAX = 60;
const MUTATE = new URL('./mutants/mutate.mjs', import.meta.url).pathname;
const HUNT = new URL('./mutants/hunt.ts', import.meta.url).pathname;

/** @returns the first of the seeds that fails, with the mutant's change or without any. */
async function hunt(
  mutant: Mutant,
  options: { readonly isMutated: boolean; readonly first: number; readonly last: number },
) {
  const mutate = options.isMutated ? ['--import', MUTATE] : [];
  const { file, find, replace, faults } = mutant;
  const child = new Child(
    process.execPath,
    [
      ...[...mutate, '--import', 'tsx', HUNT],
      ...[faults.join(), String(options.first), String(options.last)],
    ],
    { env: { SIM_MUTANT: JSON.stringify({ url: new URL(file, ROOT).href, find, replace }) } },
  );
  const [line] = await child.waitForOutput(/(null|\{.*\})\n/, { timeoutMs: 120_000 });
  await child.exited;
  return JSON.parse(line) as { seed: number; how: string } | null;
}

describe('simulation: mutants', function () {
  this.timeout(150_000);

  it('has mutants that fit the present sources', () => {
    for (const { name, file, find } of mutants) {
      const source = readFileSync(new URL(file, ROOT), 'utf8');
      expect(source.split(find).length - 1, `"${find}" of ${name} in ${file}`).to.equal(1);
    }
  });

  for (const mutant of mutants) {
    it(`finds ${mutant.name} within ${SEEDS_MAX} seeds`, async () => {
      const found = await hunt(mutant, { isMutated: true, first: 1, last: SEEDS_MAX });
      expect(found, mutant.story).to.not.equal(null);
      const seed = found?.seed ?? 1;
      const control = await hunt(mutant, { isMutated: false, first: seed, last: seed });
      expect(control, 'the same seed without the mutant').to.equal(null);
    });
  }
});
