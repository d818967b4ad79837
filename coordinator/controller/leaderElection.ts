/** Who leads a partition next, who counts as in sync, and who may lead if all of these fail. Pure. */

import { type ControllerEpoch, NO_BROKER } from '../../common/index.ts';
import type { PartitionStateNode, ReplicaRegistration } from '../znodes/index.ts';
import type { PartitionModel } from './clusterModel.ts';

export type ElectionKind =
  /** Only where it must be. */
  | 'needed'
  /** The first replica of the assignment, where it is in sync. */
  | 'preferred'
  /** Any live replica, where no other way is left: records may be lost. */
  | 'unclean';

export interface ElectionRules {
  readonly kind: ElectionKind;
  readonly controllerEpoch: ControllerEpoch;
  /** Registration of a live broker that can serve the replica; undefined where there is none. */
  readonly epochOf: (id: number) => number | undefined;
  /** Broker epoch of the last clean stop of a live broker, where it had one. */
  readonly cleanStopOf: (id: number) => number | undefined;
  /** Whether the broker is about to stop: others go first, and it leaves the ISR. */
  readonly isStopping: (id: number) => boolean;
  /** Replicas that a reassignment is taking away now. */
  readonly dropped: ReadonlySet<number>;
  /** Whether acknowledged records of the topic are on disk, so that a restart loses nothing. */
  readonly isDurable: boolean;
  /** Whether the topic allows unclean elections. */
  readonly uncleanAllowed: boolean;
  /** Effective `min.insync.replicas`: with so many in sync nobody else is eligible. */
  readonly minIsr: number;
  /** The least that any leader may count with: below it, who leaves the ISR stays eligible. */
  readonly minIsrTold: number;
}

/** A state to be written. */
export interface Election {
  readonly next: PartitionStateNode;
  readonly isrEpochs: ReadonlyMap<number, number>;
  /** The leader may lack acknowledged records. */
  readonly unclean: boolean;
}

type Electable = Pick<PartitionModel, 'replicas' | 'state' | 'isrEpochs'>;

/**
 * The state that the partition should have with these brokers alive.
 *
 * The leader stays while it can. Otherwise it is the first replica, in the order of the assignment,
 * of the first of these groups that is not empty:
 *
 *     1  in sync, alive, in the registration in which they got in sync, not about to stop
 *     2  the same, about to stop
 *     3  durable topics: in sync and alive, in whatever registration
 *     4  eligible leader replicas (KIP-966)
 *     5  topics that are not durable: in sync and alive, but registered anew: their unsynced tail
 *        may be gone. Example: (1) A and B are in sync, the ISR falls to B, A stays eligible;
 *        (2) B restarts without its tail, and the controller dies at the same moment; (3) the next
 *        controller finds both alive, and A has every committed record
 *     6  where an unclean election is allowed: any that is alive
 *
 * Where there is none, nobody leads and the ISR stays as it is: whoever of it comes back may have
 * every acknowledged record. The other members leave the ISR, so that the partition can go on
 * without them; they join again when they have caught up. The ISR is never empty.
 *
 * @returns undefined where nothing is to be changed, or nothing can be.
 */
export function electLeader(partition: Electable, rules: ElectionRules): Election | undefined {
  const { state } = partition;
  if (state === undefined) return firstState(partition, rules);
  const candidates = candidatesOf(partition, state, rules);
  const [preferred = NO_BROKER] = partition.replicas;
  const { isr, unclean } = candidates;
  const isSteady = (id: number): boolean => isr.includes(id) && steady(partition, rules, id);
  if (rules.kind === 'preferred' && isSteady(preferred) && preferred !== state.leader) {
    return election(partition, rules, { state, leader: preferred, isr, unclean });
  }
  if (isSteady(state.leader) && !unclean) {
    const kept = [...state.isr.filter((id) => isr.includes(id))];
    if (!kept.includes(state.leader)) kept.unshift(state.leader);
    const same = kept.length === state.isr.length && kept.every((id) => state.isr.includes(id));
    const stale = (state.elr?.length ?? 0) > 0 && isr.length >= rules.minIsr;
    if (same && !stale) return undefined;
    return election(partition, rules, { state, leader: state.leader, isr: kept, unclean });
  }
  const leader = isr.find((id) => id !== state.leader) ?? isr[0] ?? NO_BROKER;
  if (leader === NO_BROKER) {
    if (state.leader === NO_BROKER) return undefined;
    const { controllerEpoch } = rules;
    const next = { ...state, leader, leaderEpoch: state.leaderEpoch + 1, controllerEpoch };
    return { next, isrEpochs: partition.isrEpochs, unclean: false };
  }
  return election(partition, rules, { state, leader, isr, unclean });
}

/**
 * Another ISR for the leader that stands; eligible leader replicas follow from it. A leader that
 * asks for one has taken over what it had: it is no longer recovering (KIP-704).
 */
export function changeIsr(
  partition: Electable & { readonly state: PartitionStateNode },
  rules: ElectionRules,
  isr: readonly ReplicaRegistration[],
): Election {
  const { state, isrEpochs } = partition;
  const epochs = new Map(
    isr.map(({ id, brokerEpoch }) => [
      id,
      state.isr.includes(id) ? (isrEpochs.get(id) ?? brokerEpoch) : brokerEpoch,
    ]),
  );
  const ids = isr.map(({ id }) => id);
  const { recovering: _recovering, ...next } = stateWith(partition, rules, {
    isr: ids,
    isrEpochs: epochs,
  });
  return { next, isrEpochs: epochs, unclean: false };
}

