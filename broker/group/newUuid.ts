/** Random UUIDs (version 4), in Java's notation, from the injected randomness. */

import type { Random } from '../../common/index.ts';

/** @returns 36 characters, such as `0f8fad5b-d9cb-469f-a165-70867728950e`. */
export function newUuid(random: Pick<Random, 'bytes'>): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const digits = bytes.toString('hex');
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-');
}
