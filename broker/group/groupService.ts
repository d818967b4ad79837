/**
 * The face of the groups towards the listeners: `GroupCoordinator` is the one implementation, and
 * a test of a handler may give its own.
 *
 * No method rejects because of what a client sent. A request for a group that this broker does not
 * coordinate is answered with NOT_COORDINATOR, or COORDINATOR_LOAD_IN_PROGRESS while the state is
 * being read. Bytes in a request may be views on a receive buffer: they are copied before the call
 * returns.
 */

import type { ErrorName } from '../../protocol/index.ts';
import type {
  CommitOffsetsRequest,
  CommitOffsetsResponse,
  DeletedGroup,
  DeleteOffsetsRequest,
  DeleteOffsetsResponse,
  DescribedGroup,
  FetchOffsetsRequest,
  FetchOffsetsResponse,
  HeartbeatRequest,
  JoinGroupRequest,
  JoinGroupResponse,
  LeaveGroupRequest,
  LeaveGroupResponse,
  ListGroupsRequest,
  ListGroupsResponse,
  SyncGroupRequest,
  SyncGroupResponse,
} from './groupMessages.ts';

export interface GroupService {
  /**
   * Partition of `__consumer_offsets` whose leader coordinates the group: for FindCoordinator.
   *
   * @returns from 0 to `offsetsPartitionCount` - 1.
   */
  partitionFor(groupId: string): number;

  /** Settles when the rebalance has gathered its members: later than the session timeout allows. */
  joinGroup(request: JoinGroupRequest): Promise<JoinGroupResponse>;
  /** Settles when the leader's assignment has come and is replicated. */
  syncGroup(request: SyncGroupRequest): Promise<SyncGroupResponse>;
  heartbeat(request: HeartbeatRequest): Promise<ErrorName>;
  leaveGroup(request: LeaveGroupRequest): Promise<LeaveGroupResponse>;

  /** Settles when the offsets are on every in-sync replica of the offsets topic. */
  commitOffsets(request: CommitOffsetsRequest): Promise<CommitOffsetsResponse>;
  fetchOffsets(request: FetchOffsetsRequest): Promise<FetchOffsetsResponse>;
  deleteOffsets(request: DeleteOffsetsRequest): Promise<DeleteOffsetsResponse>;

  /** The groups that this broker coordinates. */
  listGroups(request: ListGroupsRequest): Promise<ListGroupsResponse>;
  /** In the order of the ids. */
  describeGroups(groupIds: readonly string[]): Promise<readonly DescribedGroup[]>;
  /** In the order of the ids. */
  deleteGroups(groupIds: readonly string[]): Promise<readonly DeletedGroup[]>;

  /**
   * This broker leads the partition of `__consumer_offsets` at the epoch: its groups are loaded.
   * An epoch that is not newer than the known one changes nothing.
   */
  onLeadership(partition: number, leaderEpoch: number): void;
  /** It leads no more: every request that waits is answered with NOT_COORDINATOR. */
  onResigned(partition: number, leaderEpoch: number): void;
  /** Topics are gone: their committed offsets are removed from the groups coordinated here. */
  onTopicsDeleted(topics: readonly string[]): void;
  /** Ends every wait and every timer. Idempotent. */
  close(): void;
}
