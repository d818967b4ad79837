/** Whole clusters under random faults; one seed after the other. */

import { expect } from 'chai';
import { runSeed } from './cluster/runSeed.ts';

const seeds = (): number[] => {
  const [first = 1, count = 30] = (process.env['SIM_SEEDS'] ?? '')
    .split('+')
    .filter(Boolean)
    .map(Number);
  return Array.from({ length: count }, (_, index) => first + index);
};

describe('simulation: clusters under faults', function () {
  this.timeout(120_000);

  it('keep every promise of an acknowledgement, whatever the seed', async () => {
    let acknowledged = 0;
    for (const seed of seeds()) acknowledged += (await runSeed(seed)).acknowledged;
    expect(acknowledged).to.be.greaterThan(1000);
  });

  it('do the same twice for one seed', async () => {
    for (const seed of [1, 2, 3]) expect(await runSeed(seed)).to.deep.equal(await runSeed(seed));
  });
});
