import { expect } from 'chai';
import { formatTable } from '../../../cli/table.ts';

describe('a table', () => {
  it('pads text to the left, numbers to the right, and nothing at the end of a line', () => {
    const rows = [
      ['a', 5, 'x'],
      ['longer', 123, ''],
    ];
    expect(formatTable(['NAME', 'COUNT', 'ID'], rows)).to.deep.equal([
      'NAME    COUNT  ID',
      'a           5  x',
      'longer    123',
    ]);
  });

  it('has its headings where there are no rows', () => {
    expect(formatTable(['A', 'B'], [])).to.deep.equal(['A  B']);
  });
});
