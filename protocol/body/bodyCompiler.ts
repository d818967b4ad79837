/**
 * Turns a schema at one version into two functions: object to positional arrays and back.
 *
 * They are compiled from source text, since object literals with fixed names are an order of
 * magnitude faster than setting properties in a loop over names, which is megamorphic in V8. The
 * text is made of the catalogue alone: names are checked to be plain identifiers, and nothing from
 * the wire ever gets here.
 */

import { assert } from '../../common/index.ts';
import { ProtocolError } from '../errors.ts';
import type { ArraySchema, NullableSchema, Schema, StructSchema } from '../schema.ts';
import { fieldsAt } from './bodyScanner.ts';
import { BYTES_FIELD_BYTES_MAX, STRING_BYTES_MAX, STRING_UNITS_ALWAYS_FIT } from './limits.ts';

/** Writes records into `attachments` as it goes. */
export type ToArrays = (value: unknown, attachments: Uint8Array[]) => unknown;
/** Takes what the scanner has passed and msgpackr has decoded: nothing is checked again. */
export type FromArrays = (arrays: unknown, attachments: AttachmentReader) => unknown;

const IDENTIFIER = /^[a-z][a-zA-Z0-9]*$/;

/** Hands out the attachments in the order of the `records` fields. */
export class AttachmentReader {
  #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(byteCount: number): Uint8Array {
    const start = this.#position;
    this.#position += byteCount;
    return this.#bytes.subarray(start, this.#position);
  }
}

export function compileToArrays(schema: Schema<unknown>, version: number): ToArrays {
  const source = `return (v, w) => ${encodeExpression(schema, version, { value: 'v', name: 'body' })}`;
  return new Function('h', source)(encodeHelpers) as ToArrays;
}

export function compileFromArrays(schema: Schema<unknown>, version: number): FromArrays {
  const source = `return (a, r) => ${decodeExpression(schema, version, 'a')}`;
  return new Function('h', source)(decodeHelpers) as FromArrays;
}

function encodeExpression(
  schema: Schema<unknown>,
  version: number,
  at: { readonly value: string; readonly name: string },
): string {
  const { value, name } = at;
  const bad = `h.bad('${name}', ${value})`;
  switch (schema.kind) {
    case 'struct': {
      const parts = fieldsAt(schema as StructSchema<unknown>, version).map(([fieldName, field]) => {
        checkName(fieldName);
        const inner = { value: `${value}.${fieldName}`, name: fieldName };
        return encodeExpression(field.schema, version, inner);
      });
      return `[${parts.join(', ')}]`;
    }
    case 'array': {
      const inner = { value: 'e', name };
      const element = encodeExpression((schema as ArraySchema<unknown>).element, version, inner);
      return `h.each('${name}', ${value}, (e) => ${element})`;
    }
    case 'nullable': {
      const inner = encodeExpression((schema as NullableSchema<unknown>).inner, version, at);
      return `(${value} === null ? null : ${inner})`;
    }
    case 'boolean':
      return `(typeof ${value} === 'boolean' ? ${value} : ${bad})`;
    case 'int8':
      return `((${value} << 24 >> 24) === ${value} ? ${value} : ${bad})`;
    case 'int16':
      return `((${value} << 16 >> 16) === ${value} ? ${value} : ${bad})`;
    case 'int32':
      return `((${value} | 0) === ${value} ? ${value} : ${bad})`;
    case 'int64':
      return `(Number.isSafeInteger(${value}) ? ${value} : ${bad})`;
    case 'string':
      return `h.string('${name}', ${value})`;
    case 'bytes':
      return `h.bytes('${name}', ${value})`;
    case 'records':
      return `h.records('${name}', ${value}, w)`;
  }
}

