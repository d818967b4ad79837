/**
 * One partition as this broker holds it: its role, its high watermark and who waits for what.
 *
 * State and who changes it:
 *   role, leaderEpoch, isr   the controller, through `become`
 *   log end                  `append`, and the log's own callbacks when bytes are written or synced
 *   highWatermark            `#advance`, from what the log says is safe on the whole ISR; the log keeps
 *                            the number, since its checkpoint is a file of the log directory
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
 */

import {
  assert,
  type LeaderEpoch,
  leaderEpoch,
  NO_LEADER_EPOCH,
  type Offset,
  offset,
} from '../../common/index.ts';
import { type ErrorName, type PartitionState, ProtocolError } from '../../protocol/index.ts';
import type { LogRead, PartitionLog } from '../log/index.ts';
import { AcknowledgementQueue, type AppendWaiter } from './acknowledgementQueue.ts';

export type PartitionRole = 'leader' | 'follower';

/** Woken once when there may be more to read, or when the partition can no longer be read. */
export interface FetchWaiter {
  wake(): void;
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
  readonly baseOffset: number;
  readonly logAppendTimeMs: number;
  readonly recordCount: number;
}

export interface ReadRequest {
  readonly fetchOffset: number;
  readonly expectedLeaderEpoch: number;
  readonly maxBytes: number;
  /** Whether one batch may exceed `maxBytes`. */
  readonly atLeastOneBatch: boolean;
}

export class Partition {
  readonly topic: string;
  readonly index: number;
  readonly topicId: string;
  readonly log: PartitionLog;
  #role: PartitionRole = 'follower';
  #leader = -1;
  #leaderEpoch: LeaderEpoch = NO_LEADER_EPOCH;
  readonly #onLeaderLog = new AcknowledgementQueue();
  readonly #onWholeIsr = new AcknowledgementQueue();
  readonly #fetchWaiters = new Set<FetchWaiter>();

  constructor(options: {
    readonly topic: string;
    readonly index: number;
    readonly topicId: string;
    readonly log: PartitionLog;
  }) {
    this.topic = options.topic;
    this.index = options.index;
    this.topicId = options.topicId;
    this.log = options.log;
    this.log.setListener({
      onWritten: () => this.#advance(),
      onDurable: () => this.#advance(),
      onFailure: (error, keptEndOffset) => this.#fail(error.code, keptEndOffset),
    });
  }

  get role(): PartitionRole {
    return this.#role;
  }

  get leader(): number {
    return this.#leader;
  }

  get leaderEpoch(): LeaderEpoch {
    return this.#leaderEpoch;
  }

  get highWatermark(): Offset {
    return this.log.highWatermark;
  }

  /** Takes the role that the controller gave. Safe to repeat; an older epoch is passed over. */
  become(state: PartitionState, selfId: number): void {
    if (state.leaderEpoch < this.#leaderEpoch) return;
    const leads = state.leader === selfId;
    if (leads) assert(state.isr.includes(selfId), 'A leader is in its own ISR', { selfId });
    const wasLeader = this.#role === 'leader';
    this.#leader = state.leader;
    this.#leaderEpoch = leaderEpoch(state.leaderEpoch);
    this.#role = leads ? 'leader' : 'follower';
    if (wasLeader && !leads) this.refuseWaiters('NOT_LEADER_OR_FOLLOWER');
    if (leads) this.#advance();
  }

  /**
   * Appends one batch as the leader. The bytes are written by the log's next `flushTurn`; with
   * acks 1 or all the waiter hears later, never from within this call.
   *
   * @throws {ProtocolError} with what refuses it: role, epoch, the batch itself, the disk.
   */
  append(request: AppendRequest): AppendResult {
    this.#checkLeader(request.expectedLeaderEpoch);
    const appended = this.log.append(request.batch, {
      leaderEpoch: this.#leaderEpoch,
      origin: 'client',
    });
    if (request.acks !== 0) {
      const queue = request.acks === 1 ? this.#onLeaderLog : this.#onWholeIsr;
      queue.add({
        untilOffset: appended.lastOffset + 1,
        waiter: request.waiter,
        slot: request.slot,
      });
    }
    return {
      baseOffset: appended.baseOffset,
      logAppendTimeMs: appended.logAppendTimeMs,
      recordCount: appended.lastOffset - appended.baseOffset + 1,
    };
  }

  /**
   * Reads whole batches below the high watermark, from the one that holds `fetchOffset` on.
   *
   * @returns slices at once where they are in memory, else a promise of them; none at the end.
   * @throws {ProtocolError} OFFSET_OUT_OF_RANGE, NOT_LEADER_OR_FOLLOWER or an epoch's error.
   */
  read(request: ReadRequest): LogRead | Promise<LogRead> {
    this.#checkLeader(request.expectedLeaderEpoch);
    const { fetchOffset } = request;
    const { logStartOffset, logEndOffset } = this.log;
    if (fetchOffset < logStartOffset || fetchOffset > logEndOffset) {
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

  addFetchWaiter(waiter: FetchWaiter): void {
    this.#fetchWaiters.add(waiter);
  }

  removeFetchWaiter(waiter: FetchWaiter): void {
    this.#fetchWaiters.delete(waiter);
  }

  /** Ends every wait with `error`: the partition cannot answer any more. */
  refuseWaiters(error: ErrorName): void {
    this.#onLeaderLog.failBeyond(0, error);
    this.#onWholeIsr.failBeyond(0, error);
    this.#wakeFetches();
  }

  #checkLeader(expected: number): void {
    if (this.#role !== 'leader') throw new ProtocolError('NOT_LEADER_OR_FOLLOWER');
    if (expected === -1 || expected === this.#leaderEpoch) return;
    throw new ProtocolError(
      expected < this.#leaderEpoch ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH',
    );
  }

  /** First offset that this broker's own log does not hold as firmly as the topic demands. */
  #safeOnLeader(): Offset {
    return this.log.acknowledgesDurably ? this.log.durableOffset : this.log.writtenOffset;
  }

  /** The log holds more than before: moves the high watermark and completes what waited for it. */
  #advance(): void {
    if (this.#role !== 'leader') return;
    const safe = this.#safeOnLeader();
    this.#onLeaderLog.completeUpTo(safe);
    if (safe <= this.highWatermark) return;
    this.log.updateHighWatermark(safe);
    this.#onWholeIsr.completeUpTo(safe);
    this.#wakeFetches();
  }

  #wakeFetches(): void {
    if (this.#fetchWaiters.size === 0) return;
    const waiters = [...this.#fetchWaiters];
    this.#fetchWaiters.clear();
    for (const waiter of waiters) waiter.wake();
  }

  /** The log lost what it had not reported: nobody may wait for it any more. */
  #fail(error: ErrorName, keptEndOffset: Offset): void {
    this.#onLeaderLog.failBeyond(keptEndOffset, error);
    this.#onWholeIsr.failBeyond(keptEndOffset, error);
    this.#wakeFetches();
  }
}
