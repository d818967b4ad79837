/**
 * What a leader knows of the replicas of its partition, and what follows from it: the high
 * watermark, who may join the in-sync replicas and who has to leave them. Pure: offsets and times
 * in, decisions out.
 *
 * The ISR is changed by the controller alone. A leader proposes a change and, until it knows the
 * outcome, counts the *maximal* ISR (KIP-497): everybody who may be in it. Example of why: (1) the
 * leader proposes to add B; (2) the controller writes it, the answer is lost; (3) the leader moves
 * the high watermark without B; (4) the leader dies and B, which lacks committed records, is
 * elected, since for the controller it is in sync.
 *
 * On a durable topic a replica's position is what it has on disk, the leader's own included; else
 * what it has in its log.
 */

import { assert, type BrokerEpoch, brokerEpoch } from '../../common/index.ts';

/** How far a replica is, as its last fetch or progress report said. */
interface Follower {
  readonly id: number;
  /** Registration that fetched last; -1 before the first fetch. */
  epoch: BrokerEpoch;
  logEndOffset: number;
  durableOffset: number;
  /** When it fetched last, and where the leader's log ended then. */
  lastFetchMs: number;
  lastFetchLeaderEndOffset: number;
  /** Last time of which we know that it had everything. */
  lastCaughtUpMs: number;
  /** Whether it has stopped asking since its last fetch. */
  isAway: boolean;
}

export interface LeaderLog {
  readonly logEndOffset: number;
  readonly writtenOffset: number;
  readonly durableOffset: number;
  readonly acknowledgesDurably: boolean;
}

export interface LeaderOptions {
  readonly selfId: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly partitionEpoch: number;
  /** Where the log ended when this leadership began. */
  readonly epochStartOffset: number;
  readonly nowMs: number;
}

export interface FollowerReport {
  readonly id: number;
  readonly epoch: BrokerEpoch;
  readonly logEndOffset: number;
  readonly durableOffset: number;
}

/** What the leader would like the controller to write. */
export interface IsrProposal {
  readonly isr: readonly { readonly id: number; readonly epoch: BrokerEpoch }[];
  /** State that the proposal is based on. */
  readonly partitionEpoch: number;
}

export interface ReplicaFacts {
  readonly id: number;
  readonly inSync: boolean;
  readonly logEndOffset: number;
  readonly durableOffset: number;
  readonly lagMs: number;
}

const UNKNOWN_EPOCH = brokerEpoch(-1);

export class LeaderState {
  readonly #selfId: number;
  readonly #log: LeaderLog;
  readonly #epochStartOffset: number;
  readonly #followers = new Map<number, Follower>();
  #replicas: readonly number[];
  #isr: readonly number[];
  #partitionEpoch: number;
  /** The proposed ISR while its outcome is open. */
  #proposed: readonly number[] | undefined;

  constructor(log: LeaderLog, options: LeaderOptions) {
    this.#log = log;
    this.#selfId = options.selfId;
    this.#epochStartOffset = options.epochStartOffset;
    this.#replicas = options.replicas;
    this.#isr = options.isr;
    this.#partitionEpoch = options.partitionEpoch;
    assert(options.isr.includes(options.selfId), 'A leader is in its own ISR', {
      selfId: options.selfId,
    });
    for (const id of options.replicas) this.#follow(id, options.nowMs);
  }

  get isr(): readonly number[] {
    return this.#isr;
  }

  get partitionEpoch(): number {
    return this.#partitionEpoch;
  }

  get epochStartOffset(): number {
    return this.#epochStartOffset;
  }

  /** Whether the outcome of a proposal is open. */
  get proposing(): boolean {
    return this.#proposed !== undefined;
  }

