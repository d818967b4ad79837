import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError } from '../../../../broker/config/definition.ts';
import { formatProperties, parseProperties } from '../../../../broker/config/properties.ts';

describe('Properties', () => {
  it('reads keys and values around = and :, and passes over comments', () => {
    const read = parseProperties('# one\n! two\n a = 1 \nb:2\nc 3\nd=\n\ne=x=y\n');
    expect([...read]).to.deep.equal([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', ''],
      ['e', 'x=y'],
    ]);
  });

  it('joins lines that end with a backslash', () => {
    expect(parseProperties('dirs=/a,\\\n   /b\nx=1').get('dirs')).to.equal('/a,/b');
  });

  it('reads escapes', () => {
    expect(parseProperties('k\\:1=a\\tb\\u00e9\\\\').get('k:1')).to.equal('a\tbé\\');
  });

  it('refuses a key that stands twice', () => {
    expect(() => parseProperties('a=1\na=2')).to.throw(ConfigError, '"a" stands twice');
  });

  it('reads back what it wrote', () => {
    const key = fc.string({ minLength: 1 }).filter((text) => text.trim() === text);
    const value = fc.string().filter((text) => text.trim() === text);
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name }), (pairs) => {
        expect([...parseProperties(formatProperties(pairs))]).to.deep.equal(pairs);
      }),
    );
  });
});
