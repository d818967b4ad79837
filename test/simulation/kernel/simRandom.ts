/** Seeded randomness: PCG32, forkable by name so that one node's draws never move another's. */

import type { Random } from '../../../common/index.ts';

/**
 * A repeatable `Random`. The same seed and the same calls give the same values on every machine.
 *
 * @see O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
 * Random Number Generation", variant XSH-RR 64/32 (64-bit state kept as two 32-bit halves).
 */
export class SimRandom implements Random {
  readonly seed: number;
  readonly #stream: string;
  #high: number;
  #low: number;
  readonly #incrementHigh: number;
  readonly #incrementLow: number;

  /**
   * @param seed any safe integer.
   * @param stream tells apart generators of one seed.
   */
  constructor(seed: number, stream = '') {
    this.seed = seed;
    this.#stream = stream;
    const streamHash = hashText(stream);
    this.#incrementHigh = hashText(`${stream}#`) >>> 0;
    this.#incrementLow = (streamHash | 1) >>> 0;
    this.#high = 0;
    this.#low = 0;
    this.#step();
    this.#low = (this.#low + (seed >>> 0)) >>> 0;
    this.#high = (this.#high + (Math.floor(seed / 2 ** 32) >>> 0)) >>> 0;
    this.#step();
  }

  /** A generator of its own, decided by this seed and `name` only: draws made so far do not count. */
  fork(name: string): SimRandom {
    return new SimRandom(this.seed, `${this.#stream}/${name}`);
  }

  /** Uniform 32-bit unsigned integer. */
  uint32(): number {
    const high = this.#high;
    const low = this.#low;
    this.#step();
    // xorshifted = ((state >> 18) ^ state) >> 27, taken from the 64-bit state.
    const xorHigh = (high ^ (high >>> 18)) >>> 0;
    const xorLow = (low ^ ((high << 14) | (low >>> 18))) >>> 0;
    const shifted = ((xorHigh << 5) | (xorLow >>> 27)) >>> 0;
    const rotation = high >>> 27;
    return ((shifted >>> rotation) | (shifted << (-rotation & 31))) >>> 0;
  }

  unit(): number {
    return this.uint32() / 2 ** 32;
  }

  below(bound: number): number {
    if (bound <= 2 ** 21) return Math.floor(this.unit() * bound);
    return Math.floor(((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) * 2 ** -53 * bound);
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let index = 0; index < count; index += 1) bytes[index] = this.uint32() & 0xff;
    return bytes;
  }

  /** True with this probability, in [0, 1]. */
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** Whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** One element; the list must not be empty. */
  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** Exponentially distributed with this mean: many small values, few large ones. */
  exponential(mean: number): number {
    return -Math.log(1 - this.unit()) * mean;
  }

  /** state = state * 6364136223846793005 + increment, modulo 2^64. */
  #step(): void {
    const multiplierHigh = 0x5851f42d;
    const multiplierLow = 0x4c957f2d;
    const { high, low } = multiplyLow(this.#low, multiplierLow);
    const mixed =
      (high + Math.imul(this.#high, multiplierLow) + Math.imul(this.#low, multiplierHigh)) >>> 0;
    const sum = low + this.#incrementLow;
    this.#low = sum >>> 0;
    this.#high = (mixed + this.#incrementHigh + (sum > 0xffffffff ? 1 : 0)) >>> 0;
  }
}

/** 32 x 32 -> 64 bits. */
function multiplyLow(left: number, right: number): { high: number; low: number } {
  const leftHigh = left >>> 16;
  const leftLow = left & 0xffff;
  const rightHigh = right >>> 16;
  const rightLow = right & 0xffff;
  const lowLow = leftLow * rightLow;
  const middle = leftHigh * rightLow + (lowLow >>> 16);
  const middleLow = (middle & 0xffff) + leftLow * rightHigh;
  const high =
    leftHigh * rightHigh + Math.floor(middle / 0x10000) + Math.floor(middleLow / 0x10000);
  return { high: high >>> 0, low: ((middleLow << 16) | (lowLow & 0xffff)) >>> 0 };
}

function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}
