/**
 * What a listener asks of the group coordinator and what it hears: plain data, the same for every
 * version of the wire. The listener fills in what an old version lacks and leaves out what it does
 * not know; it decides nothing.
 *
 * Every method of `GroupCoordinator` answers with these and never rejects because of what a client
 * sent: what is refused carries the name of the error.
 */

import type { ErrorName } from '../../protocol/index.ts';

/** Who asks, for the description of the group. */
export interface GroupClient {
  readonly clientId: string;
  /** Kafka's form, with its slash: `/127.0.0.1`. */
  readonly clientHost: string;
}

/** One way of assigning partitions that a member can follow. The coordinator does not read it. */
export interface MemberProtocol {
  readonly name: string;
  /** A view is copied before the call returns. */
  readonly metadata: Uint8Array;
}

export interface JoinGroupRequest {
  readonly groupId: string;
  /** Empty at first. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string;
  /** In the order of preference. */
  readonly protocols: readonly MemberProtocol[];
  readonly sessionTimeoutMs: number;
  /** Version 0 has none: the session timeout. */
  readonly rebalanceTimeoutMs: number;
  readonly reason: string | null;
  /** From version 4 on (KIP-394): a new dynamic member gets its id first and joins with it. */
  readonly requiresKnownMemberId: boolean;
  /** From version 9 on (KIP-814): a static leader that returns may be told not to assign. */
  readonly supportsSkippingAssignment: boolean;
  readonly client: GroupClient;
}

export interface JoinGroupMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Uint8Array;
}

export interface JoinGroupResponse {
  readonly error: ErrorName;
  /** -1 with an error. */
  readonly generationId: number;
  /** Null with an error; below version 7 it is not sent. */
  readonly protocolType: string | null;
  /** Null with an error; below version 7 null is sent as the empty string. */
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  /** Only for the leader. */
  readonly members: readonly JoinGroupMember[];
}

export interface SyncGroupRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** From version 5 on; null for no check. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** Of the leader; views are copied before the call returns. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export interface SyncGroupResponse {
  readonly error: ErrorName;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** Empty, never absent, where the leader gave this member nothing. */
  readonly assignment: Uint8Array;
}

export interface HeartbeatRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface LeavingMember {
  /** Empty where an operator removes a static member by its instance id. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly reason: string | null;
}

/** Below version 3: one member, whose error is the one of the response. */
export interface LeaveGroupRequest {
  readonly groupId: string;
  readonly members: readonly LeavingMember[];
}

export interface LeaveGroupResponse {
  readonly error: ErrorName;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly error: ErrorName;
  }[];
}

export interface CommitOffsetsRequest {
  readonly groupId: string;
  /** Generation of the classic protocol, or member epoch of the server-side one; -1 outside of both. */
  readonly generationIdOrMemberEpoch: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** Versions 2 to 4; undefined where the retention of the broker holds. */
  readonly retentionMs?: number;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly committedOffset: number;
      /** -1 for none. */
      readonly committedLeaderEpoch: number;
      /** Null is kept as the empty string. */
      readonly metadata: string | null;
    }[];
  }[];
}

/** The topics and partitions of the request, in its order. */
export interface CommitOffsetsResponse {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partition: number; readonly error: ErrorName }[];
  }[];
}

export interface FetchOffsetsRequest {
  readonly groupId: string;
  /** From version 9 on; null and -1 for no check. */
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly requireStable: boolean;
  /** Null for everything that the group has committed. */
  readonly topics:
    | readonly { readonly name: string; readonly partitions: readonly number[] }[]
    | null;
}

export interface FetchOffsetsResponse {
  /** Of the group as a whole: then no topics are given. */
  readonly error: ErrorName;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly {
      readonly partition: number;
      /** -1 for none. */
      readonly committedOffset: number;
      readonly committedLeaderEpoch: number;
      /** Empty, never null, for none. */
      readonly metadata: string;
      readonly error: ErrorName;
    }[];
  }[];
}

/** As Kafka writes them. */
export type GroupStateName =
  | 'PreparingRebalance'
  | 'CompletingRebalance'
  | 'Stable'
  | 'Dead'
  | 'Empty'
  | 'Assigning'
  | 'Reconciling'
  | 'Unknown';

export type GroupTypeName = 'classic' | 'consumer';

export interface ListGroupsRequest {
  /** Empty for all; compared without regard to case. */
  readonly states: readonly string[];
  readonly types: readonly string[];
}

export interface ListGroupsResponse {
  /** COORDINATOR_LOAD_IN_PROGRESS beside the groups that are known. */
  readonly error: ErrorName;
  readonly groups: readonly {
    readonly groupId: string;
    readonly protocolType: string;
    readonly state: GroupStateName;
    readonly type: GroupTypeName;
  }[];
}

export interface DescribedGroup {
  readonly error: ErrorName;
  readonly groupId: string;
  /** `Dead` where there is no such group; from version 6 on the error is GROUP_ID_NOT_FOUND. */
  readonly state: GroupStateName | '';
  readonly protocolType: string;
  /** The protocol chosen; empty unless the group is stable. */
  readonly protocolData: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly clientId: string;
    readonly clientHost: string;
    readonly metadata: Uint8Array;
    readonly assignment: Uint8Array;
  }[];
}

export interface DeletedGroup {
  readonly groupId: string;
  readonly error: ErrorName;
}

export interface DeleteOffsetsRequest {
  readonly groupId: string;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[];
}

export interface DeleteOffsetsResponse {
  /** Of the group as a whole: then no topics are given. */
  readonly error: ErrorName;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partition: number; readonly error: ErrorName }[];
  }[];
}
