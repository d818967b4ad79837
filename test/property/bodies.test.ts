import { expect } from 'chai';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import {
  apiCatalogue,
  decodeBody,
  encodeBody,
  frameErrorSchema,
  ProtocolError,
  type StructSchema,
} from '../../protocol/index.ts';
import { plain } from '../harness/protocol/plain.ts';
import { arbitraryOf, asOfVersion } from '../harness/protocol/schemaArbitrary.ts';

interface Message {
  readonly name: string;
  readonly version: number;
  readonly schema: StructSchema<unknown>;
}

const messages: Message[] = [{ name: 'error frame', version: 0, schema: frameErrorSchema }];
for (const { name, versions, request, response } of apiCatalogue) {
  for (let version = versions.min; version <= versions.max; version += 1) {
    messages.push({ name: `${name} v${version} request`, version, schema: request });
    messages.push({ name: `${name} v${version} response`, version, schema: response });
  }
}

/** Decodes, which must succeed or throw what the codec promises. */
function decodeOrRefuse(message: Message, body: Uint8Array, attachments: Uint8Array): void {
  try {
    decodeBody(message.schema, message.version, body, attachments);
  } catch (error) {
    expect(error).to.be.instanceOf(ProtocolError);
    expect((error as ProtocolError).code).to.be.oneOf(['INVALID_REQUEST', 'CORRUPT_MESSAGE']);
  }
}

describe('bodies', () => {
  for (const message of messages) {
    it(`of ${message.name} come back as they were, and no changed byte escapes the decoder`, () => {
      const { schema, version } = message;
      const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
      fc.assert(
        fc.property(arbitraryOf(schema), change, fc.nat(), (value, { at, byte }, cut) => {
          const [body, ...records] = encodeBody(schema, version, value);
          const attachments = Buffer.concat(records);
          const decoded = decodeBody(schema, version, body!, attachments);
          const kept = (all: unknown) => plain(asOfVersion(schema, all, version));
          expect(kept(decoded)).to.deep.equal(kept(value));

          const bad = Buffer.from(body!);
          bad[at % bad.length] = byte;
          decodeOrRefuse(message, bad, attachments);
          decodeOrRefuse(message, body!.subarray(0, cut % body!.length), attachments);
        }),
        { numRuns: 60 },
      );
    });
  }

  it('of other shapes, and of random bytes, are refused with a code', () => {
    const packr = new Packr({ useRecords: true, structures: [], moreTypes: true });
    const shape = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
    });
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      shape.map((value) => {
        try {
          return packr.pack(value);
        } catch {
          return new Uint8Array(0);
        }
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...messages), body, (message, bytes) => {
        decodeOrRefuse(message, bytes, new Uint8Array(0));
      }),
      { numRuns: 3000 },
    );
  });
});
