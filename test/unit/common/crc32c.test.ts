import { expect } from 'chai';
import { crc32c } from '../../../common/index.ts';
import { crc32cPortable } from '../../../common/crc32c.ts';

describe('crc32c', () => {
  it('gives the values of RFC 3720 and of the usual check string', () => {
    for (const crc of [crc32c, crc32cPortable]) {
      expect(crc(new Uint8Array(32))).to.equal(0x8a9136aa);
      expect(crc(new Uint8Array(32).fill(0xff))).to.equal(0x62a8ab43);
      expect(crc(Uint8Array.from({ length: 32 }, (_, i) => i))).to.equal(0x46dd794e);
      expect(crc(Buffer.from('123456789'))).to.equal(0xe3069283);
      expect(crc(new Uint8Array(0))).to.equal(0);
    }
  });

  it('gives the same with and without the addon at every length and start around the switch', () => {
    const bytes = Uint8Array.from({ length: 700 }, (_, i) => (i * 197 + (i >> 3)) & 255);
    for (let length = 0; length < 600; length += 7) {
      for (const start of [0, 1, 5, 64]) {
        const end = start + length;
        expect(crc32c(bytes, start, end)).to.equal(crc32cPortable(bytes, start, end));
        expect(crc32c(bytes, start, end)).to.equal(crc32c(bytes.slice(start, end)));
      }
    }
  });
});
