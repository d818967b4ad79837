/**
 * Writes the primitives of the Kafka protocol into few chunks.
 *
 * Everything but records goes into one scratch buffer that is used again and copied out once at the
 * end; records stay where they are and become chunks of their own, between views on that one copy.
 */

import { writeInt16, writeInt32, writeInt64 } from '../../../protocol/index.ts';
import { STRING_BYTES_MAX } from './reader.ts';
import type { RecordsInput } from './schema.ts';
import { KafkaWireError } from './wireError.ts';

const SCRATCH_BYTES = 16 * 1024;
/** A scratch that one large answer has made larger than this is given up after it. */
const SCRATCH_KEPT_BYTES_MAX = 1024 * 1024;
/** UTF-8 has at most three bytes for each UTF-16 unit. */
const UTF8_BYTES_PER_UNIT = 3;

export class KafkaWriter {
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #position = 0;
  /** Chunks of records, and for each the position in the scratch before which it comes. */
  readonly #records: Uint8Array[] = [];
  readonly #cuts: number[] = [];
  #recordsBytes = 0;

  /** Begins a message; drops what an encoding that failed left behind. */
  begin(): void {
    this.#position = 0;
    this.#records.length = 0;
    this.#cuts.length = 0;
    this.#recordsBytes = 0;
  }

  /** Bytes written since `begin`, records included. */
  get byteCount(): number {
    return this.#position + this.#recordsBytes;
  }

  /** @returns the message as chunks, which the caller owns, but for records that were handed in. */
  finish(): Uint8Array[] {
    const own = Buffer.allocUnsafe(this.#position);
    this.#scratch.copy(own, 0, 0, this.#position);
    const chunks: Uint8Array[] = [];
    let start = 0;
    for (let i = 0; i < this.#records.length; i += 1) {
      const cut = this.#cuts[i]!;
      if (cut > start) chunks.push(own.subarray(start, cut));
      chunks.push(this.#records[i]!);
      start = cut;
    }
    if (own.length > start) chunks.push(start === 0 ? own : own.subarray(start));
    this.begin();
    if (this.#scratch.length > SCRATCH_KEPT_BYTES_MAX) {
      this.#scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    }
    return chunks;
  }

  boolean(value: boolean): void {
    if (typeof value !== 'boolean') this.#bad('a boolean', value);
    this.#scratch[this.#reserve(1)] = value ? 1 : 0;
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) this.#bad('an 8-bit integer', value);
    this.#scratch[this.#reserve(1)] = value;
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) this.#bad('a 16-bit integer', value);
    const at = this.#reserve(2);
    writeInt16(this.#scratch, at, value);
  }

  int32(value: number): void {
    if ((value | 0) !== value) this.#bad('a 32-bit integer', value);
    const at = this.#reserve(4);
    writeInt32(this.#scratch, at, value);
  }

  /** @param value a safe integer. */
  int64(value: number): void {
    if (!Number.isSafeInteger(value)) this.#bad('a safe integer', value);
    const at = this.#reserve(8);
    writeInt64(this.#scratch, at, value);
  }

  float64(value: number): void {
    if (typeof value !== 'number') this.#bad('a number', value);
    const at = this.#reserve(8);
    this.#scratch.writeDoubleBE(value, at);
  }

  uuid(value: string): void {
    const at = this.#reserve(16);
    if (typeof value !== 'string' || value.length !== 22) this.#bad('a uuid', value);
    if (this.#scratch.write(value, at, 16, 'base64url') !== 16) this.#bad('a uuid', value);
  }

  uvarint(value: number): void {
    let at = this.#reserve(5);
    let rest = value >>> 0;
    for (; rest >= 0x80; rest >>>= 7) {
      this.#scratch[at] = (rest & 0x7f) | 0x80;
      at += 1;
    }
    this.#scratch[at] = rest;
    this.#position = at + 1;
  }

  string(value: string): void {
    const byteCount = this.#utf8Bytes(value);
    const at = this.#reserve(2 + byteCount);
    writeInt16(this.#scratch, at, byteCount);
    this.#scratch.write(value, at + 2, byteCount, 'utf8');
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1);
    else this.string(value);
  }

  compactString(value: string): void {
    const byteCount = this.#utf8Bytes(value);
    this.uvarint(byteCount + 1);
    const at = this.#reserve(byteCount);
    this.#scratch.write(value, at, byteCount, 'utf8');
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0);
    else this.compactString(value);
  }

  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) this.#bad('bytes', value);
    this.int32(value.length);
    this.#copy(value);
  }

  nullableBytes(value: Uint8Array | null): void {
    if (value === null) this.int32(-1);
    else this.bytes(value);
  }

  compactBytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) this.#bad('bytes', value);
    this.uvarint(value.length + 1);
    this.#copy(value);
  }

