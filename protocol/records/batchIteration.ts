/** From batch to batch in a buffer. */

import { readInt32 } from '../bytes.ts';
import { BATCH_HEADER_BYTES, BATCH_LENGTH_AT, BATCH_PREFIX_BYTES } from './batchLayout.ts';

/**
 * Where the batch at `position` ends.
 *
 * @param end the byte after the buffer's content.
 * @returns undefined where no whole batch stands, or where the length field cannot be true.
 */
export function batchEnd(bytes: Uint8Array, position: number, end: number): number | undefined {
  if (end - position < BATCH_HEADER_BYTES) return undefined;
  const sizeBytes = BATCH_PREFIX_BYTES + readInt32(bytes, position + BATCH_LENGTH_AT);
  if (sizeBytes < BATCH_HEADER_BYTES || sizeBytes > end - position) return undefined;
  return position + sizeBytes;
}

/**
 * Positions of the whole batches of a buffer, in order. Stops before the first that is cut short or
 * whose length cannot be true; checks nothing else.
 */
export function* batchPositions(
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): Generator<number, void, undefined> {
  let position = start;
  for (;;) {
    const next = batchEnd(bytes, position, end);
    if (next === undefined) return;
    yield position;
    position = next;
  }
}
