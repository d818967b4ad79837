/** Pauses between attempts: doubling, capped, and jittered so that clients do not march in step. */

import type { Random } from '../../common/index.ts';

export interface BackOffOptions {
  /** Pause after the first failure, in milliseconds. */
  readonly firstMs: number;
  /** Largest pause, in milliseconds. */
  readonly maxMs: number;
}

/**
 * @param failures how many attempts have failed in a row, from 1.
 * @returns milliseconds: 80 to 120 % of `firstMs` doubled `failures` - 1 times, at most `maxMs`.
 */
export function backOffMs(options: BackOffOptions, failures: number, random: Random): number {
  const exponent = Math.min(failures - 1, 20);
  const base = Math.min(options.firstMs * 2 ** exponent, options.maxMs);
  return Math.min(base * (0.8 + 0.4 * random.unit()), options.maxMs);
}