function firstState({ replicas }: Electable, rules: ElectionRules): Election | undefined {
  const alive = replicas.filter((id) => rules.epochOf(id) !== undefined);
  const staying = alive.filter((id) => !rules.isStopping(id));
  const isr = staying.length > 0 ? staying : alive;
  const [leader] = isr;
  if (leader === undefined) return undefined;
  const isrEpochs = epochsOf(isr, rules);
  const { controllerEpoch } = rules;
  const state = { leader, leaderEpoch: 0, isr, controllerEpoch, others: {} };
  const next = { ...state, ...recordedEpochs(isrEpochs) };
  return { next, isrEpochs, unclean: false };
}

/** The in-sync replicas of the next state, in the order of the assignment; empty for none. */
function candidatesOf(
  partition: Electable,
  state: PartitionStateNode,
  rules: ElectionRules,
): { readonly isr: readonly number[]; readonly unclean: boolean } {
  const isAlive = (id: number): boolean => rules.epochOf(id) !== undefined;
  const isStaying = (id: number): boolean => !rules.isStopping(id) && !rules.dropped.has(id);
  const alive = partition.replicas.filter(isAlive);
  // A leader outside of the ISR (as others may have written it) still defines the log.
  const inSync = alive.filter((id) => state.isr.includes(id) || id === state.leader);
  const settled = inSync.filter((id) => steady(partition, rules, id));
  const eligible = alive.filter(
    (id) => !inSync.includes(id) && state.elr?.some((entry) => holdsAll(entry, id, rules)),
  );
  // Only the one that leads is in sync then: the others have to catch up with it first.
  const fromElr = [...eligible.filter(isStaying), ...eligible].slice(0, 1);
  const clean = [
    settled.filter(isStaying),
    settled,
    ...(rules.isDurable ? [inSync, fromElr] : [fromElr, inSync]),
  ].find((group) => group.length > 0);
  if (clean !== undefined) return { isr: clean, unclean: false };
  if (!rules.uncleanAllowed && rules.kind !== 'unclean') return { isr: [], unclean: false };
  const isr = [...alive.filter(isStaying), ...alive].slice(0, 1);
  return { isr, unclean: isr.length > 0 };
}

/** Whether it is in the registration in which it got in sync, as far as that is known. */
function steady({ isrEpochs }: Electable, { epochOf }: ElectionRules, id: number): boolean {
  const epoch = epochOf(id);
  return epoch !== undefined && (isrEpochs.get(id) ?? epoch) === epoch;
}

function holdsAll(entry: ReplicaRegistration, id: number, rules: ElectionRules): boolean {
  if (entry.id !== id) return false;
  const { brokerEpoch } = entry;
  return (
    rules.isDurable ||
    rules.epochOf(id) === brokerEpoch ||
    (brokerEpoch >= 0 && rules.cleanStopOf(id) === brokerEpoch)
  );
}

function election(
  partition: Electable,
  rules: ElectionRules,
  to: {
    readonly state: PartitionStateNode;
    readonly leader: number;
    readonly isr: readonly number[];
    readonly unclean: boolean;
  },
): Election {
  const isrEpochs = epochsOf(to.isr, rules);
  const known = { ...partition, state: to.state };
  const state = stateWith(known, rules, { isr: to.isr, isrEpochs });
  const sameEpoch =
    to.leader === to.state.leader && !to.unclean && steady(partition, rules, to.leader);
  const leaderEpoch = to.state.leaderEpoch + (sameEpoch ? 0 : 1);
  // After an unclean election nobody is eligible: what the others hold is no longer the log.
  const { elr, ...withoutElr } = state;
  const next = to.unclean || elr === undefined ? withoutElr : state;
  const recovery = to.unclean ? { recovering: true as const } : {};
  return {
    next: { ...next, leader: to.leader, leaderEpoch, ...recovery },
    isrEpochs,
    unclean: to.unclean,
  };
}

function stateWith(
  partition: Electable & { readonly state: PartitionStateNode },
  rules: ElectionRules,
  to: { readonly isr: readonly number[]; readonly isrEpochs: ReadonlyMap<number, number> },
): PartitionStateNode {
  const { elr: _elr, isrEpochs: _epochs, ...state } = partition.state;
  const elr = eligibleOf(partition, rules, to.isr);
  return {
    ...state,
    isr: to.isr,
    controllerEpoch: rules.controllerEpoch,
    ...(elr.length === 0 ? {} : { elr }),
    ...recordedEpochs(to.isrEpochs),
  };
}

/**
 * Who leaves an ISR that falls below the minimum stays eligible: from then on the high watermark
 * stands still, so they hold every committed record. With a full ISR again nobody else does.
 */
function eligibleOf(
  { replicas, state, isrEpochs }: Electable & { readonly state: PartitionStateNode },
  rules: ElectionRules,
  isr: readonly number[],
): readonly ReplicaRegistration[] {
  if (isr.length >= rules.minIsr) return [];
  const leaving = isr.length < rules.minIsrTold ? state.isr : [];
  const entries = [
    ...(state.elr ?? []),
    ...leaving.map((id) => ({ id, brokerEpoch: isrEpochs.get(id) ?? -1 })),
  ];
  return entries.filter(
    ({ id }, index) =>
      replicas.includes(id) &&
      !isr.includes(id) &&
      !rules.dropped.has(id) &&
      entries.findLastIndex((entry) => entry.id === id) === index,
  );
}

function epochsOf(isr: readonly number[], { epochOf }: ElectionRules): Map<number, number> {
  return new Map(isr.map((id) => [id, epochOf(id) ?? -1]));
}

function recordedEpochs(
  isrEpochs: ReadonlyMap<number, number>,
): Pick<PartitionStateNode, 'isrEpochs'> {
  return { isrEpochs: [...isrEpochs].map(([id, brokerEpoch]) => ({ id, brokerEpoch })) };
}