  compactNullableBytes(value: Uint8Array | null): void {
    if (value === null) this.uvarint(0);
    else this.compactBytes(value);
  }

  records(value: RecordsInput): void {
    this.int32(this.#recordBytes(value));
    this.#refer(value);
  }

  nullableRecords(value: RecordsInput | null): void {
    if (value === null) this.int32(-1);
    else this.records(value);
  }

  compactRecords(value: RecordsInput): void {
    this.uvarint(this.#recordBytes(value) + 1);
    this.#refer(value);
  }

  compactNullableRecords(value: RecordsInput | null): void {
    if (value === null) this.uvarint(0);
    else this.compactRecords(value);
  }

  array<T>(values: readonly T[], encode: (writer: KafkaWriter, value: T) => void): void {
    if (!Array.isArray(values)) this.#bad('an array', values);
    this.int32(values.length);
    for (let i = 0; i < values.length; i += 1) encode(this, values[i]!);
  }

  nullableArray<T>(
    values: readonly T[] | null,
    encode: (writer: KafkaWriter, value: T) => void,
  ): void {
    if (values === null) this.int32(-1);
    else this.array(values, encode);
  }

  compactArray<T>(values: readonly T[], encode: (writer: KafkaWriter, value: T) => void): void {
    if (!Array.isArray(values)) this.#bad('an array', values);
    this.uvarint(values.length + 1);
    for (let i = 0; i < values.length; i += 1) encode(this, values[i]!);
  }

  compactNullableArray<T>(
    values: readonly T[] | null,
    encode: (writer: KafkaWriter, value: T) => void,
  ): void {
    if (values === null) this.uvarint(0);
    else this.compactArray(values, encode);
  }

  nullableStruct<T>(value: T | null, encode: (writer: KafkaWriter, value: T) => void): void {
    this.int8(value === null ? -1 : 1);
    if (value !== null) encode(this, value);
  }

  /** Begins the value of a tagged field. @returns what `endTag` needs. */
  beginTag(tag: number): number {
    this.uvarint(tag);
    return this.#reserve(1);
  }

  /** Writes the size before the value, which makes room for it where one byte is too few. */
  endTag(start: number): void {
    const size = this.#position - start - 1;
    let more = 0;
    for (let rest = size >>> 7; rest > 0; rest >>>= 7) more += 1;
    this.#reserve(more);
    if (more > 0) this.#scratch.copyWithin(start + 1 + more, start + 1, start + 1 + size);
    const end = this.#position;
    this.#position = start;
    this.uvarint(size);
    this.#position = end;
  }

  /** Writes an int32 where `position` bytes of the scratch come before it. */
  patchInt32(position: number, value: number): void {
    writeInt32(this.#scratch, position, value);
  }

  #reserve(byteCount: number): number {
    const at = this.#position;
    if (at + byteCount > this.#scratch.length) this.#grow(at + byteCount);
    this.#position = at + byteCount;
    return at;
  }

  #grow(byteCountMin: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(byteCountMin, 2 * this.#scratch.length));
    this.#scratch.copy(larger, 0, 0, this.#position);
    this.#scratch = larger;
  }

  #utf8Bytes(value: string): number {
    if (typeof value !== 'string') this.#bad('a string', value);
    const byteCount = Buffer.byteLength(value);
    if (value.length * UTF8_BYTES_PER_UNIT <= STRING_BYTES_MAX) return byteCount;
    return byteCount <= STRING_BYTES_MAX ? byteCount : this.#bad('a string', value);
  }

  #copy(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#scratch.set(value, at);
  }

  #recordBytes(value: RecordsInput): number {
    if (value instanceof Uint8Array) return value.length;
    if (!Array.isArray(value)) return this.#bad('records', value);
    let total = 0;
    for (const chunk of value as readonly Uint8Array[]) total += chunk.length;
    return total;
  }

  #refer(value: RecordsInput): void {
    if (!(value instanceof Uint8Array)) {
      for (const chunk of value) this.#refer(chunk);
      return;
    }
    if (value.length === 0) return;
    this.#records.push(value);
    this.#cuts.push(this.#position);
    this.#recordsBytes += value.length;
  }

  #bad(wanted: string, value: unknown): never {
    const found = `${typeof value} "${String(value).slice(0, 100)}"`;
    throw new KafkaWireError('INVALID_VALUE', `Not ${wanted}: ${found}`);
  }
}
