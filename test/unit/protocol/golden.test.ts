/**
 * Bytes that must never change: what a released version wrote, every later one reads and, at that
 * API version, writes again. One file per message and version under `test/golden/`. A file that is
 * missing is written once (UPDATE=1) when an API or a version is new; a file that exists is never
 * touched, by nobody.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  apiCatalogue,
  buildControlBatch,
  compressionNames,
  decodeBody,
  encodeFrame,
  FRAME_HEADER_BYTES,
  FRAME_KIND_ERROR,
  FRAME_KIND_REQUEST,
  FRAME_KIND_RESPONSE,
  type FrameAddress,
  frameErrorSchema,
  readControlMarker,
  readFrameHeader,
  readRecords,
  type StructSchema,
  verifyBatch,
} from '../../../protocol/index.ts';
import { batchOf } from '../../harness/protocol/batches.ts';
import { plain } from '../../harness/protocol/plain.ts';
import { sampleOf } from '../../harness/protocol/schemaArbitrary.ts';

const folder = new URL('../../golden/', import.meta.url);

/** @param make the bytes of today, written only where the file is missing. */
function golden(path: string, make: () => Uint8Array): Buffer {
  const file = new URL(path, folder);
  if (!existsSync(file)) {
    if (process.env['UPDATE'] !== '1') throw new Error(`${path} is missing: run with UPDATE=1`);
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(
      file,
      Buffer.from(make())
        .toString('hex')
        .replaceAll(/.{1,80}/g, '$&\n'),
    );
  }
  return Buffer.from(readFileSync(file, 'utf8').replaceAll('\n', ''), 'hex');
}

function expectGoldenFrame(
  path: string,
  address: FrameAddress,
  schema: StructSchema<unknown>,
): void {
  const value = sampleOf(schema, address.apiVersion);
  const encoded = Buffer.concat(encodeFrame(address, schema, value));
  const bytes = golden(path, () => encoded);
  expect(encoded.toString('hex')).to.equal(bytes.toString('hex'));
  const header = readFrameHeader(bytes, 0);
  expect(header).to.include({ ...address, frameBytes: bytes.length });
  const bodyEnd = FRAME_HEADER_BYTES + header.bodyBytes;
  const body = bytes.subarray(FRAME_HEADER_BYTES, bodyEnd);
  const decoded = decodeBody(schema, address.apiVersion, body, bytes.subarray(bodyEnd));
  expect(fieldsOf(plain(decoded), plain(value))).to.deep.equal(plain(value));
}

/** What `decoded` has of the fields of `sample`: those of later versions come with their defaults. */
function fieldsOf(decoded: unknown, sample: unknown): unknown {
  if (Array.isArray(decoded) && Array.isArray(sample)) {
    return decoded.map((item, index) => fieldsOf(item, sample[index]));
  }
  if (!isObject(decoded) || !isObject(sample)) return decoded;
  return Object.fromEntries(
    Object.keys(sample).map((name) => [name, fieldsOf(decoded[name], sample[name])]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
}

describe('golden bytes', () => {
  for (const { key, name, versions, request, response } of apiCatalogue) {
    for (let version = versions.min; version <= versions.max; version += 1) {
      it(`of ${name} version ${version}`, () => {
        const address = { apiKey: key, apiVersion: version, correlationId: 0x01020304 };
        const path = `protocol/${name}.v${version}`;
        expectGoldenFrame(`${path}.request.hex`, { ...address, kind: FRAME_KIND_REQUEST }, request);
        expectGoldenFrame(
          `${path}.response.hex`,
          { ...address, kind: FRAME_KIND_RESPONSE },
          response,
        );
      });
    }
  }

  it('of the error frame', () => {
    const address = { kind: FRAME_KIND_ERROR, apiKey: 3, apiVersion: 0, correlationId: 9 } as const;
    expectGoldenFrame('protocol/errorFrame.hex', address, frameErrorSchema);
  });

  for (const compression of compressionNames) {
    it(`of a record batch with the codec ${compression}`, () => {
      const records = [
        { key: 'k1', value: 'first value', headers: [['h', 'x']] as const, timestamp: 1000 },
        { key: null, value: 'second value '.repeat(30), timestamp: 990 },
        { key: 'k3', value: null, headers: [['h', null]] as const, timestamp: 70_000_000_000_000 },
      ];
      const options = { compression, baseOffset: 5_000_000_000, partitionLeaderEpoch: 7 };
      const encoded = batchOf(records, options);
      const bytes = golden(`records/batch.v2.${compression}.hex`, () => encoded);
      expect(verifyBatch(bytes, 0, { origin: 'client' })).to.equal(undefined);
      expect(plain([...readRecords(bytes)])).to.deep.equal(plain([...readRecords(encoded)]));
      expect(
        [...readRecords(bytes)].map(({ offset, timestamp }) => [offset, timestamp]),
      ).to.deep.equal(records.map(({ timestamp }, i) => [5_000_000_000 + i, timestamp]));
      // Compressors may improve; what stands uncompressed may not change.
      if (compression === 'none') expect(encoded.toString('hex')).to.equal(bytes.toString('hex'));
    });
  }

  it('of a control batch', () => {
    const options = {
      type: 'commit',
      producerId: 4_294_967_296,
      producerEpoch: 2,
      coordinatorEpoch: 3,
      timestamp: 1000,
    } as const;
    const encoded = buildControlBatch(options);
    const bytes = golden('records/control.v2.hex', () => encoded);
    expect(encoded.toString('hex')).to.equal(bytes.toString('hex'));
    expect(readControlMarker(bytes)).to.deep.equal({ type: 'commit', coordinatorEpoch: 3 });
  });
});
