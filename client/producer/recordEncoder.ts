/** From what an application passes to `send` to what a batch takes. */

import type { HeaderToWrite, RecordBytes } from '../../protocol/index.ts';
import type { FormatName, Serializer } from '../serialization/format.ts';
import { formatSerializer, inferredBytes, inferredKeyBytes } from '../serialization/serialize.ts';
import type { BatchRecord, HeadersInput } from './producerRecord.ts';

const NO_HEADERS: readonly HeaderToWrite[] = [];

export interface RecordEncoderOptions {
  readonly keyFormat?: FormatName | Serializer<unknown> | undefined;
  readonly valueFormat?: FormatName | Serializer<unknown> | undefined;
}

export class RecordEncoder {
  readonly #keySerializer: Serializer<unknown> | undefined;
  readonly #valueSerializer: Serializer<unknown> | undefined;

  /** @throws {TypeError} an unknown format. */
  constructor({ keyFormat, valueFormat }: RecordEncoderOptions) {
    this.#keySerializer = formatSerializer(keyFormat, 'keyFormat');
    this.#valueSerializer = formatSerializer(valueFormat, 'valueFormat');
  }

  /** @throws {TypeError} a key that has no bytes. */
  key(topic: string, key: unknown): RecordBytes {
    if (key === undefined || key === null) return null;
    if (this.#keySerializer === undefined) return inferredKeyBytes(key);
    return serialized(this.#keySerializer, key, { topic, what: 'key' });
  }

  /** @throws {TypeError} a value that has no bytes; undefined too, null being the tombstone. */
  value(topic: string, value: unknown): RecordBytes {
    if (value === null) return null;
    if (value === undefined) {
      throw new TypeError(
        'value is undefined: write null for a record without value (a tombstone)',
      );
    }
    if (this.#valueSerializer === undefined) return inferredBytes(value);
    return serialized(this.#valueSerializer, value, { topic, what: 'value' });
  }
}

/** @throws {TypeError} headers that are neither pairs nor an object, or hold anything but bytes. */
export function headersToWrite(headers: HeadersInput | undefined): readonly HeaderToWrite[] {
  if (headers === undefined) return NO_HEADERS;
  if (headers === null || typeof headers !== 'object') {
    throw new TypeError(`headers must be pairs or an object, not ${typeof headers}`);
  }
  const pairs: Iterable<unknown> = Array.isArray(headers) ? headers : Object.entries(headers);
  const result: HeaderToWrite[] = [];
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new TypeError('each header must be a pair [name, value]');
    }
    const [name, value]: unknown[] = pair;
    if (typeof name !== 'string') throw new TypeError('the name of a header must be a string');
    if (value !== null && typeof value !== 'string' && !(value instanceof Uint8Array)) {
      throw new TypeError(`header "${name}" must be a string, a Uint8Array or null`);
    }
    result.push([name, value]);
  }
  return result;
}

/** @throws {TypeError} no whole milliseconds since 1970. */
export function timestampToWrite(timestamp: BatchRecord['timestamp']): number {
  const value = timestamp instanceof Date ? timestamp.getTime() : timestamp;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(
    `timestamp must be whole milliseconds since 1970 or a Date, not ${String(timestamp)}`,
  );
}

function serialized(
  serializer: Serializer<unknown>,
  value: unknown,
  { topic, what }: { readonly topic: string; readonly what: string },
): Uint8Array | string {
  let bytes: unknown;
  try {
    bytes = serializer.serialize(value, { topic });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TypeError(`the ${what} could not be serialised: ${reason}`, { cause: error });
  }
  if (typeof bytes === 'string' || bytes instanceof Uint8Array) return bytes;
  throw new TypeError(`the serialiser of the ${what} returned neither a Uint8Array nor a string`);
}
