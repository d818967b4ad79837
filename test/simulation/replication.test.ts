/** Replication under faults: invariants between any two events, and histories judged. */

import { expect } from 'chai';
import { SessionProof } from '../../coordinator/zookeeper/sessionProof.ts';
import { withoutSelfFencing } from './cluster/selfFencing.ts';
import { runReplicationSeed } from './replication/replicationSeed.ts';
import { runManySeeds } from './simulate/manySeeds.ts';
import type { WorldOutcome } from './simulate/worldSeed.ts';

/** Behind those of `cluster.seeds.test.ts`. */
const SEEDS = { first: 31, count: 180 };
/** A seed costs a second of a processor at most, or so many events. */
const EVENTS_MAX = 100_000;

describe('simulation: replication under faults', function () {
  this.timeout(900_000);

  it('keeps every promise, whatever the seed', async () => {
    const outcomes: WorldOutcome[] = [];
    await runManySeeds(SEEDS, (outcome) => void outcomes.push(outcome));
    expect(outcomes.flatMap(({ anomalies }) => anomalies)).to.deep.equal([]);
    expect(outcomes.length).to.equal(SEEDS.count);
    expect(Math.max(...outcomes.map(({ events }) => events))).to.be.at.most(EVENTS_MAX);
  });

  it('takes self-fencing away for one run, and gives it back', async () => {
    const late = (): string => {
      const proof = new SessionProof(6000);
      proof.answered(0);
      return proof.stateAt(1_000_000);
    };
    expect(await withoutSelfFencing(async () => late())).to.equal('proven');
    expect(late()).to.equal('unproven');
  });

  it('does the same twice for one seed', async () => {
    for (const seed of [1, 3]) {
      expect(await runReplicationSeed(seed)).to.deep.equal(await runReplicationSeed(seed));
    }
  });
});
