/**
 * One group of the classic protocol: a state machine without I/O. Requests and the passing of time
 * come in; answers go out through the waiters that came with the requests, and what must survive
 * goes out through `ClassicGroupHost.store`.
 *
 *     Empty ----join----> PreparingRebalance --all joined, or time is up--> CompletingRebalance
 *       ^                   ^   |                                              |
 *       |                   |   +--nobody is left--> Empty                     | the leader's
 *       +--expiry: Dead     |                                                  | assignment is stored
 *                           +----a member joins, changes, leaves or fails---- Stable
 *
 * Invariants:
 *   - The generation only grows. What a generation assigns is stored before a member hears of it, so
 *     one generation never has two assignments, whoever coordinates.
 *   - A waiter is answered exactly once.
 *   - In Stable every member has an assignment; one that the leader forgot has an empty one.
 *
 * Why the assignment is stored first: (1) the leader's SyncGroup comes, member A is told to own
 * partition 0; (2) this broker dies before anything is replicated; (3) the next coordinator knows
 * the generation before, in which B owned partition 0, and confirms B's heartbeats. Both consume.
 *
 * @see KIP-62 (timeouts), KIP-345 (static members), KIP-394 (member id first), KIP-814 (skipping
 *   the assignment)
 *
 * This file is long because the transitions are one another's context: each is a few lines.
 */

import { assert, type Clock } from '../../../common/index.ts';
import type { ErrorName } from '../../../protocol/index.ts';
import type {
  DescribedGroup,
  GroupStateName,
  JoinGroupMember,
  JoinGroupRequest,
  JoinGroupResponse,
  LeavingMember,
  MemberProtocol,
  SyncGroupRequest,
} from '../groupMessages.ts';
import type { StoredGroup } from '../records/index.ts';
import {
  type ClassicMember,
  type JoinWaiter,
  metadataFor,
  type SyncWaiter,
  saysTheSame,
} from './classicMember.ts';
import { CONSUMER_PROTOCOL_TYPE, subscribedTopics } from './consumerSubscription.ts';
import { ProtocolVotes } from './protocolVotes.ts';

export type ClassicState = Extract<
  GroupStateName,
  'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'
>;

/** What a group needs of its coordinator. */
export interface ClassicGroupHost {
  readonly clock: Clock;
  readonly initialRebalanceDelayMs: number;
  readonly groupSizeMax: number;
  /** A name that nobody had before: `prefix-UUID`. */
  newMemberId(prefix: string): string;
  /**
   * Replicates the group's record.
   *
   * @param onStored called exactly once, never from within this call: NONE, or why not.
   */
  store(group: StoredGroup, onStored: (error: ErrorName) => void): void;
  /** `onTime` is to be called then, on the monotonic clock; an earlier wish stands. */
  wakeAt(timeMs: number): void;
}

/** A new member that waits for its first rebalance is given up after this. */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000;

const NO_BYTES = new Uint8Array(0);
const NEVER_MS = Number.POSITIVE_INFINITY;

export class ClassicGroup {
  readonly groupId: string;
  readonly #host: ClassicGroupHost;
  readonly #members = new Map<string, ClassicMember>();
  /** Member id of each static member, by its instance id. */
  readonly #staticMembers = new Map<string, string>();
  /** Ids that were given out and have not joined yet, with the time by which they must. */
  readonly #pendingMembers = new Map<string, number>();
  /** Members that have not asked for the assignment of this generation. */
  readonly #pendingSync = new Set<string>();
  readonly #votes = new ProtocolVotes();
  #state: ClassicState = 'Empty';
  #stateTimestampMs: number;
  #protocolType: string | undefined;
  #protocolName: string | null = null;
  #generationId = 0;
  #leader: string | null = null;
  /** Of a consumer group whose members all say so; undefined where it is not known. */
  #topics: ReadonlySet<string> | undefined;
  /** When the rebalance stops waiting for members. */
  #joinDeadlineMs = NEVER_MS;
  /** When those who did not ask for their assignment are given up. */
  #syncDeadlineMs = NEVER_MS;
  /** Of a group that was empty: how much longer it may be waited for more members. */
  #initialDelay: { delayMs: number; remainingMs: number; memberAdded: boolean } | undefined;
  /** Generation whose assignment is on its way to the log. */
  #storing = -1;
  #awaitingJoin = 0;

