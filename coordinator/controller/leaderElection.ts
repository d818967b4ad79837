/** Who leads a partition next. Pure. */

import { type ControllerEpoch, NO_BROKER } from '../../common/index.ts';
import type { PartitionStateNode } from '../znodes/index.ts';
import type { PartitionModel } from './clusterModel.ts';

/**
 * The state that the partition should have with these brokers alive.
 *
 * The leader is the first replica that is alive and in the ISR. Where there is none, nobody leads
 * and the ISR stays as it is: whoever of it comes back has every acknowledged record.
 *
 * @param options.leaderBounced whether the leader's broker has registered anew: it may then not go
 *   on in its epoch, and another in-sync replica goes first.
 * @returns undefined where nothing is to be changed, or nothing can be.
 */
export function electLeader(
  partition: Pick<PartitionModel, 'replicas' | 'state'>,
  isAlive: (brokerId: number) => boolean,
  options: { readonly controllerEpoch: ControllerEpoch; readonly leaderBounced: boolean },
): PartitionStateNode | undefined {
  const { replicas, state } = partition;
  const { controllerEpoch, leaderBounced } = options;
  if (state === undefined) {
    const isr = replicas.filter(isAlive);
    const [leader] = isr;
    if (leader === undefined) return undefined;
    return { leader, leaderEpoch: 0, isr, controllerEpoch, others: {} };
  }
  if (state.leader !== NO_BROKER && isAlive(state.leader) && !leaderBounced) return undefined;
  const candidates = replicas.filter((id) => state.isr.includes(id) && isAlive(id));
  const others = leaderBounced ? candidates.filter((id) => id !== state.leader) : candidates;
  const leader = others[0] ?? candidates[0] ?? NO_BROKER;
  if (leader === NO_BROKER && state.leader === NO_BROKER) return undefined;
  return { ...state, leader, leaderEpoch: state.leaderEpoch + 1, controllerEpoch };
}
