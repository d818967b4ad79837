import { expect } from 'chai';
import {
  formatDeserializer,
  formatSerializer,
} from '../../../../client/serialization/serialize.ts';

const context = { topic: 'orders' };

describe('The formats of keys and values', () => {
  const values: readonly (readonly ['string' | 'json' | 'bytes' | 'msgpack', unknown])[] = [
    ['string', 'žluťoučký 🐴'],
    ['json', { a: [1, null, 'x'], b: { c: true } }],
    ['json', 7],
    ['json', false],
    ['bytes', Buffer.from([0, 255, 1])],
    ['msgpack', { a: [1, null, 'x'], n: 2 ** 40 }],
  ];
  for (const [format, value] of values) {
    it(`${format} gives back what it took: ${JSON.stringify(value)}`, () => {
      const bytes = formatSerializer(format, 'valueFormat')!.serialize(value, context);
      const back = formatDeserializer(format, 'valueFormat')!.deserialize(
        Buffer.from(bytes),
        context,
      );
      expect(back).to.deep.equal(value);
    });
  }

  it('string and bytes refuse everything else', () => {
    const [string, bytes] = [formatSerializer('string', 'f')!, formatSerializer('bytes', 'f')!];
    expect(() => string.serialize(7, context)).to.throw(TypeError, 'a string is expected');
    expect(() => bytes.serialize('x', context)).to.throw(TypeError, 'a Uint8Array is expected');
  });

  it('string refuses bytes that are no UTF-8 when reading', () => {
    const reader = formatDeserializer('string', 'f')!;
    expect(() => reader.deserialize(Buffer.from([0xff, 0xfe]), context)).to.throw();
  });
});
