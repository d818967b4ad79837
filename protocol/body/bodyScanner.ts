/**
 * Checks a body against its schema before anything is made of it.
 *
 * The scanner walks the MessagePack bytes with the schema in hand and allows only what the schema
 * allows at that place: so maps, extensions (msgpackr's records among them, which can compile
 * code), foreign types, nesting deeper than the schema, counts beyond the bytes at hand, invalid
 * UTF-8 and integers out of range are all refused here, and msgpackr then decodes bytes of which
 * every token is known. It allocates nothing but for strings with characters beyond ASCII.
 *
 * Why UTF-8 is checked: msgpackr's own decoder for short strings trusts lead bytes, so that a
 * string ending in 0xF0 makes it read past the string and lose its place.
 */

import { isUtf8 } from 'node:buffer';
import { readInt16, readInt32, readUint16, readUint32 } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import type { ArraySchema, Field, NullableSchema, Schema, StructSchema } from '../schema.ts';
import { BYTES_FIELD_BYTES_MAX, STRING_BYTES_MAX } from './limits.ts';

/** A schema at one version, flattened for the walk. */
export interface ScanPlan {
  readonly kind: Schema<unknown>['kind'];
  readonly name: string;
  /** Range of an integer. */
  readonly min: number;
  readonly max: number;
  /** Of a struct. */
  readonly fields: readonly ScanPlan[];
  /** Of an array or a nullable. */
  readonly inner: ScanPlan | undefined;
}

let bytes: Uint8Array = new Uint8Array(0);
let position = 0;
let end = 0;
let recordsBytes = 0;

/** Fields that a message of this version has, in order. */
export function fieldsAt(
  schema: StructSchema<unknown>,
  version: number,
): ReadonlyArray<readonly [string, Field]> {
  return Object.entries(schema.fields).filter(([, field]) => field.since <= version);
}

export function planScan(schema: Schema<unknown>, version: number, name = 'body'): ScanPlan {
  const bits = schema.kind.startsWith('int') ? Number(schema.kind.slice(3)) : 0;
  const max = bits === 64 ? Number.MAX_SAFE_INTEGER : 2 ** (bits - 1) - 1;
  const min = bits === 64 ? Number.MIN_SAFE_INTEGER : -(2 ** (bits - 1));
  const plan = { kind: schema.kind, name, min, max, fields: [], inner: undefined };
  switch (schema.kind) {
    case 'struct':
      return {
        ...plan,
        fields: fieldsAt(schema as StructSchema<unknown>, version).map(([fieldName, field]) =>
          planScan(field.schema, version, fieldName),
        ),
      };
    case 'array':
      return { ...plan, inner: planScan((schema as ArraySchema<unknown>).element, version, name) };
    case 'nullable':
      return { ...plan, inner: planScan((schema as NullableSchema<unknown>).inner, version, name) };
    default:
      return plan;
  }
}

/**
 * @returns the bytes that the `records` fields of the body claim in its attachments.
 * @throws ProtocolError INVALID_REQUEST naming the field.
 */
export function scanBody(plan: ScanPlan, body: Uint8Array): number {
  bytes = body;
  position = 0;
  end = body.length;
  recordsBytes = 0;
  try {
    scan(plan);
    if (position !== end) fail(plan, `${end - position} bytes stand after the body`);
    return recordsBytes;
  } finally {
    bytes = EMPTY;
  }
}

const EMPTY = new Uint8Array(0);

function scan(plan: ScanPlan): void {
  if (position >= end) fail(plan, 'the body ends before it');
  switch (plan.kind) {
    case 'struct':
      scanStruct(plan);
      return;
    case 'array':
      scanArray(plan);
      return;
    case 'nullable':
      if (bytes[position] === 0xc0) position += 1;
      else scan(plan.inner!);
      return;
    case 'boolean':
      if (bytes[position] !== 0xc2 && bytes[position] !== 0xc3) fail(plan, 'it is no boolean');
      position += 1;
      return;
    case 'string':
      scanString(plan);
      return;
    case 'bytes':
      scanBytes(plan);
      return;
    case 'records':
      recordsBytes += scanInteger(plan, 0, 0xffff_ffff);
      return;
    default:
      if (plan.kind === 'int64') scanInt64(plan);
      else scanInteger(plan, plan.min, plan.max);
  }
}

function scanStruct(plan: ScanPlan): void {
  const { fields } = plan;
  const count = arrayCount(plan);
  if (count !== fields.length) {
    fail(plan, `it has ${count} fields, and ${fields.length} at this version`);
  }
  for (let i = 0; i < count; i += 1) scan(fields[i]!);
}

function scanArray(plan: ScanPlan): void {
  const count = arrayCount(plan);
  const inner = plan.inner!;
  for (let i = 0; i < count; i += 1) scan(inner);
}