  constructor(groupId: string, host: ClassicGroupHost) {
    this.groupId = groupId;
    this.#host = host;
    this.#stateTimestampMs = host.clock.wallMs();
  }

  /** As a coordinator finds it in the log: stable, or empty. Every member has a whole session. */
  static restore(groupId: string, stored: StoredGroup, host: ClassicGroupHost): ClassicGroup {
    const group = new ClassicGroup(groupId, host);
    group.#restore(stored);
    return group;
  }

  get state(): ClassicState {
    return this.#state;
  }

  /** 0 before the first: nothing is stored then. */
  get generationId(): number {
    return this.#generationId;
  }

  /** Undefined where the group only keeps offsets. */
  get protocolType(): string | undefined {
    return this.#protocolType;
  }

  /** When the group got into its state, in milliseconds since 1970; -1 where an old record is silent. */
  get stateTimestampMs(): number {
    return this.#stateTimestampMs;
  }

  get memberCount(): number {
    return this.#members.size;
  }

  /** Whether somebody is about to join who has been given an id. */
  get isAwaited(): boolean {
    return this.#pendingMembers.size > 0;
  }

  get isConsumerGroup(): boolean {
    return this.#protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  /** Topics that members subscribe to; undefined where the coordinator cannot know. */
  get subscribedTopics(): ReadonlySet<string> | undefined {
    return this.#topics;
  }

  // ---- requests ----

  /** @param answer called once: now, or when the rebalance has gathered its members. */
  join(request: JoinGroupRequest, answer: JoinWaiter): void {
    const { memberId } = request;
    if (this.#state === 'Dead') {
      answer(joinError(memberId, 'COORDINATOR_NOT_AVAILABLE'));
    } else if (!this.#accepts(memberId)) {
      this.#remove(memberId);
      answer(joinError('', 'GROUP_MAX_SIZE_REACHED'));
    } else if (!this.#isCompatible(request)) {
      answer(joinError(memberId, 'INCONSISTENT_GROUP_PROTOCOL'));
    } else if (memberId === '') this.#joinAsNew(request, answer);
    else if (this.#pendingMembers.has(memberId) && request.groupInstanceId === null) {
      this.#addMember(request, memberId, answer);
    } else this.#joinAgain(request, answer);
    this.#tryCompleteJoin();
  }

  /** @param answer called once: now, or when the leader's assignment is stored. */
  sync(request: SyncGroupRequest, answer: SyncWaiter): void {
    const error = this.#syncFault(request);
    const member = this.#members.get(request.memberId);
    if (error !== 'NONE' || member === undefined) {
      answer(syncError(error));
      return;
    }
    this.#pendingSync.delete(member.memberId);
    if (this.#pendingSync.size === 0) this.#syncDeadlineMs = NEVER_MS;
    if (this.#state === 'Stable') {
      this.#keepAlive(member);
      answer(this.#syncResponse(member));
      return;
    }
    // The client has given up the earlier request: it will not read the answer, but must get one.
    member.syncWaiter?.(syncError('REBALANCE_IN_PROGRESS'));
    member.syncWaiter = answer;
    if (this.#leader === member.memberId) this.#storeAssignments(request);
  }

  heartbeat(request: {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly generationId: number;
  }): ErrorName {
    if (this.#state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE';
    const fault = this.#memberFault(request.memberId, request.groupInstanceId);
    if (fault !== 'NONE') return fault;
    if (request.generationId !== this.#generationId) return 'ILLEGAL_GENERATION';
    this.#keepAlive(this.#members.get(request.memberId)!);
    return this.#state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE';
  }

  leave({ memberId, groupInstanceId }: LeavingMember): ErrorName {
    if (memberId === '') {
      // An operator removes a static member by the name that it goes by.
      const current = groupInstanceId === null ? '' : this.#staticMembers.get(groupInstanceId);
      return current === undefined || current === ''
        ? 'UNKNOWN_MEMBER_ID'
        : this.#removeAndRebalance(current);
    }
    if (this.#pendingMembers.delete(memberId)) {
      this.#tryCompleteJoin();
      return 'NONE';
    }
    const fault = this.#memberFault(memberId, groupInstanceId);
    return fault === 'NONE' ? this.#removeAndRebalance(memberId) : fault;
  }

  /** Whether offsets may be committed now; a commit of a member shows that it lives. */
  admitCommit(request: {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly generationIdOrMemberEpoch: number;
  }): ErrorName {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = request;
    if (this.#state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE';
    // A consumer that assigns its partitions itself, or an operator.
    if (generationId < 0 && this.#state === 'Empty') return 'NONE';
    if (generationId < 0 && memberId === '' && groupInstanceId === null) return 'UNKNOWN_MEMBER_ID';
    const fault = this.#memberFault(memberId, groupInstanceId);
    if (fault !== 'NONE') return fault;
    if (generationId !== this.#generationId) return 'ILLEGAL_GENERATION';
    // The partitions are being handed out anew: who owns which is about to be said.
    if (this.#state === 'CompletingRebalance') return 'REBALANCE_IN_PROGRESS';
    this.#keepAlive(this.#members.get(memberId)!);
    return 'NONE';
  }

  describe(): Pick<DescribedGroup, 'state' | 'protocolType' | 'protocolData' | 'members'> {
    const stable = this.#state === 'Stable';
    return {
      state: this.#state,
      protocolType: this.#protocolType ?? '',
      protocolData: stable ? (this.#protocolName ?? '') : '',
      members: [...this.#members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        metadata: stable ? metadataFor(member, this.#protocolName) : NO_BYTES,
        assignment: stable ? member.assignment : NO_BYTES,
      })),
    };
  }

  // ---- what the coordinator does with it ----

  /** Looks what has run out. */
  onTime(): void {
    const now = this.#host.clock.monotonicMs();
    for (const [memberId, deadlineMs] of this.#pendingMembers) {
      if (deadlineMs <= now) this.leave({ memberId, groupInstanceId: null, reason: null });
    }
    for (const member of [...this.#members.values()]) {
      if (member.deadlineMs <= now) this.#onSilence(member);
    }
    if (this.#syncDeadlineMs <= now) this.#giveUpSync();
    if (this.#joinDeadlineMs <= now) this.#onJoinDeadline();
    this.#wakeForNext();
  }

  /** The group is being removed: nobody may join or commit meanwhile. Only from Empty. */
  beginRemoval(): void {
    assert(this.#state === 'Empty', 'Only an empty group is removed', { state: this.#state });
    this.#state = 'Dead';
  }

  /** It could not be removed. */
  cancelRemoval(): void {
    assert(this.#state === 'Dead', 'The removal of a group had begun', { state: this.#state });
    this.#state = 'Empty';
  }

  /** This broker coordinates the group no more: whoever waits hears it. */
  unload(): void {
    this.#state = 'Dead';
    for (const member of this.#members.values()) {
      this.#answerJoin(member, joinError(member.memberId, 'NOT_COORDINATOR'));
      this.#answerSync(member, 'NOT_COORDINATOR');
    }
  }

  // ---- joining ----

  #accepts(memberId: string): boolean {
    const { groupSizeMax } = this.#host;
    const member = this.#members.get(memberId);
    if (this.#state === 'PreparingRebalance') {
      // Those who wait count, and not the size: who comes back last leaves a group that is too large.
      return member?.joinWaiter !== undefined || this.#awaitingJoin < groupSizeMax;
    }
    if (this.#state === 'Empty') return true;
    return member !== undefined || this.#members.size < groupSizeMax;
  }

  #isCompatible({ protocolType, protocols }: JoinGroupRequest): boolean {
    if (this.#state === 'Empty') return protocolType !== '' && protocols.length > 0;
    return (
      this.#protocolType === protocolType && this.#votes.anyCommon(protocols, this.#members.size)
    );
  }

  #joinAsNew(request: JoinGroupRequest, answer: JoinWaiter): void {
    const { groupInstanceId, client, sessionTimeoutMs } = request;
    const memberId = this.#host.newMemberId(groupInstanceId ?? client.clientId);
    if (groupInstanceId !== null) {
      const known = this.#staticMembers.get(groupInstanceId);
      if (known === undefined) this.#addMember(request, memberId, answer);
      else this.#replaceStatic(this.#members.get(known)!, memberId, { request, answer });
    } else if (request.requiresKnownMemberId) {
      // A client that loses the answer and retries would leave a member behind that nobody is: with
      // its id known before, only an entry here is left, which holds no rebalance up for long.
      this.#pendingMembers.set(memberId, this.#inMs(sessionTimeoutMs));
      answer(joinError(memberId, 'MEMBER_ID_REQUIRED'));
    } else this.#addMember(request, memberId, answer);
  }

  #addMember(request: JoinGroupRequest, memberId: string, answer: JoinWaiter): void {
    this.#pendingMembers.delete(memberId);
    const member: ClassicMember = {
      memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: request.client.clientId,
      clientHost: request.client.clientHost,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      sessionTimeoutMs: request.sessionTimeoutMs,
      protocols: copied(request.protocols),
      assignment: NO_BYTES,
      joinWaiter: answer,
      syncWaiter: undefined,
      isNew: true,
      deadlineMs: this.#inMs(NEW_MEMBER_JOIN_TIMEOUT_MS),
    };
    this.#insert(member, request.protocolType);
    this.#awaitingJoin += 1;
    if (this.#initialDelay !== undefined && this.#generationId === 0) {
      this.#initialDelay.memberAdded = true;
    }
    this.#rebalance();
  }

  #insert(member: ClassicMember, protocolType: string): void {
    if (this.#members.size === 0) this.#protocolType = protocolType;
    this.#leader ??= member.memberId;
    this.#members.set(member.memberId, member);
    this.#votes.add(member.protocols);
    if (member.groupInstanceId !== null) {
      this.#staticMembers.set(member.groupInstanceId, member.memberId);
    }
  }

  #joinAgain(request: JoinGroupRequest, answer: JoinWaiter): void {
    const { memberId } = request;
    const fault = this.#memberFault(memberId, request.groupInstanceId);
    if (fault !== 'NONE') {
      answer(joinError(memberId, fault));
      return;
    }
    const member = this.#members.get(memberId)!;
    const same = saysTheSame(member, request.protocols);
    // The leader asks for a rebalance by joining: it watches topics, which its metadata leaves out.
    const asksForRebalance = this.#state === 'Stable' && this.#leader === memberId;
    if (this.#state !== 'PreparingRebalance' && same && !asksForRebalance) {
      // It lost the answer: the generation is as it was told.
      this.#keepAlive(member);
      answer(this.#joinResponse(member));
      return;
    }
    this.#update(member, request, answer);
    this.#rebalance();
  }

  #update(member: ClassicMember, request: JoinGroupRequest, answer: JoinWaiter): void {
    this.#votes.remove(member.protocols);
    member.protocols = copied(request.protocols);
    this.#votes.add(member.protocols);
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    // The client has given up the earlier request: it will not read the answer, but must get one.
    this.#answerJoin(member, joinError(member.memberId, 'REBALANCE_IN_PROGRESS'));
    member.joinWaiter = answer;
    this.#awaitingJoin += 1;
  }

  /** A static member is back under a new id: whoever used the old one is fenced (KIP-345). */
  #replaceStatic(
    member: ClassicMember,
    memberId: string,
    { request, answer }: { readonly request: JoinGroupRequest; readonly answer: JoinWaiter },
  ): void {
    const before = { ...member, leader: this.#leader };
    this.#answerJoin(member, joinError(member.memberId, 'FENCED_INSTANCE_ID'));
    this.#answerSync(member, 'FENCED_INSTANCE_ID');
    this.#rename(member, memberId);
    this.#keepAlive(member);
    this.#update(member, request, answer);
    if (this.#state === 'PreparingRebalance') return;
    const keepsProtocol = this.#votes.choose(this.#members) === this.#protocolName;
    if (this.#state !== 'Stable' || !keepsProtocol) {
      // While the leader assigns, it assigns to the old id: that would leave the new one without.
      this.#rebalance();
      return;
    }
    this.#storeReplaced(member, before, request.supportsSkippingAssignment);
  }

  /** The group stays as it is; only the new id must survive. */
  #storeReplaced(
    member: ClassicMember,
    before: ClassicMember & { readonly leader: string | null },
    supportsSkipping: boolean,
  ): void {
    const { memberId, joinWaiter } = member;
    const generationId = this.#generationId;
    this.#host.store(this.#stored(), (error) => {
      // A rebalance, or yet another return, has taken over since, and answers.
      if (this.#state !== 'Stable' || generationId !== this.#generationId) return;
      if (member.joinWaiter !== joinWaiter || !this.#members.has(memberId)) return;
      this.#keepAlive(member);
      if (error === 'NONE') {
        const leads = this.#leader === memberId;
        // Below version 9 a leader cannot be told to skip: it is given another leader's name, or it
        // would assign, and a stable group would not hear of it.
        const response = this.#joinResponse(member);
        this.#answerJoin(
          member,
          supportsSkipping
            ? { ...response, skipAssignment: leads }
            : { ...response, leader: before.leader ?? '', members: [] },
        );
        return;
      }
      this.#votes.remove(member.protocols);
      member.protocols = before.protocols;
      this.#votes.add(member.protocols);
      member.rebalanceTimeoutMs = before.rebalanceTimeoutMs;
      member.sessionTimeoutMs = before.sessionTimeoutMs;
      this.#rename(member, before.memberId);
      this.#answerJoin(member, joinError('', error));
    });
  }

  #rename(member: ClassicMember, memberId: string): void {
    const old = member.memberId;
    this.#members.delete(old);
    member.memberId = memberId;
    this.#members.set(memberId, member);
    this.#staticMembers.set(member.groupInstanceId ?? '', memberId);
    if (this.#leader === old) this.#leader = memberId;
    if (this.#pendingSync.delete(old)) this.#pendingSync.add(memberId);
  }

  // ---- the rebalance ----

  /** Begins a rebalance, unless one gathers members already. */
  #rebalance(): void {
    if (this.#state === 'PreparingRebalance') return;
    if (this.#state === 'CompletingRebalance') this.#failSync('REBALANCE_IN_PROGRESS');
    this.#pendingSync.clear();
    this.#syncDeadlineMs = NEVER_MS;
    if (this.#state === 'Empty') {
      const delayMs = this.#host.initialRebalanceDelayMs;
      const remainingMs = Math.max(this.#rebalanceTimeoutMs() - delayMs, 0);
      this.#initialDelay = { delayMs, remainingMs, memberAdded: false };
      this.#joinDeadlineMs = this.#inMs(delayMs);
    } else this.#joinDeadlineMs = this.#inMs(this.#rebalanceTimeoutMs());
    this.#enter('PreparingRebalance');
    this.#tryCompleteJoin();
  }

  #tryCompleteJoin(): void {
    if (this.#state !== 'PreparingRebalance' || this.#initialDelay !== undefined) return;
    if (this.#awaitingJoin === this.#members.size && this.#pendingMembers.size === 0) {
      this.#completeJoin();
    }
  }

  #onJoinDeadline(): void {
    const initial = this.#initialDelay;
    if (initial?.memberAdded === true && initial.remainingMs > 0) {
      const delayMs = Math.min(this.#host.initialRebalanceDelayMs, initial.remainingMs);
      const remainingMs = Math.max(initial.remainingMs - initial.delayMs, 0);
      this.#initialDelay = { delayMs, remainingMs, memberAdded: false };
      this.#joinDeadlineMs = this.#inMs(delayMs);
      return;
    }
    this.#completeJoin();
  }

  /** Everybody who counts is here, or the time is up. */
  #completeJoin(): void {
    this.#initialDelay = undefined;
    for (const member of [...this.#members.values()]) {
      const isLate = member.joinWaiter === undefined;
      if (isLate && member.groupInstanceId === null) this.#remove(member.memberId);
    }
    if (this.#members.size > 0 && !this.#electLeader()) {
      // Static members alone, none of whom is here: their sessions will end, or they come.
      this.#joinDeadlineMs = this.#inMs(this.#rebalanceTimeoutMs());
      return;
    }
    this.#joinDeadlineMs = NEVER_MS;
    this.#generationId += 1;
    this.#protocolName = this.#votes.choose(this.#members) ?? null;
    this.#topics = this.#findTopics();
    if (this.#members.size === 0) {
      this.#enter('Empty');
      // Where this is lost, the generation before comes back, and its members fail once more.
      this.#host.store(this.#stored(), () => undefined);
      return;
    }
    this.#enter('CompletingRebalance');
    for (const member of this.#members.values()) {
      this.#answerJoin(member, this.#joinResponse(member));
      this.#keepAlive(member);
      member.isNew = false;
      this.#pendingSync.add(member.memberId);
    }
    this.#syncDeadlineMs = this.#inMs(this.#rebalanceTimeoutMs());
  }

  /** @returns whether the group has a leader who takes part. */
  #electLeader(): boolean {
    if (this.#leader !== null && this.#members.get(this.#leader)?.joinWaiter) return true;
    for (const member of this.#members.values()) {
      if (member.joinWaiter === undefined) continue;
      this.#leader = member.memberId;
      return true;
    }
    return false;
  }

  #storeAssignments({ assignments }: SyncGroupRequest): void {
    const generationId = this.#generationId;
    if (this.#storing === generationId) return;
    this.#storing = generationId;
    const byMember = new Map(
      assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)]),
    );
    this.#host.store(this.#stored(byMember), (error) => {
      if (this.#storing === generationId) this.#storing = -1;
      // Somebody joined or left meanwhile: the next generation will have its own assignment.
      if (this.#state !== 'CompletingRebalance' || generationId !== this.#generationId) return;
      if (error === 'NONE') this.#stabilise(byMember);
      else {
        this.#failSync(error);
        this.#rebalance();
      }
    });
  }

  #stabilise(assignments: ReadonlyMap<string, Uint8Array>): void {
    this.#enter('Stable');
    for (const member of this.#members.values()) {
      member.assignment = assignments.get(member.memberId) ?? NO_BYTES;
      this.#answerSync(member, 'NONE');
    }
  }

  #failSync(error: ErrorName): void {
    for (const member of this.#members.values()) {
      member.assignment = NO_BYTES;
      this.#answerSync(member, error);
    }
  }

  /** Who has joined and never asks for its assignment would keep its partitions from everybody. */
  #giveUpSync(): void {
    this.#syncDeadlineMs = NEVER_MS;
    const silent = [...this.#pendingSync];
    if (silent.length === 0) return;
    for (const memberId of silent) this.#remove(memberId);
    this.#rebalance();
  }

  // ---- leaving ----

  /** A member has not been heard of for its session timeout. */
  #onSilence(member: ClassicMember): void {
    const waits = member.joinWaiter !== undefined || member.syncWaiter !== undefined;
    // Who waits for us cannot send heartbeats; it gets a new session with the answer.
    if (waits && !member.isNew) member.deadlineMs = NEVER_MS;
    else this.#removeAndRebalance(member.memberId);
  }

  #removeAndRebalance(memberId: string): ErrorName {
    this.#remove(memberId);
    if (this.#state === 'PreparingRebalance') this.#tryCompleteJoin();
    else this.#rebalance();
    return 'NONE';
  }

  #remove(memberId: string): void {
    this.#pendingMembers.delete(memberId);
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    this.#answerJoin(member, joinError('', 'UNKNOWN_MEMBER_ID'));
    this.#answerSync(member, 'UNKNOWN_MEMBER_ID');
    this.#members.delete(memberId);
    this.#votes.remove(member.protocols);
    this.#pendingSync.delete(memberId);
    if (member.groupInstanceId !== null) this.#staticMembers.delete(member.groupInstanceId);
    if (this.#leader === memberId) this.#leader = this.#members.keys().next().value ?? null;
  }

  // ---- checks ----

  #memberFault(memberId: string, groupInstanceId: string | null): ErrorName {
    if (groupInstanceId !== null) {
      const current = this.#staticMembers.get(groupInstanceId);
      if (current === undefined) return 'UNKNOWN_MEMBER_ID';
      if (current !== memberId) return 'FENCED_INSTANCE_ID';
    }
    return this.#members.has(memberId) ? 'NONE' : 'UNKNOWN_MEMBER_ID';
  }

  #syncFault(request: SyncGroupRequest): ErrorName {
    const { protocolType, protocolName } = request;
    if (this.#state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE';
    const fault = this.#memberFault(request.memberId, request.groupInstanceId);
    if (fault !== 'NONE') return fault;
    if (request.generationId !== this.#generationId) return 'ILLEGAL_GENERATION';
    if (
      (protocolType !== null && protocolType !== this.#protocolType) ||
      (protocolName !== null && protocolName !== this.#protocolName)
    ) {
      return 'INCONSISTENT_GROUP_PROTOCOL';
    }
    return this.#state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE';
  }

  // ---- answers ----

  #answerJoin(member: ClassicMember, response: JoinGroupResponse): void {
    const { joinWaiter } = member;
    if (joinWaiter === undefined) return;
    member.joinWaiter = undefined;
    this.#awaitingJoin -= 1;
    joinWaiter(response);
  }

  #answerSync(member: ClassicMember, error: ErrorName): void {
    const { syncWaiter } = member;
    if (syncWaiter === undefined) return;
    member.syncWaiter = undefined;
    // Its session was not watched while it waited.
    this.#keepAlive(member);
    syncWaiter(error === 'NONE' ? this.#syncResponse(member) : syncError(error));
  }

  #joinResponse(member: ClassicMember): JoinGroupResponse {
    return {
      error: 'NONE',
      generationId: this.#generationId,
      protocolType: this.#protocolType ?? null,
      protocolName: this.#protocolName,
      leader: this.#leader ?? '',
      skipAssignment: false,
      memberId: member.memberId,
      members: this.#leader === member.memberId ? this.#joinMembers() : [],
    };
  }

  #joinMembers(): readonly JoinGroupMember[] {
    return [...this.#members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: metadataFor(member, this.#protocolName),
    }));
  }

  #syncResponse(member: ClassicMember): Parameters<SyncWaiter>[0] {
    return {
      error: 'NONE',
      protocolType: this.#protocolType ?? null,
      protocolName: this.#protocolName,
      assignment: member.assignment,
    };
  }

  // ---- state ----

  #enter(state: ClassicState): void {
    this.#state = state;
    this.#stateTimestampMs = this.#host.clock.wallMs();
  }

  #stored(assignments?: ReadonlyMap<string, Uint8Array>): StoredGroup {
    return {
      protocolType: this.#protocolType ?? '',
      generationId: this.#generationId,
      protocolName: this.#protocolName,
      leader: this.#leader,
      stateTimestampMs: this.#stateTimestampMs,
      members: [...this.#members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        sessionTimeoutMs: member.sessionTimeoutMs,
        subscription: metadataFor(member, this.#protocolName),
        assignment:
          assignments === undefined
            ? member.assignment
            : (assignments.get(member.memberId) ?? NO_BYTES),
      })),
    };
  }

