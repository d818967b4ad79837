/** Replication under faults: invariants between any two events, histories judged, mutants found. */

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { replicationMutants } from './mutants/replicationMutants.ts';
import { runReplicationSeed } from './replication/replicationSeed.ts';
import { huntReplication } from './simulate/huntMutant.ts';
import { runManySeeds } from './simulate/manySeeds.ts';
import type { WorldOutcome } from './simulate/worldSeed.ts';

const ROOT = new URL('../../', import.meta.url);
const SEEDS = { first: 1, count: 100 };

describe('simulation: replication under faults', function () {
  this.timeout(300_000);

  it('keeps every promise, whatever the seed', async () => {
    const outcomes: WorldOutcome[] = [];
    await runManySeeds(SEEDS, (outcome) => void outcomes.push(outcome));
    expect(outcomes.flatMap(({ anomalies }) => anomalies)).to.deep.equal([]);
    expect(outcomes.length).to.equal(SEEDS.count);
  });

  it('does the same twice for one seed', async () => {
    for (const seed of [1, 3]) {
      expect(await runReplicationSeed(seed)).to.deep.equal(await runReplicationSeed(seed));
    }
  });
});

describe('simulation: mutants of replication', function () {
  this.timeout(150_000);

  it('fit the present sources', () => {
    for (const { name, patches } of replicationMutants) {
      for (const { file, find } of patches) {
        const source = readFileSync(new URL(file, ROOT), 'utf8');
        expect(source.split(find).length - 1, `"${find}" of ${name} in ${file}`).to.equal(1);
      }
    }
  });

  for (const mutant of replicationMutants) {
    it(`include ${mutant.name}, which is found`, async () => {
      const { found, seeds } = await huntReplication(mutant, { isMutated: true });
      expect(found, mutant.story).to.equal(true);
      const control = await huntReplication(mutant, { isMutated: false, seed: seeds });
      expect(control.found, `seed ${seeds} without the mutant: ${control.how}`).to.equal(false);
    });
  }
});
