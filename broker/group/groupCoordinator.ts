/**
 * All groups of this broker: finds the shard that a group belongs to and checks what no shard needs
 * to know. Each partition of `__consumer_offsets` that this broker leads is one shard.
 */

import type { Logger, Timer } from '../../common/index.ts';
import type { ErrorName } from '../../protocol/index.ts';
import { joinError, syncError } from './classic/classicGroup.ts';
import type { GroupContext, GroupEnvironment, GroupSurroundings } from './groupContext.ts';
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
import type { GroupCoordinatorOptions } from './groupOptions.ts';
import { groupPartition } from './groupPartition.ts';
import type { GroupService } from './groupService.ts';
import { GroupShard } from './groupShard.ts';
import { answerAll } from './offsets/commitOffsets.ts';
import type { OffsetsLog } from './offsetsLog.ts';

/** The record holds the length of a text in an int16; a member id adds 37 characters to one. */
const TEXT_BYTES_MAX = 32_767 - 37;

export class GroupCoordinator implements GroupService {
  readonly #context: GroupContext;
  readonly #shards = new Map<number, GroupShard>();
  /** The newest leader epoch that was heard of, of each partition. */
  readonly #epochs = new Map<number, number>();
  #expiryTimer: Timer | undefined;
  #closed = false;

  constructor(
    environment: GroupEnvironment,
    options: GroupCoordinatorOptions,
    parts: { readonly log: OffsetsLog } & GroupSurroundings,
    logger: Logger,
  ) {
    this.#context = { environment, options, ...parts, logger: logger.child('group') };
    this.#watchExpiry();
  }