  #restore(stored: StoredGroup): void {
    this.#generationId = stored.generationId;
    this.#protocolName = stored.protocolName;
    this.#leader = stored.leader;
    this.#stateTimestampMs = stored.stateTimestampMs;
    this.#protocolType = stored.protocolType === '' ? undefined : stored.protocolType;
    for (const member of stored.members) {
      const { subscription, ...rest } = member;
      const protocols = [{ name: stored.protocolName ?? '', metadata: subscription }];
      const restored = { ...rest, protocols, joinWaiter: undefined, syncWaiter: undefined };
      const deadlineMs = this.#inMs(member.sessionTimeoutMs);
      this.#insert({ ...restored, isNew: false, deadlineMs }, stored.protocolType);
    }
    this.#state = stored.members.length === 0 ? 'Empty' : 'Stable';
    this.#topics = this.#findTopics();
    // The limit was lowered: those who come back last find no place.
    if (this.#members.size > this.#host.groupSizeMax) this.#rebalance();
  }

  #findTopics(): ReadonlySet<string> | undefined {
    if (!this.isConsumerGroup) return undefined;
    const topics = new Set<string>();
    for (const member of this.#members.values()) {
      const subscribed = subscribedTopics(metadataFor(member, this.#protocolName));
      if (subscribed === undefined) return undefined;
      for (const topic of subscribed) topics.add(topic);
    }
    return topics;
  }

  // ---- time ----

  #keepAlive(member: ClassicMember): void {
    member.deadlineMs = this.#inMs(member.sessionTimeoutMs);
  }

  #rebalanceTimeoutMs(): number {
    let timeoutMs = 0;
    for (const member of this.#members.values()) {
      timeoutMs = Math.max(timeoutMs, member.rebalanceTimeoutMs);
    }
    return timeoutMs;
  }

  #inMs(delayMs: number): number {
    const timeMs = this.#host.clock.monotonicMs() + Math.max(0, delayMs);
    this.#host.wakeAt(timeMs);
    return timeMs;
  }

  #wakeForNext(): void {
    let next = Math.min(this.#joinDeadlineMs, this.#syncDeadlineMs);
    for (const deadlineMs of this.#pendingMembers.values()) next = Math.min(next, deadlineMs);
    for (const { deadlineMs } of this.#members.values()) next = Math.min(next, deadlineMs);
    if (next !== NEVER_MS) this.#host.wakeAt(next);
  }
}

/** A request's bytes are views. */
function copied(protocols: readonly MemberProtocol[]): readonly MemberProtocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }));
}

export function joinError(memberId: string, error: ErrorName): JoinGroupResponse {
  return {
    error,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

export function syncError(error: ErrorName): Parameters<SyncWaiter>[0] {
  return { error, protocolType: null, protocolName: null, assignment: NO_BYTES };
}
