/**
 * What must hold of a group, whatever happens to its members and coordinators.
 *
 *   1. No partition is owned by two members at once. A member owns what it was assigned until it
 *      joins again, hears that it is out, or has had no true answer for its session timeout. What a
 *      coordinator says after it was deposed does not prolong a session: its word is void, and the
 *      commits of whoever believes it are refused.
 *   2. One generation has one assignment, and later ones have greater numbers.
 *   3. A commit that was acknowledged is never taken back: whoever asks later hears it, or more.
 *   4. Once a generation has committed an offset, no earlier one does.
 */

import { PARTITION_COUNT } from './groupWorld.ts';

interface Ownership {
  readonly member: string;
  readonly generationId: number;
  readonly untilMs: () => number;
}

export class GroupInvariants {
  readonly anomalies: string[] = [];
  readonly #nowMs: () => number;
  readonly #owners = Array.from({ length: PARTITION_COUNT }, () => new Set<Ownership>());
  /** `generation/partition` to the member that got it. */
  readonly #assigned = new Map<string, string>();
  #newestGeneration = 0;
  /** What was acknowledged or told of each partition. */
  readonly #known = Array.from({ length: PARTITION_COUNT }, () => -1);
  readonly #committedBy = Array.from({ length: PARTITION_COUNT }, () => 0);
  commits = 0;
  assignments = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get newestGeneration(): number {
    return this.#newestGeneration;
  }

  /** Members that own something now. */
  owned(): number {
    return this.#owners.filter((owners) => this.#living(owners).length === 1).length;
  }

  /** @returns what ends the ownership. */
  own(ownership: Ownership, partitions: readonly number[]): () => void {
    this.assignments += 1;
    const { member, generationId } = ownership;
    this.#newestGeneration = Math.max(this.#newestGeneration, generationId);
    for (const partition of partitions) {
      const key = `${generationId}/${partition}`;
      const before = this.#assigned.get(key) ?? member;
      if (before !== member) this.#fault(`${key} was given to ${before} and to ${member}`);
      this.#assigned.set(key, member);
      this.#owners[partition]!.add(ownership);
    }
    this.check();
    return () => {
      for (const owners of this.#owners) owners.delete(ownership);
    };
  }

  /** Looks at the present moment. */
  check(): void {
    this.#owners.forEach((owners, partition) => {
      const living = this.#living(owners);
      if (living.length < 2) return;
      const who = living.map(({ member, generationId }) => `${member} in ${generationId}`);
      this.#fault(`partition ${partition} is owned by ${who.join(' and by ')}`);
    });
  }

  committed(partition: number, offset: number, generationId: number): void {
    this.commits += 1;
    const last = this.#committedBy[partition]!;
    if (generationId < last) {
      this.#fault(`generation ${generationId} committed to ${partition} after generation ${last}`);
    }
    this.#committedBy[partition] = Math.max(last, generationId);
    this.#known[partition] = Math.max(this.#known[partition]!, offset);
  }

  /** What is known of a partition when a fetch begins: the answer may not be less. */
  knownOf(partition: number): number {
    return this.#known[partition]!;
  }

  fetched(partition: number, offset: number, knownBefore: number): void {
    if (offset < knownBefore) {
      this.#fault(`partition ${partition} had ${knownBefore} and has ${offset}`);
    }
    this.#known[partition] = Math.max(this.#known[partition]!, offset);
  }

  #living(owners: ReadonlySet<Ownership>): readonly Ownership[] {
    return [...owners].filter(({ untilMs }) => untilMs() > this.#nowMs());
  }

  #fault(text: string): void {
    this.anomalies.push(`at ${Math.round(this.#nowMs())} ms: ${text}`);
  }
}
