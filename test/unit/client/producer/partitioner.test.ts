import { expect } from 'chai';
import { murmur2 } from '../../../../client/producer/murmur2.ts';
import { keyedPartition } from '../../../../client/producer/partitioner.ts';

describe("Kafka's murmur2", () => {
  // The vectors of Kafka's own UtilsTest.testMurmur2.
  const known: readonly (readonly [string, number])[] = [
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ['abc', 479_470_107],
  ];
  for (const [key, hash] of known) {
    it(`hashes "${key}" to ${hash}`, () => {
      expect(murmur2(Buffer.from(key))).to.equal(hash);
    });
  }

  it('reads only as many bytes as it is told', () => {
    expect(murmur2(Buffer.from('foobar and more'), 6)).to.equal(murmur2(Buffer.from('foobar')));
  });

  it('chooses the partition without the sign', () => {
    expect(keyedPartition(Buffer.from('21'), 100)).to.equal((-973_932_308 & 0x7fffffff) % 100);
  });
});
