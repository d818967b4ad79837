/**
 * Which leader epoch wrote which offsets (KIP-101): a short list that decides where the logs of two
 * replicas part. Pure; `leader-epoch-checkpoint` holds it on disk.
 */

import { assert } from '../../common/index.ts';
import type { EpochEntry } from './checkpointFile.ts';

export class LeaderEpochCache {
  /** Invariant: epochs rise strictly, start offsets never fall. */
  #entries: EpochEntry[];
  /** Raised by every change, so that a writer of the checkpoint sees whether it is behind. */
  #version = 0;

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = [...entries];
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  get version(): number {
    return this.#version;
  }

  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? -1;
  }

  /**
   * Notes that `epoch` wrote from `startOffset` on. A known epoch changes nothing. Entries at or
   * above the start offset go: they wrote nothing that still stands.
   */
  assign(epoch: number, startOffset: number): void {
    const latest = this.#entries.at(-1);
    if (latest !== undefined && epoch === latest.epoch) return;
    assert(latest === undefined || epoch > latest.epoch, 'Leader epochs of a log never go back', {
      epoch,
      latest: latest?.epoch,
    });
    while ((this.#entries.at(-1)?.startOffset ?? -1) >= startOffset) this.#entries.pop();
    this.#entries.push({ epoch, startOffset });
    this.#version += 1;
  }

  /**
   * @returns the largest epoch at or below the one asked for, and the offset at which it ends;
   *   undefined where the log knows no such epoch.
   * @see KIP-101, KIP-279
   */
  endOffsetFor(
    epoch: number,
    logEndOffset: number,
  ): { readonly epoch: number; readonly endOffset: number } | undefined {
    if (epoch < 0 || this.#entries.length === 0) return undefined;
    // A leader of a newer epoch has written nothing in it yet: its last one ends with the log.
    if (epoch >= this.latestEpoch) return { epoch: this.latestEpoch, endOffset: logEndOffset };
    const nextIndex = this.#entries.findIndex((entry) => entry.epoch > epoch);
    const next = this.#entries[nextIndex];
    if (next === undefined) return undefined;
    // Older than all that is left: the records of `epoch`, if any, end before the log starts.
    const floor = this.#entries[nextIndex - 1];
    return { epoch: floor?.epoch ?? epoch, endOffset: next.startOffset };
  }

  /** @returns the epoch that wrote `offset`; undefined where the list begins later. */
  epochFor(offset: number): number | undefined {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch;
  }

  /** The log is empty and belongs to no epoch. */
  clear(): void {
    if (this.#entries.length > 0) this.#replace([]);
  }

  /** The log now ends at `endOffset`. */
  truncateFromEnd(endOffset: number): void {
    const kept = this.#entries.filter((entry) => entry.startOffset < endOffset);
    if (kept.length !== this.#entries.length) this.#replace(kept);
  }

  /** The log now starts at `startOffset`: the entry that covers it is moved up, older ones go. */
  truncateFromStart(startOffset: number): void {
    const first = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    if (first < 0) return;
    const covering = this.#entries[first]!;
    if (first === 0 && covering.startOffset === startOffset) return;
    this.#replace([{ epoch: covering.epoch, startOffset }, ...this.#entries.slice(first + 1)]);
  }

  #replace(entries: EpochEntry[]): void {
    this.#entries = entries;
    this.#version += 1;
  }
}
