/**
 * The groups of one partition of `__consumer_offsets`, from the time at which this broker began to
 * lead it until it leads no more: loaded first, then served. Another leadership is another shard.
 *
 * Loading reads up to the end that the log had when the leadership began, and waits until all of it
 * is committed: an offset that only this broker has could be lost with it, and a consumer that was
 * told it would later be told a smaller one.
 */

import type { ErrorName } from '../../protocol/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { joinError, syncError } from './classic/classicGroup.ts';
import type { GroupContext } from './groupContext.ts';
import { GroupEntry } from './groupEntry.ts';
import { GroupLoad } from './groupLoad.ts';
import type {
  CommitOffsetsRequest,
  CommitOffsetsResponse,
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
  SyncGroupRequest,
  SyncGroupResponse,
} from './groupMessages.ts';
import { Leadership } from './leadership.ts';
import { commitOffsets } from './offsets/commitOffsets.ts';
import { fetchOffsets, noOffsets } from './offsets/fetchOffsets.ts';
import { OffsetRemoval } from './offsets/offsetRemoval.ts';

/** How long to wait before looking again whether more is committed, or the disk answers. */
const LOAD_RETRY_MS = 20;

export class GroupShard {
  readonly #context: GroupContext;
  readonly #leadership: Leadership;
  readonly #groups = new Map<string, GroupEntry>();
  readonly #removal: OffsetRemoval;
  #loaded = false;

  constructor(context: GroupContext, partition: number, leaderEpoch: number) {
    this.#context = context;
    this.#leadership = new Leadership(context, partition, leaderEpoch);
    this.#removal = new OffsetRemoval(context, this.#leadership);
  }

  /** NONE where requests are served; else what they hear. */
  get fault(): ErrorName {
    if (!this.#leadership.holds) return 'NOT_COORDINATOR';
    return this.#loaded ? 'NONE' : 'COORDINATOR_LOAD_IN_PROGRESS';
  }

  get groups(): ReadonlyMap<string, GroupEntry> {
    return this.#groups;
  }

  /** Reads the groups. Resolves when they are served, or when the leadership is over. */
  async load(): Promise<void> {
    const { clock } = this.#context.environment;
    const startMs = clock.monotonicMs();
    const load = await this.#read();
    if (load === undefined || this.#leadership.isOver) return;
    for (const groupId of new Set([...load.groups.keys(), ...load.offsets.keys()])) {
      const entry = this.#create(groupId, load);
      if (entry.isVoid) this.#drop(entry);
    }
    this.#loaded = true;
    this.#context.logger.info('Groups are loaded', {
      partition: this.#leadership.partition,
      leaderEpoch: this.#leadership.leaderEpoch,
      groups: this.#groups.size,
      tookMs: Math.round(clock.monotonicMs() - startMs),
    });
  }

