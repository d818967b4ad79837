/**
 * What the parts of the controller's state machine share: the model of the cluster, and the effects
 * that the present step has led to so far.
 */

import type { BrokerId, ControllerEpoch, Random } from '../../common/index.ts';
import {
  type LoadedCluster,
  type ModelBroker,
  type PartitionModel,
  type TopicModel,
  topicModel,
} from './clusterModel.ts';
import type { ControllerEffect, WriteUnit } from './controllerEvents.ts';
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
  readonly log = new MetadataLog();
  readonly requests = new PendingRequests();
  #effects: ControllerEffect[] = [];
  #units: WriteUnit[] = [];

  constructor(options: ControllerStateOptions, random: Random, loaded: LoadedCluster) {
    this.options = options;
    this.random = random;
    this.damaged = loaded.damagedTopics;
    for (const broker of loaded.brokers) this.brokers.set(broker.id, broker);
    for (const topic of loaded.topics) this.topics.set(topic.name, topicModel(topic));
    for (const name of [...this.topics.keys(), ...this.damaged.keys()]) {
      this.names.set(collisionKey(name), name);
    }
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
