import { expect } from 'chai';
import { parseStartPosition } from '../../../../cli/consume/startPosition.ts';
import { UsageError } from '../../../../cli/usageError.ts';

describe('the start position of consume', () => {
  it('is a word, an offset, or a time', () => {
    expect(parseStartPosition('beginning')).to.equal('beginning');
    expect(parseStartPosition('end')).to.equal('end');
    expect(parseStartPosition('0')).to.deep.equal({ offset: 0 });
    expect(parseStartPosition('@1700000000000')).to.deep.equal({ time: 1_700_000_000_000 });
    expect(parseStartPosition('@2001-01-01T00:00:00Z')).to.deep.equal({ time: 978_307_200_000 });
  });

  it('is refused otherwise, with what is allowed', () => {
    for (const text of ['', '-1', 'start', '@', '@yesterday', '1.5', '9007199254740993000']) {
      expect(() => parseStartPosition(text)).to.throw(UsageError, `not "${text}"`);
    }
  });
});
