import { expect } from 'chai';
import { LeaderEpochCache } from '../../../../broker/log/leaderEpochCache.ts';

describe('LeaderEpochCache', () => {
  function cacheOf(...entries: [number, number][]) {
    const cache = new LeaderEpochCache();
    for (const [epoch, startOffset] of entries) cache.assign(epoch, startOffset);
    return cache;
  }

  it('answers with the largest epoch at or below the one asked for, and its end', () => {
    const cache = cacheOf([2, 0], [4, 10], [7, 30]);
    expect(cache.endOffsetFor(7, 50)).to.deep.equal({ epoch: 7, endOffset: 50 });
    expect(cache.endOffsetFor(6, 50)).to.deep.equal({ epoch: 4, endOffset: 30 });
    expect(cache.endOffsetFor(4, 50)).to.deep.equal({ epoch: 4, endOffset: 30 });
    expect(cache.endOffsetFor(3, 50)).to.deep.equal({ epoch: 2, endOffset: 10 });
    expect(cache.endOffsetFor(1, 50)).to.deep.equal({ epoch: 1, endOffset: 0 });
  });

  it('answers with its last epoch where a newer one is asked for, which wrote nothing here', () => {
    expect(cacheOf([2, 0]).endOffsetFor(3, 5)).to.deep.equal({ epoch: 2, endOffset: 5 });
  });

  it('answers nothing for an epoch that it cannot know', () => {
    expect(cacheOf().endOffsetFor(0, 5)).to.equal(undefined);
    expect(cacheOf([2, 0]).endOffsetFor(-1, 5)).to.equal(undefined);
  });

  it('replaces an epoch that wrote nothing', () => {
    const cache = cacheOf([1, 0], [2, 10], [3, 10]);
    expect(cache.entries).to.deep.equal([
      { epoch: 1, startOffset: 0 },
      { epoch: 3, startOffset: 10 },
    ]);
  });

  it('ignores the epoch that it has, and asserts that none comes back', () => {
    const cache = cacheOf([3, 0], [3, 9]);
    expect(cache.entries).to.have.length(1);
    expect(() => cache.assign(2, 20)).to.throw('never go back');
  });

  it('is cut at either end, and says that it changed', () => {
    const cache = cacheOf([1, 0], [2, 10], [3, 20]);
    const { version } = cache;
    cache.truncateFromEnd(25);
    cache.truncateFromStart(0);
    expect(cache.version).to.equal(version);
    cache.truncateFromEnd(20);
    expect(cache.latestEpoch).to.equal(2);
    cache.truncateFromStart(15);
    expect(cache.entries).to.deep.equal([{ epoch: 2, startOffset: 15 }]);
    expect(cache.version).to.be.above(version);
  });

  it('tells in which epoch a record was written', () => {
    const cache = cacheOf([1, 5], [4, 10]);
    expect([4, 5, 9, 10, 99].map((offset) => cache.epochFor(offset))).to.deep.equal([
      undefined,
      1,
      1,
      4,
      4,
    ]);
  });
});
