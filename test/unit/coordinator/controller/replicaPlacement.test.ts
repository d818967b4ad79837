import { expect } from 'chai';
import fc from 'fast-check';
import { placeReplicas } from '../../../../coordinator/controller/replicaPlacement.ts';
import { SimRandom } from '../../../simulation/kernel/index.ts';

const random = (seed: number) => new SimRandom(seed, 'placement');
const brokersOf = (count: number, rackCount: number) =>
  Array.from({ length: count }, (_, id) => ({
    id: id * 10,
    rack: rackCount === 0 ? undefined : `rack-${id % rackCount}`,
  }));

const cases = fc
  .record({
    brokerCount: fc.integer({ min: 1, max: 12 }),
    rackCount: fc.integer({ min: 0, max: 4 }),
    partitionCount: fc.integer({ min: 1, max: 60 }),
    seed: fc.integer({ min: 0, max: 1_000 }),
  })
  .chain((base) =>
    fc
      .integer({ min: 1, max: base.brokerCount })
      .map((replicationFactor) => ({ ...base, replicationFactor })),
  );

describe('Replica placement', () => {
  it('gives every partition its replicas on different brokers', () => {
    fc.assert(
      fc.property(cases, ({ brokerCount, rackCount, partitionCount, replicationFactor, seed }) => {
        const brokers = brokersOf(brokerCount, rackCount);
        const ids = new Set(brokers.map(({ id }) => id));
        const placed = placeReplicas(brokers, { partitionCount, replicationFactor }, random(seed));
        expect(placed).to.have.lengthOf(partitionCount);
        for (const replicas of placed) {
          expect(new Set(replicas).size).to.equal(replicationFactor);
          expect(replicas.every((id) => ids.has(id))).to.equal(true);
        }
      }),
    );
  });

  it('spreads leaders evenly: no broker leads two more than another', () => {
    fc.assert(
      fc.property(cases, ({ brokerCount, rackCount, partitionCount, replicationFactor, seed }) => {
        const brokers = brokersOf(brokerCount, rackCount);
        const placed = placeReplicas(brokers, { partitionCount, replicationFactor }, random(seed));
        const counts = brokers.map(({ id }) => placed.filter(([leader]) => leader === id).length);
        expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(1);
      }),
    );
  });

  it('uses as many racks for a partition as it can', () => {
    fc.assert(
      fc.property(cases, ({ brokerCount, rackCount, partitionCount, replicationFactor, seed }) => {
        fc.pre(rackCount > 0);
        const brokers = brokersOf(brokerCount, rackCount);
        const racks = new Map(brokers.map(({ id, rack }) => [id, rack]));
        const available = new Set(racks.values()).size;
        const placed = placeReplicas(brokers, { partitionCount, replicationFactor }, random(seed));
        for (const replicas of placed) {
          const used = new Set(replicas.map((id) => racks.get(id))).size;
          expect(used).to.equal(Math.min(available, replicationFactor));
        }
      }),
    );
  });

  it('takes no account of racks that only some brokers tell', () => {
    const brokers = [
      { id: 1, rack: 'a' },
      { id: 2, rack: undefined },
      { id: 3, rack: 'a' },
    ];
    const placed = placeReplicas(brokers, { partitionCount: 3, replicationFactor: 1 }, random(1));
    expect(placed.flat().sort()).to.deep.equal([1, 2, 3]);
  });
});
