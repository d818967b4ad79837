/** Arbitrary messages of the Kafka protocol, as a client or broker of that version could send them. */

import fc from 'fast-check';
import {
  type ArrayType,
  isPresent,
  type StructType,
  type WireField,
  type WireType,
} from '../../../broker/kafka/wire/schema.ts';

const INT_RANGES = {
  int8: { min: -128, max: 127 },
  int16: { min: -32_768, max: 32_767 },
  int32: { min: -(2 ** 31), max: 2 ** 31 - 1 },
} as const;

/**
 * Any value that version allows. Fields that the version lacks have what decoding gives them, so
 * that the decoded message equals the encoded one.
 */
export function messageArbitrary(type: StructType, version: number): fc.Arbitrary<unknown> {
  return structArbitrary(type, version);
}

function structArbitrary(type: StructType, version: number): fc.Arbitrary<object> {
  const members = Object.entries(type.fields).map(([name, field]) => [
    name,
    isPresent(field, version) ? fieldArbitrary(field, version) : fc.constant(absentValue(field)),
  ]);
  return fc.record(Object.fromEntries(members), { noNullPrototype: true });
}

function fieldArbitrary(field: WireField, version: number): fc.Arbitrary<unknown> {
  const value = valueArbitrary(field.type, version);
  const mayBeNull = version >= field.nullableSince || (field.tag !== undefined && isNullTag(field));
  const given = mayBeNull ? fc.option(value, { nil: null }) : value;
  return field.tag === undefined ? given : fc.oneof(given, fc.constant(field.default));
}

/** A tagged struct is null in memory where its tag is absent. */
function isNullTag(field: WireField): boolean {
  return field.default === null;
}

function valueArbitrary(type: WireType, version: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean();
    case 'int8':
    case 'int16':
    case 'int32':
      return fc.integer(INT_RANGES[type.kind]);
    case 'int64':
      return fc.maxSafeInteger();
    case 'float64':
      return fc.double();
    case 'uuid':
      return fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .map((bytes) => Buffer.from(bytes).toString('base64url'));
    case 'string':
      return fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.constantFrom(
          '',
          '__proto__',
          '\u0000',
          'x'.repeat(126),
          'x'.repeat(127),
          'é'.repeat(99),
        ),
      );
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 300 });
    case 'array':
      return fc.array(valueArbitrary((type as ArrayType).element, version), { maxLength: 3 });
    case 'struct':
      return structArbitrary(type as StructType, version);
  }
}

function absentValue(field: WireField): unknown {
  if (field.default !== undefined) return field.default;
  const zeroes = { boolean: false, string: '', uuid: 'A'.repeat(22), array: [], struct: null };
  const bytes = { bytes: new Uint8Array(0), records: new Uint8Array(0) };
  const values: Readonly<Record<string, unknown>> = { ...zeroes, ...bytes };
  return field.type.kind in values ? values[field.type.kind] : 0;
}
