import { HAS_KEY, IS_TOMBSTONE, KEY_ENTRY_BYTES } from './cleanerTasks.ts';

/** The entries of `digestKeys`, read on the event loop. */
export class KeyEntries {
  readonly count: number;
  /** All entries as words; the digest of one begins at `digestAt`. */
  readonly words: Uint32Array;
  readonly #offsets: Float64Array;

  constructor(result: Uint8Array) {
    // A result may come as a part of other memory, which need not lie as numbers must.
    const bytes = result.byteOffset % 8 === 0 ? result : new Uint8Array(result);
    this.count = bytes.length / KEY_ENTRY_BYTES;
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    this.#offsets = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  }

  offset(index: number): number {
    return this.#offsets[index * 4]!;
  }
  hasKey(index: number): boolean {
    return (this.words[index * 8 + 2]! & HAS_KEY) !== 0;
  }
  isTombstone(index: number): boolean {
    return (this.words[index * 8 + 2]! & IS_TOMBSTONE) !== 0;
  }
  digestAt(index: number): number {
    return index * 8 + 4;
  }
}
