/** Arbitrary values of any schema of the catalogue, and one fixed value for golden files. */

import fc from 'fast-check';
import type { ArraySchema, NullableSchema, Schema, StructSchema } from '../../../protocol/index.ts';

const INT_RANGES = {
  int8: { min: -128, max: 127 },
  int16: { min: -32_768, max: 32_767 },
  int32: { min: -(2 ** 31), max: 2 ** 31 - 1 },
} as const;

/** Any value that the schema allows. */
export function arbitraryOf(schema: Schema<unknown>): fc.Arbitrary<unknown> {
  switch (schema.kind) {
    case 'boolean':
      return fc.boolean();
    case 'int8':
    case 'int16':
    case 'int32':
      return fc.integer(INT_RANGES[schema.kind]);
    case 'int64':
      return fc.maxSafeInteger();
    case 'string':
      return fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.constantFrom('__proto__', 'constructor', '', '\u0000'),
      );
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 300 });
    case 'nullable':
      return fc.option(arbitraryOf((schema as NullableSchema<unknown>).inner), { nil: null });
    case 'array':
      return fc.array(arbitraryOf((schema as ArraySchema<unknown>).element), { maxLength: 4 });
    case 'struct': {
      const fields = Object.entries((schema as StructSchema<unknown>).fields);
      return fc.record(
        Object.fromEntries(fields.map(([name, field]) => [name, arbitraryOf(field.schema)])),
        { noNullPrototype: true },
      );
    }
  }
}

/**
 * A fixed value that uses every field: numbers grow from field to field, so that no two fields of a
 * message can be swapped unnoticed. Golden files depend on it: never change what it makes.
 */
export function sampleOf(schema: Schema<unknown>, version: number): unknown {
  let counter = 0;
  const sample = (inner: Schema<unknown>): unknown => {
    counter += 1;
    switch (inner.kind) {
      case 'boolean':
        return counter % 2 === 0;
      case 'int8':
        return counter % 100;
      case 'int16':
        return -200 - counter;
      case 'int32':
        return 100_000 + counter;
      case 'int64':
        return 10_000_000_000 + counter;
      case 'string':
        return `text ${counter} é`;
      case 'bytes':
      case 'records':
        return new Uint8Array([counter % 256, 0, 255]);
      case 'nullable':
        return counter % 2 === 0 ? null : sample((inner as NullableSchema<unknown>).inner);
      case 'array':
        return [1, 2].map(() => sample((inner as ArraySchema<unknown>).element));
      case 'struct': {
        const fields = Object.entries((inner as StructSchema<unknown>).fields);
        const present = fields.filter(([, field]) => field.since <= version);
        return Object.fromEntries(present.map(([name, field]) => [name, sample(field.schema)]));
      }
    }
  };
  return sample(schema);
}

/** A decoded value without the fields that its version did not have: the reader has made them up. */
export function asOfVersion(schema: Schema<unknown>, value: unknown, version: number): unknown {
  if (value === null) return null;
  switch (schema.kind) {
    case 'nullable':
      return asOfVersion((schema as NullableSchema<unknown>).inner, value, version);
    case 'array': {
      const { element } = schema as ArraySchema<unknown>;
      return (value as unknown[]).map((each) => asOfVersion(element, each, version));
    }
    case 'struct': {
      const fields = Object.entries((schema as StructSchema<unknown>).fields);
      const present = fields.filter(([, field]) => field.since <= version);
      const values = value as Record<string, unknown>;
      return Object.fromEntries(
        present.map(([name, field]) => [name, asOfVersion(field.schema, values[name], version)]),
      );
    }
    default:
      return value;
  }
}
