/**
 * What clients were told and what they read, and the promises that both must keep.
 *
 * Invariants:
 *   1 acknowledged records of a durable topic are read back, at their offset, with equal bytes
 *   2 no offset ever shows two values (durable topics; others until their broker lost power)
 *   3 a consumer sees ascending offsets
 *   4 records of one producer and partition stand in the order in which they were sent
 *   5 a record stands twice only where its producer was told that it may
 *   6 a record that surely was not written, as its producer was told, is nowhere
 *   7 no topic shows a record that was sent to another one, also to its namesake before it
 */

export interface Acknowledged {
  /** Names the topic and its generation; see `topicKey`. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** A value that says whose it is. */
export function recordValue(parts: {
  readonly topic: string;
  readonly producer: string;
  readonly sequence: number;
  readonly padding: number;
}): string {
  const { topic, producer, sequence, padding } = parts;
  return `${topic}|${producer}|${sequence}|${'.'.repeat(padding)}`;
}

export class History {
  readonly #acknowledged: Acknowledged[] = [];
  readonly #seen = new Map<string, string>();
  /** Values that may stand more than once. */
  readonly #repeatable = new Set<string>();
  /** Values that must stand nowhere. */
  readonly #refused = new Set<string>();
  /** Topics of which acknowledged records may be lost: not durable, and their power was. */
  readonly #excused = new Set<string>();
  readCount = 0;
  failedCount = 0;

  get acknowledgedCount(): number {
    return this.#acknowledged.length;
  }

  acknowledge(record: Acknowledged, options: { readonly possiblyDuplicated: boolean }): void {
    this.#acknowledged.push(record);
    if (options.possiblyDuplicated) this.#repeatable.add(record.value);
    this.#see(record);
  }

  /** Acknowledged by its leader alone: it may go with it, and another take its offset. */
  hope(record: Acknowledged, options: { readonly possiblyDuplicated: boolean }): void {
    if (options.possiblyDuplicated) this.#repeatable.add(record.value);
  }

  fail(value: string, options: { readonly outcomeUnknown: boolean }): void {
    this.failedCount += 1;
    if (options.outcomeUnknown) this.#repeatable.add(value);
    else this.#refused.add(value);
  }

  read(record: Acknowledged): void {
    this.readCount += 1;
    demand(
      record.value.startsWith(`${record.topic}|`),
      () => `${placeOf(record)} is not of the topic in which it stands: ${record.value}`,
    );
    this.#see(record);
  }

  excuse(topic: string): void {
    this.#excused.add(topic);
  }

  /**
   * @param found everything that stands in the topic now, in the order read.
   */
  checkTopic(topic: string, found: readonly Acknowledged[]): void {
    checkAscending(found);
    checkProducerOrder(found);
    this.#checkRepetitions(found);
    if (this.#excused.has(topic)) return;
    const byPlace = new Map(found.map((record) => [placeOf(record), record.value]));
    for (const record of this.#acknowledged) {
      if (record.topic !== topic) continue;
      const place = placeOf(record);
      const value = byPlace.get(place);
      demand(
        value === record.value,
        () => `at ${place} ${record.value} was acknowledged: ${value}`,
      );
    }
  }

  #checkRepetitions(found: readonly Acknowledged[]): void {
    const seen = new Set<string>();
    for (const record of found) {
      const { value } = record;
      demand(!this.#refused.has(value), () => `${placeOf(record)} was refused: ${value}`);
      demand(
        this.#repeatable.has(value) || !seen.has(value),
        () => `${placeOf(record)} stands twice: ${value}`,
      );
      seen.add(value);
    }
  }

  #see(record: Acknowledged): void {
    if (this.#excused.has(record.topic)) return;
    const place = placeOf(record);
    const before = this.#seen.get(place);
    if (before === undefined) this.#seen.set(place, record.value);
    else demand(record.value === before, () => `${place} shows ${before}, then ${record.value}`);
  }
}

export function checkAscending(records: readonly Acknowledged[]): void {
  const last = new Map<string, number>();
  for (const { topic, partition, offset } of records) {
    const key = `${topic}-${partition}`;
    const before = last.get(key) ?? -1;
    demand(offset > before, () => `offsets of ${key} ascend: ${before}, then ${offset}`);
    last.set(key, offset);
  }
}

/** A resent record may stand twice, but its first place is behind all that were sent before it. */
function checkProducerOrder(records: readonly Acknowledged[]): void {
  const highest = new Map<string, number>();
  const seen = new Set<string>();
  for (const { topic, partition, value } of records) {
    const [, producer, sequence] = value.split('|');
    const key = `${topic}-${partition}|${producer}`;
    const isRepeated = seen.has(`${key}|${sequence}`);
    seen.add(`${key}|${sequence}`);
    if (isRepeated) continue;
    const before = highest.get(key) ?? -1;
    demand(
      Number(sequence) > before,
      () => `records of ${key} keep their order: ${before}, then ${sequence}`,
    );
    highest.set(key, Number(sequence));
  }
}

function placeOf({ topic, partition, offset }: Acknowledged): string {
  return `${topic}-${partition}@${offset}`;
}

function demand(holds: boolean, why: () => string): void {
  if (!holds) throw new Error(why());
}
