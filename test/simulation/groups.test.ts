/** Consumer groups while members join, leave, crash and stall, and coordinators move. */

import { expect } from 'chai';
import { type GroupOutcome, runGroupSeed } from './group/groupSeed.ts';

const SEEDS = { first: 1, count: 40 };

describe('simulation: groups of the classic protocol', function () {
  this.timeout(120_000);
  const outcomes: GroupOutcome[] = [];

  before(async () => {
    for (let seed = SEEDS.first; seed < SEEDS.first + SEEDS.count; seed += 1) {
      outcomes.push(await runGroupSeed(seed));
    }
  });

  it('keep every promise, whatever the seed', () => {
    const found = outcomes.flatMap(({ seed, anomalies }) =>
      anomalies.map((anomaly) => `seed ${seed}: ${anomaly}`),
    );
    expect(found).to.deep.equal([]);
  });

  it('were put to the test: they rebalanced, committed and moved', () => {
    for (const { seed, generations, commits, moves } of outcomes) {
      expect(generations, `seed ${seed}: generations`).to.be.at.least(3);
      expect(commits, `seed ${seed}: commits`).to.be.at.least(50);
      expect(moves, `seed ${seed}: moves`).to.be.at.least(2);
    }
  });

  it('do the same twice for one seed', async () => {
    expect(await runGroupSeed(3)).to.deep.equal(outcomes[2]);
  });
});
