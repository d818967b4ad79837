/** Content of a file: bytes that can be written anywhere and cut anywhere, as a disk's. */
export class GrowingBytes {
  #buffer: Buffer;
  #sizeBytes: number;

  constructor(content: Uint8Array = Buffer.alloc(0)) {
    this.#buffer = Buffer.from(content);
    this.#sizeBytes = content.length;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** A view, valid until the next change. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#sizeBytes);
  }

  clone(): GrowingBytes {
    return new GrowingBytes(this.view());
  }

  /** A gap between the old end and `position` reads as zeros. */
  write(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.resize(Math.max(this.#sizeBytes, position + bytes.length));
    this.#buffer.set(bytes, position);
  }

  /** Cuts, or extends with zeros. */
  resize(sizeBytes: number): void {
    if (sizeBytes > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(sizeBytes, 2 * this.#buffer.length, 64));
      grown.set(this.view());
      this.#buffer = grown;
    } else if (sizeBytes < this.#sizeBytes) {
      this.#buffer.fill(0, sizeBytes, this.#sizeBytes);
    }
    this.#sizeBytes = sizeBytes;
  }

  /** @returns bytes read. */
  read(target: Uint8Array, position: number): number {
    const end = Math.min(this.#sizeBytes, position + target.length);
    if (end <= position) return 0;
    target.set(this.#buffer.subarray(position, end));
    return end - position;
  }

  flipBit(position: number, bit: number): void {
    if (position >= this.#sizeBytes) return;
    this.#buffer[position] = (this.#buffer[position] as number) ^ (1 << bit);
  }
}
