/** The places of each partition in the order of their offsets, and which of them must be read. */

import type { HistoryModel } from './historyModel.ts';

interface Ordered {
  readonly offsets: Float64Array;
  /** Places in the same order. */
  readonly places: Int32Array;
  /** Of how many, before this one, a reader must not pass over: one entry more than places. */
  readonly requiredBefore: Uint32Array;
}

export class PlaceIndex {
  readonly #model: HistoryModel;
  readonly #partitions: Ordered[];

  constructor(model: HistoryModel) {
    this.#model = model;
    this.#partitions = model.partitions.map((_, partition) => this.#order(partition));
  }

  /** Places of the partition by ascending offset. */
  ordered(partition: number): Int32Array {
    return this.#partitions[partition]!.places;
  }

  /**
   * @param after exclusive; an offset, not necessarily of a place.
   * @param before exclusive.
   * @returns the first place between that a reader must not pass over.
   */
  firstSkipped(partition: number, after: number, before: number): number | undefined {
    if (before - after <= 1) return undefined;
    const { offsets, places, requiredBefore } = this.#partitions[partition]!;
    const from = lowerBound(offsets, after + 1);
    const to = lowerBound(offsets, before);
    const skipped = requiredBefore[from]!;
    if (requiredBefore[to]! <= skipped) return undefined;
    let rank = from;
    while (requiredBefore[rank + 1]! <= skipped) rank += 1;
    return places[rank];
  }

  #order(partition: number): Ordered {
    const { places: byOffset, trimmedTo } = this.#model.partitions[partition]!;
    const offsets = Float64Array.from(byOffset.keys()).sort();
    const places = new Int32Array(offsets.length);
    const requiredBefore = new Uint32Array(offsets.length + 1);
    for (const [rank, offset] of offsets.entries()) {
      const place = byOffset.get(offset)!;
      places[rank] = place;
      const value = this.#model.places.value.at(place);
      const isRequired = offset >= trimmedTo && !this.#model.isUncommitted(value);
      requiredBefore[rank + 1] = requiredBefore[rank]! + (isRequired ? 1 : 0);
    }
    return { offsets, places, requiredBefore };
  }
}

/** @returns the first index whose item is not below `wanted`. */
function lowerBound(items: Float64Array, wanted: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (items[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
