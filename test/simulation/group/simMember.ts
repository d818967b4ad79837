/**
 * A consumer of the classic protocol as a careful client is: it heartbeats beside everything else,
 * gives its partitions up before it joins again, and stops when nobody has confirmed its session.
 */

import type { GroupService, JoinGroupResponse } from '../../../broker/group/index.ts';
import type { Environment } from '../../../common/index.ts';
import type { GroupInvariants } from './groupInvariants.ts';
import {
  type Answered,
  GROUP,
  type GroupWorld,
  PARTITION_COUNT,
  REBALANCE_TIMEOUT_MS,
  SESSION_TIMEOUT_MS,
  TOPIC,
} from './groupWorld.ts';

const HEARTBEAT_INTERVAL_MS = 1000;
const CALL_TIMEOUT_MS = 4000;
const BACK_OFF_MS = 100;

export class SimMember {
  readonly name: string;
  readonly #world: GroupWorld;
  readonly #environment: Environment;
  readonly #invariants: GroupInvariants;
  readonly #instanceId: string | null;
  readonly #now: () => number;
  #coordinator = 1;
  #memberId = '';
  #generationId = -1;
  /** Until when its session is known to last. */
  #sessionUntilMs = 0;
  #partitions: readonly number[] = [];
  readonly #positions = new Map<number, number>();
  #giveUp: () => void = () => undefined;
  #rejoin = true;
  #leaving = false;
  #ended = false;

  constructor(
    world: GroupWorld,
    environment: Environment,
    options: {
      readonly name: string;
      readonly instanceId: string | null;
      readonly invariants: GroupInvariants;
    },
  ) {
    this.#world = world;
    this.#environment = environment;
    this.#invariants = options.invariants;
    this.#instanceId = options.instanceId;
    this.name = options.name;
    this.#now = () => world.simulation.nowMs;
  }

  get generationId(): number {
    return this.#partitionsAreValid() ? this.#generationId : -1;
  }

