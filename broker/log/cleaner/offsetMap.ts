/**
 * The last offset of each key, within a fixed number of bytes: an open hash table of key digests.
 *
 *     slot (24 bytes)   digest 4 x uint32   offset float64, -1 for an empty slot
 *
 * A digest of 128 bits stands for the key, so a key of any length takes the same room; that two keys
 * share one is left out of account, as with any cryptographic digest.
 */

import { assert } from '../../../common/index.ts';

export const OFFSET_MAP_SLOT_BYTES = 24;
/** 32-bit words of a digest. */
export const DIGEST_WORDS = 4;

export class OffsetMap {
  readonly #digests: Uint32Array;
  readonly #offsets: Float64Array;
  readonly #slotCount: number;
  /** Keys that it takes: below the number of slots, so that a search always ends. */
  readonly capacity: number;
  #keyCount = 0;

  /**
   * @param options.bytesMax memory at most.
   * @param options.keysMax keys that can come at most: no more memory is taken than they need.
   * @param options.loadFactor share of the slots that may be taken, above 0 and below 1.
   */
  constructor(options: {
    readonly bytesMax: number;
    readonly keysMax: number;
    readonly loadFactor: number;
  }) {
    const affordable = Math.floor(options.bytesMax / OFFSET_MAP_SLOT_BYTES);
    const needed = Math.ceil(options.keysMax / options.loadFactor) + 1;
    this.#slotCount = Math.max(2, Math.min(affordable, needed));
    this.capacity = Math.max(1, Math.floor(this.#slotCount * options.loadFactor));
    assert(this.capacity < this.#slotCount, 'An offset map keeps a slot free', {
      slotCount: this.#slotCount,
    });
    this.#digests = new Uint32Array(this.#slotCount * DIGEST_WORDS);
    this.#offsets = new Float64Array(this.#slotCount).fill(-1);
  }

  get keyCount(): number {
    return this.#keyCount;
  }

  /** Share of what it may hold, 0 to 1. */
  get fill(): number {
    return this.#keyCount / this.capacity;
  }

  /** Whether so many keys still fit, though all of them were new. */
  hasRoomFor(keyCount: number): boolean {
    return this.#keyCount + keyCount <= this.capacity;
  }

  /** Notes an offset of a key; offsets come in rising order. */
  put(words: Uint32Array, at: number, offset: number): void {
    const slot = this.#find(words, at);
    if (this.#offsets[slot]! < 0) {
      assert(this.#keyCount < this.capacity, 'An offset map is not filled beyond its capacity');
      const target = slot * DIGEST_WORDS;
      for (let word = 0; word < DIGEST_WORDS; word += 1) {
        this.#digests[target + word] = words[at + word]!;
      }
      this.#keyCount += 1;
    }
    this.#offsets[slot] = offset;
  }

  /** @returns the last offset of the key; -1 where it was never put. */
  get(words: Uint32Array, at: number): number {
    return this.#offsets[this.#find(words, at)]!;
  }

  /** The slot of the digest, or the free one where it belongs. */
  #find(words: Uint32Array, at: number): number {
    let slot = words[at]! % this.#slotCount;
    while (this.#offsets[slot]! >= 0 && !this.#isAt(slot, words, at)) {
      slot += 1;
      if (slot === this.#slotCount) slot = 0;
    }
    return slot;
  }

  #isAt(slot: number, words: Uint32Array, at: number): boolean {
    const start = slot * DIGEST_WORDS;
    for (let word = 0; word < DIGEST_WORDS; word += 1) {
      if (this.#digests[start + word] !== words[at + word]) return false;
    }
    return true;
  }
}
