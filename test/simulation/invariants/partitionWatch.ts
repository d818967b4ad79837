/**
 * One partition, seen from outside: every replica of it, and what the controller has written.
 *
 * Each invariant has a name, which a violation begins with. They are those of the KIPs 101, 279,
 * 497, 841 and 966; "committed" is the highest high watermark that any leader ever had.
 */

import type { Partition } from '../../../broker/replica/index.ts';
import type { ControllerState } from './controllerState.ts';
import { below, firstDifference, type Lineage } from './lineage.ts';

export interface WatchedTopic {
  readonly name: string;
  /** `min.insync.replicas`: the least that it ever is. */
  readonly minInsyncReplicas: number;
  /** Whether acknowledged means on disk; otherwise a power loss takes what was not synced. */
  readonly isDurable: boolean;
}

/** A replica as it was seen last: of a broker that is down, what is on its disk at least. */
interface Replica {
  readonly partition: Partition;
  /** Program and broker: one cannot go on with what another led. */
  readonly incarnation: string;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isLeader: boolean;
  readonly highWatermark: number;
  readonly writtenOffset: number;
  readonly durableOffset: number;
  readonly logStartOffset: number;
  readonly epochsVersion: number;
  readonly lineage: Lineage;
}

export class PartitionWatch {
  readonly #topic: WatchedTopic;
  readonly #name: string;
  readonly #leaders = new Map<number, string>();
  readonly #replicas = new Map<number, Replica>();
  #state: ControllerState | undefined;
  /** Who lost data, and what it had: by the last transaction before it registered again. */
  readonly #losses = new Map<number, { readonly zxid: number; readonly heldOffset: number }>();
  #minInsyncReplicas: number;
  #committed = 0;
  /** Replicas as the leader knew them then: it hears of a move after the controller has written it. */
  #committedReplicaCount = 1;
  #lineage: Lineage = [];
  #isExcused = false;

  constructor(topic: WatchedTopic, index: number) {
    this.#topic = topic;
    this.#name = `${topic.name}-${index}`;
    this.#minInsyncReplicas = topic.minInsyncReplicas;
  }

  get isDurable(): boolean {
    return this.#topic.isDurable;
  }

  /** From now on records may be missing: page cache, and its power is gone. */
  excuse(): void {
    if (!this.#topic.isDurable) this.#isExcused = true;
  }

  /**
   * The broker loses data. As long as ZooKeeper names it in sync in a registration from before, it is
   * known to lack what is committed, and to be no candidate for anybody who compares registrations.
   *
   * @param zxid the last transaction: its next registration comes after it.
   */
  lose(id: number, zxid: number): void {
    const replica = this.#replicas.get(id);
    const heldOffset = Math.max(
      replica === undefined ? 0 : this.#positionOf(replica),
      this.#losses.get(id)?.heldOffset ?? 0,
    );
    this.#losses.set(id, { zxid, heldOffset });
  }

  lowerMinInsyncReplicas(count: number): void {
    this.#minInsyncReplicas = Math.min(this.#minInsyncReplicas, count);
  }

  /** Looks at a replica; cheap where nothing has changed. */
  observe(id: number, incarnation: string, partition: Partition): void {
    const known = this.#replicas.get(id);
    if (partition.log.isOffline) return;
    if (partition.isLeader) this.#checkMaximalIsr(id, partition);
    if (known !== undefined && isSame(known, partition)) return;
    const seen = replicaOf(incarnation, partition);
    this.#replicas.set(id, seen);
    if (known !== undefined && known.incarnation === incarnation) this.#checkMoves(id, known, seen);
    if (seen.isLeader) this.#checkLeadership(id, seen, known);
    if (this.#isExcused) return;
    if (seen.isLeader) this.#commit(id, seen);
    this.#checkBelowHighWatermark(id, seen);
    if (this.#state?.isr.includes(id)) this.#checkCandidate(id);
  }

  /** The controller has written. */
  observeState(state: ControllerState): void {
    const before = this.#state;
    this.#state = state;
    for (const [id, { zxid }] of this.#losses) {
      const inSyncSince = state.isr.includes(id) ? (state.isrEpochs[id] ?? -1) : -1;
      if (inSyncSince > zxid) this.#losses.delete(id);
    }
    this.#demand(state.isr.length > 0, 'IsrNotEmpty', () => JSON.stringify(state));
    this.#demand(
      state.isr.every((id) => state.replicas.includes(id)),
      'IsrWithinReplicas',
      () => `${state.isr} of ${state.replicas}`,
    );
    const leads = state.leader === -1 || state.isr.includes(state.leader);
    this.#demand(leads, 'LeaderInIsr', () => `${state.leader} of ${state.isr}`);
    if (before !== undefined) {
      const { leaderEpoch, controllerEpoch } = before;
      this.#demand(
        state.leaderEpoch >= leaderEpoch && state.controllerEpoch >= controllerEpoch,
        'EpochsRise',
        () => `${JSON.stringify(before)}, then ${JSON.stringify(state)}`,
      );
      const isNewLeader = state.leader !== before.leader && state.leader !== -1;
      this.#demand(
        !isNewLeader || state.leaderEpoch > leaderEpoch,
        'NewLeaderNewEpoch',
        () => `${JSON.stringify(before)}, then ${JSON.stringify(state)}`,
      );
    }
    if (!this.#isExcused) for (const id of state.isr) this.#checkCandidate(id);
  }

  /** A producer was told, with acks=all, that the record stands at this offset. */
  acknowledged(offset: number): void {
    if (this.#isExcused) return;
    this.#demand(offset < this.#committed, 'AcknowledgedIsCommitted', () => {
      return `${offset} was acknowledged, committed is ${this.#committed}`;
    });
    this.#checkCopies(offset + 1);
  }

