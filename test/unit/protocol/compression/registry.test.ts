import { expect } from 'chai';
import {
  codecId,
  codecName,
  compress,
  compressionNames,
  decompress,
  isCodecAvailable,
  runCompressionTask,
} from '../../../../protocol/index.ts';
import { expectProtocolError } from '../../../harness/protocol/errors.ts';

const noise = (count: number): Buffer => {
  let state = 12_345;
  return Buffer.from(
    Uint8Array.from({ length: count }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
      return state >>> 16;
    }),
  );
};
const samples: readonly Buffer[] = [
  Buffer.from('a'),
  Buffer.alloc(100_000, 'abc'),
  noise(100_000),
  Buffer.concat([noise(70_000), Buffer.alloc(300_000, 'x'), noise(33)]),
  Buffer.alloc(5_000_000, 'many blocks '),
];

describe('the codecs', () => {
  for (const name of compressionNames) {
    it(`${name} gives back what it was given, up to exactly the cap`, () => {
      expect(isCodecAvailable(name)).to.equal(true);
      for (const sample of samples) {
        const compressed = compress(name, sample);
        const restored = decompress(name, compressed, sample.length);
        expect(Buffer.compare(restored, sample)).to.equal(0);
        // From a plain Uint8Array in the middle of a larger buffer, too.
        const padded = new Uint8Array(compressed.length + 20);
        padded.set(compressed, 7);
        const view = padded.subarray(7, 7 + compressed.length);
        expect(decompress(name, view, sample.length).length).to.equal(sample.length);
        expectProtocolError('MESSAGE_TOO_LARGE', () =>
          decompress(name, compressed, sample.length - 1),
        );
      }
    });
  }

  it('refuse garbage and truncation with CORRUPT_MESSAGE', () => {
    for (const name of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const compressed = compress(name, samples[3]!);
      for (const length of [0, 1, 4, 10, 100, compressed.length - 1]) {
        expectProtocolError('CORRUPT_MESSAGE', () =>
          decompress(name, compressed.subarray(0, length), 1_000_000),
        );
      }
      expectProtocolError('CORRUPT_MESSAGE', () => decompress(name, Buffer.alloc(50, 0xee), 1000));
    }
  });

  it('survive every changed byte of a small block', () => {
    for (const name of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const compressed = Buffer.from(compress(name, Buffer.from('abc abc abc abd '.repeat(20))));
      for (let at = 0; at < compressed.length; at += 1) {
        for (const flip of [0x01, 0x10, 0x80, 0xff]) {
          compressed[at]! ^= flip;
          try {
            expect(decompress(name, compressed, 2000).length).to.be.at.most(2000);
          } catch (error) {
            expect(error).to.have.property('name', 'ProtocolError');
          }
          compressed[at]! ^= flip;
        }
      }
    }
  });

  it('snappy reads the raw block that clients other than Java write', () => {
    // Length 11, then one literal of 11 bytes.
    const raw = Buffer.concat([Buffer.from('0b28', 'hex'), Buffer.from('hello world')]);
    expect(String(decompress('snappy', raw, 11))).to.equal('hello world');
    expectProtocolError('MESSAGE_TOO_LARGE', () => decompress('snappy', raw, 10));
    const lying = Buffer.concat([Buffer.from('ffffffff0f28', 'hex'), Buffer.from('hello world')]);
    expectProtocolError('MESSAGE_TOO_LARGE', () => decompress('snappy', lying, 2 ** 31));
  });

  it("snappy writes Java's xerial frames of 32 KiB blocks", () => {
    const framed = Buffer.from(compress('snappy', Buffer.alloc(70_000, 'a')));
    expect(framed.subarray(0, 16).toString('hex')).to.equal('82534e41505059000000000100000001');
    let blocks = 0;
    for (let at = 16; at < framed.length; at += 4 + framed.readInt32BE(at)) blocks += 1;
    expect(blocks).to.equal(3);
  });

  it('lz4 writes frames that Java reads: version 1, independent blocks, of at most 4 MiB', () => {
    for (const sample of samples) {
      const frame = compress('lz4', sample);
      expect(Buffer.from(frame.subarray(0, 4)).toString('hex')).to.equal('04224d18');
      expect(frame[4]! & 0xe1).to.equal(0x60);
      expect((frame[5]! >> 4) & 7).to.be.within(4, 7);
    }
  });

  it('zstd refuses a bomb before it opens it, though its frame does not say what it holds', () => {
    // 200 blocks, each one byte repeated 128 KiB times. The checksum at its end is wrong, so opening
    // it would end in CORRUPT_MESSAGE.
    const block = Buffer.from([0x02, 0x00, 0x10, 0x61]);
    const blocks = Buffer.concat(Array.from({ length: 199 }, () => block));
    const last = Buffer.from([0x03, 0x00, 0x10, 0x61, 1, 2, 3, 4]);
    const bomb = Buffer.concat([Buffer.from('28b52ffd0450', 'hex'), blocks, last]);
    expectProtocolError('MESSAGE_TOO_LARGE', () => decompress('zstd', bomb, 10_000_000));
    expectProtocolError('CORRUPT_MESSAGE', () => decompress('zstd', bomb, 30_000_000));
  });

  it('refuse frames that claim 2^62 bytes or need a window of gigabytes', () => {
    const stored = Buffer.from('190000616263', 'hex');
    for (const head of ['28b52ffde00000000000000040', '28b52ffd00c0']) {
      const frame = Buffer.concat([Buffer.from(head, 'hex'), stored]);
      expectProtocolError('CORRUPT_MESSAGE', () => decompress('zstd', frame, 1000));
    }
    const header = Buffer.from('04224d186840000000000000004000', 'hex');
    const block = Buffer.from('0300008061626300000000', 'hex');
    for (let checksum = 0; checksum < 256; checksum += 1) {
      header[14] = checksum;
      const frame = Buffer.concat([header, block]);
      expectProtocolError('CORRUPT_MESSAGE', () => decompress('lz4', frame, 1000));
    }
  });

  it('lz4, snappy and zstd refuse what follows the end of their data', () => {
    for (const name of ['lz4', 'snappy', 'zstd'] as const) {
      const compressed = compress(name, Buffer.from('one'));
      for (const extra of [Buffer.from('x'), Buffer.from('longer junk')]) {
        const bytes = Buffer.concat([compressed, extra]);
        expectProtocolError('CORRUPT_MESSAGE', () => decompress(name, bytes, 1000));
      }
    }
    const two = Buffer.concat([
      compress('lz4', Buffer.from('1')),
      compress('lz4', Buffer.from('2')),
    ]);
    expectProtocolError('CORRUPT_MESSAGE', () => decompress('lz4', two, 1000));
  });

  it('gzip reads several members in a row', () => {
    const two = Buffer.concat([
      compress('gzip', Buffer.from('one ')),
      compress('gzip', Buffer.from('two')),
    ]);
    expect(String(decompress('gzip', two, 7))).to.equal('one two');
    expectProtocolError('MESSAGE_TOO_LARGE', () => decompress('gzip', two, 6));
  });

  it('have the ids of Kafka, and no other id has a codec', () => {
    expect(compressionNames.map(codecId)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(codecName(4)).to.equal('zstd');
    for (const id of [5, 6, 7, -1]) {
      expectProtocolError('UNSUPPORTED_COMPRESSION_TYPE', () => codecName(id));
    }
  });

  it('take their level along to another thread', () => {
    const sample = samples[3]!;
    for (const name of ['gzip', 'zstd'] as const) {
      for (const level of [1, 9]) {
        const there = runCompressionTask(sample, codecId(name) + 8 * level);
        expect(Buffer.compare(there, compress(name, sample, level))).to.equal(0);
      }
    }
  });
});