function arrayCount(plan: ScanPlan): number {
  const token = bytes[position]!;
  let count: number;
  if (token >= 0x90 && token < 0xa0) {
    count = token - 0x90;
    position += 1;
  } else if (token === 0xdc) {
    need(plan, 3);
    count = readUint16(bytes, position + 1);
    position += 3;
  } else if (token === 0xdd) {
    need(plan, 5);
    count = readUint32(bytes, position + 1);
    position += 5;
  } else fail(plan, 'it is no array');
  if (count > end - position) fail(plan, `it claims ${count} elements in ${end - position} bytes`);
  return count;
}

function scanString(plan: ScanPlan): void {
  const token = bytes[position]!;
  let length: number;
  if (token >= 0xa0 && token < 0xc0) {
    length = token - 0xa0;
    position += 1;
  } else {
    if (token < 0xd9 || token > 0xdb) fail(plan, 'it is no string');
    length = blobLength(plan, token - 0xd9);
  }
  if (length > STRING_BYTES_MAX) fail(plan, `a string of ${length} bytes is too long`);
  if (length > end - position) fail(plan, 'its string is cut short');
  const stop = position + length;
  while (position < stop && bytes[position]! < 0x80) position += 1;
  if (position < stop && !isUtf8(bytes.subarray(position, stop))) fail(plan, 'it is no UTF-8');
  position = stop;
}

function scanBytes(plan: ScanPlan): void {
  const token = bytes[position]!;
  if (token < 0xc4 || token > 0xc6) fail(plan, 'it is no binary value');
  const length = blobLength(plan, token - 0xc4);
  if (length > BYTES_FIELD_BYTES_MAX) fail(plan, `a value of ${length} bytes is too long`);
  if (length > end - position) fail(plan, 'its value is cut short');
  position += length;
}

/** Reads a length of 1, 2 or 4 bytes after the token. */
function blobLength(plan: ScanPlan, log2Bytes: number): number {
  const width = 1 << log2Bytes;
  need(plan, 1 + width);
  const at = position + 1;
  position = at + width;
  if (width === 1) return bytes[at]!;
  return width === 2 ? readUint16(bytes, at) : readUint32(bytes, at);
}

function scanInteger(plan: ScanPlan, min: number, max: number): number {
  const token = bytes[position]!;
  let value: number;
  if (token < 0x80) {
    position += 1;
    value = token;
  } else if (token >= 0xe0) {
    position += 1;
    value = token - 0x100;
  } else value = wideInteger(plan, token);
  if (value < min || value > max) fail(plan, `${value} is outside ${min} to ${max}`);
  return value;
}

function wideInteger(plan: ScanPlan, token: number): number {
  const width = token === 0xcc || token === 0xd0 ? 1 : token === 0xcd || token === 0xd1 ? 2 : 4;
  const at = position + 1;
  need(plan, 1 + width);
  position = at + width;
  switch (token) {
    case 0xcc:
      return bytes[at]!;
    case 0xcd:
      return readUint16(bytes, at);
    case 0xce:
      return readUint32(bytes, at);
    case 0xd0:
      return (bytes[at]! << 24) >> 24;
    case 0xd1:
      return readInt16(bytes, at);
    case 0xd2:
      return readInt32(bytes, at);
    default:
      return fail(plan, 'it is no integer of its width');
  }
}

const float = new Float64Array(1);
const floatBytes = new Uint8Array(float.buffer);

/** Besides the narrow forms: int 64, uint 64, and float 64 with a whole number (msgpackr's form). */
function scanInt64(plan: ScanPlan): void {
  const token = bytes[position]!;
  if (token !== 0xcb && token !== 0xcf && token !== 0xd3) {
    scanInteger(plan, plan.min, plan.max);
    return;
  }
  need(plan, 9);
  const at = position + 1;
  position = at + 8;
  let value: number;
  if (token === 0xcb) {
    for (let i = 0; i < 8; i += 1) floatBytes[7 - i] = bytes[at + i]!;
    value = float[0]!;
  } else {
    const high = token === 0xcf ? readUint32(bytes, at) : readInt32(bytes, at);
    value = high * 0x1_0000_0000 + readUint32(bytes, at + 4);
  }
  if (!Number.isSafeInteger(value)) fail(plan, `${value} is no safe integer`);
}

function need(plan: ScanPlan, byteCount: number): void {
  if (byteCount > end - position) fail(plan, 'the body ends within it');
}

function fail(plan: ScanPlan, why: string): never {
  throw new ProtocolError('INVALID_REQUEST', `Malformed body: field "${plan.name}": ${why}`, {
    details: { position },
  });
}
