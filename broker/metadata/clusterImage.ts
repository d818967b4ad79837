/**
 * What this broker knows of the cluster: the sum of the updates that the controller sent.
 *
 * The image is changed by `apply` alone, and only by a controller of at least the epoch last seen.
 * Invariant: (controllerEpoch, version) never goes back, but for a snapshot of a newer controller.
 */

import {
  type BrokerId,
  brokerId,
  type ControllerEpoch,
  controllerEpoch,
  NO_BROKER,
} from '../../common/index.ts';
import type {
  LiveBroker,
  PartitionState,
  RequestOf,
  updateMetadataApi,
} from '../../protocol/index.ts';

export type MetadataUpdate = RequestOf<typeof updateMetadataApi>;

export interface TopicImage {
  readonly name: string;
  readonly topicId: string;
  readonly deleting: boolean;
  readonly configs: Readonly<Record<string, string>>;
  /** In the order of their index, without gaps. */
  readonly partitions: readonly PartitionState[];
}

/** What one update changed. */
export interface ImageChanges {
  readonly snapshot: boolean;
  readonly brokersChanged: boolean;
  /** Topics that are new or changed, with all their partitions. */
  readonly changed: readonly TopicImage[];
  /** Topics that the image no longer holds. */
  readonly removed: readonly TopicImage[];
}

export type ApplyResult =
  | { readonly kind: 'applied'; readonly changes: ImageChanges }
  | { readonly kind: 'staleController' }
  | { readonly kind: 'snapshotNeeded' };

export class ClusterImage {
  #controllerId: BrokerId = NO_BROKER;
  #controllerEpoch: ControllerEpoch = controllerEpoch(0);
  #version = 0;
  #brokers: readonly LiveBroker[] = [];
  readonly #topics = new Map<string, TopicImage>();
  readonly #namesById = new Map<string, string>();

  get controllerId(): BrokerId {
    return this.#controllerId;
  }

  get controllerEpoch(): ControllerEpoch {
    return this.#controllerEpoch;
  }

  /** 0 until the first snapshot came. */
  get version(): number {
    return this.#version;
  }

  get brokers(): readonly LiveBroker[] {
    return this.#brokers;
  }

  get topics(): ReadonlyMap<string, TopicImage> {
    return this.#topics;
  }

  /** Whether the broker is alive in exactly this registration. */
  isAlive(id: number, epoch: number): boolean {
    return this.#brokers.some((broker) => broker.id === id && broker.epoch === epoch);
  }

  /** The topic that clients may use: not one that is being deleted. */
  usableTopic(name: string): TopicImage | undefined {
    const topic = this.#topics.get(name);
    return topic === undefined || topic.deleting ? undefined : topic;
  }

  topicById(topicId: string): TopicImage | undefined {
    const name = this.#namesById.get(topicId);
    return name === undefined ? undefined : this.#topics.get(name);
  }

  apply(update: MetadataUpdate): ApplyResult {
    if (update.controllerEpoch < this.#controllerEpoch) return { kind: 'staleController' };
    const snapshot = update.baseVersion === -1;
    const follows =
      update.controllerEpoch === this.#controllerEpoch && update.baseVersion === this.#version;
    if (!snapshot && !follows) return { kind: 'snapshotNeeded' };
    this.#controllerId = brokerId(update.controllerId);
    this.#controllerEpoch = controllerEpoch(update.controllerEpoch);
    this.#version = update.version;
    if (update.brokers !== null) this.#brokers = update.brokers;
    const removed = this.#remove(snapshot ? this.#goneSince(update) : update.removedTopics);
    const changed = update.topics.map((topic) => this.#merge(topic, snapshot));
    const brokersChanged = update.brokers !== null;
    return { kind: 'applied', changes: { snapshot, brokersChanged, changed, removed } };
  }

  #goneSince(snapshot: MetadataUpdate): readonly string[] {
    const present = new Set(snapshot.topics.map((topic) => topic.topicId));
    return [...this.#namesById.keys()].filter((topicId) => !present.has(topicId));
  }

  #remove(topicIds: readonly string[]): readonly TopicImage[] {
    const removed: TopicImage[] = [];
    for (const topicId of topicIds) {
      const topic = this.topicById(topicId);
      if (topic === undefined) continue;
      this.#topics.delete(topic.name);
      this.#namesById.delete(topicId);
      removed.push(topic);
    }
    return removed;
  }

  #merge(update: MetadataUpdate['topics'][number], snapshot: boolean): TopicImage {
    const known = snapshot ? undefined : this.topicById(update.topicId);
    const partitions = new Map(known?.partitions.map((partition) => [partition.index, partition]));
    for (const partition of update.partitions) partitions.set(partition.index, partition);
    const topic: TopicImage = {
      name: update.name,
      topicId: update.topicId,
      deleting: update.deleting,
      configs: Object.fromEntries(update.configs.map(({ name, value }) => [name, value])),
      partitions: [...partitions.values()].sort((left, right) => left.index - right.index),
    };
    const replaced = this.#topics.get(topic.name);
    if (replaced !== undefined) this.#namesById.delete(replaced.topicId);
    this.#topics.set(topic.name, topic);
    this.#namesById.set(topic.topicId, topic.name);
    return topic;
  }
}
