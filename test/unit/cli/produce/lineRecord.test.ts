import { expect } from 'chai';
import { fieldKey, separatedKey, valueOnly } from '../../../../cli/produce/lineRecord.ts';

const line = (text: string): Buffer => Buffer.from(text);

describe('a line of input as a record', () => {
  it('is all value without a flag', () => {
    expect(valueOnly(line('k:v'), 1)).to.deep.equal({ key: null, value: line('k:v') });
  });

  it('is split at the first separator, and has no key without one', () => {
    const parse = separatedKey('::');
    expect(parse(line('k::v::w'), 1)).to.deep.equal({ key: line('k'), value: line('v::w') });
    expect(parse(line('::v'), 1)).to.deep.equal({ key: line(''), value: line('v') });
    expect(parse(line('v'), 1)).to.deep.equal({ key: null, value: line('v') });
  });

  it('takes its key from a field and stays whole', () => {
    const parse = fieldKey('id');
    expect(parse(line('{"id":"a"}'), 1).key).to.equal('a');
    expect(parse(line('{"id":7}'), 1).key).to.equal('7');
    expect(parse(line('{"id":{"b":1}}'), 1).key).to.equal('{"b":1}');
    expect(parse(line('{"id":null}'), 1).key).to.equal(null);
    expect(parse(line('{"id":"a","x":1}'), 1).value).to.deep.equal(line('{"id":"a","x":1}'));
  });

  it('is refused by its number where it is no JSON or lacks the field', () => {
    const parse = fieldKey('id');
    const refused = (text: string): unknown => {
      try {
        return parse(line(text), 17);
      } catch (error) {
        return error;
      }
    };
    expect(refused('{"x":1}'))
      .to.include({ code: 'INVALID_LINE' })
      .with.property('message')
      .that.matches(/^line 17 cannot be sent: it lacks the field "id"/);
    expect(refused('nonsense'))
      .to.have.property('message')
      .that.matches(/^line 17 .* no JSON/);
    for (const text of ['[1]', 'null', '3', '{"toString":1}'.replace('toString', 'y')]) {
      expect(refused(text)).to.include({ code: 'INVALID_LINE' });
    }
    expect(refused('{}')).to.include({ code: 'INVALID_LINE' });
    expect(fieldKey('toString').bind(null, line('{}'), 1)).to.throw('lacks the field');
  });
});
