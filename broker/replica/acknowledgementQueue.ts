/**
 * Produce requests that wait until the log of one partition is safe up to an offset.
 *
 * Offsets are assigned in order, so the queue is in the order of its offsets: completing is a walk
 * from the front, without a search and without an allocation per record. Only a repeated append,
 * which waits for the offsets of its first time, has to find its place.
 */

import { assert } from '../../common/index.ts';
import type { ErrorName } from '../../protocol/index.ts';

/** Told once, when the append is acknowledged or never will be. */
export interface AppendWaiter {
  /** @param slot which append of the request; given back as it was handed in. */
  appendDone(slot: number, error: ErrorName | undefined): void;
}

interface Entry {
  /** First offset after the appended batch: reached means safe. */
  readonly untilOffset: number;
  readonly waiter: AppendWaiter;
  readonly slot: number;
}

const COMPACT_AT = 1024;

export class AcknowledgementQueue {
  #entries: Entry[] = [];
  /** Entries before this index are done; the array is cut when they pile up. */
  #firstIndex = 0;

  get size(): number {
    return this.#entries.length - this.#firstIndex;
  }

  add(entry: Entry): void {
    const last = this.#entries.at(-1);
    assert(
      last === undefined || last.untilOffset < entry.untilOffset,
      'Appends wait in the order of their offsets',
      { last: last?.untilOffset, added: entry.untilOffset },
    );
    this.#entries.push(entry);
  }

  /**
   * Adds an append that the log had already, wherever its offset belongs: behind the append that it
   * repeats, where that still waits. One below what is safe is acknowledged by the next
   * `completeUpTo`, like any other.
   */
  addRepeated(entry: Entry): void {
    let low = this.#firstIndex;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle]!.untilOffset <= entry.untilOffset) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, entry);
  }

  /** Acknowledges every append that ends at or before `safeOffset`. */
  completeUpTo(safeOffset: number): void {
    for (;;) {
      const entry = this.#entries[this.#firstIndex];
      if (entry === undefined || entry.untilOffset > safeOffset) break;
      this.#firstIndex += 1;
      entry.waiter.appendDone(entry.slot, undefined);
    }
    if (this.#firstIndex === this.#entries.length) {
      this.#entries.length = 0;
      this.#firstIndex = 0;
    } else if (this.#firstIndex >= COMPACT_AT) {
      this.#entries = this.#entries.slice(this.#firstIndex);
      this.#firstIndex = 0;
    }
  }

  /** Refuses every append that still waits and ends above `keptOffset`; 0 for all of them. */
  failBeyond(keptOffset: number, error: ErrorName): void {
    const waiting = this.#entries.slice(this.#firstIndex);
    this.#entries = waiting.filter((entry) => entry.untilOffset <= keptOffset);
    this.#firstIndex = 0;
    for (const entry of waiting) {
      if (entry.untilOffset > keptOffset) entry.waiter.appendDone(entry.slot, error);
    }
  }
}
