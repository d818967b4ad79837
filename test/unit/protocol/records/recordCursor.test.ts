import { expect } from 'chai';
import {
  BATCH_HEADER_BYTES,
  findRecordByTimestamp,
  RecordCursor,
  readRecords,
  updateCrc,
} from '../../../../protocol/index.ts';
import { batchOf, batchOfCount } from '../../../harness/protocol/batches.ts';
import { expectProtocolError } from '../../../harness/protocol/errors.ts';

/** A batch whose records are these bytes, and which claims `count` of them. */
function rawBatch(hex: string, count = 1): Buffer {
  const records = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const header = batchOf([{ value: 'x' }], { baseOffset: 100 }).subarray(0, BATCH_HEADER_BYTES);
  const batch = Buffer.concat([header, records]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(count - 1, 23);
  batch.writeInt32BE(count, 57);
  updateCrc(batch, 0);
  return batch;
}

const read = (batch: Buffer): unknown[] => [...readRecords(batch)];

describe('readRecords', () => {
  it('reads records of every codec with keys, values and headers', () => {
    const headers = [
      ['a', 'é'],
      ['a', null],
      ['', ''],
    ] as const;
    const records = [
      { key: 'k', value: 'v', headers, timestamp: 10 },
      { key: null, value: '', timestamp: 5 },
      { key: '', value: null, timestamp: 2 ** 41 },
    ];
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const batch = batchOf(records, { compression, baseOffset: 50 });
      const text = (bytes: Uint8Array | null): string | null => bytes && String(Buffer.from(bytes));
      const got = [...readRecords(batch)].map((record) => [
        record.offset,
        record.timestamp,
        text(record.key),
        text(record.value),
        record.headers.map(([name, value]) => [name, text(value)]),
      ]);
      expect(got).to.deep.equal([
        [50, 10, 'k', 'v', headers.map((header) => [...header])],
        [51, 5, null, '', []],
        [52, 2 ** 41, '', null, []],
      ]);
    }
  });

  it('decodes nothing before it is asked for', () => {
    const records = readRecords(rawBatch('0c 00 00 00 01 01 00  ff', 1));
    expect(records.next().value?.offset).to.equal(100);
    expectProtocolError('INVALID_RECORD', () => records.next());
  });

  it('takes records that are well made', () => {
    expect(read(rawBatch('0c 00 00 00 01 01 00'))).to.have.length(1);
    expect(read(rawBatch('0c 00 00 00 01 01 00 0c 00 00 02 01 01 00', 2))).to.have.length(2);
  });

  it('refuses lengths, deltas and counts that lie', () => {
    const lies: Readonly<Record<string, string>> = {
      'a length beyond the batch': '0e 00 00 00 01 01 00',
      'a length below its content': '0a 00 00 00 01 01 00',
      'a negative length': '01 00 00 00 01 01 00',
      'a length without an end': 'ffffffffffffffffffff 00',
      'a length of 2^62': 'ffffffffffffffff7f 00 00',
      'a key beyond its record': '0c 00 00 00 0a 01 00',
      'a key of -2 bytes': '0c 00 00 00 03 01 00',
      'a key that ends in another record': '0c 00 00 00 04 01 00 00',
      'a value beyond its record': '0c 00 00 00 01 7e 00',
      'headers that are not there': '0c 00 00 00 01 01 02',
      'a negative header count': '0c 00 00 00 01 01 01',
      '2^31 headers': '14 00 00 00 01 01 feffffff0f 00',
      'a header without a name': '10 00 00 00 01 01 02 01 01',
      'an offset outside of the batch': '0c 00 00 02 01 01 00',
      'a negative offset delta': '0c 00 00 01 01 01 00',
      'a timestamp beyond the safe integers': '1c 00 feffffffffffffff7f 00 01 01 00',
      'bytes after the last record': '0c 00 00 00 01 01 00 00',
    };
    for (const [name, hex] of Object.entries(lies)) {
      const batch = rawBatch(hex);
      try {
        expectProtocolError('INVALID_RECORD', () => read(batch));
      } catch (error) {
        throw new Error(`Not refused: ${name}`, { cause: error });
      }
    }
    expectProtocolError('INVALID_RECORD', () => read(rawBatch('0c 00 00 00 01 01 00', 2)));
    const same = '0c 00 00 00 01 01 00 0c 00 00 00 01 01 00';
    expectProtocolError('INVALID_RECORD', () => read(rawBatch(same, 2)));
    expectProtocolError('INVALID_RECORD', () => read(rawBatch('00', 2 ** 31 - 1)));
  });

  it('refuses every truncation and survives every changed byte of the records', () => {
    const batch = batchOf([
      { key: 'key', value: 'value', headers: [['h', 'v']], timestamp: 3 },
      { key: null, value: 'w'.repeat(100), timestamp: 900 },
    ]);
    for (let at = BATCH_HEADER_BYTES; at < batch.length; at += 1) {
      const cut = Buffer.from(batch.subarray(0, at));
      cut.writeInt32BE(cut.length - 12, 8);
      expectProtocolError('INVALID_RECORD', () => read(cut));
      for (const flip of [0x01, 0x80, 0xff]) {
        const bad = Buffer.from(batch);
        bad[at]! ^= flip;
        try {
          expect(read(bad).length).to.be.at.most(2);
        } catch (error) {
          expect(error).to.have.property('code', 'INVALID_RECORD');
        }
      }
    }
  });

  it('refuses bombs, and blocks that do not decompress', () => {
    for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const bomb = batchOf([{ value: 'x'.repeat(3_000_000) }], { compression });
      expectProtocolError('MESSAGE_TOO_LARGE', () => [
        ...readRecords(bomb, 0, { decompressedBytesMax: 1_000_000 }),
      ]);
      expect([...readRecords(bomb, 0, { decompressedBytesMax: 3_000_100 })]).to.have.length(1);
      const broken = batchOfCount(50, compression).subarray(0, 100);
      broken.writeInt32BE(broken.length - 12, 8);
      expectProtocolError('CORRUPT_MESSAGE', () => read(broken));
    }
  });
});