  /** Runs until the member has left, or its program dies. */
  async run(): Promise<void> {
    void this.#heartbeats();
    while (!this.#leaving) {
      if (this.#rejoin) await this.#joinAndSync();
      else if (!this.#partitionsAreValid()) this.#lose();
      else await this.#consume();
    }
    this.#giveUp();
    this.#ended = true;
    await this.#call((service) =>
      service.leaveGroup({ groupId: GROUP, members: [{ ...this.#identity(), reason: null }] }),
    );
  }

  /** It stops at the next moment at which it looks. */
  leave(): void {
    this.#leaving = true;
  }

  /** The program has died: what it owned it does not consume any more. */
  crashed(): void {
    this.#giveUp();
  }

  async #joinAndSync(): Promise<void> {
    this.#giveUp();
    const joined = await this.#call(
      (service) =>
        service.joinGroup({
          ...this.#identity(),
          protocolType: 'consumer',
          protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
          sessionTimeoutMs: SESSION_TIMEOUT_MS,
          rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
          reason: null,
          requiresKnownMemberId: true,
          supportsSkippingAssignment: true,
          client: { clientId: this.name, clientHost: '/sim' },
        }),
      REBALANCE_TIMEOUT_MS + CALL_TIMEOUT_MS,
    );
    const join = joined?.response;
    if (join?.error === 'MEMBER_ID_REQUIRED') {
      this.#memberId = join.memberId;
      return;
    }
    if (join?.error !== 'NONE') {
      await this.#onError(join?.error);
      return;
    }
    this.#memberId = join.memberId;
    this.#generationId = join.generationId;
    await this.#sync(join);
  }

  async #sync(join: JoinGroupResponse): Promise<void> {
    const assigns = join.leader === this.#memberId && !join.skipAssignment;
    const sentMs = this.#now();
    const synced = await this.#call((service) =>
      service.syncGroup({
        ...this.#identity(),
        generationId: this.#generationId,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: assigns ? assignmentsOf(join) : [],
      }),
    );
    if (synced?.response.error !== 'NONE') {
      await this.#onError(synced?.response.error);
      return;
    }
    this.#extend(sentMs, synced);
    this.#partitions = [...synced.response.assignment];
    this.#rejoin = false;
    if (!this.#partitionsAreValid()) return;
    this.#giveUp = this.#invariants.own(
      {
        member: this.name,
        generationId: this.#generationId,
        untilMs: () => this.#sessionUntilMs,
      },
      this.#partitions,
    );
    await this.#fetchPositions();
  }

  async #fetchPositions(): Promise<void> {
    const known = this.#partitions.map((partition) => this.#invariants.knownOf(partition));
    const fetched = await this.#call((service) =>
      service.fetchOffsets({
        groupId: GROUP,
        memberId: null,
        memberEpoch: -1,
        requireStable: true,
        topics: [{ name: TOPIC, partitions: this.#partitions }],
      }),
    );
    this.#positions.clear();
    if (fetched?.response.error !== 'NONE') return;
    const partitions = fetched.response.topics[0]?.partitions ?? [];
    partitions.forEach(({ partition, committedOffset, error }, index) => {
      if (error !== 'NONE') return;
      this.#positions.set(partition, committedOffset);
      if (fetched.isTrue) {
        this.#invariants.fetched(partition, committedOffset, known[index]!);
      }
    });
  }

  async #consume(): Promise<void> {
    await this.#sleep(200 + this.#world.random.below(800));
    if (this.#rejoin || this.#partitions.length === 0) return;
    if (this.#positions.size < this.#partitions.length) return this.#fetchPositions();
    const generationId = this.#generationId;
    const commits = this.#partitions.map((partition) => ({
      partition,
      committedOffset: this.#positions.get(partition)! + 1 + this.#world.random.below(10),
      committedLeaderEpoch: 0,
      metadata: null,
    }));
    // It has consumed them, whatever becomes of the commit.
    for (const it of commits) this.#positions.set(it.partition, it.committedOffset);
    const request = {
      ...this.#identity(),
      generationIdOrMemberEpoch: generationId,
      topics: [{ name: TOPIC, partitions: commits }],
    };
    const answer = await this.#world.call(this.#connection(), {
      broker: this.#coordinator,
      timeoutMs: CALL_TIMEOUT_MS,
      ask: (service) => service.commitOffsets(request),
      // It counts also where nobody hears of it.
      onAnswered: ({ topics }) => {
        topics[0]?.partitions.forEach(({ partition, error }, index) => {
          if (error !== 'NONE') return;
          this.#invariants.committed(partition, commits[index]!.committedOffset, generationId);
        });
      },
    });
    const answered = answer?.response.topics[0]?.partitions ?? [];
    const error = answer === undefined ? undefined : (answered[0]?.error ?? 'NONE');
    if (error !== 'NONE') await this.#onError(error);
  }

  async #heartbeats(): Promise<void> {
    while (!this.#ended) {
      await this.#sleep(HEARTBEAT_INTERVAL_MS);
      this.#invariants.check();
      if (this.#memberId === '' || this.#generationId < 0) continue;
      const generationId = this.#generationId;
      const sentMs = this.#now();
      const answer = await this.#call((service) =>
        service.heartbeat({ ...this.#identity(), generationId }),
      );
      if (generationId !== this.#generationId) continue;
      if (answer?.response === 'NONE') this.#extend(sentMs, answer);
      else if (!this.#rejoin) await this.#onError(answer?.response);
    }
  }

  async #onError(error: string | undefined): Promise<void> {
    switch (error) {
      case undefined:
      case 'NOT_COORDINATOR':
      case 'COORDINATOR_NOT_AVAILABLE':
        this.#coordinator = this.#world.findCoordinator();
        break;
      case 'UNKNOWN_MEMBER_ID':
      case 'FENCED_INSTANCE_ID':
        this.#memberId = '';
        this.#lose();
        break;
      case 'ILLEGAL_GENERATION':
      case 'REBALANCE_IN_PROGRESS':
        this.#lose();
        break;
      default:
        break;
    }
    await this.#sleep(BACK_OFF_MS);
  }

  #lose(): void {
    this.#giveUp();
    this.#partitions = [];
    this.#rejoin = true;
  }

  #partitionsAreValid(): boolean {
    return !this.#rejoin && this.#sessionUntilMs > this.#now();
  }

  #extend(sentMs: number, { isTrue }: Pick<Answered<unknown>, 'isTrue'>): void {
    if (!isTrue) return;
    this.#sessionUntilMs = Math.max(this.#sessionUntilMs, sentMs + SESSION_TIMEOUT_MS);
  }

  #identity(): {
    readonly groupId: string;
    readonly memberId: string;
    readonly groupInstanceId: string | null;
  } {
    return { groupId: GROUP, memberId: this.#memberId, groupInstanceId: this.#instanceId };
  }

  #call<Response>(
    ask: (service: GroupService) => Promise<Response>,
    timeoutMs = CALL_TIMEOUT_MS,
  ): Promise<Answered<Response> | undefined> {
    return this.#world.call(this.#connection(), { broker: this.#coordinator, timeoutMs, ask });
  }

  #connection(): { readonly name: string } & Pick<Environment, 'timers'> {
    return { name: this.name, timers: this.#environment.timers };
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#environment.timers.set(delayMs, resolve);
    });
  }
}

/** The partitions in turn, a byte each. */
function assignmentsOf(
  join: JoinGroupResponse,
): readonly { readonly memberId: string; readonly assignment: Uint8Array }[] {
  const ids = join.members.map(({ memberId }) => memberId).sort();
  const all = Array.from({ length: PARTITION_COUNT }, (_, partition) => partition);
  return ids.map((memberId, index) => ({
    memberId,
    assignment: Buffer.from(all.filter((partition) => partition % ids.length === index)),
  }));
}
