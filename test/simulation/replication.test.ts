/** Replication under faults: invariants between any two events, and histories judged. */

import { expect } from 'chai';
import { runReplicationSeed } from './replication/replicationSeed.ts';
import { runManySeeds } from './simulate/manySeeds.ts';
import type { WorldOutcome } from './simulate/worldSeed.ts';

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
