import { expect } from 'chai';
import fc from 'fast-check';
import { checkHistory } from '../checker/index.ts';
import { choices, legalHistory } from './support/legalHistory.ts';
import { spoilers } from './support/spoiledHistory.ts';

describe('the checker', () => {
  it('finds nothing where every promise was kept', () => {
    fc.assert(
      fc.property(choices, (list) => {
        expect(checkHistory(legalHistory(list)).anomalies).to.deep.equal([]);
      }),
      { numRuns: 300 },
    );
  });

  for (const { kind, stronger, spoil } of spoilers) {
    it(`finds ${kind} where that one promise was broken`, () => {
      let spoiledCount = 0;
      fc.assert(
        fc.property(choices, fc.nat(1000), (list, pick) => {
          const spoiled = spoil(legalHistory(list), pick);
          if (spoiled === undefined) return;
          spoiledCount += 1;
          const found: readonly string[] = [...checkHistory(spoiled).counts.keys()];
          expect(
            found.some((name) => name === kind || name === stronger),
            String(found),
          ).to.equal(true);
        }),
        { numRuns: 200 },
      );
      expect(spoiledCount).to.be.greaterThan(20);
    });
  }
});
