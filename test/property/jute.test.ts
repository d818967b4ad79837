import { expect } from 'chai';
import fc from 'fast-check';
import type { WriteRequest } from '../../coordinator/embedded/index.ts';
import {
  decodeJournalEntry,
  encodeJournalEntry,
} from '../../coordinator/embedded/journalFormat.ts';
import { JuteError, JuteReader, JuteWriter } from '../../coordinator/embedded/jute.ts';
import { decodeConnect } from '../../coordinator/embedded/juteConnect.ts';
import {
  decodeRequest,
  encodeWrite,
  operationCode,
} from '../../coordinator/embedded/juteRequest.ts';
import { Refusal } from '../../coordinator/embedded/refusal.ts';
import { OPERATION } from '../../coordinator/embedded/wireConstants.ts';

const path = fc.string({ unit: 'grapheme', maxLength: 400 }).map((text) => `/${text}`);
const version = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const data = fc.option(fc.uint8Array({ maxLength: 600 }), { nil: null });
const acl = fc.array(fc.record({ permissions: fc.nat(31), scheme: fc.string(), id: fc.string() }), {
  maxLength: 3,
});
const operation = fc.oneof(
  fc.record({
    type: fc.constant('create' as const),
    path,
    data,
    acl,
    ephemeral: fc.boolean(),
    sequential: fc.boolean(),
  }),
  fc.record({ type: fc.constant('setData' as const), path, data, version }),
  fc.record({ type: fc.constant('delete' as const), path, version }),
  fc.record({ type: fc.constant('check' as const), path, version }),
);
const request: fc.Arbitrary<WriteRequest> = fc.oneof(
  operation,
  fc.record({ type: fc.constant('setAcl' as const), path, acl, version }),
  fc.record({
    type: fc.constant('multi' as const),
    operations: fc.array(operation, { maxLength: 5 }),
  }),
  fc.record({
    type: fc.constant('createSession' as const),
    timeoutMs: fc.nat(),
    password: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  }),
  fc.constant<WriteRequest>({ type: 'closeSession' }),
);

describe('jute', () => {
  it('gives every request back as it was written', () => {
    fc.assert(
      fc.property(request, (written) => {
        const writer = new JuteWriter(8);
        encodeWrite(written, writer);
        const reader = new JuteReader(writer.finish());
        expect(decodeRequest(operationCode(written), reader)).to.deep.equal(written);
        expect(reader.remaining).to.equal(0);
      }),
    );
  });

  it('gives every journal entry back, and none of which a bit is wrong', () => {
    const entry = fc.record({
      zxid: fc.nat(),
      timeMs: fc.nat(),
      sessionId: fc.constant('0100000000000abc'),
      request,
    });
    fc.assert(
      fc.property(entry, fc.nat(), fc.nat(7), (transaction, position, bit) => {
        const bytes = Buffer.from(encodeJournalEntry(transaction, 7));
        const decoded = decodeJournalEntry(bytes, 0);
        expect(decoded?.transaction).to.deep.equal(transaction);
        expect(decoded).to.include({ durableZxid: 7, end: bytes.length });
        bytes[position % bytes.length]! ^= 1 << bit;
        expect(decodeJournalEntry(bytes, 0)).to.equal(undefined);
      }),
    );
  });

  it('refuses arbitrary bytes, and never fails in another way', () => {
    const code = fc.oneof(fc.constantFrom(...Object.values(OPERATION)), fc.integer());
    fc.assert(
      fc.property(code, fc.uint8Array({ maxLength: 80 }), (operationNumber, bytes) => {
        for (const decode of [
          () => decodeRequest(operationNumber, new JuteReader(bytes)),
          () => decodeConnect(new JuteReader(bytes)),
        ]) {
          try {
            decode();
          } catch (error) {
            expect(error instanceof JuteError || error instanceof Refusal).to.equal(true);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });
});
