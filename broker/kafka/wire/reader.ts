/**
 * Reads the primitives of the Kafka protocol, never past the end that it was given.
 *
 * Nothing is allocated for a length or a count before as many bytes are known to be there. A count
 * of one-byte elements could still turn a frame of 100 MiB into gigabytes of objects, so the number
 * of elements in one message is limited too.
 */

import { readInt16, readInt32, readInt64 } from '../../../protocol/index.ts';
import { KafkaWireError } from './wireError.ts';

/** Array elements of one message, over all its arrays. */
export const ELEMENTS_MAX = 1_000_000;
/** Longest string: its length is an int16, and stays so where lengths are compact. */
export const STRING_BYTES_MAX = 32_767;

const UVARINT_BYTES_MAX = 5;
const EMPTY = new Uint8Array(0);

export class KafkaReader {
  position: number;
  readonly end: number;
  readonly #bytes: Uint8Array;
  readonly #buffer: Buffer;
  #elements = 0;

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.#bytes = bytes;
    this.#buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
    this.end = end;
  }

  boolean(): boolean {
    return this.#bytes[this.#take(1)] !== 0;
  }

  int8(): number {
    return (this.#bytes[this.#take(1)]! << 24) >> 24;
  }

  int16(): number {
    return readInt16(this.#bytes, this.#take(2));
  }

  int32(): number {
    return readInt32(this.#bytes, this.#take(4));
  }

  /** What lies beyond the safe integers is taken as the greatest or least of them. */
  int64(): number {
    const value = readInt64(this.#bytes, this.#take(8));
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(value, Number.MAX_SAFE_INTEGER));
  }

  float64(): number {
    return this.#buffer.readDoubleBE(this.#take(8));
  }

  uuid(): string {
    const start = this.#take(16);
    return this.#buffer.toString('base64url', start, start + 16);
  }

  /** 7 bits a byte, low first; at most 32 bits. */
  uvarint(): number {
    const bytes = this.#bytes;
    const start = this.position;
    let at = start;
    let value = 0;
    let scale = 1;
    for (;;) {
      if (at >= this.end) return this.fail('A variable-length integer is cut short');
      if (at - start >= UVARINT_BYTES_MAX) {
        return this.fail('A variable-length integer is longer than five bytes');
      }
      const byte = bytes[at]!;
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
    }
    if (value > 0xffff_ffff) return this.fail('A variable-length integer has more than 32 bits');
    this.position = at;
    return value;
  }

  string(): string {
    return this.#text(this.int16()) ?? this.fail('Null where a string is demanded');
  }

  nullableString(): string | null {
    return this.#text(this.int16());
  }

  compactString(): string {
    return this.#text(this.uvarint() - 1) ?? this.fail('Null where a string is demanded');
  }

  compactNullableString(): string | null {
    return this.#text(this.uvarint() - 1);
  }

  /** A view. */
  bytes(): Uint8Array {
    return this.#view(this.int32()) ?? this.fail('Null where bytes are demanded');
  }

  nullableBytes(): Uint8Array | null {
    return this.#view(this.int32());
  }

  compactBytes(): Uint8Array {
    return this.#view(this.uvarint() - 1) ?? this.fail('Null where bytes are demanded');
  }

  compactNullableBytes(): Uint8Array | null {
    return this.#view(this.uvarint() - 1);
  }

  /** @param elementBytesMin fewest bytes of one element, at least 1. */
  array<T>(decode: (reader: KafkaReader) => T, elementBytesMin: number): T[] {
    const count = this.int32();
    if (count < 0) return this.fail('Null where an array is demanded');
    return this.#elementsOf(count, decode, elementBytesMin);
  }

  nullableArray<T>(decode: (reader: KafkaReader) => T, elementBytesMin: number): T[] | null {
    const count = this.int32();
    return count < 0 ? null : this.#elementsOf(count, decode, elementBytesMin);
  }

  compactArray<T>(decode: (reader: KafkaReader) => T, elementBytesMin: number): T[] {
    const count = this.uvarint() - 1;
    if (count < 0) return this.fail('Null where an array is demanded');
    return this.#elementsOf(count, decode, elementBytesMin);
  }

  compactNullableArray<T>(decode: (reader: KafkaReader) => T, elementBytesMin: number): T[] | null {
    const count = this.uvarint() - 1;
    return count < 0 ? null : this.#elementsOf(count, decode, elementBytesMin);
  }

  /** A struct that may be null has a byte before it: -1 for null, else 1 (KIP-893). */
  nullableStruct<T>(decode: (reader: KafkaReader) => T): T | null {
    return this.int8() < 0 ? null : decode(this);
  }

  /** Passes over a section of tagged fields. */
  skipTags(): void {
    for (let count = this.uvarint(); count > 0; count -= 1) {
      this.uvarint();
      this.position = this.tagEnd();
    }
  }

  /** Reads the size of a tagged field. @returns the position after the field. */
  tagEnd(): number {
    const size = this.uvarint();
    if (size > this.end - this.position) return this.fail('A tagged field is cut short');
    return this.position + size;
  }

  /** Demands that a known tagged field ended where its size said. */
  leaveTag(end: number): void {
    if (this.position !== end) this.fail('The size of a tagged field is not that of its value');
  }

  fail(message: string): never {
    throw new KafkaWireError('INVALID_REQUEST', message, { position: this.position });
  }

  #take(byteCount: number): number {
    const start = this.position;
    const next = start + byteCount;
    if (next > this.end) return this.fail('The message is cut short');
    this.position = next;
    return start;
  }

  #text(byteCount: number): string | null {
    if (byteCount < 0) return null;
    if (byteCount > STRING_BYTES_MAX) return this.fail('A string is longer than 32767 bytes');
    const start = this.#take(byteCount);
    return this.#buffer.toString('utf8', start, start + byteCount);
  }

  #view(byteCount: number): Uint8Array | null {
    if (byteCount < 0) return null;
    if (byteCount === 0) return EMPTY;
    const start = this.#take(byteCount);
    return this.#bytes.subarray(start, start + byteCount);
  }

  #elementsOf<T>(count: number, decode: (reader: KafkaReader) => T, elementBytesMin: number): T[] {
    if (count > (this.end - this.position) / elementBytesMin) {
      return this.fail('An array has more elements than there are bytes');
    }
    this.#elements += count;
    if (this.#elements > ELEMENTS_MAX) return this.fail('The message has too many elements');
    const elements: T[] = [];
    for (let i = 0; i < count; i += 1) elements.push(decode(this));
    return elements;
  }
}
