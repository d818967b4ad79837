/**
 * Cuts ZooKeeper's byte stream into whole frames: a 32-bit length and as many bytes.
 *
 * The client library does this by joining what is left to each read and by calling itself for every
 * frame: a burst of small replies costs quadratic time and a deep stack, and what is left survives
 * into the next connection, where it garbles the handshake.
 */

/** No answer of ZooKeeper is larger: its own default bound is 1 MiB for a request. */
export const frameBytesMax = 64 * 1024 * 1024;

export class FrameSplitter {
  #chunks: Buffer[] = [];
  #byteCount = 0;

  /** Forgets a half frame: a new connection begins. */
  reset(): void {
    this.#chunks = [];
    this.#byteCount = 0;
  }

  /**
   * @param chunk bytes as they were received; kept until the frame is whole.
   * @returns the frames that are whole now, each with its length field; undefined where a length is
   *   impossible, after which the stream cannot be understood any more.
   */
  push(chunk: Buffer): Buffer[] | undefined {
    this.#chunks.push(chunk);
    this.#byteCount += chunk.length;
    let needed = this.#neededBytes();
    if (needed === undefined) return undefined;
    if (this.#byteCount < needed) return [];
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const frames: Buffer[] = [];
    let position = 0;
    while (bytes.length - position >= 4) {
      needed = 4 + bytes.readInt32BE(position);
      if (needed < 4 || needed > frameBytesMax) return undefined;
      if (bytes.length - position < needed) break;
      frames.push(bytes.subarray(position, position + needed));
      position += needed;
    }
    this.#chunks = position === bytes.length ? [] : [bytes.subarray(position)];
    this.#byteCount = bytes.length - position;
    return frames;
  }

  /** Bytes of the first frame, or 4 while even its length is not whole. */
  #neededBytes(): number | undefined {
    if (this.#byteCount < 4) return 4;
    const first = this.#chunks[0];
    const head = first !== undefined && first.length >= 4 ? first : Buffer.concat(this.#chunks);
    const needed = 4 + head.readInt32BE(0);
    return needed < 4 || needed > frameBytesMax ? undefined : needed;
  }
}
