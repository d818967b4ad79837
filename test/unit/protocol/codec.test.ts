import { expect } from 'chai';
import { Packr } from 'msgpackr';
import { decodeBody, encodeBody, fetchApi, STRING_BYTES_MAX } from '../../../protocol/index.ts';
import {
  array,
  boolean,
  bytes,
  field,
  int8,
  int16,
  int32,
  int64,
  nullable,
  records,
  type StructSchema,
  string,
  struct,
} from '../../../protocol/schema.ts';
import { expectProtocolError } from '../../harness/protocol/errors.ts';

const about = 'A field of a test.';
const texts = struct({ text: field(string, about) });
const numbers = struct({
  small: field(int8, about),
  middle: field(int16, about),
  large: field(int32, about),
  huge: field(int64, about),
});
const grown = struct({
  first: field(int32, about),
  flag: field(boolean, about, 1),
  name: field(string, about, 1),
  maybe: field(nullable(string), about, 2),
  many: field(array(struct({ x: field(int8, about), y: field(int64, about, 2) })), about, 2),
});

function refuse(schema: StructSchema<unknown>, hex: string, message?: RegExp): void {
  const body = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const error = expectProtocolError('INVALID_REQUEST', () => decodeBody(schema, 0, body));
  if (message !== undefined) expect(error.message).to.match(message);
}

