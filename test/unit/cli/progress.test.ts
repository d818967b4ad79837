import { expect } from 'chai';
import { formatProgress } from '../../../cli/progress.ts';

describe('a line of progress', () => {
  it('shows share, count and rate where the total is known', () => {
    expect(formatProgress('producing', { done: 1_250_000, total: 2_500_000 }, 2)).to.equal(
      'producing [############............] 1,250,000 of 2,500,000 records, 625,000/s',
    );
  });

  it('shows count, rate and note where it is not', () => {
    expect(formatProgress('producing', { done: 999, note: '5 %' }, 1)).to.equal(
      'producing 999 records, 999/s, 5 %',
    );
  });

  it('is full when there was nothing to do', () => {
    expect(formatProgress('x', { done: 0, total: 0 }, 0)).to.contain('[########################]');
  });
});
