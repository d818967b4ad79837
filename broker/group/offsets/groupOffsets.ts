/**
 * The committed offsets of one group, and which of them are on their way to the log.
 *
 * An offset counts as committed when its record is on every in-sync replica, not before: a consumer
 * that was told an offset which no replica keeps would later be told a smaller one. Records take
 * effect in the order of the log, whatever the order in which their acknowledgements arrive.
 */

import type { CommittedOffset } from '../records/index.ts';

export interface GroupOffset extends CommittedOffset {
  /** Where the record stands in the partition of `__consumer_offsets`. */
  readonly recordOffset: number;
}

export interface OffsetPlace {
  readonly topic: string;
  readonly partition: number;
}

/** When an offset of a group is no longer kept. */
export interface ExpiryRule {
  readonly nowMs: number;
  readonly retentionMs: number;
  /** Since when the group has had no consumers; undefined: each offset since its commit. */
  readonly sinceMs: number | undefined;
  /** Topics that are being consumed: their offsets are kept. */
  readonly subscribedTopics: ReadonlySet<string>;
}

export class GroupOffsets {
  readonly #byTopic = new Map<string, Map<number, GroupOffset>>();
  /** Commits on their way to the log. */
  readonly #pending = new PlaceCounter();
  /** Offsets that open transactions hold, as found in the log. */
  readonly #transactional = new PlaceCounter();

  /** Whether nothing is kept, and nothing is on its way. */
  get isEmpty(): boolean {
    return this.#byTopic.size === 0 && this.#pending.isEmpty && this.#transactional.isEmpty;
  }

  get(topic: string, partition: number): GroupOffset | undefined {
    return this.#byTopic.get(topic)?.get(partition);
  }

  /** Topics in the order of their first commit. */
  topics(): ReadonlyMap<string, ReadonlyMap<number, GroupOffset>> {
    return this.#byTopic;
  }

  /** Whether what `get` says may be about to change (KIP-447). */
  isUnstable(topic: string, partition: number): boolean {
    return this.#pending.has(topic, partition) || this.#transactional.has(topic, partition);
  }

  /** A commit is on its way. Each is ended by `settle`. */
  begin(place: OffsetPlace): void {
    this.#pending.add(place);
  }

  settle(place: OffsetPlace): void {
    this.#pending.remove(place);
  }

  /** An open transaction holds an offset: until it ends, what is committed is not known. */
  holdForTransaction(place: OffsetPlace): void {
    this.#transactional.add(place);
  }

  /** A record is committed. One that stands before the known one in the log changes nothing. */
  put({ topic, partition }: OffsetPlace, offset: GroupOffset): void {
    let partitions = this.#byTopic.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.#byTopic.set(topic, partitions);
    }
    const known = partitions.get(partition);
    if (known === undefined || known.recordOffset <= offset.recordOffset) {
      partitions.set(partition, offset);
    }
  }

  /** A tombstone is committed: a commit that came after it stays. */
  remove({ topic, partition }: OffsetPlace, recordOffset: number): void {
    const partitions = this.#byTopic.get(topic);
    const known = partitions?.get(partition);
    if (partitions === undefined || known === undefined) return;
    if (known.recordOffset > recordOffset) return;
    partitions.delete(partition);
    if (partitions.size === 0) this.#byTopic.delete(topic);
  }

  /** Everything that a removal of the group must write tombstones for: what is on its way, too. */
  places(): readonly OffsetPlace[] {
    const kept = [...this.#byTopic].flatMap(([topic, partitions]) =>
      [...partitions.keys()].map((partition) => ({ topic, partition })),
    );
    const known = new Set(kept.map(placeKey));
    return [...kept, ...this.#pending.places().filter((place) => !known.has(placeKey(place)))];
  }

  /** What has outlived its time. What is on its way is not old. */
  expired(rule: ExpiryRule): readonly OffsetPlace[] {
    const found: OffsetPlace[] = [];
    for (const [topic, partitions] of this.#byTopic) {
      if (rule.subscribedTopics.has(topic)) continue;
      for (const [partition, offset] of partitions) {
        if (isExpired(offset, rule) && !this.isUnstable(topic, partition)) {
          found.push({ topic, partition });
        }
      }
    }
    return found;
  }
}

function isExpired(offset: GroupOffset, { nowMs, retentionMs, sinceMs }: ExpiryRule): boolean {
  // A client of an old version said itself how long.
  if (offset.expireTimestampMs >= 0) return nowMs >= offset.expireTimestampMs;
  return nowMs - (sinceMs ?? offset.commitTimestampMs) >= retentionMs;
}

class PlaceCounter {
  readonly #counts = new Map<string, { readonly place: OffsetPlace; count: number }>();

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  has(topic: string, partition: number): boolean {
    return this.#counts.has(placeKey({ topic, partition }));
  }

  add(place: OffsetPlace): void {
    const known = this.#counts.get(placeKey(place));
    if (known === undefined) this.#counts.set(placeKey(place), { place, count: 1 });
    else known.count += 1;
  }

  remove(place: OffsetPlace): void {
    const known = this.#counts.get(placeKey(place));
    if (known === undefined) return;
    known.count -= 1;
    if (known.count === 0) this.#counts.delete(placeKey(place));
  }

  places(): readonly OffsetPlace[] {
    return [...this.#counts.values()].map(({ place }) => place);
  }
}

function placeKey({ topic, partition }: OffsetPlace): string {
  return `${topic}-${partition}`;
}
