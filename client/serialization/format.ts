/** How keys and values become bytes and back. */

/**
 * - `string`: UTF-8.
 * - `json`: `JSON.stringify` and `JSON.parse`; any JSON-able value, also numbers and booleans.
 * - `bytes`: as they are.
 * - `msgpack`: MessagePack by msgpackr, loaded on first use.
 *
 * In every format null is the absent key or the tombstone and is never encoded.
 */
export type FormatName = 'string' | 'json' | 'bytes' | 'msgpack';

export interface SerializationContext {
  readonly topic: string;
}

/** The application's own way to bytes. */
export interface Serializer<T> {
  /**
   * @returns the bytes, or a string that is sent as UTF-8. They are copied before `send` returns.
   * @throws anything; `send` then rejects with a TypeError that has it as `cause`.
   */
  serialize(value: T, context: SerializationContext): Uint8Array | string;
}

/** The application's own way from bytes. */
export interface Deserializer<T> {
  /**
   * @param bytes a view: copy what outlives the record.
   * @throws anything; reading `key` or `value` then throws DESERIALIZATION_FAILED with it as `cause`.
   */
  deserialize(bytes: Buffer, context: SerializationContext): T;
}
