/** A segment in pieces of whole batches, read asynchronously. */

import {
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  batchEnd,
  readInt32,
} from '../../../protocol/index.ts';
import type { LogSegment } from '../logSegment.ts';
import { corruptSegment } from '../segmentScan.ts';

/**
 * @param chunkBytes of one read; a batch that is larger comes alone.
 * @param read how bytes are read: where reads are counted and limited.
 * @returns whole batches; each piece is void when the next one is asked for.
 * @throws {CorruptionError} LOG_CORRUPT where a length cannot be true. Checksums are left to others.
 */
export async function* segmentChunks(
  segment: LogSegment,
  chunkBytes: number,
  read: (target: Uint8Array, position: number) => Promise<number>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const endPosition = segment.sizeBytes;
  let buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, endPosition));
  let position = 0;
  while (position < endPosition) {
    const bytes = buffer.subarray(0, Math.min(buffer.length, endPosition - position));
    const present = await read(bytes, position);
    if (present < bytes.length)
      throw corrupt(segment, position, `it ends at ${position + present}`);
    const end = wholeBatches(bytes);
    if (end > 0) {
      yield bytes.subarray(0, end);
      position += end;
      continue;
    }
    const sizeBytes =
      bytes.length < BATCH_HEADER_BYTES
        ? Math.max(BATCH_HEADER_BYTES, chunkBytes)
        : BATCH_PREFIX_BYTES + readInt32(bytes, 8);
    if (sizeBytes <= bytes.length || sizeBytes > endPosition - position) {
      throw corrupt(segment, position, `a batch of ${sizeBytes} bytes does not fit it`);
    }
    buffer = Buffer.allocUnsafeSlow(sizeBytes);
  }
}

/** @returns where the last whole batch of the bytes ends. */
function wholeBatches(bytes: Uint8Array): number {
  let end = 0;
  for (;;) {
    const next = batchEnd(bytes, end, bytes.length);
    if (next === undefined) return end;
    end = next;
  }
}

function corrupt(segment: LogSegment, position: number, fault: string) {
  return corruptSegment(segment, { validBytes: position, nextOffset: segment.baseOffset, fault });
}
