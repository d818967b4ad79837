/**
 * Jute, ZooKeeper's serialisation: big-endian numbers, length-prefixed bytes and UTF-8, counted
 * vectors. Field order is the whole schema, so the codecs beside this file name the fields.
 *
 *     int      4 bytes            boolean  1 byte, 0 or 1
 *     long     8 bytes            buffer   int length (-1: null), bytes
 *     ustring  a buffer of UTF-8  vector   int count (-1: null), elements
 */

import type { SessionId } from './treeRequest.ts';

/** Bytes that are no jute record of the expected kind. */
export class JuteError extends Error {
  override readonly name = 'JuteError';
}

export class JuteReader {
  readonly #bytes: Buffer;
  #position: number;
  readonly #end: number;

  /** @param bytes are read in place: what `view` gives lies within them. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#position = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  /** A 64-bit number; exact up to 2^53, which zxids and times never reach. */
  long(): number {
    return Number(this.#bytes.readBigInt64BE(this.#advance(8)));
  }

  sessionId(): SessionId {
    const position = this.#advance(8);
    return this.#bytes.toString('hex', position, position + 8);
  }

  boolean(): boolean {
    return this.#bytes[this.#advance(1)] !== 0;
  }

  /** A view, valid as long as the bytes that are read; null where the writer had none. */
  view(): Uint8Array | null {
    const length = this.int();
    if (length === -1) return null;
    const position = this.#advance(length);
    return this.#bytes.subarray(position, position + length);
  }

  /** A copy that may be kept. */
  bytes(): Uint8Array | null {
    const view = this.view();
    return view === null ? null : new Uint8Array(view);
  }

  /** @throws {JuteError} for a null string: no request has a use for one. */
  string(): string {
    const length = this.int();
    const position = this.#advance(length);
    return this.#bytes.toString('utf8', position, position + length);
  }

  /**
   * All elements of a vector; null is an empty one.
   *
   * @param elementBytesMin what each takes at least: a count that cannot be true is refused
   *   before anything is allocated.
   */
  vector<T>(elementBytesMin: number, element: () => T): T[] {
    const count = this.int();
    if (count === -1) return [];
    if (count < 0 || count * elementBytesMin > this.remaining) {
      throw new JuteError(`A vector of ${count} elements does not fit into the packet`);
    }
    return Array.from({ length: count }, element);
  }

  /** Position before the step. */
  #advance(byteCount: number): number {
    if (byteCount < 0 || byteCount > this.remaining) {
      throw new JuteError(`A field of ${byteCount} bytes does not fit into the packet`);
    }
    const position = this.#position;
    this.#position += byteCount;
    return position;
  }
}

export class JuteWriter {
  #bytes: Buffer;
  #length = 0;

  /** @param capacity bytes to begin with; it grows by doubling. */
  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  int(value: number): this {
    const position = this.#reserve(4);
    this.#bytes.writeInt32BE(value, position);
    return this;
  }

  long(value: number): this {
    const position = this.#reserve(8);
    this.#bytes.writeBigInt64BE(BigInt(value), position);
    return this;
  }

  sessionId(value: SessionId): this {
    const position = this.#reserve(8);
    this.#bytes.write(value, position, 8, 'hex');
    return this;
  }

  boolean(value: boolean): this {
    const position = this.#reserve(1);
    this.#bytes[position] = value ? 1 : 0;
    return this;
  }

  buffer(value: Uint8Array | null): this {
    this.int(value === null ? -1 : value.length);
    if (value === null) return this;
    const position = this.#reserve(value.length);
    this.#bytes.set(value, position);
    return this;
  }

  string(value: string): this {
    const byteCount = Buffer.byteLength(value);
    this.int(byteCount);
    const position = this.#reserve(byteCount);
    this.#bytes.write(value, position, byteCount, 'utf8');
    return this;
  }

  vector<T>(values: readonly T[], element: (value: T) => void): this {
    this.int(values.length);
    for (const value of values) element(value);
    return this;
  }

  /** Overwrites an int written earlier: a length or checksum that is known only at the end. */
  setUint32(position: number, value: number): this {
    this.#bytes.writeUInt32BE(value, position);
    return this;
  }

  /** What was written. The writer is not used again. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** May replace `#bytes`, so it is called before they are. */
  #reserve(byteCount: number): number {
    const position = this.#length;
    this.#length += byteCount;
    if (this.#length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, position);
      this.#bytes = grown;
    }
    return position;
  }
}
