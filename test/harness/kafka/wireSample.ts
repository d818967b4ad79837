/**
 * Fixed messages of the Kafka protocol, from which Kafka's own serializer made the golden bytes:
 * never change what this makes.
 */

import {
  type ArrayType,
  isPresent,
  type StructType,
  type WireField,
  type WireType,
} from '../../../broker/kafka/wire/schema.ts';

/**
 * - `full`: every field of the version has a value, tagged ones too, and numbers grow from field to
 *   field, so that no two fields of a message can be swapped unnoticed.
 * - `bare`: null where null is allowed, empty arrays and strings, no tags.
 */
export type SampleForm = 'full' | 'bare';

/** @returns plain data with the fields of that version only; Buffers for bytes. */
export function sampleMessage(type: StructType, version: number, form: SampleForm): object {
  let counter = 0;

  const sampleStruct = (struct: StructType, depth: number): object => {
    const present = Object.entries(struct.fields).filter(([, field]) => isPresent(field, version));
    const given = present.filter(([, { tag }]) => form === 'full' || tag === undefined);
    return Object.fromEntries(
      given.map(([name, field]) => [name, sampleField(field, depth)] as const),
    );
  };

  const sampleField = (field: WireField, depth: number): unknown => {
    counter += 1;
    if (form === 'bare' && version >= field.nullableSince) return null;
    return sampleValue(field.type, depth);
  };

  const sampleValue = (value: WireType, depth: number): unknown => {
    counter += 1;
    const full = form === 'full';
    switch (value.kind) {
      case 'boolean':
        return full;
      case 'int8':
        return counter % 100;
      case 'int16':
        return -200 - counter;
      case 'int32':
        return 100_000 + counter;
      case 'int64':
        return -10_000_000_000 - counter;
      case 'float64':
        return counter + 0.5;
      case 'uuid':
        return Buffer.alloc(16, counter).toString('base64url');
      case 'string':
        return full ? `text ${counter} é` : '';
      case 'bytes':
      case 'records':
        return Buffer.from(full ? [counter % 256, 0, 255] : []);
      case 'array': {
        const count = full ? Math.max(1, 2 - depth) : 0;
        const { element } = value as ArrayType;
        return Array.from({ length: count }, () => sampleValue(element, depth + 1));
      }
      case 'struct':
        return sampleStruct(value as StructType, depth);
    }
  };

  return sampleStruct(type, 0);
}