  /** Everybody who may be in sync for the controller, now or once a proposal is written. */
  get maximalIsr(): readonly number[] {
    const added = this.#proposed?.filter((id) => !this.#isr.includes(id)) ?? [];
    return [...this.#isr, ...added];
  }

  /**
   * State that the controller has written: of the same leader epoch, but newer than ours. Ends a
   * proposal, whatever became of it.
   */
  update(state: {
    readonly replicas: readonly number[];
    readonly isr: readonly number[];
    readonly partitionEpoch: number;
    readonly nowMs: number;
  }): void {
    if (state.partitionEpoch <= this.#partitionEpoch) return;
    this.#replicas = state.replicas;
    this.#isr = state.isr;
    this.#partitionEpoch = state.partitionEpoch;
    this.#proposed = undefined;
    for (const id of state.replicas) this.#follow(id, state.nowMs);
    for (const id of this.#followers.keys()) {
      if (!state.replicas.includes(id)) this.#followers.delete(id);
    }
  }

  /** A follower fetched. @returns false where it is no replica of this partition. */
  onFetch(report: FollowerReport, nowMs: number): boolean {
    const follower = this.#followers.get(report.id);
    if (follower === undefined) return false;
    follower.epoch = report.epoch;
    follower.logEndOffset = report.logEndOffset;
    follower.durableOffset = report.durableOffset;
    const position = this.#positionOf(follower);
    if (position >= this.#log.logEndOffset) {
      follower.lastCaughtUpMs = nowMs;
    } else if (position >= follower.lastFetchLeaderEndOffset) {
      follower.lastCaughtUpMs = Math.max(follower.lastCaughtUpMs, follower.lastFetchMs);
    }
    follower.isAway = false;
    follower.lastFetchMs = nowMs;
    follower.lastFetchLeaderEndOffset = this.#log.logEndOffset;
    return true;
  }

  /**
   * A follower has stopped asking, for as long as it likes. Out of sync it is not waited for then: a
   * throttled one may stay away for seconds.
   */
  onForgotten(id: number): void {
    const follower = this.#followers.get(id);
    if (follower === undefined) return;
    // Also in sync: one that is about to stop may say so before we hear that it has left the ISR.
    follower.isAway = true;
    if (this.#mayBeInSync(id)) return;
    follower.lastCaughtUpMs = Number.NEGATIVE_INFINITY;
  }

  /** A follower's disk is further than its last fetch said. */
  onProgress(id: number, durableOffset: number, nowMs: number): void {
    const follower = this.#followers.get(id);
    if (follower === undefined || durableOffset <= follower.durableOffset) return;
    follower.durableOffset = Math.min(durableOffset, follower.logEndOffset);
    if (follower.durableOffset >= this.#log.logEndOffset) follower.lastCaughtUpMs = nowMs;
  }

  /**
   * First offset that is not known on every replica that may be in sync.
   *
   * A replica that is about to join is waited for as well: under a steady load it would otherwise
   * always be a little behind the high watermark, and never get in.
   *
   * @param lagMsMax `replica.lag.time.max.ms`.
   * @param mayJoin whether the controller would take this registration of the broker.
   */
  safeOffset(
    nowMs: number,
    lagMsMax: number,
    mayJoin: (id: number, epoch: BrokerEpoch) => boolean,
  ): number {
    let safe = this.#ownPosition();
    for (const follower of this.#followers.values()) {
      const position = this.#positionOf(follower);
      if (position >= safe) continue;
      if (this.awaits(follower.id, { nowMs, lagMsMax, mayJoin })) safe = position;
    }
    return safe;
  }

  /** Whether the high watermark waits for the replica: it may be in sync, or is about to be. */
  awaits(
    id: number,
    options: {
      readonly nowMs: number;
      readonly lagMsMax: number;
      readonly mayJoin: (id: number, epoch: BrokerEpoch) => boolean;
    },
  ): boolean {
    const follower = this.#followers.get(id);
    if (follower === undefined) return false;
    const { nowMs, lagMsMax, mayJoin } = options;
    const isNear = !follower.isAway && nowMs - follower.lastCaughtUpMs <= lagMsMax;
    const joins = isNear && mayJoin(id, follower.epoch);
    return this.#mayBeInSync(id) || joins;
  }

  /** Proposes to add a follower that has caught up. */
  proposeToJoin(
    id: number,
    highWatermark: number,
    mayJoin: (id: number, epoch: BrokerEpoch) => boolean,
  ): IsrProposal | undefined {
    const follower = this.#followers.get(id);
    if (follower === undefined || this.#proposed !== undefined || this.#isr.includes(id)) {
      return undefined;
    }
    const position = this.#positionOf(follower);
    const caughtUp = position >= highWatermark && position >= this.#epochStartOffset;
    if (!caughtUp || !mayJoin(id, follower.epoch)) return undefined;
    return this.#propose([...this.#isr, id]);
  }

  /** Proposes to drop who has not had everything for longer than `lagMsMax`. */
  proposeToDrop(nowMs: number, lagMsMax: number): IsrProposal | undefined {
    if (this.#proposed !== undefined) return undefined;
    const kept = this.#isr.filter((id) => {
      const follower = this.#followers.get(id);
      if (follower === undefined) return true;
      if (this.#positionOf(follower) >= this.#log.logEndOffset) return true;
      return nowMs - follower.lastCaughtUpMs <= lagMsMax;
    });
    return kept.length === this.#isr.length ? undefined : this.#propose(kept);
  }

  /** The controller refused the proposal for certain: it was not written. */
  withdrawProposal(): void {
    this.#proposed = undefined;
  }

  /** What is known of each replica, this broker included. */
  describe(nowMs: number): readonly ReplicaFacts[] {
    return this.#replicas.map((id) => {
      const follower = this.#followers.get(id);
      const inSync = this.#isr.includes(id);
      if (follower === undefined) {
        const { logEndOffset, durableOffset } = this.#log;
        return { id, inSync, logEndOffset, durableOffset, lagMs: id === this.#selfId ? 0 : -1 };
      }
      const { logEndOffset, durableOffset, lastCaughtUpMs } = follower;
      const caughtUp = this.#positionOf(follower) >= this.#ownPosition();
      const known = Number.isFinite(lastCaughtUpMs) ? Math.round(nowMs - lastCaughtUpMs) : -1;
      const lagMs = caughtUp ? 0 : known;
      return { id, inSync, logEndOffset, durableOffset, lagMs };
    });
  }

  /** Whether the replica, in sync, holds the record before `offset` and may serve consumers there. */
  canServe(id: number, offset: number): boolean {
    const follower = this.#followers.get(id);
    return follower !== undefined && this.#isr.includes(id) && follower.logEndOffset >= offset;
  }

  #propose(isr: readonly number[]): IsrProposal {
    this.#proposed = isr;
    return {
      partitionEpoch: this.#partitionEpoch,
      isr: isr.map((id) => ({ id, epoch: this.#followers.get(id)?.epoch ?? UNKNOWN_EPOCH })),
    };
  }

  #mayBeInSync(id: number): boolean {
    return this.#isr.includes(id) || (this.#proposed?.includes(id) ?? false);
  }

  #ownPosition(): number {
    return this.#log.acknowledgesDurably ? this.#log.durableOffset : this.#log.writtenOffset;
  }

  #positionOf(follower: Follower): number {
    return this.#log.acknowledgesDurably ? follower.durableOffset : follower.logEndOffset;
  }

  /** A replica that is in sync gets the benefit of the doubt, from now on; any other one none. */
  #follow(id: number, nowMs: number): void {
    if (id === this.#selfId || this.#followers.has(id)) return;
    this.#followers.set(id, {
      id,
      epoch: UNKNOWN_EPOCH,
      logEndOffset: -1,
      durableOffset: -1,
      lastFetchMs: Number.NEGATIVE_INFINITY,
      lastFetchLeaderEndOffset: -1,
      isAway: false,
      lastCaughtUpMs: this.#isr.includes(id) ? nowMs : Number.NEGATIVE_INFINITY,
    });
  }
}
