/** A member of a group of the classic protocol, as its coordinator knows it. */

import type { JoinGroupResponse, MemberProtocol, SyncGroupResponse } from '../groupMessages.ts';

export type JoinWaiter = (response: JoinGroupResponse) => void;
export type SyncWaiter = (response: SyncGroupResponse) => void;

export interface ClassicMember {
  /** Changes only where a static member comes back under a new one. */
  memberId: string;
  /** Of a static member (KIP-345): it keeps its place while it restarts. */
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  /** In the order of preference. */
  protocols: readonly MemberProtocol[];
  /** Of the present generation once the group is stable. */
  assignment: Uint8Array;
  /** Its JoinGroup request, while the rebalance gathers members. */
  joinWaiter: JoinWaiter | undefined;
  /** Its SyncGroup request, while the leader's assignment is awaited. */
  syncWaiter: SyncWaiter | undefined;
  /**
   * Whether it waits for its first generation: it does not know its id and cannot send heartbeats,
   * and whether its connection still stands nobody can tell. It has `NEW_MEMBER_JOIN_TIMEOUT_MS`.
   */
  isNew: boolean;
  /** When it counts as failed, on the monotonic clock, unless it waits for an answer. */
  deadlineMs: number;
}

/** What the member says for one protocol; empty where it does not know it. */
export function metadataFor(member: ClassicMember, protocolName: string | null): Uint8Array {
  const found = member.protocols.find(({ name }) => name === protocolName);
  return found?.metadata ?? new Uint8Array(0);
}

/** Whether a member that joins again says exactly what it said before. */
export function saysTheSame(member: ClassicMember, protocols: readonly MemberProtocol[]): boolean {
  return (
    protocols.length === member.protocols.length &&
    protocols.every(({ name, metadata }, index) => {
      const known = member.protocols[index];
      return known?.name === name && Buffer.compare(known.metadata, metadata) === 0;
    })
  );
}
