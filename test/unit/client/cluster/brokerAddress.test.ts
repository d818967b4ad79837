import { expect } from 'chai';
import {
  formatAddress,
  parseBrokerAddress,
  parseBrokerList,
} from '../../../../client/cluster/brokerAddress.ts';

describe('A broker address', () => {
  const good: readonly (readonly [string, string, number])[] = [
    ['localhost:9192', 'localhost', 9192],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['broker-1.example.com', 'broker-1.example.com', 9192],
    ['[::1]:65535', '::1', 65_535],
    ['[fe80::1%eth0]', 'fe80::1%eth0', 9192],
    ['::1', '::1', 9192],
    ['2001:db8::7', '2001:db8::7', 9192],
    [' host:9192 ', 'host', 9192],
  ];
  for (const [text, host, port] of good) {
    it(`is read from "${text}"`, () => {
      expect(parseBrokerAddress(text)).to.deep.equal({ host, port });
    });
  }

  for (const text of ['host:0', 'host:65536', 'host:x', 'http://host:1', 'a b', '[::1', ':9192']) {
    it(`is not read from "${text}", which the error quotes`, () => {
      expect(() => parseBrokerAddress(text)).to.throw(TypeError, `"${text}"`);
    });
  }

  it('is written so that it can be read again', () => {
    for (const address of [
      { host: '::1', port: 7 },
      { host: 'a', port: 8 },
    ]) {
      expect(parseBrokerAddress(formatAddress(address))).to.deep.equal(address);
    }
  });

  it('comes in lists, as an array or with commas', () => {
    const expected = [
      { host: 'a', port: 1 },
      { host: 'b', port: 9192 },
    ];
    expect(parseBrokerList('a:1, b')).to.deep.equal(expected);
    expect(parseBrokerList(['a:1', 'b'])).to.deep.equal(expected);
    expect(() => parseBrokerList('')).to.throw(TypeError, 'at least one broker');
    expect(() => parseBrokerList([])).to.throw(TypeError, 'at least one broker');
    expect(() => parseBrokerList([7] as never)).to.throw(TypeError, 'array of strings');
    expect(() => parseBrokerList(undefined as never)).to.throw(TypeError, 'array of strings');
  });
});
