/** Writes the values of records in the notation of Kafka's messages, into memory that grows. */

const INITIAL_BYTES = 256;

export class RecordWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #position = 0;

  /** What was written. The writer is not to be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#position);
  }

  int8(value: number): this {
    this.#position = this.#room(1).writeInt8(value, this.#position);
    return this;
  }

  int16(value: number): this {
    this.#position = this.#room(2).writeInt16BE(value, this.#position);
    return this;
  }

  int32(value: number): this {
    this.#position = this.#room(4).writeInt32BE(value, this.#position);
    return this;
  }

  int64(value: number): this {
    this.#position = this.#room(8).writeBigInt64BE(BigInt(value), this.#position);
    return this;
  }

  /** int16 length and UTF-8. */
  string(value: string): this {
    const bytes = Buffer.from(value, 'utf8');
    return this.int16(bytes.length).raw(bytes);
  }

  /** As `string`; length -1 for null. */
  nullableString(value: string | null): this {
    return value === null ? this.int16(-1) : this.string(value);
  }

  /** int32 length and the bytes. */
  bytes(value: Uint8Array): this {
    return this.int32(value.length).raw(value);
  }

  /** Unsigned, seven bits per byte, the lowest first. */
  unsignedVarint(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.#room(1)[this.#position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#room(1)[this.#position++] = rest;
    return this;
  }

  /** Length + 1 as an unsigned varint, and UTF-8; 0 for null. */
  compactString(value: string | null): this {
    if (value === null) return this.unsignedVarint(0);
    const bytes = Buffer.from(value, 'utf8');
    return this.unsignedVarint(bytes.length + 1).raw(bytes);
  }

  compactBytes(value: Uint8Array): this {
    return this.unsignedVarint(value.length + 1).raw(value);
  }

  /** Length + 1, then what `write` writes for each. */
  compactArray<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.unsignedVarint(items.length + 1);
    for (const item of items) write(item);
    return this;
  }

  /** No tagged fields. */
  noTags(): this {
    return this.unsignedVarint(0);
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length).set(bytes, this.#position);
    this.#position += bytes.length;
    return this;
  }

  #room(byteCount: number): Buffer {
    if (this.#position + byteCount > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(
        Math.max(this.#buffer.length * 2, this.#position + byteCount),
      );
      this.#buffer.copy(larger, 0, 0, this.#position);
      this.#buffer = larger;
    }
    return this.#buffer;
  }
}
