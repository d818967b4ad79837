/**
 * Sparse map from timestamps to offsets in one segment: the image of a `.timeindex` file.
 *
 *     entry (12 bytes)   int64 timestamp   int32 offset - baseOffset
 *
 * An entry says: nothing up to this offset, the last of its batch, is newer than this timestamp.
 */

import { assert } from '../../common/index.ts';
import { readInt32, readInt64, writeInt32, writeInt64 } from '../../protocol/index.ts';

export const TIME_INDEX_ENTRY_BYTES = 12;

export interface TimestampOffset {
  readonly timestamp: number;
  readonly offset: number;
}

export class TimeIndex {
  readonly baseOffset: number;
  /** Room for more entries than there are; grows by doubling. */
  #image: Uint8Array;
  #entryCount = 0;

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset;
    this.#image = new Uint8Array(0);
  }

  /**
   * @param content of a `.timeindex` file; kept, not copied.
   * @returns undefined where it cannot be right: odd size, or entries that do not rise.
   */
  static fromFile(baseOffset: number, content: Uint8Array): TimeIndex | undefined {
    if (content.length % TIME_INDEX_ENTRY_BYTES !== 0) return undefined;
    const index = new TimeIndex(baseOffset);
    index.#image = content;
    index.#entryCount = content.length / TIME_INDEX_ENTRY_BYTES;
    let last: TimestampOffset = { timestamp: -1, offset: baseOffset - 1 };
    for (let entryIndex = 0; entryIndex < index.#entryCount; entryIndex += 1) {
      const entry = index.entry(entryIndex);
      if (entry.timestamp <= last.timestamp || entry.offset <= last.offset) return undefined;
      last = entry;
    }
    return index;
  }

  get entryCount(): number {
    return this.#entryCount;
  }

  get bytes(): Uint8Array {
    return this.#image.subarray(0, this.#entryCount * TIME_INDEX_ENTRY_BYTES);
  }

  /** Adds an entry where the timestamp is newer than all so far; else does nothing. */
  maybeAppend({ timestamp, offset }: TimestampOffset): void {
    const last = this.#entryCount === 0 ? undefined : this.entry(this.#entryCount - 1);
    if (timestamp <= (last?.timestamp ?? -1)) return;
    assert(offset > (last?.offset ?? this.baseOffset - 1), 'Offsets of a time index rise', {
      offset,
      last: last?.offset,
    });
    const slot = this.#entryCount * TIME_INDEX_ENTRY_BYTES;
    if (slot === this.#image.length) this.#grow();
    writeInt64(this.#image, slot, timestamp);
    writeInt32(this.#image, slot + 8, offset - this.baseOffset);
    this.#entryCount += 1;
  }

  entry(entryIndex: number): TimestampOffset {
    assert(entryIndex >= 0 && entryIndex < this.#entryCount, 'An index entry exists', {
      entryIndex,
    });
    const slot = entryIndex * TIME_INDEX_ENTRY_BYTES;
    return {
      timestamp: readInt64(this.#image, slot),
      offset: this.baseOffset + readInt32(this.#image, slot + 8),
    };
  }

  /** @returns the last entry whose timestamp is below `timestamp`: a safe place to scan from. */
  lookupBelow(timestamp: number): TimestampOffset | undefined {
    let low = 0;
    let high = this.#entryCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (readInt64(this.#image, middle * TIME_INDEX_ENTRY_BYTES) < timestamp) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.entry(low - 1);
  }

  /** Removes the entries at and above `offset`. */
  truncateTo(offset: number): void {
    while (this.#entryCount > 0 && this.entry(this.#entryCount - 1).offset >= offset) {
      this.#entryCount -= 1;
    }
  }

  /** Of an index that was read from an empty file there is nothing to double. */
  #grow(): void {
    const sizeBytes = Math.max(this.#image.length * 2, 8 * TIME_INDEX_ENTRY_BYTES);
    this.#image = Buffer.concat([this.#image], sizeBytes);
  }
}
