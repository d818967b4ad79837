/** Who leads a partition next, and who counts as in sync. Pure. */

import { type ControllerEpoch, NO_BROKER } from '../../common/index.ts';
import type { PartitionStateNode } from '../znodes/index.ts';
import type { PartitionModel } from './clusterModel.ts';

export interface ElectionOptions {
  readonly controllerEpoch: ControllerEpoch;
  /**
   * Whether the leader's broker has registered anew: it may then not go on in its epoch, and
   * another in-sync replica goes first.
   */
  readonly leaderBounced: boolean;
  /** In-sync replicas whose brokers have registered anew: what they had unsynced may be gone. */
  readonly bounced: ReadonlySet<number>;
}

/**
 * The state that the partition should have with these brokers alive.
 *
 * The leader is the first replica that is alive and in the ISR. Where there is none, nobody leads
 * and the ISR stays as it is: whoever of it comes back has every acknowledged record. Otherwise
 * those who went, or came back in another registration, leave the ISR, so that the partition can go
 * on without them; they join again when they have caught up. The ISR is never empty.
 *
 * @returns undefined where nothing is to be changed, or nothing can be.
 */
export function electLeader(
  partition: Pick<PartitionModel, 'replicas' | 'state'>,
  isAlive: (brokerId: number) => boolean,
  options: ElectionOptions,
): PartitionStateNode | undefined {
  const { replicas, state } = partition;
  const { controllerEpoch, leaderBounced, bounced } = options;
  if (state === undefined) {
    const isr = replicas.filter(isAlive);
    const [leader] = isr;
    if (leader === undefined) return undefined;
    return { leader, leaderEpoch: 0, isr, controllerEpoch, others: {} };
  }
  const candidates = replicas.filter((id) => state.isr.includes(id) && isAlive(id));
  const steady = candidates.filter((id) => !bounced.has(id));
  const isr = steady.length > 0 ? steady : candidates;
  const leaderStays = state.leader !== NO_BROKER && isAlive(state.leader) && !leaderBounced;
  if (leaderStays) {
    const kept = state.isr.filter((id) => id === state.leader || isr.includes(id));
    return kept.length === state.isr.length ? undefined : { ...state, isr: kept, controllerEpoch };
  }
  const others = leaderBounced ? isr.filter((id) => id !== state.leader) : isr;
  const leader = others[0] ?? isr[0] ?? NO_BROKER;
  if (leader === NO_BROKER && state.leader === NO_BROKER) return undefined;
  const leaderEpoch = state.leaderEpoch + 1;
  if (leader === NO_BROKER) return { ...state, leader, leaderEpoch, controllerEpoch };
  return { ...state, leader, leaderEpoch, isr, controllerEpoch };
}