describe('RecordCursor', () => {
  it('goes from batch to batch', () => {
    const cursor = new RecordCursor();
    const first = batchOfCount(3, 'lz4');
    const second = batchOfCount(2);
    const offsets: number[] = [];
    for (const batch of [first, second, first]) {
      cursor.open(batch);
      while (cursor.next()) offsets.push(cursor.offset);
      expect(cursor.next()).to.equal(false);
    }
    cursor.release();
    expect(cursor.next()).to.equal(false);
    expect(offsets).to.deep.equal([0, 1, 2, 0, 1, 0, 1, 2]);
  });

  it('gives headers any number of times without losing its place', () => {
    const cursor = new RecordCursor().open(
      batchOf([{ headers: [['a', '1']] }, { value: 'second' }]),
    );
    cursor.next();
    expect(cursor.headers()).to.deep.equal(cursor.headers());
    expect(cursor.headers()[0]![0]).to.equal('a');
    expect(cursor.next()).to.equal(true);
    expect(String(cursor.value())).to.equal('second');
  });
});

describe('findRecordByTimestamp', () => {
  it('finds the first record at or after a time, in order of offsets', () => {
    const times = [10, 30, 20, 40];
    const batch = batchOf(
      times.map((timestamp) => ({ value: 'v', timestamp })),
      { baseOffset: 7, compression: 'zstd' },
    );
    expect(findRecordByTimestamp(batch, 0, 0)).to.deep.equal({ offset: 7, timestamp: 10 });
    expect(findRecordByTimestamp(batch, 0, 15)).to.deep.equal({ offset: 8, timestamp: 30 });
    expect(findRecordByTimestamp(batch, 0, 40)).to.deep.equal({ offset: 10, timestamp: 40 });
    expect(findRecordByTimestamp(batch, 0, 41)).to.equal(undefined);
  });
});
