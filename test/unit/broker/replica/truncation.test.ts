import { expect } from 'chai';
import type { LeaderEpoch, Offset } from '../../../../common/index.ts';
import { truncationOffset } from '../../../../broker/replica/truncation.ts';

/** A log by its epochs: [epoch, first offset], and its end. */
function log(epochs: readonly (readonly [number, number])[], logEndOffset: number, start = 0) {
  return {
    logStartOffset: start as Offset,
    logEndOffset: logEndOffset as Offset,
    endOffsetFor: (asked: LeaderEpoch) => {
      const index = epochs.findLastIndex(([epoch]) => epoch <= asked);
      const found = epochs[index];
      if (found === undefined) return undefined;
      const endOffset = (epochs[index + 1]?.[1] ?? logEndOffset) as Offset;
      return { epoch: found[0] as LeaderEpoch, endOffset };
    },
  };
}

const divergence = (divergingEpoch: number, divergingEndOffset: number, logStartOffset = 0) => ({
  divergingEpoch,
  divergingEndOffset,
  logStartOffset,
});

describe('Truncation of a follower', () => {
  it('cuts where the leader’s epoch ends', () => {
    const follower = log(
      [
        [1, 0],
        [2, 10],
      ],
      30,
    );
    expect(truncationOffset(follower, divergence(2, 20))).to.deep.equal({
      kind: 'truncate',
      offset: 20,
    });
  });

  it('does not cut at the high watermark: what lies above may be committed', () => {
    const follower = log([[1, 0]], 30);
    expect(truncationOffset(follower, divergence(1, 30)).offset).to.equal(30);
  });

  it('cuts to the end of its own largest epoch below the leader’s, and asks again (KIP-279)', () => {
    const follower = log(
      [
        [2, 0],
        [4, 8],
      ],
      20,
    );
    expect(truncationOffset(follower, divergence(3, 10))).to.deep.equal({
      kind: 'truncate',
      offset: 8,
    });
  });

  it('begins anew where the leader’s log starts beyond its own end', () => {
    const follower = log([[1, 0]], 30);
    expect(truncationOffset(follower, divergence(-1, 90, 50))).to.deep.equal({
      kind: 'reset',
      offset: 50,
    });
  });

  it('cuts to the end of a leader that has less, as after an unclean election', () => {
    const follower = log([[1, 0]], 30);
    expect(truncationOffset(follower, divergence(-1, 12)).offset).to.equal(12);
  });

  it('cuts nothing where the leader’s bounds hold its end', () => {
    const follower = log([[1, 0]], 30);
    expect(truncationOffset(follower, divergence(-1, 90, 10))).to.deep.equal({
      kind: 'truncate',
      offset: 30,
    });
  });
});
