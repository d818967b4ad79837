/** Randomness of the operating system, drawn in blocks: one call into OpenSSL per 512 numbers. */

import { randomBytes } from 'node:crypto';
import { assert } from '../../assert.ts';
import type { Random } from '../random.ts';

const BLOCK_BYTES = 4096;

class SystemRandom implements Random {
  #block = Buffer.alloc(0);
  #position = 0;

  unit(): number {
    if (this.#position + 8 > this.#block.length) {
      this.#block = randomBytes(BLOCK_BYTES);
      this.#position = 0;
    }
    // 53 bits fill the significand: 21 from one word and 32 from the other.
    const high = this.#block.readUInt32LE(this.#position) >>> 11;
    const low = this.#block.readUInt32LE(this.#position + 4);
    this.#position += 8;
    return (high * 2 ** 32 + low) / 2 ** 53;
  }

  below(bound: number): number {
    assert(Number.isSafeInteger(bound) && bound > 0, 'A bound is a whole number above 0', {
      bound,
    });
    return Math.floor(this.unit() * bound);
  }

  bytes(count: number): Buffer {
    return randomBytes(count);
  }
}

export const systemRandom: Random = new SystemRandom();
