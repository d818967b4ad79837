/**
 * Watches the replicas of a cluster between any two events, and what the controller writes.
 *
 *     const invariants = new ReplicationInvariants(cluster, topics);
 *     cluster.onStep = () => invariants.check();
 *
 * Only what may have changed since the last look is looked at (the broker whose event ran last, and
 * what was written to ZooKeeper), and only what has changed is judged.
 */

import type { SimBroker } from '../cluster/simBroker.ts';
import type { SimCluster } from '../cluster/simCluster.ts';
import { writtenState, writtenTopic } from './controllerState.ts';
import { MetadataWatch } from './metadataWatch.ts';
import { PartitionWatch, type WatchedTopic } from './partitionWatch.ts';

/** What a machine lost: what it had not synced, or everything. */
export type Loss = 'power' | 'disk';

interface Watched {
  topic: WatchedTopic;
  /** Of the topic that stands now under this name. */
  topicId: string;
  readonly watches: Map<string, PartitionWatch>;
}

export class ReplicationInvariants {
  readonly #cluster: SimCluster;
  readonly #topics: readonly Watched[];
  /** By the name of the partition. */
  readonly #watches = new Map<
    string,
    { readonly topicId: string; readonly watch: PartitionWatch }
  >();
  /** What stood in ZooKeeper when it was read last, by partition. */
  readonly #read = new Map<string, string>();
  readonly #metadata = new MetadataWatch();
  #stateIsNew = true;

  /** @param topics need not stand yet; one that is created anew is watched anew. */
  constructor(cluster: SimCluster, topics: readonly WatchedTopic[]) {
    this.#cluster = cluster;
    this.#topics = topics.map((topic) => ({ topic, topicId: '', watches: new Map() }));
    cluster.simulation.coordinator.onWrite = ({ when }) => {
      if (when === 'after') this.#stateIsNew = true;
    };
  }

  /** A machine is about to lose its power, and nothing keeps a copy of what it holds. */
  onPowerLoss(): void {
    for (const { watch } of this.#watches.values()) watch.excuse();
  }

  /** A machine loses data, of which others keep a copy. To be called before it registers again. */
  onLoss(id: number, loss: Loss): void {
    const { lastZxid } = this.#cluster.simulation.coordinator;
    for (const { watch } of this.#watches.values()) {
      if (loss === 'disk' || !watch.isDurable) watch.lose(id, lastZxid);
    }
  }

  /** The topic may count with fewer from now on. */
  lowerMinInsyncReplicas(name: string, count: number): void {
    for (const watched of this.#topics) {
      const { topic, watches } = watched;
      if (topic.name !== name) continue;
      const minInsyncReplicas = Math.min(topic.minInsyncReplicas, count);
      watched.topic = { ...topic, minInsyncReplicas };
      for (const watch of watches.values()) watch.lowerMinInsyncReplicas(count);
    }
  }

  /** @throws the first invariant that does not hold. */
  check(): void {
    const { lastOwner } = this.#cluster.simulation.scheduler;
    if (this.#stateIsNew) {
      this.#readTopics();
      for (const broker of this.#cluster.brokers) this.#observe(broker);
      return;
    }
    for (const broker of this.#cluster.brokers) {
      if (lastOwner === undefined || lastOwner.name === broker.node.name) this.#observe(broker);
    }
  }

  /** @param record for which a producer with acks=all has its acknowledgement. */
  acknowledged(record: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
  }): void {
    this.#watches.get(`${record.topic}-${record.partition}`)?.watch.acknowledged(record.offset);
  }

  #observe(broker: SimBroker): void {
    const { id, node, partitions } = broker;
    if (partitions.size === 0) return;
    this.#metadata.observe(broker);
    const incarnation = `broker ${id} (start ${node.incarnation})`;
    for (const [name, partition] of partitions) {
      const watched = this.#watches.get(name);
      if (watched?.topicId !== partition.topicId) continue;
      watched.watch.observe(id, incarnation, partition);
    }
  }

  #readTopics(): void {
    this.#stateIsNew = false;
    const { coordinator } = this.#cluster.simulation;
    for (const watched of this.#topics) {
      const { name } = watched.topic;
      const written = writtenTopic(coordinator, name);
      if (written?.topicId !== watched.topicId) this.#forget(watched);
      if (written === undefined) continue;
      watched.topicId = written.topicId;
      for (const [index, replicas] of written.replicas.entries()) {
        const state = writtenState(coordinator, name, { index, replicas });
        if (state === undefined) continue;
        const text = JSON.stringify(state);
        if (this.#read.get(`${name}-${index}`) === text) continue;
        this.#read.set(`${name}-${index}`, text);
        this.#watchOf(watched, index).observeState(state);
      }
    }
  }

  #watchOf(watched: Watched, index: number): PartitionWatch {
    const { topic, topicId, watches } = watched;
    const name = `${topic.name}-${index}`;
    const known = watches.get(name);
    if (known !== undefined) return known;
    const watch = new PartitionWatch(topic, index);
    watches.set(name, watch);
    this.#watches.set(name, { topicId, watch });
    return watch;
  }

  #forget({ watches }: Watched): void {
    for (const name of watches.keys()) {
      this.#watches.delete(name);
      this.#read.delete(name);
    }
    watches.clear();
  }
}
