/**
 * Versions of the cluster's metadata: what has changed since any of the last versions, so that a
 * broker which stands there gets only the difference.
 */

/** One change. Partitions undefined: the topic as a whole. */
export type MetadataChange =
  | { readonly kind: 'brokers' }
  | { readonly kind: 'topic'; readonly name: string; readonly partition: number | undefined }
  | { readonly kind: 'removed'; readonly topicId: string };

/** All changes from one version to another, each thing once. */
export interface MetadataDifference {
  readonly brokers: boolean;
  /** Changed partitions by topic; undefined for the topic as a whole. */
  readonly topics: ReadonlyMap<string, ReadonlySet<number> | undefined>;
  readonly removed: readonly string[];
}

/** A broker that stands further behind gets a snapshot. */
const CHANGES_MAX = 50_000;

export class MetadataLog {
  #version = 0;
  /** Changes of versions above `#base`, in order. */
  #changes: { readonly version: number; readonly change: MetadataChange }[] = [];
  /** The lowest version from which a difference can be told. */
  #base = 0;
  #open = false;

  /** Version after the last change; counts from 1 in each controller epoch. */
  get version(): number {
    return this.#version;
  }

  /** Adds a change to the version that is being made. @returns that version. */
  add(change: MetadataChange): number {
    if (!this.#open) {
      this.#open = true;
      this.#version += 1;
    }
    this.#changes.push({ version: this.#version, change });
    return this.#version;
  }

  /** Ends the version that is being made. @returns whether anything changed. */
  seal(): boolean {
    const changed = this.#open;
    this.#open = false;
    if (this.#changes.length > CHANGES_MAX) {
      const dropped = this.#changes.splice(0, this.#changes.length - CHANGES_MAX / 2);
      this.#base = dropped.at(-1)?.version ?? this.#base;
      // A version is told whole or not at all.
      const whole = this.#changes.findIndex(({ version }) => version > this.#base);
      this.#changes = whole === -1 ? [] : this.#changes.slice(whole);
    }
    return changed;
  }

  /** @returns undefined where only a snapshot will do. */
  since(version: number): MetadataDifference | undefined {
    if (version < this.#base || version > this.#version) return undefined;
    const topics = new Map<string, Set<number> | undefined>();
    const removed: string[] = [];
    let brokers = false;
    for (let index = this.#firstAfter(version); index < this.#changes.length; index++) {
      const change = this.#changes[index]?.change;
      if (change === undefined) break;
      if (change.kind === 'brokers') brokers = true;
      else if (change.kind === 'removed') removed.push(change.topicId);
      else if (change.partition === undefined) topics.set(change.name, undefined);
      else if (!topics.has(change.name)) topics.set(change.name, new Set([change.partition]));
      else topics.get(change.name)?.add(change.partition);
    }
    return { brokers, topics, removed };
  }

  #firstAfter(version: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.version ?? 0) <= version) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
