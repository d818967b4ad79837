import { expect } from 'chai';
import { backOffMs } from '../../../../client/cluster/backOff.ts';
import { SimRandom } from '../../../simulation/kernel/index.ts';

describe('The back-off', () => {
  it('doubles up to its cap, jittered by a fifth', () => {
    const random = new SimRandom(1, 'test');
    for (let round = 0; round < 50; round++) {
      for (const [failures, middle] of [
        [1, 50],
        [2, 100],
        [3, 200],
        [4, 400],
      ] as const) {
        const pause = backOffMs({ firstMs: 50, maxMs: 1_000 }, failures, random);
        expect(pause).to.be.within(middle * 0.8, middle * 1.2);
      }
      expect(backOffMs({ firstMs: 50, maxMs: 1_000 }, 1_000, random)).to.be.within(800, 1_000);
    }
  });
});
