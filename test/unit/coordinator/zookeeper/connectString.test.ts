import { expect } from 'chai';
import {
  formatServers,
  parseConnectString,
} from '../../../../coordinator/zookeeper/connectString.ts';

describe('zookeeper.connect', () => {
  it('names servers and a root', () => {
    expect(parseConnectString('a:1, b,[::1]:3/kafka/one')).to.deep.equal({
      servers: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2181 },
        { host: '::1', port: 3 },
      ],
      chroot: '/kafka/one',
    });
    expect(parseConnectString('a/')).to.deep.equal({
      servers: [{ host: 'a', port: 2181 }],
      chroot: '',
    });
    expect(formatServers(parseConnectString('a:1,[::1]:3/x').servers)).to.equal('a:1,[::1]:3');
  });

  it('is refused with the part that is wrong', () => {
    for (const [text, part] of [
      ['', '""'],
      ['a:1,,b:2', '""'],
      ['a:0', '"a:0"'],
      ['a:99999', '"a:99999"'],
      ['a:x', '"a:x"'],
      ['::1:2181', '"::1:2181"'],
      ['a:1/b//c', '"/b//c"'],
      ['a:1/../b', '"/../b"'],
    ] as const) {
      expect(() => parseConnectString(text), text).to.throw(part);
    }
  });
});
