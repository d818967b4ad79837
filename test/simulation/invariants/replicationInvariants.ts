/**
 * Watches the replicas of a cluster between any two events, and what the controller writes.
 *
 *     const invariants = new ReplicationInvariants(cluster, topics);
 *     cluster.onStep = () => invariants.check();
 *
 * Only what has changed since the last look is judged, so that a look at everything costs little.
 */

import type { SimCluster } from '../cluster/simCluster.ts';
import { type ControllerState, PartitionWatch, type WatchedTopic } from './partitionWatch.ts';

export class ReplicationInvariants {
  readonly #cluster: SimCluster;
  readonly #watches = new Map<string, PartitionWatch>();
  readonly #topics: readonly WatchedTopic[];
  readonly #stateData = new Map<string, string>();
  #stateIsNew = true;

  constructor(cluster: SimCluster, topics: readonly WatchedTopic[]) {
    this.#cluster = cluster;
    this.#topics = topics;
    for (const topic of topics) {
      for (let index = 0; index < topic.partitions; index += 1) {
        this.#watches.set(`${topic.name}-${index}`, new PartitionWatch(topic, index));
      }
    }
    cluster.simulation.coordinator.onWrite = ({ when }) => {
      if (when === 'after') this.#stateIsNew = true;
    };
  }

  /** A machine is about to lose its power. */
  onPowerLoss(): void {
    for (const watch of this.#watches.values()) watch.excuse();
  }

  /** @throws the first invariant that does not hold. */
  check(): void {
    if (this.#stateIsNew) this.#readStates();
    for (const { id, node, partitions } of this.#cluster.brokers) {
      if (partitions.size === 0) continue;
      const incarnation = `broker ${id} (start ${node.incarnation})`;
      for (const [name, watch] of this.#watches) {
        const partition = partitions.get(name);
        if (partition !== undefined) watch.observe(id, incarnation, partition);
      }
    }
  }

  /** @param record for which a producer with acks=all has its acknowledgement. */
  acknowledged(record: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
  }): void {
    this.#watches.get(`${record.topic}-${record.partition}`)?.acknowledged(record.offset);
  }

  #readStates(): void {
    this.#stateIsNew = false;
    const { coordinator } = this.#cluster.simulation;
    for (const { name, partitions } of this.#topics) {
      for (let index = 0; index < partitions; index += 1) {
        const path = `/brokers/topics/${name}/partitions/${index}/state`;
        const data = coordinator.data(path)?.toString();
        if (data === undefined || this.#stateData.get(path) === data) continue;
        this.#stateData.set(path, data);
        const topic = String(coordinator.data(`/brokers/topics/${name}`));
        this.#watches.get(`${name}-${index}`)?.observeState(stateOf(data, topic, index));
      }
    }
  }
}

/** Kafka's JSON of the state and of the topic, read with none of the product's code. */
function stateOf(data: string, topic: string, index: number): ControllerState {
  const state = JSON.parse(data) as {
    readonly leader: number;
    readonly leader_epoch: number;
    readonly controller_epoch: number;
    readonly isr: readonly number[];
  };
  const { partitions } = JSON.parse(topic) as {
    readonly partitions: Readonly<Record<string, readonly number[]>>;
  };
  return {
    leader: state.leader,
    leaderEpoch: state.leader_epoch,
    controllerEpoch: state.controller_epoch,
    isr: state.isr,
    replicas: partitions[String(index)] ?? [],
  };
}
