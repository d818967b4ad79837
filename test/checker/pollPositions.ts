/** Where each process stands in each partition: what it polled last, or where it was told to go. */
export class PollPositions {
  readonly #processes = new Map<number, { offsets: Map<number, number>; isSubscribed: boolean }>();

  /** Takes note of a polled offset. @returns the one before it; NaN where that is not known. */
  advance(process: number, partition: number, offset: number): number {
    const { offsets } = this.#of(process);
    const previous = offsets.get(partition) ?? NaN;
    offsets.set(partition, offset);
    return previous;
  }

  /** Partitions that stay keep their position. */
  assign(process: number, partitions: readonly number[]): void {
    const state = this.#of(process);
    const offsets = new Map<number, number>();
    for (const partition of partitions) {
      const offset = state.offsets.get(partition);
      if (offset !== undefined) offsets.set(partition, offset);
    }
    this.#processes.set(process, { offsets, isSubscribed: false });
  }

  subscribe(process: number): void {
    this.#processes.set(process, { offsets: new Map(), isSubscribed: true });
  }

  isSubscribed(process: number): boolean {
    return this.#of(process).isSubscribed;
  }

  /** @param offset the next one; null: unknown. */
  seek(process: number, partition: number, offset: number | null): void {
    const { offsets } = this.#of(process);
    if (offset === null) offsets.delete(partition);
    else offsets.set(partition, offset - 1);
  }

  /** @param partition all of them, where left out. */
  forget(process: number, partition?: number): void {
    const { offsets } = this.#of(process);
    if (partition === undefined) offsets.clear();
    else offsets.delete(partition);
  }

  #of(process: number): { offsets: Map<number, number>; isSubscribed: boolean } {
    const known = this.#processes.get(process);
    if (known !== undefined) return known;
    const state = { offsets: new Map<number, number>(), isSubscribed: false };
    this.#processes.set(process, state);
    return state;
  }
}
