/**
 * Sparse map from offsets to positions in one segment: the image of an `.index` file.
 *
 *     entry (8 bytes)   int32 offset - baseOffset   int32 positionInSegment
 *
 * As Kafka does, an entry holds the *last* offset of the batch that begins at the position.
 */

import { assert } from '../../common/index.ts';
import { readInt32, writeInt32 } from '../../protocol/index.ts';

export const OFFSET_INDEX_ENTRY_BYTES = 8;

export interface OffsetPosition {
  readonly offset: number;
  readonly positionInSegment: number;
}

export class OffsetIndex {
  readonly baseOffset: number;
  /** Room for more entries than there are; grows by doubling. */
  #image: Uint8Array;
  #entryCount = 0;

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset;
    this.#image = new Uint8Array(0);
  }

  /**
   * @param content of an `.index` file; kept, not copied.
   * @returns undefined where it cannot be right: odd size, or entries that do not rise.
   */
  static fromFile(baseOffset: number, content: Uint8Array): OffsetIndex | undefined {
    if (content.length % OFFSET_INDEX_ENTRY_BYTES !== 0) return undefined;
    const index = new OffsetIndex(baseOffset);
    index.#image = content;
    index.#entryCount = content.length / OFFSET_INDEX_ENTRY_BYTES;
    let lastOffset = -1;
    let lastPosition = -1;
    for (let slot = 0; slot < content.length; slot += OFFSET_INDEX_ENTRY_BYTES) {
      const relativeOffset = readInt32(content, slot);
      const position = readInt32(content, slot + 4);
      if (relativeOffset <= lastOffset || position <= lastPosition) return undefined;
      lastOffset = relativeOffset;
      lastPosition = position;
    }
    return index;
  }

  get entryCount(): number {
    return this.#entryCount;
  }

  get bytes(): Uint8Array {
    return this.#image.subarray(0, this.#entryCount * OFFSET_INDEX_ENTRY_BYTES);
  }

  append(offset: number, positionInSegment: number): void {
    const slot = this.#entryCount * OFFSET_INDEX_ENTRY_BYTES;
    const relativeOffset = offset - this.baseOffset;
    const previous = slot === 0 ? -1 : readInt32(this.#image, slot - OFFSET_INDEX_ENTRY_BYTES);
    assert(
      relativeOffset > previous && relativeOffset < 2 ** 31,
      'Offsets of an index rise and fit 32 bits',
      { offset, baseOffset: this.baseOffset, previous },
    );
    if (slot === this.#image.length) this.#grow();
    writeInt32(this.#image, slot, relativeOffset);
    writeInt32(this.#image, slot + 4, positionInSegment);
    this.#entryCount += 1;
  }

  entry(entryIndex: number): OffsetPosition {
    assert(entryIndex >= 0 && entryIndex < this.#entryCount, 'An index entry exists', {
      entryIndex,
    });
    const slot = entryIndex * OFFSET_INDEX_ENTRY_BYTES;
    return {
      offset: this.baseOffset + readInt32(this.#image, slot),
      positionInSegment: readInt32(this.#image, slot + 4),
    };
  }

  /** @returns the last entry at or below `offset`; undefined where all are above. */
  lookup(offset: number): OffsetPosition | undefined {
    const count = this.#countAtOrBelow(offset);
    return count === 0 ? undefined : this.entry(count - 1);
  }

  /** Removes the entries at and above `offset`. */
  truncateTo(offset: number): void {
    this.#entryCount = this.#countAtOrBelow(offset - 1);
  }

  #countAtOrBelow(offset: number): number {
    const relativeOffset = offset - this.baseOffset;
    let low = 0;
    let high = this.#entryCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (readInt32(this.#image, middle * OFFSET_INDEX_ENTRY_BYTES) <= relativeOffset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Of an index that was read from an empty file there is nothing to double. */
  #grow(): void {
    const sizeBytes = Math.max(this.#image.length * 2, 8 * OFFSET_INDEX_ENTRY_BYTES);
    this.#image = Buffer.concat([this.#image], sizeBytes);
  }
}
