/** A group coordinator in manual time over the model of its log, and members that talk to it. */

import {
  defaultGroupCoordinatorOptions,
  GroupCoordinator,
  type GroupCoordinatorOptions,
  type JoinGroupRequest,
  type JoinGroupResponse,
  type SyncGroupResponse,
} from '../../../broker/group/index.ts';
import { silentLogger } from '../../../common/index.ts';
import { SimRandom } from '../../simulation/kernel/index.ts';
import { ManualTime, settled } from './manualTime.ts';
import { OffsetsLogModel } from './offsetsLogModel.ts';

export const GROUP = 'billing';

export class GroupFixture {
  readonly time = new ManualTime();
  readonly log = new OffsetsLogModel({
    later: (run) => {
      setImmediate(run);
    },
    after: (delayMs, run) => {
      this.time.set(delayMs, run);
    },
  });
  /** Topics that the broker knows. */
  readonly topics = new Set(['orders', 'payments']);
  readonly fatal: unknown[] = [];
  readonly options: GroupCoordinatorOptions;
  readonly coordinator: GroupCoordinator;

  constructor(options: Partial<GroupCoordinatorOptions> = {}) {
    this.options = { ...defaultGroupCoordinatorOptions, initialRebalanceDelayMs: 0, ...options };
    this.coordinator = this.newCoordinator(1);
  }

  /** Partition of the offsets topic that holds `GROUP`. */
  get partition(): number {
    return this.coordinator.partitionFor(GROUP);
  }

  newCoordinator(broker: number): GroupCoordinator {
    const { time } = this;
    return new GroupCoordinator(
      { clock: time, timers: time, random: new SimRandom(broker, 'coordinator') },
      this.options,
      {
        log: this.log.viewOf(broker),
        topicExists: (topic) => this.topics.has(topic),
        onFatal: (error) => this.fatal.push(error),
      },
      silentLogger,
    );
  }

  /** Makes broker 1 the coordinator of `GROUP`. */
  async lead(): Promise<this> {
    this.coordinator.onLeadership(this.partition, this.log.elect(this.partition, 1));
    await this.time.advance(0);
    await settled();
    return this;
  }

  member(overrides: Partial<JoinGroupRequest> = {}): MemberDriver {
    return new MemberDriver(this.coordinator, overrides);
  }

  /** A stable group of these members; the first is the leader. */
  async stable(...members: readonly MemberDriver[]): Promise<void> {
    const joins = members.map((member) => member.join());
    await this.time.advance(0);
    await Promise.all(joins);
    const leader = members.find(({ isLeader }) => isLeader);
    const syncs = members.map((member) =>
      member.sync(
        member === leader
          ? members.map(({ memberId }) => ({ memberId, assignment: Buffer.from(`a:${memberId}`) }))
          : [],
      ),
    );
    await Promise.all(syncs);
  }
}

export class MemberDriver {
  #coordinator: GroupCoordinator;
  readonly #overrides: Partial<JoinGroupRequest>;
  memberId = '';
  generationId = -1;
  leader = '';
  joined: JoinGroupResponse | undefined;
  synced: SyncGroupResponse | undefined;

  constructor(coordinator: GroupCoordinator, overrides: Partial<JoinGroupRequest>) {
    this.#coordinator = coordinator;
    this.#overrides = overrides;
  }

  get isLeader(): boolean {
    return this.leader !== '' && this.leader === this.memberId;
  }

  get #identity(): { groupId: string; memberId: string; groupInstanceId: string | null } {
    return {
      groupId: GROUP,
      memberId: this.memberId,
      groupInstanceId: this.#overrides.groupInstanceId ?? null,
    };
  }

  /** Another broker is its coordinator from now on. */
  moveTo(coordinator: GroupCoordinator): void {
    this.#coordinator = coordinator;
  }

  async join(overrides: Partial<JoinGroupRequest> = {}): Promise<JoinGroupResponse> {
    const joined = await this.#coordinator.joinGroup({
      ...this.#identity,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription('orders') }],
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      reason: null,
      requiresKnownMemberId: false,
      supportsSkippingAssignment: false,
      client: { clientId: 'client', clientHost: '/127.0.0.1' },
      ...this.#overrides,
      ...overrides,
    });
    this.joined = joined;
    if (joined.error === 'NONE' || joined.error === 'MEMBER_ID_REQUIRED') {
      this.memberId = joined.memberId;
    }
    if (joined.error === 'NONE') {
      this.generationId = joined.generationId;
      this.leader = joined.leader;
    }
    return joined;
  }

  async sync(
    assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[] = [],
    protocol: { readonly type: string | null; readonly name: string | null } = {
      type: null,
      name: null,
    },
  ): Promise<SyncGroupResponse> {
    this.synced = await this.#coordinator.syncGroup({
      ...this.#identity,
      generationId: this.generationId,
      protocolType: protocol.type,
      protocolName: protocol.name,
      assignments,
    });
    return this.synced;
  }

  heartbeat(): Promise<string> {
    return this.#coordinator.heartbeat({ ...this.#identity, generationId: this.generationId });
  }

  async leave(): Promise<string> {
    const { error, members } = await this.#coordinator.leaveGroup({
      groupId: GROUP,
      members: [{ ...this.#identity, reason: null }],
    });
    return error === 'NONE' ? (members[0]?.error ?? 'NONE') : error;
  }

  /** Commits one offset of partition 0 of `orders`. */
  async commit(
    offset: number,
    options: { readonly metadata?: string | null; readonly topic?: string } = {},
  ): Promise<string | undefined> {
    const { topics } = await this.#coordinator.commitOffsets({
      ...this.#identity,
      generationIdOrMemberEpoch: this.generationId,
      topics: [
        {
          name: options.topic ?? 'orders',
          partitions: [
            {
              partition: 0,
              committedOffset: offset,
              committedLeaderEpoch: 3,
              metadata: options.metadata ?? null,
            },
          ],
        },
      ],
    });
    return topics[0]?.partitions[0]?.error;
  }
}

/** The metadata of a consumer: version 0, the topics, no user data. */
export function subscription(...topics: readonly string[]): Buffer {
  const count = Buffer.alloc(6);
  count.writeInt32BE(topics.length, 2);
  const names = topics.map((topic) => {
    const length = Buffer.alloc(2);
    length.writeInt16BE(topic.length);
    return Buffer.concat([length, Buffer.from(topic)]);
  });
  return Buffer.concat([count, ...names, Buffer.from([255, 255, 255, 255])]);
}
