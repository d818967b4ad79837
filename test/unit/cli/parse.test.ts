import { expect } from 'chai';
import { brokerAddresses, brokerIds, oneOf, property, wholeNumber } from '../../../cli/parse.ts';
import { UsageError } from '../../../cli/usageError.ts';

describe('flags of the command line', () => {
  it('take whole numbers within their range and name flag and value otherwise', () => {
    const parse = wholeNumber('--partitions', { min: 1, max: 10 });
    expect(parse('1')).to.equal(1);
    expect(parse('10')).to.equal(10);
    for (const text of ['0', '11', '-1', '1.5', '', 'x', '1e1']) {
      expect(() => parse(text)).to.throw(
        UsageError,
        `--partitions takes a whole number from 1 to 10, not "${text}"`,
      );
    }
  });

  it('collect properties, of which a value may hold an equals sign and the last one holds', () => {
    const parse = property('--property');
    const collected = parse('a=2', parse('b=x=y', parse('a=1')));
    expect([...collected]).to.deep.equal([
      ['a', '2'],
      ['b', 'x=y'],
    ]);
    expect(() => parse('=1')).to.throw(UsageError, '--property takes name=value, not "=1"');
    expect(() => parse('a')).to.throw(UsageError);
  });

  it('take one of a few words', () => {
    const parse = oneOf('--acks', ['all', '1']);
    expect(parse('all')).to.equal('all');
    expect(() => parse('2')).to.throw(UsageError, '--acks takes one of all, 1, not "2"');
  });

  it('take broker ids, each once', () => {
    expect(brokerIds('--replicas')('3,1,2')).to.deep.equal([3, 1, 2]);
    for (const text of ['', '1,', '1,1', 'a', '-1']) {
      expect(() => brokerIds('--replicas')(text)).to.throw(UsageError, '--replicas takes broker');
    }
  });

  it('give brokers the usual port where they name none', () => {
    expect(brokerAddresses('a, b:1 ,[::1]:2')).to.deep.equal(['a:9192', 'b:1', '[::1]:2']);
    expect(() => brokerAddresses(' , ')).to.throw(UsageError);
  });
});
