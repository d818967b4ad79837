/** What the controller has written of a topic, read from ZooKeeper with none of the product's code. */

import type { SimCoordinator } from '../kernel/index.ts';

/** A partition's state as ZooKeeper holds it. */
export interface ControllerState {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly controllerEpoch: number;
  readonly isr: readonly number[];
  /** Registration in which each member of the ISR got in sync, where one is recorded. */
  readonly isrEpochs: Readonly<Record<number, number>>;
  /** Eligible leader replicas. */
  readonly elr: readonly number[];
  readonly replicas: readonly number[];
}

export interface WrittenTopic {
  readonly topicId: string;
  /** Replicas by partition. */
  readonly replicas: readonly (readonly number[])[];
}

interface Registration {
  readonly id: number;
  readonly brokerEpoch: number;
}

/** @returns undefined where there is no such topic. */
export function writtenTopic(coordinator: SimCoordinator, name: string): WrittenTopic | undefined {
  const data = coordinator.data(`/brokers/topics/${name}`);
  if (data === undefined) return undefined;
  const { topic_id: topicId, partitions } = JSON.parse(data.toString()) as {
    readonly topic_id: string;
    readonly partitions: Readonly<Record<string, readonly number[]>>;
  };
  const replicas = Object.keys(partitions).map((_, index) => partitions[index] ?? []);
  return { topicId, replicas };
}

/** @returns undefined where nobody has led the partition yet. */
export function writtenState(
  coordinator: SimCoordinator,
  name: string,
  { index, replicas }: { readonly index: number; readonly replicas: readonly number[] },
): ControllerState | undefined {
  const data = coordinator.data(`/brokers/topics/${name}/partitions/${index}/state`);
  if (data === undefined) return undefined;
  const state = JSON.parse(data.toString()) as {
    readonly leader: number;
    readonly leader_epoch: number;
    readonly controller_epoch: number;
    readonly isr: readonly number[];
    readonly odradek_isr_epochs?: readonly Registration[];
    readonly odradek_elr?: readonly Registration[];
  };
  const { odradek_isr_epochs: isrEpochs = [], odradek_elr: elr = [] } = state;
  return {
    leader: state.leader,
    leaderEpoch: state.leader_epoch,
    controllerEpoch: state.controller_epoch,
    isr: state.isr,
    isrEpochs: Object.fromEntries(isrEpochs.map(({ id, brokerEpoch }) => [id, brokerEpoch])),
    elr: elr.map(({ id }) => id),
    replicas,
  };
}
