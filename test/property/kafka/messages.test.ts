import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type KafkaApi,
  KafkaWireError,
  kafkaApis,
  readRequestHeader,
} from '../../../broker/kafka/wire/index.ts';
import { messageArbitrary } from '../../harness/kafka/wireArbitrary.ts';
import { plain } from '../../harness/protocol/plain.ts';

const RUNS = { numRuns: 25 };
const LENGTH_BYTES = 4;

const change = fc.record({
  at: fc.nat(),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 1 }),
    // Lengths and counts that lie: the greatest int32, the least, and varints without an end.
    fc.constantFrom([0x7f, 0xff, 0xff, 0xff], [0x80, 0, 0, 0], [0xff, 0xff, 0xff, 0xff, 0x0f]),
  ),
});

/** Decodes, which must succeed or throw what the codec promises. */
function decodeOrRefuse(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    expect(error).to.be.instanceOf(KafkaWireError);
    expect((error as KafkaWireError).code).to.equal('INVALID_REQUEST');
  }
}

function changed(frame: Uint8Array, { at, bytes }: { at: number; bytes: ArrayLike<number> }) {
  const bad = Buffer.from(frame);
  const start = LENGTH_BYTES + (at % (bad.length - LENGTH_BYTES));
  for (let i = 0; i < bytes.length && start + i < bad.length; i += 1) bad[start + i] = bytes[i]!;
  return bad;
}

function decodeRequestFrame(api: KafkaApi, version: number, frame: Uint8Array): unknown {
  const header = readRequestHeader(frame, LENGTH_BYTES, frame.length - LENGTH_BYTES);
  return decodeRequest(api, version, frame, header.bodyPosition, frame.length);
}

function checkRequests(api: KafkaApi, version: number): void {
  const header = fc.record({
    correlationId: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    clientId: fc.option(fc.string({ unit: 'grapheme' }), { nil: null }),
  });
  const requests = messageArbitrary(api.request, version);
  fc.assert(
    fc.property(
      requests,
      header,
      change,
      fc.nat(),
      (value, { correlationId, clientId }, it, cut) => {
        const frame = Buffer.concat(
          encodeRequest(api, version, { correlationId, clientId }, value),
        );
        expect(frame.readInt32BE(0)).to.equal(frame.length - LENGTH_BYTES);
        const read = readRequestHeader(frame, LENGTH_BYTES, frame.length - LENGTH_BYTES);
        expect(read).to.deep.include({
          apiKey: api.key,
          apiVersion: version,
          correlationId,
          clientId,
        });
        const decoded = decodeRequest(api, version, frame, read.bodyPosition, frame.length);
        expect(plain(decoded)).to.deep.equal(plain(value));

        decodeOrRefuse(() => decodeRequestFrame(api, version, changed(frame, it)));
        const short = frame.subarray(0, LENGTH_BYTES + (cut % (frame.length - LENGTH_BYTES)));
        expect(() => decodeRequestFrame(api, version, short)).to.throw(KafkaWireError);
      },
    ),
    RUNS,
  );
}

function checkResponses(api: KafkaApi, version: number): void {
  const responses = messageArbitrary(api.response, version);
  fc.assert(
    fc.property(responses, change, fc.nat(), (value, it, cut) => {
      const frame = Buffer.concat(encodeResponse(api, version, 77, value));
      expect(frame.readInt32BE(0)).to.equal(frame.length - LENGTH_BYTES);
      const decoded = decodeResponse(api, version, frame, LENGTH_BYTES, frame.length);
      expect(decoded.correlationId).to.equal(77);
      expect(plain(decoded.value)).to.deep.equal(plain(value));

      const bad = changed(frame, it);
      decodeOrRefuse(() => decodeResponse(api, version, bad, LENGTH_BYTES, bad.length));
      const end = LENGTH_BYTES + (cut % (frame.length - LENGTH_BYTES));
      expect(() => decodeResponse(api, version, frame, LENGTH_BYTES, end)).to.throw(KafkaWireError);
    }),
    RUNS,
  );
}

describe('messages of the Kafka protocol', () => {
  for (const api of kafkaApis.values()) {
    const { min, max } = api.accepted;
    it(`of ${api.name} ${min} to ${max} come back as they were, and no changed byte escapes`, () => {
      for (let version = min; version <= max; version += 1) {
        checkRequests(api, version);
        checkResponses(api, version);
      }
    });
  }
});
