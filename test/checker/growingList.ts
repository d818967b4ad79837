/** Numbers by the million without an object for each. */

type NumberArray = Int32Array | Float64Array;

class GrowingList<Items extends NumberArray> {
  #items: Items;
  readonly #make: (length: number) => Items;
  length = 0;

  constructor(make: (length: number) => Items) {
    this.#make = make;
    this.#items = make(1024);
  }

  /** @returns the index of the new item. */
  push(item: number): number {
    if (this.length === this.#items.length) {
      const larger = this.#make(this.length * 2);
      larger.set(this.#items);
      this.#items = larger;
    }
    this.#items[this.length] = item;
    return this.length++;
  }

  at(index: number): number {
    return this.#items[index]!;
  }

  set(index: number, item: number): void {
    this.#items[index] = item;
  }

  /** Adds bits to an item. */
  mark(index: number, bits: number): void {
    this.#items[index]! |= bits;
  }

  /** Takes bits from an item. */
  clear(index: number, bits: number): void {
    this.#items[index]! &= ~bits;
  }

  has(index: number, bits: number): boolean {
    return (this.#items[index]! & bits) === bits;
  }

  /** A view; not to be kept over a push. */
  items(): Items {
    return this.#items.subarray(0, this.length) as Items;
  }
}

/** 32-bit integers. */
export class IntList extends GrowingList<Int32Array> {
  constructor() {
    super((length) => new Int32Array(length));
  }
}

/** Offsets: integers of up to 53 bits, NaN for none. */
export class OffsetList extends GrowingList<Float64Array> {
  constructor() {
    super((length) => new Float64Array(length));
  }
}
