/** Reads what `RecordWriter` writes. Records come from disk: whatever they hold, nothing else is thrown. */

import { CorruptionError } from '../../../common/index.ts';

export class RecordReader {
  readonly #bytes: Buffer;
  #position = 0;

  /** @param bytes what is read from them is copied, so they may be a view. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get remainingBytes(): number {
    return this.#bytes.length - this.#position;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#advance(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  /** @throws {CorruptionError} beyond 2^53 as well. */
  int64(): number {
    const value = Number(this.#bytes.readBigInt64BE(this.#advance(8)));
    if (!Number.isSafeInteger(value)) throw corrupt(`the number ${value} is too large`);
    return value;
  }

  string(): string {
    const value = this.nullableString();
    if (value === null) throw corrupt('a text is null');
    return value;
  }

  nullableString(): string | null {
    const byteCount = this.int16();
    return byteCount < 0 ? null : this.#text(byteCount);
  }

  bytes(): Buffer {
    return this.#copy(this.int32());
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#advance(1)]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw corrupt('a length has more than five bytes');
  }

  compactString(): string {
    const value = this.compactNullableString();
    if (value === null) throw corrupt('a text is null');
    return value;
  }

  compactNullableString(): string | null {
    const length = this.unsignedVarint();
    return length === 0 ? null : this.#text(length - 1);
  }

  compactBytes(): Buffer {
    return this.#copy(this.unsignedVarint() - 1);
  }

  array<Item>(read: () => Item): Item[] {
    return this.#items(this.int32(), read);
  }

  compactArray<Item>(read: () => Item): Item[] {
    return this.#items(this.unsignedVarint() - 1, read);
  }

  /**
   * Reads the tagged fields.
   *
   * @param known reads one whose tag it knows and says so; all others are passed over.
   */
  tags(known: (tag: number) => boolean = () => false): void {
    for (let count = this.unsignedVarint(); count > 0; count -= 1) {
      const tag = this.unsignedVarint();
      const byteCount = this.unsignedVarint();
      const end = this.#position + byteCount;
      if (!known(tag)) this.#advance(byteCount);
      if (this.#position !== end) throw corrupt(`the tagged field ${tag} is not ${byteCount} long`);
    }
  }

  raw(byteCount: number): Buffer {
    return this.#copy(byteCount);
  }

  #items<Item>(count: number, read: () => Item): Item[] {
    // Every item has at least one byte, so a lie about the count allocates nothing.
    if (count < 0 || count > this.remainingBytes) throw corrupt(`a list of ${count} items`);
    return Array.from({ length: count }, read);
  }

  #text(byteCount: number): string {
    const start = this.#advance(byteCount);
    return this.#bytes.toString('utf8', start, start + byteCount);
  }

  #copy(byteCount: number): Buffer {
    const start = this.#advance(byteCount);
    return Buffer.from(this.#bytes.subarray(start, start + byteCount));
  }

  #advance(byteCount: number): number {
    const start = this.#position;
    if (byteCount < 0 || byteCount > this.remainingBytes) {
      throw corrupt(`${byteCount} bytes are wanted at ${start}, ${this.remainingBytes} are left`);
    }
    this.#position = start + byteCount;
    return start;
  }
}

function corrupt(what: string): CorruptionError {
  return new CorruptionError('CORRUPT_GROUP_RECORD', `A record of a group is unreadable: ${what}`);
}
