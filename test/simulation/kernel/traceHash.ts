/**
 * A running hash over everything that a simulation did, so that two runs can be compared by one
 * string. When the same seed gives two hashes, something reached the world past the environment.
 */

const PRIME_A = 0x01000193;
const PRIME_B = 0x85ebca6b;

/** Two 32-bit lanes, FNV-1a like: not for security, only to notice a difference. */
export class TraceHash {
  #laneA = 0x811c9dc5;
  #laneB = 0x9e3779b9;
  readonly #float = new Float64Array(1);
  readonly #words = new Uint32Array(this.#float.buffer);
  /** Labels repeat, so each is hashed once. */
  readonly #labelHashes = new Map<string, number>();

  addNumber(value: number): void {
    this.#float[0] = value;
    this.#addWord(this.#words[0] as number);
    this.#addWord(this.#words[1] as number);
  }

  addLabel(label: string): void {
    let hash = this.#labelHashes.get(label);
    if (hash === undefined) {
      hash = 0x811c9dc5;
      for (let index = 0; index < label.length; index += 1) {
        hash = Math.imul(hash ^ label.charCodeAt(index), PRIME_A);
      }
      this.#labelHashes.set(label, hash);
    }
    this.#addWord(hash);
  }

  /** For bytes that cross the simulated wire: content counts, not only length. */
  addBytes(bytes: Uint8Array): void {
    let hash = bytes.length;
    for (let index = 0; index < bytes.length; index += 1) {
      hash = Math.imul(hash ^ (bytes[index] as number), PRIME_A);
    }
    this.#addWord(hash);
  }

  /** @returns 16 hexadecimal digits. */
  digest(): string {
    const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0');
    return hex(this.#laneA) + hex(this.#laneB);
  }

  #addWord(word: number): void {
    this.#laneA = Math.imul(this.#laneA ^ word, PRIME_A);
    this.#laneB = Math.imul(
      (this.#laneB ^ word) + ((this.#laneB << 13) | (this.#laneB >>> 19)),
      PRIME_B,
    );
  }
}