  /** KIP-497: until a change is confirmed, the leader counts everybody who may be in sync. */
  #checkMaximalIsr(id: number, partition: Partition): void {
    const state = this.#state;
    if (state?.leader !== id || state.leaderEpoch !== partition.leaderEpoch) return;
    const { maximalIsr } = partition;
    this.#demand(
      state.isr.every((member) => maximalIsr.includes(member)),
      'MaximalIsrHoldsControllersIsr',
      () => `leader ${id} counts ${maximalIsr}, the controller has ${state.isr}`,
    );
  }

  #checkMoves(id: number, before: Replica, now: Replica): void {
    const steps = () => `broker ${id}: ${shown(before)}, then ${shown(now)}`;
    if (before.partition !== now.partition) return;
    this.#demand(now.leaderEpoch >= before.leaderEpoch, 'LeaderEpochsRise', steps);
    const sameEpoch = now.leaderEpoch === before.leaderEpoch;
    this.#demand(
      !sameEpoch || now.partitionEpoch >= before.partitionEpoch,
      'PartitionEpochsRise',
      steps,
    );
    this.#demand(
      !sameEpoch || !before.isLeader || now.highWatermark >= before.highWatermark,
      'HighWatermarkRises',
      steps,
    );
  }

  #checkLeadership(id: number, seen: Replica, known: Replica | undefined): void {
    const { leaderEpoch, incarnation } = seen;
    const other = this.#leaders.get(leaderEpoch);
    this.#leaders.set(leaderEpoch, incarnation);
    this.#demand(
      other === undefined || other === incarnation,
      'OneLeaderPerEpoch',
      () => `${other} and ${incarnation} in epoch ${leaderEpoch}`,
    );
    const isNew = !known?.isLeader || known.leaderEpoch !== leaderEpoch;
    // A deposed leader that hears late of its own election may lack what was committed since.
    const isCurrent = this.#state?.leaderEpoch === leaderEpoch;
    if (isNew && isCurrent && !this.#isExcused) this.#checkHoldsCommitted(id, 'LeaderCompleteness');
  }

  #commit(id: number, leader: Replica): void {
    const { highWatermark } = leader;
    if (highWatermark <= this.#committed) return;
    const from = leader.logStartOffset;
    const at = firstDifference(this.#lineage, leader.lineage, { from, to: this.#committed });
    this.#demand(at === undefined, 'CommittedNeverChanges', () => `offset ${at} on broker ${id}`);
    this.#committed = highWatermark;
    this.#committedReplicaCount = Math.max(1, leader.partition.replicas.length);
    this.#lineage = below(leader.lineage, highWatermark);
    this.#checkCopies(highWatermark);
    for (const member of this.#state?.isr ?? []) this.#checkCandidate(member);
  }

  #checkBelowHighWatermark(id: number, seen: Replica): void {
    const { highWatermark, writtenOffset, logStartOffset } = seen;
    this.#demand(highWatermark <= writtenOffset, 'HighWatermarkWithinLog', () => shown(seen));
    this.#demand(
      highWatermark <= this.#committed,
      'HighWatermarkIsCommitted',
      () => `broker ${id} has ${highWatermark}, committed is ${this.#committed}`,
    );
    const at = firstDifference(this.#lineage, seen.lineage, {
      from: logStartOffset,
      to: highWatermark,
    });
    this.#demand(at === undefined, 'LogMatching', () => {
      return `offset ${at} of broker ${id}, below its high watermark ${highWatermark}`;
    });
  }

  /** Whoever the controller may elect holds everything committed. */
  #checkCandidate(id: number): void {
    if (this.#losses.has(id)) return;
    if (this.#replicas.has(id)) this.#checkHoldsCommitted(id, 'LeaderCandidateCompleteness');
  }

  #checkHoldsCommitted(id: number, name: string): void {
    const replica = this.#replicas.get(id);
    if (replica === undefined) return;
    this.#demand(
      this.#positionOf(replica) >= this.#committed,
      name,
      () => `broker ${id} has ${shown(replica)}, committed is ${this.#committed}`,
    );
    const { lineage, logStartOffset } = replica;
    const range = { from: logStartOffset, to: this.#committed };
    const at = firstDifference(this.#lineage, lineage, range);
    this.#demand(at === undefined, name, () => `broker ${id} differs at offset ${at}`);
  }

  #checkCopies(endOffset: number): void {
    const wanted = Math.min(this.#minInsyncReplicas, this.#committedReplicaCount);
    // What somebody had when it said so counts, also where its power is gone since.
    const copies = [...this.#replicas].filter(
      ([id, replica]) =>
        Math.max(this.#positionOf(replica), this.#losses.get(id)?.heldOffset ?? 0) >= endOffset,
    );
    this.#demand(copies.length >= wanted, 'CommittedOnMinIsr', () => {
      const holders = copies.map(([id]) => id);
      return `up to ${endOffset} only brokers [${holders}] have it, ${wanted} should`;
    });
  }

  #positionOf({ durableOffset, writtenOffset }: Replica): number {
    return this.#topic.isDurable ? durableOffset : writtenOffset;
  }

  #demand(holds: boolean, name: string, why: () => string): void {
    if (holds) return;
    const state = JSON.stringify(this.#state);
    throw new Error(`invariant ${name} of ${this.#name}: ${why()}; the controller has ${state}`);
  }
}

function isSame(known: Replica, partition: Partition): boolean {
  const { log } = partition;
  return (
    known.partition === partition &&
    known.highWatermark === log.highWatermark &&
    known.writtenOffset === log.writtenOffset &&
    known.durableOffset === log.durableOffset &&
    known.epochsVersion === log.epochs.version &&
    known.isLeader === partition.isLeader &&
    known.leaderEpoch === partition.leaderEpoch &&
    known.partitionEpoch === partition.partitionEpoch
  );
}

function replicaOf(incarnation: string, partition: Partition): Replica {
  const { log } = partition;
  return {
    partition,
    incarnation,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    isLeader: partition.isLeader,
    highWatermark: log.highWatermark,
    writtenOffset: log.writtenOffset,
    durableOffset: log.durableOffset,
    logStartOffset: log.logStartOffset,
    epochsVersion: log.epochs.version,
    lineage: [...log.epochs.entries],
  };
}

function shown({ partition: _partition, lineage, ...facts }: Replica): string {
  const epochs = lineage.map(({ epoch, startOffset }) => `${epoch}@${startOffset}`);
  return `${JSON.stringify(facts)} epochs ${epochs.join(' ')}`;
}
