/** Which protocols a group can use: those that every member supports. */

import type { MemberProtocol } from '../groupMessages.ts';
import type { ClassicMember } from './classicMember.ts';

/** Counts the members that support each protocol, so that a join does not ask all members. */
export class ProtocolVotes {
  readonly #supporters = new Map<string, number>();

  add(protocols: readonly MemberProtocol[]): void {
    for (const { name } of distinct(protocols)) {
      this.#supporters.set(name, (this.#supporters.get(name) ?? 0) + 1);
    }
  }

  remove(protocols: readonly MemberProtocol[]): void {
    for (const { name } of distinct(protocols)) {
      const left = (this.#supporters.get(name) ?? 0) - 1;
      if (left > 0) this.#supporters.set(name, left);
      else this.#supporters.delete(name);
    }
  }

  /** Whether all `memberCount` members support one of these. */
  anyCommon(protocols: readonly MemberProtocol[], memberCount: number): boolean {
    return protocols.some(({ name }) => (this.#supporters.get(name) ?? 0) === memberCount);
  }

  /**
   * The protocol of the next generation: each member votes for the first of its protocols that all
   * support. Of equal ones the one that got there first wins.
   */
  choose(members: ReadonlyMap<string, ClassicMember>): string | undefined {
    const votes = new Map<string, number>();
    for (const { protocols } of members.values()) {
      const vote = protocols.find(({ name }) => this.#supporters.get(name) === members.size);
      if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
    }
    let chosen: string | undefined;
    for (const [name, count] of votes) {
      if (chosen === undefined || count > (votes.get(chosen) ?? 0)) chosen = name;
    }
    return chosen;
  }
}

/** A member that names a protocol twice supports it once. */
function distinct(protocols: readonly MemberProtocol[]): readonly MemberProtocol[] {
  const names = new Set<string>();
  return protocols.filter(({ name }) => names.size < names.add(name).size);
}
