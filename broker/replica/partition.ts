/**
 * One partition as this broker holds it: its role, its high watermark and who waits for what.
 *
 * State and who changes it:
 *   role, leader, leaderEpoch   the controller, through `become`
 *   in-sync replicas            the controller; a leader proposes changes (`LeaderState`)
 *   log end                     `append` as the leader, `appendFetched` as a follower
 *   high watermark              `#advance` as the leader; what the leader says as a follower. The log
 *                               keeps the number, since its checkpoint is a file of the directory
 *
 * Invariant: logStartOffset <= highWatermark <= logEndOffset. The high watermark never goes back
 * while this broker leads. An append is acknowledged when its last offset lies below what its acks
 * demand:
 *   acks 1    the log of the leader: synced where the topic asks for durability, else written
 *   acks all  the log of every in-sync replica: the high watermark
 *
 * Why the high watermark waits for the leader's own fdatasync on durable topics: (1) a record is
 * written, the consumer reads it and acts on it; (2) the power fails before the sync; (3) the
 * broker comes back without the record and gives its offset to another one. The consumer has then
 * seen a record that never was.
 *
 * Why it stands still while fewer than `min.insync.replicas` are in sync (KIP-966): a replica that
 * leaves the ISR then still holds every committed record, so it can be elected when the rest fails.
 */

import {
  assert,
  type BrokerEpoch,
  type Clock,
  type LeaderEpoch,
  leaderEpoch,
  NO_LEADER_EPOCH,
  type Offset,
  offset,
} from '../../common/index.ts';
import { type ErrorName, type PartitionState, ProtocolError } from '../../protocol/index.ts';
import type { LogRead, PartitionLog } from '../log/index.ts';
import { AcknowledgementQueue, type AppendWaiter } from './acknowledgementQueue.ts';
import { type IsrProposal, LeaderState, type ReplicaFacts } from './leaderState.ts';

/** Woken once when there may be more to read, or when the partition can no longer be read. */
export interface FetchWaiter {
  wake(): void;
}

/** What a partition needs to know of the broker around it. */
export interface PartitionContext {
  readonly clock: Clock;
  readonly selfId: number;
  /** `replica.lag.time.max.ms`. */
  readonly lagMsMax: number;
  /** Whether this registration of the broker is alive, as far as this broker knows. */
  readonly isAlive: (id: number, epoch: BrokerEpoch) => boolean;
  /** Takes a proposal to the controller; its outcome comes back by `settleProposal` or `become`. */
  readonly propose: (partition: Partition, proposal: IsrProposal) => void;
  /** As a follower: more of the log is on disk than the leader knows. */
  readonly onFollowerDurable: (partition: Partition) => void;
}

export interface AppendRequest {
  /** One record batch: a view, valid until the log's next `flushTurn`. */
  readonly batch: Uint8Array;
  readonly acks: -1 | 0 | 1;
  /** Leader epoch that the client knows; -1 for no check. */
  readonly expectedLeaderEpoch: number;
  /** Told when the append is safe, unless `acks` is 0. */
  readonly waiter: AppendWaiter;
  /** Handed back to the waiter. */
  readonly slot: number;
}

export interface AppendResult {
  /** Of the first time, where the batch is a repetition (KIP-98). */
  readonly baseOffset: number;
  readonly logAppendTimeMs: number;
  /** Records that were appended: none where the batch is a repetition. */
  readonly recordCount: number;
}

export interface ReadRequest {
  readonly fetchOffset: number;
  readonly expectedLeaderEpoch: number;
  readonly maxBytes: number;
  /** Whether one batch may exceed `maxBytes`. */
  readonly atLeastOneBatch: boolean;
  /** Whether a follower may answer, with what it knows to be committed. */
  readonly fromFollower: boolean;
}

/** What a follower asks its leader for. */
export interface FollowerFetch {
  readonly id: number;
  readonly epoch: BrokerEpoch;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly durableOffset: number;
}

/** Where the logs of a follower and its leader part: KIP-101. */
export interface Divergence {
  readonly epoch: number;
  readonly endOffset: number;
}

/** What a leader answered to the fetch of a follower. */
export interface Fetched {
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly records: Uint8Array;
}

