import { expect } from 'chai';
import {
  apiCatalogue,
  decodeBody,
  encodeFrame,
  FRAME_HEADER_BYTES,
  FRAME_KIND_ERROR,
  FRAME_KIND_REQUEST,
  frameBytesAt,
  frameErrorSchema,
  produceApi,
  readFrameHeader,
} from '../../../protocol/index.ts';
import { expectProtocolError } from '../../harness/protocol/errors.ts';

const limits = { frameBytesMax: 1000, bodyBytesMax: 100 };

function header(overrides: {
  readonly length?: number;
  readonly kind?: number;
  readonly bodyLength?: number;
}): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
  bytes.writeUInt32BE(overrides.length ?? 12, 0);
  bytes[4] = overrides.kind ?? FRAME_KIND_REQUEST;
  bytes.writeUInt32BE(overrides.bodyLength ?? 0, 12);
  return bytes;
}

describe('a frame', () => {
  it('has the layout that docs/protocol.md draws', () => {
    const address = {
      kind: FRAME_KIND_ERROR,
      apiKey: 0x0304,
      apiVersion: 5,
      correlationId: 0xfedcba98,
    } as const;
    const chunks = encodeFrame(address, frameErrorSchema, { errorCode: 42, message: 'no' });
    expect(Buffer.concat(chunks).toString('hex')).to.equal(
      '0000001103050304fedcba9800000005922aa26e6f',
    );
  });

  it('carries records after the body without copying them, in the order of the fields', () => {
    const batches = [Buffer.from('first'), Buffer.from('second'), Buffer.from('third')];
    const request = {
      acks: -1,
      timeoutMs: 1,
      topics: [
        {
          name: 't',
          topicId: null,
          partitions: [
            { index: 0, leaderEpoch: -1, records: batches[0]! },
            { index: 1, leaderEpoch: -1, records: [batches[1]!, batches[2]!] },
          ],
        },
      ],
    };
    const address = {
      kind: FRAME_KIND_REQUEST,
      apiKey: 3,
      apiVersion: 0,
      correlationId: 7,
    } as const;
    const chunks = encodeFrame(address, produceApi.request, request);
    expect(chunks.slice(1)).to.have.length(3);
    chunks.slice(1).forEach((chunk, i) => {
      expect(chunk).to.equal(batches[i]);
    });

    const frame = Buffer.concat([Buffer.from('xx'), ...chunks]);
    const read = readFrameHeader(frame, 2);
    expect(read).to.include({ ...address, frameBytes: frame.length - 2, attachmentsBytes: 16 });
    const bodyEnd = 2 + FRAME_HEADER_BYTES + read.bodyBytes;
    const body = frame.subarray(2 + FRAME_HEADER_BYTES, bodyEnd);
    const decoded = decodeBody(produceApi.request, 0, body, frame.subarray(bodyEnd));
    const records = decoded.topics[0]!.partitions.map(({ records: r }) => String(r));
    expect(records).to.deep.equal(['first', 'secondthird']);
  });

  it('is refused when it is larger than allowed, before it is there', () => {
    const large = header({ length: 1001 });
    expectProtocolError('FRAME_TOO_LARGE', () => frameBytesAt(large, 0, { end: 4, limits }));
    expectProtocolError('FRAME_TOO_LARGE', () =>
      readFrameHeader(header({ length: 2 ** 32 - 1 }), 0),
    );
    expect(frameBytesAt(header({ length: 1000 }), 0, { end: 4, limits })).to.equal(1004);
    expect(frameBytesAt(large, 0, { end: 3, limits })).to.equal(undefined);
  });

  it('is refused when its body is larger than allowed, whatever its frame is', () => {
    const large = header({ length: 500, bodyLength: 101 });
    expectProtocolError('FRAME_TOO_LARGE', () => readFrameHeader(large, 0, limits));
    expect(readFrameHeader(header({ length: 500, bodyLength: 100 }), 0, limits)).to.include({
      bodyBytes: 100,
      attachmentsBytes: 388,
    });
  });

  it('is refused with a length below its header, a body beyond it, or an unknown kind', () => {
    const refused = [
      header({ length: 11 }),
      header({ length: 0 }),
      header({ length: 14, bodyLength: 3 }),
      header({ bodyLength: 2 ** 32 - 1 }),
      header({ kind: 0 }),
      header({ kind: 4 }),
      header({ kind: 255 }),
      header({}).subarray(0, 15),
    ];
    for (const bytes of refused) {
      expectProtocolError('INVALID_REQUEST', () => readFrameHeader(bytes, 0, limits));
    }
  });
});

describe('the catalogue', () => {
  it('has keys that are unique and fit the header, and versions that fit it too', () => {
    expect(new Set(apiCatalogue.map((api) => api.key)).size).to.equal(apiCatalogue.length);
    expect(new Set(apiCatalogue.map((api) => api.name)).size).to.equal(apiCatalogue.length);
    for (const { key, versions } of apiCatalogue) {
      expect(key).to.be.within(0, 65_535);
      expect(versions.min).to.be.within(0, versions.max);
      expect(versions.max).to.be.at.most(255);
    }
  });
});
