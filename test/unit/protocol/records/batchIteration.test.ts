import { expect } from 'chai';
import { batchEnd, batchPositions } from '../../../../protocol/index.ts';
import { batchOfCount } from '../../../harness/protocol/batches.ts';

describe('batchPositions', () => {
  const batches = [1, 5, 2].map((count) => batchOfCount(count));
  const bytes = Buffer.concat(batches);
  const second = batches[0]!.length;
  const third = second + batches[1]!.length;

  it('finds the whole batches of a buffer', () => {
    expect([...batchPositions(bytes)]).to.deep.equal([0, second, third]);
    expect([...batchPositions(bytes, second, third)]).to.deep.equal([second]);
    expect(batchEnd(bytes, second, bytes.length)).to.equal(third);
  });

  it('stops before a batch that is cut short', () => {
    expect([...batchPositions(bytes, 0, bytes.length - 1)]).to.deep.equal([0, second]);
    expect([...batchPositions(bytes, 0, second + 30)]).to.deep.equal([0]);
    expect([...batchPositions(bytes, 0, 0)]).to.deep.equal([]);
  });

  it('stops at a length that cannot be true instead of looping', () => {
    for (const length of [-12, 0, 48, -(2 ** 31)]) {
      const lying = Buffer.from(bytes);
      lying.writeInt32BE(length, second + 8);
      expect([...batchPositions(lying)]).to.deep.equal([0]);
    }
  });
});