export class Partition {
  readonly topic: string;
  readonly index: number;
  readonly topicId: string;
  readonly log: PartitionLog;
  readonly #context: PartitionContext;
  #minInsyncReplicas: number;
  #state: PartitionState | undefined;
  #leading: LeaderState | undefined;
  readonly #onLeaderLog = new AcknowledgementQueue();
  readonly #onWholeIsr = new AcknowledgementQueue();
  /** Consumers: woken by the high watermark. */
  readonly #fetchWaiters = new Set<FetchWaiter>();
  /** Sessions of followers: woken by every append until they are removed. */
  readonly #followerSessions = new Set<FetchWaiter>();

  constructor(
    context: PartitionContext,
    options: {
      readonly topic: string;
      readonly index: number;
      readonly topicId: string;
      readonly log: PartitionLog;
      readonly minInsyncReplicas: number;
    },
  ) {
    this.#context = context;
    this.topic = options.topic;
    this.index = options.index;
    this.topicId = options.topicId;
    this.log = options.log;
    this.#minInsyncReplicas = options.minInsyncReplicas;
    this.log.setListener({
      onWritten: () => this.#onWritten(),
      onDurable: () => this.#onDurable(),
      onFailure: (error, keptEndOffset) => this.#fail(error.code, keptEndOffset),
    });
  }

  get isLeader(): boolean {
    return this.#leading !== undefined;
  }

  /** -1 while there is none, or none is known. */
  get leader(): number {
    return this.#state?.leader ?? -1;
  }

