/**
 * What the parts of the controller's state machine share: the model of the cluster, and the effects
 * that the present step has led to so far.
 */

import type { BrokerId, ControllerEpoch, Random } from '../../common/index.ts';
import type { PartitionStateNode } from '../znodes/index.ts';
import {
  type LoadedCluster,
  type LoadedTopic,
  type ModelBroker,
  mayDropRemoving,
  type PartitionModel,
  type TopicModel,
  targetReplicas,
  topicModel,
} from './clusterModel.ts';
import type { ControllerEffect, WriteUnit } from './controllerEvents.ts';
import type { ElectionKind, ElectionRules } from './leaderElection.ts';
import { MetadataLog } from './metadataLog.ts';
import { PendingRequests } from './pendingRequests.ts';
import { collisionKey } from './topicName.ts';

export interface ControllerStateOptions {
  readonly controllerId: BrokerId;
  readonly controllerEpoch: ControllerEpoch;
  readonly defaultPartitionCount: number;
  readonly defaultReplicationFactor: number;
  readonly deleteTopicEnable: boolean;
  /** What is wrong with a topic's configuration, in words; undefined when all is well. */
  readonly validateTopicConfigs: (configs: ReadonlyMap<string, string>) => string | undefined;
  readonly topicRules: TopicRules;
}

interface TopicSettings {
  readonly minIsr: number;
  readonly isDurable: boolean;
  readonly uncleanAllowed: boolean;
}

/** What the controller must know of a topic's settings, the defaults of the brokers included. */
export interface TopicRules {
  /** `min.insync.replicas`. */
  readonly minInsyncReplicas: (configs: ReadonlyMap<string, string>) => number;
  /** Whether an acknowledged record is on disk (`flush.messages=1`). */
  readonly isDurable: (configs: ReadonlyMap<string, string>) => boolean;
  /** `unclean.leader.election.enable`. */
  readonly allowsUncleanElection: (configs: ReadonlyMap<string, string>) => boolean;
}

export class ControllerContext {
  readonly options: ControllerStateOptions;
  readonly random: Random;
  readonly topics = new Map<string, TopicModel>();
  /** Topics that cannot be understood: they keep their names, and nothing else is done to them. */
  readonly damaged: ReadonlyMap<string, string>;
  readonly brokers = new Map<number, ModelBroker>();
  /** Names by collision key, of topics that stand, are damaged or are being created. */
  readonly names = new Map<string, string>();
  /** Metadata version that each live broker has acknowledged. */
  readonly acked = new Map<number, number>();
  /** Brokers about to stop, with the registration that said so. */
  readonly stopping = new Map<number, number>();
  /** Brokers that have said which of their replicas are offline, with the registration that did. */
  readonly offlineTold = new Map<number, number>();
  /** Elections since the beginning of the term whose leader may lack acknowledged records. */
  uncleanElections = 0;
  /** Settings are parsed once for each configuration, not for each of thousands of partitions. */
  readonly #settingsByConfigs = new WeakMap<ReadonlyMap<string, string>, TopicSettings>();
  readonly log = new MetadataLog();
  readonly requests = new PendingRequests();
  #effects: ControllerEffect[] = [];
  #units: WriteUnit[] = [];

  constructor(options: ControllerStateOptions, random: Random, loaded: LoadedCluster) {
    this.options = options;
    this.random = random;
    this.damaged = loaded.damagedTopics;
    for (const broker of loaded.brokers) this.brokers.set(broker.id, broker);
    for (const topic of loaded.topics) this.topics.set(topic.name, this.#model(topic));
    for (const name of [...this.topics.keys(), ...this.damaged.keys()]) {
      this.names.set(collisionKey(name), name);
    }
  }

  #model(loaded: LoadedTopic): TopicModel {
    const topic = topicModel(loaded);
    // The last controller may not have told everybody what stands in the configuration.
    topic.minIsrRaise = { from: 1, version: 1 };
    for (const partition of topic.partitions) {
      const { state } = partition;
      if (state !== undefined) partition.isrEpochs = this.knownEpochs(partition, state);
    }
    return topic;
  }

  /** Registrations of the ISR: as written, as known before, or as they are alive now. */
  knownEpochs({ isrEpochs }: PartitionModel, state: PartitionStateNode): Map<number, number> {
    const written = new Map(state.isrEpochs?.map(({ id, brokerEpoch }) => [id, brokerEpoch]));
    const known = new Map<number, number>();
    for (const id of state.isr) {
      const epoch = written.get(id) ?? isrEpochs.get(id) ?? this.brokers.get(id)?.epoch;
      if (epoch !== undefined) known.set(id, epoch);
    }
    return known;
  }

