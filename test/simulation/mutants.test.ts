/** The simulation is only worth what it finds: each mutant must be found by seeds of its profile. */

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type Mutant, mutants } from './mutants/index.ts';
import { hunt, type Hunted } from './simulate/huntMutant.ts';

const ROOT = new URL('../../', import.meta.url);
/** Processes at a time. */
const HUNTERS = 2;

interface Verdict {
  readonly hunted: Hunted;
  /** The seed that found it, without the mutant. */
  readonly control: Hunted | undefined;
}

async function judge(mutant: Mutant): Promise<Verdict> {
  const hunted = await hunt(mutant, { isMutated: true });
  if (!hunted.found) return { hunted, control: undefined };
  return { hunted, control: await hunt(mutant, { isMutated: false, seed: hunted.seeds }) };
}

describe('simulation: mutants', function () {
  this.timeout(300_000);
  const verdicts = new Map<string, Promise<Verdict>>();

  it('fit the present sources, each in one place', () => {
    for (const { name, patches } of mutants) {
      for (const { file, find } of patches) {
        const source = readFileSync(new URL(file, ROOT), 'utf8');
        expect(source.split(find).length - 1, `"${find}" of ${name} in ${file}`).to.equal(1);
      }
    }
    // From here on: each hunter takes the next mutant, and the tests below wait for their own.
    const running: Promise<unknown>[] = Array.from({ length: HUNTERS }, () => Promise.resolve());
    for (const [index, mutant] of mutants.entries()) {
      const verdict = (running[index % HUNTERS] ?? Promise.resolve()).then(() => judge(mutant));
      verdicts.set(mutant.name, verdict);
      running[index % HUNTERS] = verdict.catch(() => undefined);
    }
  });

  for (const mutant of mutants) {
    const { name, story } = mutant;
    it(`include ${name}, which is found`, async () => {
      const { hunted, control } = await (verdicts.get(name) ?? judge(mutant));
      const { found, seeds } = hunted;
      expect(found, `${story}; not found in ${seeds} seeds`).to.equal(true);
      expect(control?.found, `seed ${seeds} without it: ${control?.how}`).to.equal(false);
    });
  }
});
