/**
 * Keeps the indexes of closed segments in memory up to a number of bytes. A full index of a 1 GiB
 * segment takes up to 5 MiB, so a broker cannot keep all of them; the ones read last are the ones
 * read next.
 */

export interface CachedIndexes {
  readonly indexBytes: number;
  /** Lets go of the indexes; they can be read from their files again. */
  unloadIndexes(): void;
}

export class IndexCache {
  readonly #bytesMax: number;
  /** In the order of last use. */
  readonly #segments = new Set<CachedIndexes>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Notes a use. Others may be unloaded, the one used last never. */
  touch(segment: CachedIndexes): void {
    if (this.#segments.delete(segment)) this.#bytes -= segment.indexBytes;
    this.#segments.add(segment);
    this.#bytes += segment.indexBytes;
    for (const oldest of this.#segments) {
      if (this.#bytes <= this.#bytesMax || oldest === segment) break;
      this.remove(oldest);
      oldest.unloadIndexes();
    }
  }

  /** Call before the indexes change or go. Safe where the segment is not here. */
  remove(segment: CachedIndexes): void {
    if (this.#segments.delete(segment)) this.#bytes -= segment.indexBytes;
  }
}