  partitionFor(groupId: string): number {
    return groupPartition(groupId, this.#context.options.offsetsPartitionCount);
  }

  // ---- membership ----

  async joinGroup(request: JoinGroupRequest): Promise<JoinGroupResponse> {
    const { sessionTimeoutMsMin, sessionTimeoutMsMax } = this.#context.options;
    const { memberId, sessionTimeoutMs } = request;
    const shard = this.#shardOf(request.groupId, 'named');
    if (typeof shard === 'string') return joinError(memberId, shard);
    if (sessionTimeoutMs < sessionTimeoutMsMin || sessionTimeoutMs > sessionTimeoutMsMax) {
      return joinError(memberId, 'INVALID_SESSION_TIMEOUT');
    }
    if (!textsFit(request)) return joinError(memberId, 'INVALID_REQUEST');
    return shard.join(request);
  }

  async syncGroup(request: SyncGroupRequest): Promise<SyncGroupResponse> {
    const shard = this.#shardOf(request.groupId, 'named');
    // The rebalance was lost with the coordinator before: the member joins anew, here. Old clients
    // do not expect to hear of loading from SyncGroup.
    if (shard === 'COORDINATOR_LOAD_IN_PROGRESS') return syncError('REBALANCE_IN_PROGRESS');
    return typeof shard === 'string' ? syncError(shard) : shard.sync(request);
  }

  async heartbeat(request: HeartbeatRequest): Promise<ErrorName> {
    const shard = this.#shardOf(request.groupId, 'named');
    // Its session begins anew when the group is loaded: it may as well wait for that in peace.
    if (shard === 'COORDINATOR_LOAD_IN_PROGRESS') return 'NONE';
    return typeof shard === 'string' ? shard : shard.heartbeat(request);
  }

  async leaveGroup(request: LeaveGroupRequest): Promise<LeaveGroupResponse> {
    const shard = this.#shardOf(request.groupId, 'named');
    return typeof shard === 'string' ? { error: shard, members: [] } : shard.leave(request);
  }

  // ---- offsets ----

  async commitOffsets(request: CommitOffsetsRequest): Promise<CommitOffsetsResponse> {
    const shard = this.#shardOf(request.groupId);
    return typeof shard === 'string' ? answerAll(request, shard) : shard.commit(request);
  }

  async fetchOffsets(request: FetchOffsetsRequest): Promise<FetchOffsetsResponse> {
    const shard = this.#shardOf(request.groupId);
    return typeof shard === 'string' ? { error: shard, topics: [] } : shard.fetch(request);
  }

  async deleteOffsets(request: DeleteOffsetsRequest): Promise<DeleteOffsetsResponse> {
    const shard = this.#shardOf(request.groupId, 'named');
    return typeof shard === 'string' ? { error: shard, topics: [] } : shard.deleteOffsets(request);
  }

  // ---- administration ----

  async listGroups({ states, types }: ListGroupsRequest): Promise<ListGroupsResponse> {
    const wantedStates = new Set(states.map((state) => state.toLowerCase()));
    const wantedTypes = new Set(types.map((type) => type.toLowerCase()));
    const shards = [...this.#shards.values()];
    const loading = shards.some(({ fault }) => fault === 'COORDINATOR_LOAD_IN_PROGRESS');
    const groups = shards
      .filter(({ fault }) => fault === 'NONE')
      .flatMap((shard) => [...shard.groups.values()])
      .filter(({ classic }) => classic.state !== 'Dead')
      .map(({ groupId, classic }) => ({
        groupId,
        protocolType: classic.protocolType ?? '',
        state: classic.state,
        type: 'classic' as const,
      }))
      .filter(({ state }) => wantedStates.size === 0 || wantedStates.has(state.toLowerCase()))
      .filter(({ type }) => wantedTypes.size === 0 || wantedTypes.has(type));
    return { error: loading ? 'COORDINATOR_LOAD_IN_PROGRESS' : 'NONE', groups };
  }

  async describeGroups(groupIds: readonly string[]): Promise<readonly DescribedGroup[]> {
    return groupIds.map((groupId) => {
      const shard = this.#shardOf(groupId);
      if (typeof shard !== 'string') return shard.describe(groupId);
      return {
        error: shard,
        groupId,
        state: '',
        protocolType: '',
        protocolData: '',
        members: [],
      };
    });
  }

  deleteGroups(groupIds: readonly string[]): Promise<readonly DeletedGroup[]> {
    return Promise.all(
      groupIds.map(async (groupId) => {
        const shard = this.#shardOf(groupId);
        const error = typeof shard === 'string' ? shard : await shard.deleteGroup(groupId);
        return { groupId, error };
      }),
    );
  }

  // ---- the broker around ----

  onLeadership(partition: number, leaderEpoch: number): void {
    const known = this.#epochs.get(partition) ?? -1;
    // At an epoch that was resigned from this broker leads on where it was only fenced meanwhile.
    const isNews = leaderEpoch > known || !this.#shards.has(partition);
    if (this.#closed || leaderEpoch < known || !isNews) return;
    this.#epochs.set(partition, leaderEpoch);
    this.#shards.get(partition)?.close();
    const shard = new GroupShard(this.#context, partition, leaderEpoch);
    this.#shards.set(partition, shard);
    shard.load().catch(this.#context.onFatal);
  }

  onResigned(partition: number, leaderEpoch: number): void {
    if (leaderEpoch < (this.#epochs.get(partition) ?? -1)) return;
    this.#epochs.set(partition, leaderEpoch);
    this.#shards.get(partition)?.close();
    this.#shards.delete(partition);
  }

  onTopicsDeleted(topics: readonly string[]): void {
    const deleted = new Set(topics);
    for (const shard of this.#shards.values()) {
      shard.forgetTopics(deleted).catch(this.#context.onFatal);
    }
  }

  close(): void {
    this.#closed = true;
    this.#expiryTimer?.cancel();
    for (const shard of this.#shards.values()) shard.close();
    this.#shards.clear();
  }

  /** @returns the shard, or why the group cannot be served here and now. */
  #shardOf(groupId: string, rule: 'named' | 'any' = 'any'): GroupShard | ErrorName {
    // Offsets could once be kept for a group without a name; it can have no members.
    if (rule === 'named' && groupId === '') return 'INVALID_GROUP_ID';
    if (Buffer.byteLength(groupId) > TEXT_BYTES_MAX) return 'INVALID_GROUP_ID';
    if (this.#closed) return 'COORDINATOR_NOT_AVAILABLE';
    const shard = this.#shards.get(this.partitionFor(groupId));
    if (shard === undefined) return 'NOT_COORDINATOR';
    const { fault } = shard;
    return fault === 'NONE' ? shard : fault;
  }

  #watchExpiry(): void {
    const { environment, options, onFatal } = this.#context;
    this.#expiryTimer = environment.timers.set(
      options.offsetsRetentionCheckIntervalMs,
      () => {
        const shards = [...this.#shards.values()];
        Promise.all(shards.map((shard) => shard.expire())).catch(onFatal);
        this.#watchExpiry();
      },
      { keepsProcessAlive: false },
    );
  }
}

/** Compact texts of newer versions can be longer than a record can hold. */
function textsFit(request: JoinGroupRequest): boolean {
  const { clientId, clientHost } = request.client;
  const texts = [
    request.groupInstanceId ?? '',
    request.protocolType,
    clientId,
    clientHost,
    ...request.protocols.map(({ name }) => name),
  ];
  return texts.every((text) => Buffer.byteLength(text) <= TEXT_BYTES_MAX);
}
