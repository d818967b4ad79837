/**
 * Keeps closed segments at hand, those that were read last: their indexes in memory up to a number
 * of bytes, and their files open up to a number of segments. A full index of a 1 GiB segment takes
 * up to 5 MiB, and there may be more segments than a process may have open files.
 */

export interface CachedIndexes {
  readonly indexBytes: number;
  /** Lets go of indexes and file; both can be had again. */
  unload(): void;
}

export class IndexCache {
  readonly #bytesMax: number;
  readonly #segmentsMax: number;
  #bytes = 0;

  /** In the order of last use, with the bytes that were counted: indexes may be loaded later. */
  readonly #segments = new Map<CachedIndexes, number>();

  constructor(bytesMax: number, segmentsMax: number) {
    this.#bytesMax = bytesMax;
    this.#segmentsMax = segmentsMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Notes a use. Others may be unloaded, the one used last never. */
  touch(segment: CachedIndexes): void {
    this.remove(segment);
    this.#segments.set(segment, segment.indexBytes);
    this.#bytes += segment.indexBytes;
    for (const oldest of this.#segments.keys()) {
      const isFull = this.#bytes > this.#bytesMax || this.#segments.size > this.#segmentsMax;
      if (!isFull || oldest === segment) break;
      this.remove(oldest);
      oldest.unload();
    }
  }

  /** Call before the indexes change or go. Safe where the segment is not here. */
  remove(segment: CachedIndexes): void {
    this.#bytes -= this.#segments.get(segment) ?? 0;
    this.#segments.delete(segment);
  }
}