describe('encodeBody and decodeBody', () => {
  it('write a struct as an array of its fields in order', () => {
    const body = encodeBody(numbers, 0, { small: -1, middle: 300, large: -70_000, huge: 5 })[0]!;
    expect(Buffer.from(body).toString('hex')).to.equal('94ffcd012cd2fffeee9005');
  });

  it('keep the extremes of every integer', () => {
    for (const value of [
      { small: -128, middle: -32_768, large: -(2 ** 31), huge: Number.MIN_SAFE_INTEGER },
      { small: 127, middle: 32_767, large: 2 ** 31 - 1, huge: Number.MAX_SAFE_INTEGER },
    ]) {
      const body = encodeBody(numbers, 0, value)[0]!;
      expect(decodeBody(numbers, 0, body)).to.deep.equal(value);
    }
  });

  it('take 64-bit integers as other languages write them, within the safe range', () => {
    const start = '94000000';
    const decode = (hex: string): number =>
      decodeBody(numbers, 0, Buffer.from(start + hex, 'hex')).huge;
    expect(decode('cf001fffffffffffff')).to.equal(Number.MAX_SAFE_INTEGER);
    expect(decode('d3ffffffffffffffff')).to.equal(-1);
    expect(decode('cb42a0000000000000')).to.equal(2 ** 43);
    refuse(numbers, `${start}cf0020000000000000`, /"huge".*no safe integer/);
    refuse(numbers, `${start}d38000000000000000`);
    refuse(numbers, `${start}cb3fe0000000000000`);
    refuse(numbers, `${start}cb7ff8000000000000`);
    refuse(numbers, `${start}cb7ff0000000000000`);
  });

  it('refuse integers outside of their width', () => {
    refuse(numbers, '94 cc80 00 00 00', /"small".*128 is outside -128 to 127/);
    refuse(numbers, '94 00 cd8000 00 00');
    refuse(numbers, '94 00 00 ce80000000 00');
    refuse(numbers, '94 00 00 cf0000000000000001 00');
    refuse(numbers, '94 00 00 ca3f800000 00');
  });

  it('leave newer fields out, and read what an older writer left out as empty', () => {
    const value = { first: 1, flag: true, name: 'n', maybe: 'm', many: [{ x: 1, y: 2 }] };
    expect(decodeBody(grown, 2, encodeBody(grown, 2, value)[0]!)).to.deep.equal(value);
    expect(decodeBody(grown, 1, encodeBody(grown, 1, value)[0]!)).to.deep.equal({
      ...value,
      maybe: null,
      many: [],
    });
    expect(decodeBody(grown, 0, encodeBody(grown, 0, value)[0]!)).to.deep.equal({
      first: 1,
      flag: false,
      name: '',
      maybe: null,
      many: [],
    });
  });

  it('refuse a body with fewer or more fields than its version has', () => {
    expectProtocolError('INVALID_REQUEST', () => decodeBody(grown, 1, Buffer.from('9101', 'hex')));
    refuse(grown, '9201c3', /it has 2 fields, and 1 at this version/);
  });

  it('give `__proto__` and its like back as the plain strings that they are', () => {
    for (const text of ['__proto__', 'constructor', 'toString']) {
      const decoded = decodeBody(texts, 0, encodeBody(texts, 0, { text })[0]!);
      expect(decoded.text).to.equal(text);
      expect(Object.getPrototypeOf(decoded)).to.equal(Object.prototype);
    }
  });

  it('refuse maps, with and without `__proto__` in them', () => {
    const map = new Packr({ useRecords: false }).pack([{ ['__proto__']: 1 }]);
    refuse(texts, Buffer.from(map).toString('hex'), /it is no string/);
    refuse(texts, '80', /it is no array/);
    refuse(texts, 'de0000');
  });

  it("refuse msgpackr's records and every other extension", () => {
    const record = new Packr({ useRecords: true, structures: [] }).pack([{ text: 'a' }]);
    refuse(texts, Buffer.from(record).toString('hex'));
    for (const hex of [
      '91 d472 40 91 a161 01', // record definition
      '91 d40000', // fixext 1
      '91 d6ff 00000000', // timestamp
      '91 c70178 00', // regular expression
      '91 c70473 00000000', // set
      '91 c76200 00', // bundled strings
      'd472 40 91 a161 01',
      '91 c1',
    ]) {
      refuse(texts, hex);
    }
  });

  it('refuse nesting deeper than the schema without following it', () => {
    refuse(texts, '91'.repeat(100_000), /it is no string/);
    refuse(fetchApi.request as StructSchema<unknown>, '91'.repeat(100_000));
  });

  it('refuse counts and lengths beyond the bytes that are there', () => {
    const list = struct({ items: field(array(int32), about) });
    refuse(list, '91 dd80000000', /claims 2147483648 elements in 0 bytes/);
    refuse(list, '91 ddffffffff 00000000');
    refuse(list, '91 dcffff 00');
    refuse(list, '91 9f 00');
    refuse(list, '91 dc00');
    refuse(texts, '91 db80000000 61');
    refuse(texts, '91 a561');
    refuse(texts, '91 d9');
    refuse(struct({ token: field(bytes, about) }), '91 c680000000 00');
    refuse(list, '');
    refuse(list, 'dd00000001 90 00');
  });

  it('refuse trailing bytes', () => {
    refuse(texts, '91 a161 00', /1 bytes stand after the body/);
  });

  it('refuse strings that are no UTF-8, and those that are too long', () => {
    refuse(texts, '91 a1f0', /it is no UTF-8/);
    refuse(texts, '91 a3eda080');
    const long = encodeBody(texts, 0, { text: 'x'.repeat(STRING_BYTES_MAX) })[0]!;
    expect(decodeBody(texts, 0, long).text).to.have.length(STRING_BYTES_MAX);
    expectProtocolError('INVALID_REQUEST', () =>
      encodeBody(texts, 0, { text: 'x'.repeat(STRING_BYTES_MAX + 1) }),
    );
    const tooLong = Buffer.concat([Buffer.from('91db00010000', 'hex'), Buffer.alloc(65_536, 0x61)]);
    expectProtocolError('INVALID_REQUEST', () => decodeBody(texts, 0, tooLong));
  });

  it('give strings beyond ASCII back as they were, at every length', () => {
    for (const text of ['é', '日本語', '😀'.repeat(50), `${'a'.repeat(200)}é`, 'ÿ'.repeat(5000)]) {
      expect(decodeBody(texts, 0, encodeBody(texts, 0, { text })[0]!).text).to.equal(text);
    }
  });

  it('copy binary values out of the buffer that they came in', () => {
    const schema = struct({ token: field(bytes, about) });
    const body = Buffer.from(encodeBody(schema, 0, { token: Buffer.from('secret') })[0]!);
    const { token } = decodeBody(schema, 0, body);
    body.fill(0);
    expect(Buffer.from(token).toString()).to.equal('secret');
    expect(token.buffer).to.not.equal(body.buffer);
  });

  it('hold the attachments against what the body claims', () => {
    const schema = struct({ a: field(records, about), b: field(records, about) });
    const attached = Buffer.from('abcde');
    const body = Buffer.from('920203', 'hex');
    const decoded = decodeBody(schema, 0, body, attached);
    expect([String(decoded.a), String(decoded.b)]).to.deep.equal(['ab', 'cde']);
    expect((decoded.a as Buffer).buffer).to.equal(attached.buffer);
    expectProtocolError('CORRUPT_MESSAGE', () => decodeBody(schema, 0, body, attached.subarray(1)));
    expectProtocolError('CORRUPT_MESSAGE', () => decodeBody(schema, 0, body));
    refuse(schema, '92 ff 06');
    expectProtocolError('CORRUPT_MESSAGE', () =>
      decodeBody(schema, 0, Buffer.from('92ceffffffffceffffffff', 'hex'), attached),
    );
  });

  it('name the field when a value of our own does not fit', () => {
    const encode = (huge: unknown, small: unknown = 0): unknown =>
      encodeBody(numbers, 0, { small, middle: 0, large: 0, huge } as never);
    for (const wrong of [1.5, Number.NaN, 2 ** 53, '1', null, undefined, 1n]) {
      const error = expectProtocolError('INVALID_REQUEST', () => encode(wrong));
      expect(error.message).to.contain('"huge"');
    }
    expectProtocolError('INVALID_REQUEST', () => encode(0, 128));
    expectProtocolError('INVALID_REQUEST', () => encode(0, 0.5));
    expectProtocolError('INVALID_REQUEST', () => encodeBody(texts, 0, {} as never));
  });

  it('keep one result valid while others are made', () => {
    const bodies = Array.from({ length: 3000 }, (_, i) =>
      encodeBody(texts, 0, { text: `text ${i}` }),
    );
    bodies.forEach(([body], i) => {
      expect(decodeBody(texts, 0, body!).text).to.equal(`text ${i}`);
    });
  });
});
