/**
 * Files and directories twice: as the page cache shows them, and as the disk holds them, with the
 * changes between the two that no sync has covered yet.
 *
 * Invariant: durable content + pending changes in order = cached content, except where a failed
 * sync dropped dirty data (then the cache shows what the disk will never get).
 */

import type { SimRandom } from '../simRandom.ts';
import { GrowingBytes } from './growingBytes.ts';

/** Disks write sectors whole: a sector is old or new, and a write across sectors can tear. */
export const SECTOR_BYTES = 512;

export type DiskNode = FileNode | DirectoryNode;

type FileChange =
  | { readonly type: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly type: 'resize'; readonly sizeBytes: number };

export class FileNode {
  readonly kind = 'file';
  cached = new GrowingBytes();
  durable = new GrowingBytes();
  modifiedMs = 0;
  #pending: FileChange[] = [];
  /** Changes that have left `#pending`: makes a mark out of a position in it. */
  #settledCount = 0;

  write(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.cached.write(position, bytes);
    this.#pending.push({ type: 'write', position, bytes: Buffer.from(bytes) });
  }

  resize(sizeBytes: number): void {
    this.cached.resize(sizeBytes);
    this.#pending.push({ type: 'resize', sizeBytes });
  }

  /** Takes what a sync that begins now has to cover. @see sync @see dropDirty */
  syncMark(): number {
    return this.#settledCount + this.#pending.length;
  }

  /** The sync that began with this mark has succeeded. */
  sync(mark: number): void {
    for (const change of this.#take(mark)) apply(this.durable, change);
  }

  /** The sync failed and the kernel marked the pages clean: the disk never gets these bytes. */
  dropDirty(mark: number): void {
    this.#take(mark);
  }

  loseAllUnsynced(): void {
    this.#become(this.durable.clone());
  }

  /**
   * Some of what was not synced reached the disk, sector by sector and in any order, and of the
   * changes to one sector a first part. Sizes travel apart from data, so a file may have grown
   * over sectors that never came: they hold zeros, or what stood on the disk there before.
   */
  loseRandomly(random: SimRandom): void {
    if (this.#pending.length === 0) {
      this.loseAllUnsynced();
      return;
    }
    const survival = random.pick([0, 1, random.unit(), random.unit()]);
    const stale = random.chance(0.1);
    const result = this.durable.clone();
    const tornSectors = new Set<number>();
    for (const change of this.#pending) {
      if (change.type === 'resize') {
        if (random.chance(survival)) result.resize(change.sizeBytes);
        continue;
      }
      const end = change.position + change.bytes.length;
      const oldSize = result.sizeBytes;
      const cut = change.position + random.below(change.bytes.length + 1);
      const isWhole = random.chance(survival);
      const isPart = random.chance(survival);
      const newSize = isWhole ? end : isPart ? cut - (cut % SECTOR_BYTES) : 0;
      const size = Math.max(oldSize, newSize);
      result.resize(size);
      if (stale && size > oldSize) result.write(oldSize, random.bytes(size - oldSize));
      writeSurvivingSectors(result, change, { random, survival, tornSectors });
    }
    this.#become(result);
  }

  clone(): FileNode {
    const copy = new FileNode();
    copy.cached = this.cached.clone();
    copy.durable = this.durable.clone();
    copy.modifiedMs = this.modifiedMs;
    copy.#pending = [...this.#pending];
    return copy;
  }

  #take(mark: number): FileChange[] {
    const taken = this.#pending.splice(0, Math.max(0, mark - this.#settledCount));
    this.#settledCount += taken.length;
    return taken;
  }

  #become(content: GrowingBytes): void {
    this.#take(this.syncMark());
    this.durable = content;
    this.cached = content.clone();
  }
}

type DirectoryChange = readonly (readonly [name: string, node: DiskNode | undefined])[];

export class DirectoryNode {
  readonly kind = 'directory';
  cached = new Map<string, DiskNode>();
  durable = new Map<string, DiskNode>();
  modifiedMs = 0;
  #pending: DirectoryChange[] = [];
  #settledCount = 0;

  /** One atomic change: names appear (with a node) and go (with undefined) together. */
  change(change: DirectoryChange): void {
    applyEntries(this.cached, change);
    this.#pending.push(change);
  }

  syncMark(): number {
    return this.#settledCount + this.#pending.length;
  }

  sync(mark: number): void {
    const taken = this.#pending.splice(0, Math.max(0, mark - this.#settledCount));
    this.#settledCount += taken.length;
    for (const change of taken) applyEntries(this.durable, change);
  }

  loseAllUnsynced(): void {
    this.#settledCount += this.#pending.length;
    this.#pending = [];
    this.cached = new Map(this.durable);
  }

  /** A journal loses the end of what happened; other file systems lose anything. Both occur. */
  loseRandomly(random: SimRandom): void {
    const survival = random.pick([0, 1, random.unit()]);
    const isJournal = random.chance(0.5);
    const kept = Math.floor(survival * (this.#pending.length + 1));
    this.#pending.forEach((change, index) => {
      const survives = isJournal ? index < kept : random.chance(survival);
      if (survives) applyEntries(this.durable, change);
    });
    this.loseAllUnsynced();
  }

  /** @param copies what has been cloned already: a node may have two names. */
  clone(copies: Map<DiskNode, DiskNode>): DirectoryNode {
    const copy = new DirectoryNode();
    copies.set(this, copy);
    const copyOf = (node: DiskNode): DiskNode => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const made = node.kind === 'file' ? node.clone() : node.clone(copies);
      copies.set(node, made);
      return made;
    };
    copy.modifiedMs = this.modifiedMs;
    for (const [name, node] of this.cached) copy.cached.set(name, copyOf(node));
    for (const [name, node] of this.durable) copy.durable.set(name, copyOf(node));
    copy.#pending = this.#pending.map((change) =>
      change.map(([name, node]) => [name, node === undefined ? undefined : copyOf(node)] as const),
    );
    return copy;
  }
}

function apply(content: GrowingBytes, change: FileChange): void {
  if (change.type === 'write') content.write(change.position, change.bytes);
  else content.resize(change.sizeBytes);
}

function applyEntries(entries: Map<string, DiskNode>, change: DirectoryChange): void {
  for (const [name, node] of change) {
    if (node === undefined) entries.delete(name);
    else entries.set(name, node);
  }
}

/**
 * A sector that missed one change also misses the later ones: the disk holds the page cache's
 * sector as it was at one moment, never a mixture of moments.
 */
function writeSurvivingSectors(
  result: GrowingBytes,
  change: { readonly position: number; readonly bytes: Buffer },
  chances: {
    readonly random: SimRandom;
    readonly survival: number;
    readonly tornSectors: Set<number>;
  },
): void {
  const end = Math.min(change.position + change.bytes.length, result.sizeBytes);
  let position = change.position;
  while (position < end) {
    const sector = Math.floor(position / SECTOR_BYTES);
    const next = Math.min((sector + 1) * SECTOR_BYTES, end);
    if (!chances.tornSectors.has(sector)) {
      if (chances.random.chance(chances.survival)) {
        const from = position - change.position;
        result.write(position, change.bytes.subarray(from, from + next - position));
      } else chances.tornSectors.add(sector);
    }
    position = next;
  }
}
