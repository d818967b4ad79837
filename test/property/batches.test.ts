import { expect } from 'chai';
import fc from 'fast-check';
import {
  batchPositions,
  compressionNames,
  ProtocolError,
  RecordBatchBuilder,
  RecordBatchView,
  readRecords,
  setBaseOffset,
  setLogAppendTime,
  updateCrc,
  VarintReader,
  varintBytes,
  verifyBatch,
  writeVarint,
} from '../../protocol/index.ts';
import { plain } from '../harness/protocol/plain.ts';

const blob = fc.option(fc.uint8Array({ maxLength: 200 }), { nil: null });
const text = fc.option(fc.string({ unit: 'grapheme', maxLength: 100 }), { nil: null });
const header = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.oneof(blob, text));
const record = fc.record({
  key: fc.oneof(blob, text),
  value: fc.oneof(blob, text),
  headers: fc.array(header, { maxLength: 3 }),
  timestamp: fc.oneof(
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
    fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }),
  ),
});
const batch = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 20 }),
  compression: fc.constantFrom(...compressionNames),
  baseOffset: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 100 }),
});

const bytesOf = (value: Uint8Array | string | null): Uint8Array | null =>
  value === null ? null : new Uint8Array(Buffer.from(value as string));

describe('batches', () => {
  it('hold in a row what a list of records holds', () => {
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 4 }), (batches) => {
        const expected: unknown[] = [];
        const built = batches.map(({ records, compression, baseOffset }) => {
          const builder = new RecordBatchBuilder({ compression, initialBytes: 61 });
          records.forEach(({ key, value, headers, timestamp }, i) => {
            const before = builder.sizeBytes;
            const bytes = builder.recordBytes(key, value, headers, timestamp);
            expect(builder.append(key, value, headers, timestamp)).to.equal(i);
            expect(builder.sizeBytes - before).to.equal(bytes);
            expected.push({
              offset: baseOffset + i,
              timestamp,
              key: bytesOf(key),
              value: bytesOf(value),
              headers: headers.map(([name, inner]) => [name, bytesOf(inner)]),
            });
          });
          const bytes = builder.build();
          setBaseOffset(bytes, 0, baseOffset);
          return bytes;
        });
        const log = Buffer.concat(built);
        const positions = [...batchPositions(log)];
        expect(positions).to.have.length(batches.length);
        for (const position of positions) {
          expect(verifyBatch(log, position, { origin: 'log' })).to.equal(undefined);
        }
        const read = positions.flatMap((position) => [...readRecords(log, position)]);
        expect(plain(read)).to.deep.equal(expected);
      }),
      { numRuns: 150 },
    );
  });

  it('whose bytes were changed are refused, or read within their caps', () => {
    const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(batch, fc.array(change, { minLength: 1, maxLength: 4 }), (given, changes) => {
        const builder = new RecordBatchBuilder({ compression: given.compression });
        for (const { key, value, headers, timestamp } of given.records) {
          builder.append(key, value, headers, timestamp);
        }
        const bytes = Buffer.from(builder.build());
        for (const { at, byte } of changes) bytes[17 + (at % (bytes.length - 17))] = byte;
        updateCrc(bytes, 0);
        if (verifyBatch(bytes, 0, { origin: 'client' }) !== undefined) return;
        try {
          const read = [...readRecords(bytes, 0, { decompressedBytesMax: 100_000 })];
          expect(read.length).to.equal(new RecordBatchView().at(bytes).recordsCount);
        } catch (error) {
          expect(error).to.be.instanceOf(ProtocolError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('keep their records when the broker stamps its own time', () => {
    fc.assert(
      fc.property(batch, fc.integer({ min: 0, max: 2 ** 45 }), (given, timeMs) => {
        const builder = new RecordBatchBuilder({ compression: given.compression });
        for (const { key, value } of given.records) builder.append(key, value, [], 5);
        const bytes = builder.build();
        const before = [...readRecords(bytes)];
        setLogAppendTime(bytes, 0, timeMs);
        expect(verifyBatch(bytes, 0, { origin: 'log' })).to.equal(undefined);
        expect(plain([...readRecords(bytes)])).to.deep.equal(
          plain(before.map((was) => ({ ...was, timestamp: timeMs }))),
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('varints', () => {
  /** Kafka's definition, by 64-bit integers. */
  function reference(value: number): number[] {
    let zigzag = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
    const bytes: number[] = [];
    for (; zigzag > 127n; zigzag >>= 7n) bytes.push(Number(zigzag & 127n) | 128);
    return [...bytes, Number(zigzag)];
  }

  it('are what 64-bit arithmetic says, for every safe integer', () => {
    const edge = fc
      .tuple(fc.integer({ min: 0, max: 53 }), fc.integer({ min: -2, max: 2 }), fc.boolean())
      .map(([bits, delta, negative]) => (negative ? -1 : 1) * (2 ** bits + delta))
      .filter((value) => Number.isSafeInteger(value));
    const reader = new VarintReader();
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer(), edge), (value) => {
        const expected = reference(value);
        const bytes = new Uint8Array(20);
        const end = writeVarint(bytes, 3, value);
        expect([...bytes.subarray(3, end)]).to.deep.equal(expected);
        expect(varintBytes(value)).to.equal(expected.length);
        Object.assign(reader, { bytes, position: 3, end });
        expect(reader.next() + 0).to.equal(value);
        expect(reader.position).to.equal(end);
        Object.assign(reader, { bytes, position: 3, end: end - 1 });
        expect(reader.next()).to.satisfy(Number.isNaN);
      }),
      { numRuns: 2000 },
    );
  });

  it('never read past their end, whatever the bytes are', () => {
    const reader = new VarintReader();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 15 }), (bytes) => {
        Object.assign(reader, { bytes, position: 0, end: bytes.length });
        for (let i = 0; i < 15; i += 1) reader.next();
        expect(reader.position).to.be.at.most(bytes.length);
      }),
      { numRuns: 500 },
    );
  });
});