function decodeExpression(schema: Schema<unknown>, version: number, value: string): string {
  switch (schema.kind) {
    case 'struct': {
      let index = 0;
      const parts = Object.entries((schema as StructSchema<unknown>).fields).map(
        ([name, field]) => {
          checkName(name);
          // A field newer than the message reads as the empty value of its kind.
          if (field.since > version) return `${name}: ${absentExpression(field.schema)}`;
          const inner = decodeExpression(field.schema, version, `${value}[${index}]`);
          index += 1;
          return `${name}: ${inner}`;
        },
      );
      return `({${parts.join(', ')}})`;
    }
    case 'array': {
      const { element } = schema as ArraySchema<unknown>;
      const inner = decodeExpression(element, version, 'a');
      return inner === 'a' ? value : `h.each(${value}, (a) => ${inner})`;
    }
    case 'nullable': {
      const inner = decodeExpression((schema as NullableSchema<unknown>).inner, version, value);
      return inner === value ? value : `(${value} === null ? null : ${inner})`;
    }
    case 'int64':
      return `h.integer(${value})`;
    case 'records':
      return `r.take(${value})`;
    default:
      return value;
  }
}

function absentExpression(schema: Schema<unknown>): string {
  switch (schema.kind) {
    case 'struct': {
      const { fields } = schema as StructSchema<unknown>;
      const parts = Object.entries(fields).map(
        ([name, field]) => `${name}: ${absentExpression(field.schema)}`,
      );
      return `({${parts.join(', ')}})`;
    }
    case 'array':
      return '[]';
    case 'nullable':
      return 'null';
    case 'boolean':
      return 'false';
    case 'string':
      return "''";
    case 'bytes':
    case 'records':
      return 'new Uint8Array(0)';
    default:
      return '0';
  }
}

function checkName(name: string): void {
  assert(IDENTIFIER.test(name), 'A field name of the catalogue is a plain identifier', { name });
}

const encodeHelpers = {
  each(name: string, values: unknown, encode: (value: unknown) => unknown): unknown[] {
    if (!Array.isArray(values)) return encodeHelpers.bad(name, values);
    const result = new Array<unknown>(values.length);
    for (let i = 0; i < values.length; i += 1) result[i] = encode(values[i]);
    return result;
  },
  string(name: string, value: unknown): string {
    if (typeof value !== 'string') return encodeHelpers.bad(name, value);
    if (value.length <= STRING_UNITS_ALWAYS_FIT) return value;
    const byteCount = Buffer.byteLength(value);
    if (byteCount <= STRING_BYTES_MAX) return value;
    throw new ProtocolError(
      'INVALID_REQUEST',
      `Field "${name}" has ${byteCount} bytes; a string has at most ${STRING_BYTES_MAX}`,
    );
  },
  bytes(name: string, value: unknown): Uint8Array {
    if (!(value instanceof Uint8Array)) return encodeHelpers.bad(name, value);
    if (value.length <= BYTES_FIELD_BYTES_MAX) return value;
    throw new ProtocolError(
      'INVALID_REQUEST',
      `Field "${name}" has ${value.length} bytes; at most ${BYTES_FIELD_BYTES_MAX} are allowed`,
    );
  },
  records(name: string, value: unknown, attachments: Uint8Array[]): number {
    if (value instanceof Uint8Array) {
      if (value.length > 0) attachments.push(value);
      return value.length;
    }
    if (!Array.isArray(value)) return encodeHelpers.bad(name, value);
    let total = 0;
    for (const chunk of value) total += encodeHelpers.records(name, chunk, attachments);
    return total;
  },
  bad(name: string, value: unknown): never {
    throw new ProtocolError(
      'INVALID_REQUEST',
      `Field "${name}" cannot be encoded: ${typeof value} "${String(value).slice(0, 100)}"`,
    );
  },
};

const decodeHelpers = {
  each(values: readonly unknown[], decode: (value: unknown) => unknown): unknown[] {
    const result = new Array<unknown>(values.length);
    for (let i = 0; i < values.length; i += 1) result[i] = decode(values[i]);
    return result;
  },
  /** msgpackr gives int 64 as bigint; the scanner has checked that it is a safe integer. */
  integer(value: number | bigint): number {
    return typeof value === 'number' ? value : Number(value);
  },
};