  emit(effect: ControllerEffect): void {
    this.#effects.push(effect);
  }

  /** Units of one step are written in the order in which they were given. */
  write(unit: WriteUnit): void {
    this.#units.push(unit);
  }

  say(
    level: 'info' | 'warn' | 'error',
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    this.emit({ type: 'log', level, message, fields });
  }

  /** The brokers are to be told of this partition. */
  touch(topic: TopicModel, partition: PartitionModel): void {
    const { index } = partition;
    partition.changedVersion = this.log.add({ kind: 'topic', name: topic.name, partition: index });
  }

  /** The brokers are to be told of the topic as a whole. @returns the version that tells them. */
  touchTopic(name: string): number {
    return this.log.add({ kind: 'topic', name, partition: undefined });
  }

  isAlive(brokerId: number): boolean {
    return this.brokers.has(brokerId);
  }

  /** Registration of a live broker that can serve the replica; undefined where there is none. */
  servingEpoch({ offline }: PartitionModel, brokerId: number): number | undefined {
    const broker = this.brokers.get(brokerId);
    if (broker === undefined || offline.get(brokerId) === broker.epoch) return undefined;
    const isUnknown = broker.offlineReplicas && this.offlineTold.get(brokerId) !== broker.epoch;
    return isUnknown ? undefined : broker.epoch;
  }

  isStopping(brokerId: number): boolean {
    const epoch = this.brokers.get(brokerId)?.epoch;
    return epoch !== undefined && this.stopping.get(brokerId) === epoch;
  }

  #settings({ configs }: TopicModel): TopicSettings {
    let settings = this.#settingsByConfigs.get(configs);
    if (settings === undefined) {
      const { minInsyncReplicas, isDurable, allowsUncleanElection } = this.options.topicRules;
      settings = {
        minIsr: minInsyncReplicas(configs),
        isDurable: isDurable(configs),
        uncleanAllowed: allowsUncleanElection(configs),
      };
      this.#settingsByConfigs.set(configs, settings);
    }
    return settings;
  }

  /** Effective `min.insync.replicas` of a partition. */
  minIsr(topic: TopicModel, partition: PartitionModel): number {
    const configured = this.#settings(topic).minIsr;
    // A reassignment ends with fewer replicas, of which its leader may know already.
    const count = Math.min(partition.replicas.length, targetReplicas(partition).length);
    return Math.max(1, Math.min(configured, topic.minIsrCap ?? configured, count));
  }

  /**
   * The same, as the least that a leader may count with: after it was raised, a leader that has not
   * heard of it still commits with fewer in sync, of which whoever left the ISR knows nothing.
   */
  minIsrTold(topic: TopicModel, partition: PartitionModel): number {
    const { minIsrRaise } = topic;
    if (minIsrRaise === undefined) return this.minIsr(topic, partition);
    const told = [...this.brokers.keys()].every((id) => this.hasAcked(id, minIsrRaise.version));
    if (told) topic.minIsrRaise = undefined;
    const now = this.minIsr(topic, partition);
    return told ? now : Math.min(now, minIsrRaise.from);
  }

  electionRules(
    topic: TopicModel,
    partition: PartitionModel,
    kind: ElectionKind = 'needed',
  ): ElectionRules {
    const { isDurable, uncleanAllowed } = this.#settings(topic);
    const minIsr = this.minIsr(topic, partition);
    const epochOf = (id: number): number | undefined => this.servingEpoch(partition, id);
    const isAlive = (id: number): boolean => epochOf(id) !== undefined;
    const mayDrop = mayDropRemoving(partition, minIsr, isAlive);
    return {
      kind,
      controllerEpoch: this.options.controllerEpoch,
      epochOf,
      cleanStopOf: (id) => this.brokers.get(id)?.cleanStopEpoch,
      isStopping: (id) => this.isStopping(id),
      dropped: new Set(mayDrop ? partition.removing : []),
      isDurable,
      uncleanAllowed,
      minIsr,
      minIsrTold: this.minIsrTold(topic, partition),
    };
  }

  hasAcked(brokerId: number, version: number): boolean {
    return (this.acked.get(brokerId) ?? 0) >= version;
  }

  /** Ends the step. @returns what is to be done, in this order. */
  takeEffects(): readonly ControllerEffect[] {
    if (this.#units.length > 0) this.emit({ type: 'write', units: this.#units });
    if (this.log.seal()) this.emit({ type: 'push' });
    for (const { requestId, response } of this.requests.takeComplete()) {
      this.emit({ type: 'reply', requestId, response });
    }
    const effects = this.#effects;
    this.#effects = [];
    this.#units = [];
    return effects;
  }
}

/** The values that stand there more than once. */
export function repeated(values: readonly string[]): readonly string[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}