  /** This broker leads no more: every request that waits hears it. Idempotent. */
  close(): void {
    this.#leadership.end();
    for (const entry of this.#groups.values()) entry.close();
    this.#groups.clear();
  }

  join(request: JoinGroupRequest): Promise<JoinGroupResponse> {
    const { groupId, memberId } = request;
    const known = this.#groups.get(groupId);
    if (known === undefined && memberId !== '') {
      return Promise.resolve(joinError(memberId, 'UNKNOWN_MEMBER_ID'));
    }
    const entry = known ?? this.#create(groupId);
    return new Promise((resolve) => {
      entry.classic.join(request, resolve);
      this.#dropIfVoid(entry);
    });
  }

  sync(request: SyncGroupRequest): Promise<SyncGroupResponse> {
    const entry = this.#groups.get(request.groupId);
    if (entry === undefined) return Promise.resolve(syncError('UNKNOWN_MEMBER_ID'));
    return new Promise((resolve) => entry.classic.sync(request, resolve));
  }

  heartbeat(request: HeartbeatRequest): ErrorName {
    return this.#groups.get(request.groupId)?.classic.heartbeat(request) ?? 'UNKNOWN_MEMBER_ID';
  }

  leave({ groupId, members }: LeaveGroupRequest): LeaveGroupResponse {
    const classic = this.#groups.get(groupId)?.classic;
    if (classic?.state === 'Dead') return { error: 'COORDINATOR_NOT_AVAILABLE', members: [] };
    return {
      error: 'NONE',
      members: members.map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        error: classic?.leave(member) ?? 'UNKNOWN_MEMBER_ID',
      })),
    };
  }

  async commit(request: CommitOffsetsRequest): Promise<CommitOffsetsResponse> {
    const known = this.#groups.get(request.groupId);
    // A consumer that assigns its partitions itself makes its group by its first commit.
    const isOwnMaster = request.generationIdOrMemberEpoch < 0;
    const entry = known ?? (isOwnMaster ? this.#create(request.groupId) : undefined);
    const response = await commitOffsets(this.#context, this.#leadership, { request, entry });
    if (entry !== undefined) this.#dropIfVoid(entry);
    return response;
  }

  fetch(request: FetchOffsetsRequest): FetchOffsetsResponse {
    const entry = this.#groups.get(request.groupId);
    if (entry === undefined || entry.classic.state === 'Dead') return noOffsets(request);
    return fetchOffsets(entry.offsets, request);
  }

  describe(groupId: string): DescribedGroup {
    const classic = this.#groups.get(groupId)?.classic;
    if (classic !== undefined) return { error: 'NONE', groupId, ...classic.describe() };
    return {
      error: 'NONE',
      groupId,
      state: 'Dead',
      protocolType: '',
      protocolData: '',
      members: [],
    };
  }

  /** Removes a group and its offsets, unless it has members. */
  async deleteGroup(groupId: string): Promise<ErrorName> {
    const entry = this.#groups.get(groupId);
    if (entry === undefined || entry.classic.state === 'Dead') return 'GROUP_ID_NOT_FOUND';
    if (entry.classic.state !== 'Empty') return 'NON_EMPTY_GROUP';
    const error = await this.#removal.removeGroup(entry);
    if (error === 'NONE') this.#drop(entry);
    return error;
  }

  async deleteOffsets(request: DeleteOffsetsRequest): Promise<DeleteOffsetsResponse> {
    const entry = this.#groups.get(request.groupId);
    if (entry === undefined) return { error: 'GROUP_ID_NOT_FOUND', topics: [] };
    const response = await this.#removal.removeOffsets(entry, request);
    this.#dropIfVoid(entry);
    return response;
  }

  /** Topics are gone: nobody will ask for their offsets again. */
  async forgetTopics(topics: ReadonlySet<string>): Promise<void> {
    for (const entry of [...this.#groups.values()]) {
      if (this.fault !== 'NONE') return;
      const places = entry.offsets.places().filter(({ topic }) => topics.has(topic));
      await this.#removal.remove(entry, places);
      this.#dropIfVoid(entry);
    }
  }

  /** Removes offsets that have outlived their time, and groups that hold nothing any more. */
  async expire(): Promise<void> {
    for (const entry of [...this.#groups.values()]) {
      if (this.fault !== 'NONE') return;
      await this.#removal.removeExpired(entry);
      const { classic, offsets } = entry;
      if (classic.state !== 'Empty' || classic.isAwaited || !offsets.isEmpty) continue;
      const error = await this.#removal.removeGroup(entry);
      if (error === 'NONE') this.#drop(entry);
    }
  }

  async #read(): Promise<GroupLoad | undefined> {
    const { log, logger, options } = this.#context;
    const { partition, leaderEpoch } = this.#leadership;
    while (!this.#leadership.isOver) {
      try {
        const { startOffset, endOffset } = log.bounds(partition, leaderEpoch);
        const load = new GroupLoad(startOffset, logger.child('load', { partition }));
        while (!this.#leadership.isOver && load.nextOffset < endOffset) {
          const { batches, highWatermark } = await log.read(partition, load.nextOffset, {
            leaderEpoch,
            maxBytes: options.offsetsLoadBufferBytes,
          });
          load.add(batches);
          if (batches.length > 0) continue;
          // Nothing from here to the end: compaction has removed the rest.
          if (highWatermark >= endOffset) break;
          await this.#pause();
        }
        load.finish();
        return load;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        logger.warn('Groups cannot be loaded yet', { partition, leaderEpoch, error });
        await this.#pause();
      }
    }
    return undefined;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#context.environment.timers.set(LOAD_RETRY_MS, resolve, { keepsProcessAlive: false });
    });
  }

  #create(groupId: string, load?: GroupLoad): GroupEntry {
    const entry = new GroupEntry(this.#context, {
      groupId,
      leadership: this.#leadership,
      stored: load?.groups.get(groupId),
      offsets: load?.offsets.get(groupId),
      onQuiet: (quiet) => this.#dropIfVoid(quiet),
    });
    this.#groups.set(groupId, entry);
    return entry;
  }

  #dropIfVoid(entry: GroupEntry): void {
    if (entry.isVoid) this.#drop(entry);
  }

  #drop(entry: GroupEntry): void {
    entry.close();
    if (this.#groups.get(entry.groupId) === entry) this.#groups.delete(entry.groupId);
  }
}