  get leaderEpoch(): LeaderEpoch {
    return leaderEpoch(this.#state?.leaderEpoch ?? NO_LEADER_EPOCH);
  }

  /** Whether this leader waits for the outcome of a change of the ISR. */
  get isProposing(): boolean {
    return this.#leading?.proposing ?? false;
  }

  /** Version of the state that the leadership stands on; -1 before the first. */
  get partitionEpoch(): number {
    return this.#leading?.partitionEpoch ?? this.#state?.partitionEpoch ?? -1;
  }

  /** As the controller gave it. Only after the first `become`. */
  get state(): PartitionState {
    assert(this.#state !== undefined, 'A partition has a role', { topic: this.topic });
    return this.#state;
  }

  get highWatermark(): Offset {
    return this.log.highWatermark;
  }

  get replicas(): readonly number[] {
    return this.#state?.replicas ?? [];
  }

  get isr(): readonly number[] {
    return this.#leading?.isr ?? this.#state?.isr ?? [];
  }

  /** Everybody whom the leader counts as in sync: as long as a proposal is open, both sides of it. */
  get maximalIsr(): readonly number[] {
    return this.#leading?.maximalIsr ?? this.isr;
  }

  /** What must be in sync before acks=all is answered. */
  get effectiveMinInsyncReplicas(): number {
    return Math.min(this.#minInsyncReplicas, Math.max(1, this.replicas.length));
  }

  /** Takes the role that the controller gave. Safe to repeat; an older state is passed over. */
  become(state: PartitionState): void {
    const known = this.#state;
    if (known !== undefined) {
      if (state.leaderEpoch < known.leaderEpoch) return;
      const sameLeadership = state.leaderEpoch === known.leaderEpoch;
      if (sameLeadership && state.partitionEpoch < known.partitionEpoch) return;
    }
    const newLeadership = known?.leaderEpoch !== state.leaderEpoch;
    const leads = state.leader === this.#context.selfId;
    this.#state = state;
    if (!leads) {
      if (this.#leading !== undefined) this.#stopLeading();
    } else if (this.#leading === undefined || newLeadership) this.#startLeading(state);
    else this.#leading.update({ ...state, nowMs: this.#context.clock.monotonicMs() });
    if (newLeadership) this.#wakeAll();
    this.#advance();
  }

  /**
   * The partition is gone from this broker: every wait ends, and nothing is served any more.
   *
   * @param error what the waits end with. Where the records live on elsewhere it must not say that
   *   they were refused: their producer would send them again as if they stood nowhere.
   */
  retire(error: 'UNKNOWN_TOPIC_OR_PARTITION' | 'NOT_LEADER_OR_FOLLOWER'): void {
    this.#leading = undefined;
    this.refuseWaiters(error);
  }

  /** The live brokers have changed: who need not be waited for any more may hold nothing up. */
  recheck(): void {
    this.#advance();
  }

  /** The topic's setting has changed. */
  setMinInsyncReplicas(count: number): void {
    this.#minInsyncReplicas = count;
    this.#advance();
  }

  /**
   * Appends one batch as the leader. The bytes are written by the log's next `flushTurn`; with
   * acks 1 or all the waiter hears later, never from within this call.
   *
   * @throws {ProtocolError} with what refuses it: role, epoch, ISR, the batch itself, the disk.
   */
  append(request: AppendRequest): AppendResult {
    const leading = this.#checkLeader(request.expectedLeaderEpoch);
    if (request.acks === -1 && leading.isr.length < this.effectiveMinInsyncReplicas) {
      throw new ProtocolError(
        'NOT_ENOUGH_REPLICAS',
        `${leading.isr.length} replicas of "${this.topic}-${this.index}" are in sync, ` +
          `${this.effectiveMinInsyncReplicas} are demanded by min.insync.replicas`,
      );
    }
    const appended = this.log.append(request.batch, {
      leaderEpoch: this.leaderEpoch,
      origin: 'client',
    });
    if (request.acks !== 0) {
      const queue = request.acks === 1 ? this.#onLeaderLog : this.#onWholeIsr;
      const { waiter, slot } = request;
      const entry = { untilOffset: appended.lastOffset + 1, waiter, slot };
      // A repetition is as safe as the append that it repeats, not more: that may still be lost.
      if (appended.duplicate) queue.addRepeated(entry);
      else queue.add(entry);
    }
    return {
      baseOffset: appended.baseOffset,
      logAppendTimeMs: appended.logAppendTimeMs,
      recordCount: appended.duplicate ? 0 : appended.lastOffset - appended.baseOffset + 1,
    };
  }

  /**
   * Reads whole batches below the high watermark, from the one that holds `fetchOffset` on.
   *
   * @returns slices at once where they are in memory, else a promise of them; none at the end.
   * @throws {ProtocolError} OFFSET_OUT_OF_RANGE, NOT_LEADER_OR_FOLLOWER or an epoch's error.
   */
  read(request: ReadRequest): LogRead | Promise<LogRead> {
    this.#checkEpoch(request.expectedLeaderEpoch);
    if (!this.isLeader && !request.fromFollower) throw new ProtocolError('NOT_LEADER_OR_FOLLOWER');
    const { fetchOffset } = request;
    const { logStartOffset, logEndOffset } = this.log;
    if (fetchOffset < logStartOffset || fetchOffset > logEndOffset) {
      // A follower may be behind what its leader has acknowledged: the record may exist.
      if (!this.isLeader && fetchOffset > logEndOffset) {
        throw new ProtocolError('OFFSET_NOT_AVAILABLE');
      }
      throw new ProtocolError(
        'OFFSET_OUT_OF_RANGE',
        `Offset ${fetchOffset} is outside of ${this.topic}-${this.index}, which holds ` +
          `${logStartOffset} to ${this.highWatermark}`,
        { details: { logStartOffset, highWatermark: this.highWatermark } },
      );
    }
    return this.log.read(offset(fetchOffset), {
      maxBytes: request.maxBytes,
      endOffset: this.highWatermark,
      atLeastOneBatch: request.atLeastOneBatch,
    });
  }

  /** @throws {ProtocolError} unless this broker leads the partition at the epoch, where one is given. */
  checkLeader(expectedLeaderEpoch: number): void {
    this.#checkLeader(expectedLeaderEpoch);
  }

  /**
   * Whether the high watermark is known for this leadership: a new leader learns only by its
   * followers' fetches how far the last one had got, and must not tell consumers less meanwhile.
   */
  get knowsHighWatermark(): boolean {
    return this.#leading === undefined || this.highWatermark >= this.#leading.epochStartOffset;
  }

  // ---- as the leader of followers ----

  /**
   * Takes note of how far a follower is. Its next records are to be read with `readForFollower`.
   *
   * @returns where the logs part, if they do: then the follower must truncate and ask again.
   * @throws {ProtocolError} NOT_LEADER_OR_FOLLOWER, an epoch's error, OFFSET_OUT_OF_RANGE.
   */
  onFollowerFetch(fetch: FollowerFetch): Divergence | undefined {
    const leading = this.#checkLeader(fetch.leaderEpoch);
    const divergence = this.#divergence(fetch);
    if (divergence !== undefined) return divergence;
    const { logStartOffset, logEndOffset } = this.log;
    if (fetch.fetchOffset < logStartOffset || fetch.fetchOffset > logEndOffset) {
      throw new ProtocolError('OFFSET_OUT_OF_RANGE');
    }
    const isReplica = leading.onFetch(
      {
        id: fetch.id,
        epoch: fetch.epoch,
        logEndOffset: fetch.fetchOffset,
        durableOffset: Math.min(fetch.durableOffset, fetch.fetchOffset),
      },
      this.#context.clock.monotonicMs(),
    );
    if (!isReplica) throw new ProtocolError('UNKNOWN_LEADER_EPOCH');
    this.#letJoin(leading, fetch.id);
    this.#advance();
    return undefined;
  }

  /** A follower's disk is further than its last fetch said. Of another epoch: passed over. */
  onFollowerProgress(id: number, epoch: number, durableOffset: number): void {
    const leading = this.#leading;
    if (leading === undefined || epoch !== this.leaderEpoch) return;
    leading.onProgress(id, durableOffset, this.#context.clock.monotonicMs());
    this.#letJoin(leading, id);
    this.#advance();
  }

  /** A follower fetched again and is where it was. @returns false where it no longer may. */
  onFollowerStays(fetch: FollowerFetch): boolean {
    const leading = this.#leading;
    if (leading === undefined || fetch.leaderEpoch !== this.leaderEpoch) return false;
    const isReplica = leading.onFetch(
      {
        id: fetch.id,
        epoch: fetch.epoch,
        logEndOffset: fetch.fetchOffset,
        durableOffset: fetch.durableOffset,
      },
      this.#context.clock.monotonicMs(),
    );
    // It may have caught up while the proposal of another one was open, and nothing moves since.
    if (isReplica) this.#letJoin(leading, fetch.id);
    return isReplica;
  }

  /** A follower no longer asks for this partition, for now. */
  onFollowerForgets(id: number): void {
    this.#leading?.onForgotten(id);
    this.#advance();
  }

  /** Whether the high watermark waits for the follower. */
  awaits(id: number): boolean {
    const { clock, lagMsMax, isAlive } = this.#context;
    const options = { nowMs: clock.monotonicMs(), lagMsMax, mayJoin: isAlive };
    return this.#leading?.awaits(id, options) ?? false;
  }

  /** Batches beyond the high watermark, too, as far as they are written. */
  readForFollower(
    fetchOffset: number,
    options: { readonly maxBytes: number; readonly atLeastOneBatch: boolean },
  ): LogRead | Promise<LogRead> {
    return this.log.read(offset(fetchOffset), { ...options, endOffset: this.log.writtenOffset });
  }

  /** Proposes to drop followers that lag. For a timer. */
  dropLaggards(): void {
    const leading = this.#leading;
    if (leading === undefined) return;
    const { clock, lagMsMax, propose } = this.#context;
    const proposal = leading.proposeToDrop(clock.monotonicMs(), lagMsMax);
    if (proposal !== undefined) propose(this, proposal);
  }

  /** The controller refused the proposal for certain. */
  withdrawProposal(): void {
    this.#leading?.withdrawProposal();
    this.#advance();
  }

  /** What the leader knows of the replicas; empty on a follower. */
  describeReplicas(): readonly ReplicaFacts[] {
    return this.#leading?.describe(this.#context.clock.monotonicMs()) ?? [];
  }

  /** Whether an in-sync follower holds the record before this offset. */
  canServeFrom(id: number, fetchOffset: number): boolean {
    return this.#leading?.canServe(id, fetchOffset) ?? false;
  }

  // ---- as a follower ----

  /**
   * Takes what the leader sent, at the end of the log. Written by the log's next `flushTurn`.
   *
   * @throws {ProtocolError} FENCED_LEADER_EPOCH where the role has changed since the fetch was sent;
   *   the log's errors.
   */
  appendFetched(fetched: Fetched): void {
    if (this.isLeader || fetched.leaderEpoch !== this.leaderEpoch) {
      throw new ProtocolError('FENCED_LEADER_EPOCH');
    }
    if (fetched.records.length > 0) this.log.appendReplicated(fetched.records);
  }

  /** What the leader said of its offsets, once what came with it is written. */
  followOffsets(fetched: Fetched): void {
    if (this.isLeader || fetched.leaderEpoch !== this.leaderEpoch) return;
    const committed = Math.min(fetched.highWatermark, this.log.writtenOffset);
    if (committed > this.highWatermark) {
      this.log.updateHighWatermark(offset(committed));
      this.#wakeConsumers();
    }
  }

  // ---- waiting ----

  addFetchWaiter(waiter: FetchWaiter): void {
    this.#fetchWaiters.add(waiter);
  }

  removeFetchWaiter(waiter: FetchWaiter): void {
    this.#fetchWaiters.delete(waiter);
  }

  /** Unlike a consumer's fetch, a session is woken again and again, until it is removed. */
  addFollowerSession(session: FetchWaiter): void {
    this.#followerSessions.add(session);
  }

  removeFollowerSession(session: FetchWaiter): void {
    this.#followerSessions.delete(session);
  }

  /** Ends every wait with `error`: the partition cannot answer any more. */
  refuseWaiters(error: ErrorName): void {
    this.#onLeaderLog.failBeyond(0, error);
    this.#onWholeIsr.failBeyond(0, error);
    this.#wakeAll();
  }

  #startLeading(state: PartitionState): void {
    this.#leading = new LeaderState(this.log, {
      selfId: this.#context.selfId,
      replicas: state.replicas,
      isr: state.isr,
      partitionEpoch: state.partitionEpoch,
      epochStartOffset: this.log.logEndOffset,
      nowMs: this.#context.clock.monotonicMs(),
    });
  }

  #stopLeading(): void {
    this.#leading = undefined;
    this.refuseWaiters('NOT_LEADER_OR_FOLLOWER');
  }

  #checkLeader(expected: number): LeaderState {
    this.#checkEpoch(expected);
    if (this.#leading === undefined) throw new ProtocolError('NOT_LEADER_OR_FOLLOWER');
    return this.#leading;
  }

  #checkEpoch(expected: number): void {
    if (expected === -1 || expected === this.leaderEpoch) return;
    throw new ProtocolError(
      expected < this.leaderEpoch ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH',
    );
  }

  /**
   * Where the follower's log leaves ours: its last epoch ends elsewhere here, or never was.
   *
   * @see KIP-101, KIP-279, KIP-320
   */
  #divergence(fetch: FollowerFetch): Divergence | undefined {
    if (fetch.lastFetchedEpoch < 0) return undefined;
    const end = this.log.endOffsetFor(leaderEpoch(fetch.lastFetchedEpoch));
    // A log without records has nothing that could differ; its bounds are checked all the same.
    if (end === undefined) return undefined;
    const parts = end.epoch !== fetch.lastFetchedEpoch || end.endOffset < fetch.fetchOffset;
    return parts ? { epoch: end.epoch, endOffset: end.endOffset } : undefined;
  }

