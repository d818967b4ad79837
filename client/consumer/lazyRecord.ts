/** A record whose key, value and headers are decoded when somebody looks at them. */

import { type RecordCursor, VarintReader } from '../../protocol/index.ts';
import { ClientError } from '../errors.ts';
import type { Deserializer } from '../serialization/format.ts';
import type { ConsumedHeaders, ConsumedRecord } from './consumedRecord.ts';

/** What the records of one partition share. */
export interface RecordSource<Key, Value> {
  readonly topic: string;
  readonly partition: number;
  readonly keyDeserializer: Deserializer<Key> | undefined;
  readonly valueDeserializer: Deserializer<Value> | undefined;
}

const NO_HEADERS: ConsumedHeaders = [];
/** One is enough: reading is never interrupted. */
const reader = new VarintReader();

export class LazyRecord<Key, Value> implements ConsumedRecord<Key, Value> {
  readonly offset: number;
  readonly timestamp: number;
  readonly #source: RecordSource<Key, Value>;
  readonly #bytes: Buffer;
  /** Where the length of the key begins. A cursor has checked all lengths from here on. */
  readonly #position: number;
  #key: Key | undefined;
  #value: Value | undefined;

  /**
   * @param bytes the cursor's buffer.
   * @param cursor at the record. Nothing of it is kept: it moves on.
   */
  constructor(source: RecordSource<Key, Value>, bytes: Buffer, cursor: RecordCursor) {
    this.offset = cursor.offset;
    this.timestamp = cursor.timestamp;
    this.#source = source;
    this.#bytes = bytes;
    this.#position = cursor.fieldsPosition;
  }

  get topic(): string {
    return this.#source.topic;
  }

  get partition(): number {
    return this.#source.partition;
  }

  get key(): Key {
    this.#key ??= this.#deserialized(this.#source.keyDeserializer, this.keyBytes, 'key');
    return this.#key;
  }

  get value(): Value {
    this.#value ??= this.#deserialized(this.#source.valueDeserializer, this.valueBytes, 'value');
    return this.#value;
  }

  get keyBytes(): Buffer | null {
    return this.#blob(this.#goToKey());
  }

  get valueBytes(): Buffer | null {
    return this.#blob(this.#goToValue());
  }

  get headers(): ConsumedHeaders {
    skip(this.#goToValue());
    const count = reader.next();
    if (count === 0) return NO_HEADERS;
    const headers: [string, Buffer | null][] = [];
    for (let i = 0; i < count; i++) {
      const nameBytes = reader.next();
      const name = this.#bytes.toString('utf8', reader.position, reader.position + nameBytes);
      reader.position += nameBytes;
      const valueBytes = reader.next();
      headers.push([name, this.#blob(valueBytes)]);
      skip(valueBytes);
    }
    return headers;
  }

  text(): string | null {
    const byteCount = this.#goToValue();
    if (byteCount < 0) return null;
    return this.#bytes.toString('utf8', reader.position, reader.position + byteCount);
  }

  json<T = unknown>(): T {
    const text = this.text();
    if (text === null) return null as T;
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw this.#failure('value', error);
    }
  }

  toJSON(): Readonly<Record<string, unknown>> {
    const { topic, partition, offset, timestamp, key, value, headers } = this;
    return { topic, partition, offset, timestamp, key, value, headers };
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): Readonly<Record<string, unknown>> {
    return this.toJSON();
  }

  /** Puts the reader at the key's bytes. @returns their number, -1 for null. */
  #goToKey(): number {
    reader.bytes = this.#bytes;
    reader.end = this.#bytes.length;
    reader.position = this.#position;
    return reader.next();
  }

  #goToValue(): number {
    skip(this.#goToKey());
    return reader.next();
  }

  /** The bytes at the reader, which stays where it is. */
  #blob(byteCount: number): Buffer | null {
    if (byteCount < 0) return null;
    const { buffer, byteOffset } = this.#bytes;
    return Buffer.from(buffer, byteOffset + reader.position, byteCount);
  }

  #deserialized<T>(
    deserializer: Deserializer<T> | undefined,
    bytes: Buffer | null,
    what: string,
  ): T {
    // Without a format Key and Value are `Buffer | null`; null has no other form in any format.
    if (deserializer === undefined || bytes === null) return bytes as T;
    try {
      return deserializer.deserialize(bytes, this.#source);
    } catch (error) {
      throw this.#failure(what, error);
    }
  }

  #failure(what: string, cause: unknown): ClientError {
    const { topic, partition, offset } = this;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new ClientError(
      'DESERIALIZATION_FAILED',
      `the ${what} at offset ${offset} of partition ${partition} of topic "${topic}" cannot be read: ${reason}`,
      { cause, details: { topic, partition, offset } },
    );
  }
}

function skip(byteCount: number): void {
  if (byteCount > 0) reader.position += byteCount;
}
