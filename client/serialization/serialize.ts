/** The formats that the SDK knows, and what it does without a declared one. */

import { createRequire } from 'node:module';
import type { Deserializer, FormatName, Serializer } from './format.ts';

interface Packer {
  pack(value: unknown): Uint8Array;
  unpack(bytes: Uint8Array): unknown;
}

let packer: Packer | undefined;

/** msgpackr costs memory and milliseconds at import: only who uses the format pays. */
function msgpack(): Packer {
  packer ??= createRequire(import.meta.url)('msgpackr') as Packer;
  return packer;
}

const serializers: Readonly<Record<FormatName, Serializer<unknown>>> = {
  string: {
    serialize: (value) => {
      if (typeof value === 'string') return value;
      throw new TypeError(`a string is expected, not ${describe(value)}`);
    },
  },
  json: { serialize: (value) => json(value) },
  bytes: {
    serialize: (value) => {
      if (value instanceof Uint8Array) return value;
      throw new TypeError(`a Uint8Array is expected, not ${describe(value)}`);
    },
  },
  msgpack: { serialize: (value) => msgpack().pack(value) },
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

const deserializers: Readonly<Record<FormatName, Deserializer<unknown>>> = {
  string: { deserialize: (bytes) => utf8.decode(bytes) },
  json: { deserialize: (bytes) => JSON.parse(bytes.toString('utf8')) },
  bytes: { deserialize: (bytes) => bytes },
  msgpack: { deserialize: (bytes) => msgpack().unpack(bytes) },
};

/** @throws {TypeError} neither a known name nor an object that can serialise. */
export function formatSerializer(
  format: FormatName | Serializer<unknown> | undefined,
  option: string,
): Serializer<unknown> | undefined {
  if (format === undefined) return undefined;
  const found = typeof format === 'string' ? serializers[format] : format;
  if (typeof found?.serialize === 'function') return found;
  throw unknownFormat(option, format);
}

/** @throws {TypeError} neither a known name nor an object that can deserialise. */
export function formatDeserializer<T>(
  format: FormatName | Deserializer<T> | undefined,
  option: string,
): Deserializer<T> | undefined {
  if (format === undefined) return undefined;
  const found = typeof format === 'string' ? deserializers[format] : format;
  // What a named format yields is what the application declared as T: it alone knows.
  if (typeof found?.deserialize === 'function') return found as Deserializer<T>;
  throw unknownFormat(option, format);
}

/** Strings and bytes as they are, plain objects and arrays as JSON. @throws {TypeError} all else. */
export function inferredBytes(value: unknown): Uint8Array | string {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  const problem = typeof value === 'object' ? lossyObject(value!) : describe(value);
  if (problem === undefined) return json(value);
  throw new TypeError(
    `value must be a string, a Uint8Array, null or a JSON-able object, not ${problem}; ` +
      "for other values set valueFormat, for example 'json'",
  );
}

/** @throws {TypeError} anything but a string or bytes: the JSON of an object is no stable key. */
export function inferredKeyBytes(key: unknown): Uint8Array | string {
  if (typeof key === 'string' || key instanceof Uint8Array) return key;
  throw new TypeError(
    `key must be a string, a Uint8Array or null, not ${describe(key)}; ` +
      "for other keys set keyFormat, for example 'json'",
  );
}

function json(value: unknown): string {
  let text: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TypeError(`${describe(value)} has no JSON form: ${reason}`, { cause: error });
  }
  if (typeof text === 'string') return text;
  throw new TypeError(`${describe(value)} has no JSON form`);
}

/** Objects whose JSON would silently leave out what they hold. */
function lossyObject(value: object): string | undefined {
  if ('toJSON' in value && typeof value.toJSON === 'function') return undefined;
  if ('then' in value && typeof value.then === 'function') return 'a promise (await it first)';
  const lossy =
    value instanceof Map ||
    value instanceof Set ||
    value instanceof ArrayBuffer ||
    value instanceof RegExp ||
    value instanceof Error ||
    ArrayBuffer.isView(value);
  return lossy ? describe(value) : undefined;
}

function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    return `a value of class ${value.constructor?.name ?? 'Object'}`;
  }
  return typeof value === 'undefined' || value === null ? String(value) : `a ${typeof value}`;
}

function unknownFormat(option: string, format: unknown): TypeError {
  const shown = typeof format === 'string' ? `"${format}"` : describe(format);
  return new TypeError(
    `${option} must be 'string', 'json', 'bytes', 'msgpack' or an object of your own, not ${shown}`,
  );
}