  #letJoin(leading: LeaderState, id: number): void {
    const { isAlive, propose } = this.#context;
    const proposal = leading.proposeToJoin(id, this.highWatermark, isAlive);
    if (proposal !== undefined) propose(this, proposal);
  }

  #onWritten(): void {
    this.#wakeFollowers();
    this.#advance();
  }

  #onDurable(): void {
    if (this.isLeader) this.#advance();
    else this.#context.onFollowerDurable(this);
  }

  /** Something is further than before: moves the high watermark and completes what waited for it. */
  #advance(): void {
    const leading = this.#leading;
    if (leading === undefined) return;
    const { log } = this;
    this.#onLeaderLog.completeUpTo(log.acknowledgesDurably ? log.durableOffset : log.writtenOffset);
    // A repeated append may wait for what was committed long ago.
    this.#onWholeIsr.completeUpTo(this.highWatermark);
    // What stands in a failed directory is no copy: the next leader decides how far it is safe.
    if (log.isOffline) return;
    if (leading.isr.length < this.effectiveMinInsyncReplicas) return;
    const { clock, lagMsMax, isAlive } = this.#context;
    const safe = leading.safeOffset(clock.monotonicMs(), lagMsMax, isAlive);
    if (safe <= this.highWatermark) return;
    assert(safe <= log.writtenOffset, 'The high watermark stays within what is written', {
      safe,
      writtenOffset: log.writtenOffset,
    });
    log.updateHighWatermark(offset(safe));
    this.#onWholeIsr.completeUpTo(safe);
    this.#wakeConsumers();
  }

  #wakeAll(): void {
    this.#wakeConsumers();
    this.#wakeFollowers();
  }

  #wakeConsumers(): void {
    if (this.#fetchWaiters.size === 0) return;
    const waiters = [...this.#fetchWaiters];
    this.#fetchWaiters.clear();
    for (const waiter of waiters) waiter.wake();
  }

  #wakeFollowers(): void {
    for (const session of this.#followerSessions) session.wake();
  }

  /** The log lost what it had not reported: nobody may wait for it any more. */
  #fail(error: ErrorName, keptEndOffset: Offset): void {
    this.#onLeaderLog.failBeyond(keptEndOffset, error);
    this.#onWholeIsr.failBeyond(keptEndOffset, error);
    this.#wakeAll();
  }
}
