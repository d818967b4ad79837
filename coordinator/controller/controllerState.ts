/**
 * The controller as a pure state machine: events in, effects out. It decides who leads, what is
 * written to ZooKeeper and what brokers are told; it does no I/O and knows no clock.
 *
 *     brokers joined or left --> elections --> write (state znodes) --written--> push
 *     createTopics --> write (config + topic) --written--> write (states) --written--> push
 *                                                     --pushed by the leaders--> reply
 *     deleteTopics --> write (mark) --written--> push (deleting) --pushed by all replicas-->
 *                  removeTopic --topicRemoved--> push (removed), reply
 *
 * Nothing counts before it is written: the model changes only with `written`. What was under way
 * when a controller died is found by the next one in ZooKeeper alone.
 *
 * Invariant: of each partition at most one write or re-read is under way (`busy`), so what is
 * decided next is decided on what stands in ZooKeeper.
 *
 * Long because every event may meet every other one's work under way: whoever changes one way
 * through the picture above needs the others in sight.
 */

import {
  assert,
  type BrokerId,
  type ControllerEpoch,
  type CoordinatorWrite,
  type Random,
  unreachable,
} from '../../common/index.ts';
import {
  deleteTopicZnode,
  generateTopicId,
  partitionStateZnode,
  topicConfigZnode,
  topicZnode,
} from '../znodes/index.ts';
import {
  type LoadedCluster,
  type LoadedState,
  type ModelBroker,
  type PartitionModel,
  type TopicModel,
  topicModel,
} from './clusterModel.ts';
import type {
  AlterConfigsRequest,
  ControllerEffect,
  ControllerEvent,
  CreateTopicsRequest,
  DeleteTopicsRequest,
  UnitResult,
  UpdateMetadataRequest,
  WriteUnit,
} from './controllerEvents.ts';
import { electLeader } from './leaderElection.ts';
import { MetadataLog } from './metadataLog.ts';
import { metadataUpdate } from './metadataView.ts';
import { PendingRequests } from './pendingRequests.ts';
import { planTopic, type TopicPlan } from './topicCreation.ts';
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

/** A request that is answered when a topic is usable, is gone, or has been told to all brokers. */
interface Waiter {
  readonly requestId: number;
  readonly topic: string;
  readonly until: 'usable' | 'gone' | 'told';
  /** Metadata version that all live brokers must have, for `told`. */
  readonly version: number;
}

export class ControllerState {
  readonly #options: ControllerStateOptions;
  readonly #random: Random;
  readonly #topics = new Map<string, TopicModel>();
  /** Topics that cannot be understood: they keep their names, and nothing else is done to them. */
  readonly #damaged = new Map<string, string>();
  /** Deletions of topics whose znode is gone already: the rest is to be removed. */
  readonly #leftovers = new Set<string>();
  /** Invariant: exactly the topics with a `deletion`. */
  readonly #deleting = new Set<TopicModel>();
  readonly #brokers = new Map<number, ModelBroker>();
  /** Names by collision key, of topics that stand, are damaged or are being created. */
  readonly #names = new Map<string, string>();
  /** Metadata version that each live broker has acknowledged. */
  readonly #acked = new Map<number, number>();
  readonly #log = new MetadataLog();
  readonly #requests = new PendingRequests();
  #waiters: Waiter[] = [];
  #effects: ControllerEffect[] = [];
  #units: WriteUnit[] = [];

  constructor(options: ControllerStateOptions, random: Random, loaded: LoadedCluster) {
    this.#options = options;
    this.#random = random;
    for (const broker of loaded.brokers) this.#brokers.set(broker.id, broker);
    for (const topic of loaded.topics) this.#topics.set(topic.name, topicModel(topic));
    for (const [name, problem] of loaded.damagedTopics) this.#damaged.set(name, problem);
    for (const name of [...this.#topics.keys(), ...this.#damaged.keys()]) {
      this.#names.set(collisionKey(name), name);
    }
    for (const name of loaded.deletions) this.#loadDeletion(name);
  }

  /** Takes one event. @returns what is to be done, in this order. */
  step(event: ControllerEvent): readonly ControllerEffect[] {
    this.#effects = [];
    this.#units = [];
    this.#handle(event);
    if (this.#units.length > 0) this.#effects.push({ type: 'write', units: this.#units });
    if (this.#log.seal()) this.#effects.push({ type: 'push' });
    for (const { requestId, response } of this.#requests.takeComplete()) {
      this.#effects.push({ type: 'reply', requestId, response });
    }
    return this.#effects;
  }

  get metadataVersion(): number {
    return this.#log.version;
  }

  get brokers(): ReadonlyMap<number, ModelBroker> {
    return this.#brokers;
  }

  get topics(): ReadonlyMap<string, TopicModel> {
    return this.#topics;
  }

  /**
   * What a live broker is to be told next.
   *
   * @param ackedVersion where it stands; undefined where that is not known: it gets a snapshot.
   * @returns undefined where it is up to date, or not alive.
   */
  updateFor(brokerId: number, ackedVersion: number | undefined): UpdateMetadataRequest | undefined {
    const broker = this.#brokers.get(brokerId);
    if (broker === undefined) return undefined;
    const update = metadataUpdate(
      { log: this.#log, topics: this.#topics, brokers: this.#brokers },
      ackedVersion,
    );
    if (update === undefined) return undefined;
    return {
      controllerId: this.#options.controllerId,
      controllerEpoch: this.#options.controllerEpoch,
      brokerEpoch: broker.epoch,
      ...update,
    };
  }

  #handle(event: ControllerEvent): void {
    switch (event.type) {
      case 'started':
        this.#onStarted();
        break;
      case 'brokersChanged':
        this.#onBrokersChanged(event.brokers);
        break;
      case 'createTopics':
        this.#onCreateTopics(event.requestId, event.request);
        break;
      case 'deleteTopics':
        this.#onDeleteTopics(event.requestId, event.request);
        break;
      case 'alterConfigs':
        this.#onAlterConfigs(event.requestId, event.request);
        break;
      case 'requestTimedOut':
        this.#onTimedOut(event.requestId);
        break;
      case 'written':
        this.#onWritten(event.units, event.results);
        break;
      case 'stateRead':
        this.#onStateRead(event.topic, event.partition, event.loaded);
        break;
      case 'topicRemoved':
        this.#onTopicRemoved(event.topic, event.error);
        break;
      case 'pushed':
        this.#onPushed(event);
        break;
      case 'tick':
        this.#onTick();
        break;
      default:
        unreachable(event);
    }
  }

  // ---- Start and brokers

  #onStarted(): void {
    for (const [name, problem] of this.#damaged) {
      this.#say('error', 'A topic is out of use: its znodes cannot be understood', {
        topic: name,
        problem,
      });
    }
    // Version 1 even of an empty cluster: brokers wait for their first snapshot.
    this.#log.add({ kind: 'brokers' });
    for (const topic of this.#topics.values()) {
      if (topic.topicId === undefined) this.#assignTopicId(topic);
      for (const partition of topic.partitions) {
        if (partition.problem !== undefined) this.#sayPartitionDamaged(topic, partition);
      }
      this.#electAll(topic);
    }
    for (const name of this.#leftovers) this.#effects.push({ type: 'removeTopic', topic: name });
    this.#advanceDeletions();
  }

  #onBrokersChanged(brokers: readonly ModelBroker[]): void {
    const now = new Map(brokers.map((broker) => [broker.id, broker]));
    const bounced = new Set<number>();
    let changed = now.size !== this.#brokers.size;
    for (const [id, broker] of now) {
      const before = this.#brokers.get(id);
      if (before !== undefined && before.epoch !== broker.epoch) bounced.add(id);
      changed ||= before === undefined || before.epoch !== broker.epoch;
    }
    if (!changed) return;
    for (const id of this.#brokers.keys()) {
      if (!now.has(id) || bounced.has(id)) this.#acked.delete(id);
    }
    this.#brokers.clear();
    for (const [id, broker] of now) this.#brokers.set(id, broker);
    this.#log.add({ kind: 'brokers' });
    this.#say('info', 'The live brokers have changed', {
      alive: [...now.keys()].sort((a, b) => a - b),
      registeredAnew: [...bounced],
    });
    for (const topic of this.#topics.values()) {
      for (const partition of topic.partitions) {
        if (bounced.has(partition.state?.leader ?? -1)) partition.leaderBounced = true;
      }
      this.#electAll(topic);
    }
    this.#settleWaiters();
  }

  // ---- Partitions

  #electAll(topic: TopicModel): void {
    const missing = topic.partitions.every(({ version }) => version === -1);
    const before = this.#units.length;
    for (const partition of topic.partitions) this.#elect(topic, partition);
    // The first states of a topic need the znode above them; it is empty and may stand already.
    if (missing && this.#units.length > before) {
      this.#units.splice(before, 0, this.#partitionsParent(topic.name));
    }
  }

  #elect(topic: TopicModel, partition: PartitionModel): void {
    if (partition.busy || partition.problem !== undefined || topic.deletion !== undefined) return;
    const next = electLeader(partition, (id) => this.#brokers.has(id), {
      controllerEpoch: this.#options.controllerEpoch,
      leaderBounced: partition.leaderBounced,
    });
    if (next === undefined) return;
    partition.busy = true;
    partition.leaderBounced = false;
    const data = partitionStateZnode.encode(next);
    const path = partitionStateZnode.path(topic.name, partition.index);
    const isFirst = partition.version === -1;
    const parent = partitionStateZnode.partitionPath(topic.name, partition.index);
    const operations: CoordinatorWrite[] = isFirst
      ? [
          { type: 'create', path: parent, data: Buffer.alloc(0) },
          { type: 'create', path, data },
        ]
      : [{ type: 'setData', path, data, version: partition.version }];
    const version = partition.version + 1;
    const { name } = topic;
    const purpose = {
      kind: 'state',
      topic: name,
      partition: partition.index,
      next,
      version,
    } as const;
    this.#units.push({ operations, purpose });
  }

  #partitionsParent(topic: string): WriteUnit {
    const path = partitionStateZnode.partitionsPath(topic);
    return {
      operations: [{ type: 'create', path, data: Buffer.alloc(0) }],
      purpose: { kind: 'partitionsParent', topic },
    };
  }

  #onStateWritten(
    purpose: Extract<WriteUnit['purpose'], { kind: 'state' }>,
    result: UnitResult,
  ): void {
    const topic = this.#topics.get(purpose.topic);
    const partition = topic?.partitions[purpose.partition];
    if (topic === undefined || partition === undefined) return;
    if (result.ok) {
      partition.busy = false;
      partition.state = purpose.next;
      partition.version = purpose.version;
      this.#touch(topic, partition);
      // Brokers may have come or gone since this was decided.
      this.#elect(topic, partition);
      return;
    }
    if (result.code === 'NODE_EXISTS' && result.failedIndex === 0 && purpose.version === 0) {
      // The znode above the state stands already: Kafka makes the two one after the other.
      this.#units.push({ operations: [stateCreation(purpose)], purpose });
      return;
    }
    this.#say('warn', 'A partition state could not be written', {
      topic: topic.name,
      partition: partition.index,
      code: result.code,
      error: result.message,
    });
    partition.leaderBounced = true;
    if (['BAD_VERSION', 'NODE_EXISTS', 'NO_NODE'].includes(result.code)) {
      // Somebody else wrote it. What stands there now decides.
      partition.refused = true;
      this.#effects.push({ type: 'readState', topic: topic.name, partition: partition.index });
      return;
    }
    partition.busy = false;
    partition.problem = result.message;
  }

  #onStateRead(topicName: string, index: number, loaded: LoadedState): void {
    const topic = this.#topics.get(topicName);
    const partition = topic?.partitions[index];
    if (topic === undefined || partition === undefined) return;
    partition.busy = false;
    const { version, refused } = partition;
    partition.refused = false;
    if (loaded.kind === 'damaged') {
      if (partition.problem === loaded.problem) return;
      partition.problem = loaded.problem;
      partition.state = undefined;
      this.#sayPartitionDamaged(topic, partition);
      this.#touch(topic, partition);
      return;
    }
    partition.state = loaded.kind === 'state' ? loaded.state : undefined;
    partition.version = loaded.kind === 'state' ? loaded.version : -1;
    // Writing again what was refused, on top of the same version, would be refused again: that
    // waits for the next tick.
    const unchanged = refused && partition.version === version;
    partition.problem = unchanged ? 'ZooKeeper refuses to write the state' : undefined;
    if (partition.version !== version) this.#touch(topic, partition);
    this.#elect(topic, partition);
    this.#advanceDeletions();
  }

  #sayPartitionDamaged(topic: TopicModel, partition: PartitionModel): void {
    this.#say('error', 'A partition is out of use: its state cannot be understood', {
      topic: topic.name,
      partition: partition.index,
      problem: partition.problem,
    });
  }

  #touch(topic: TopicModel, partition: PartitionModel): void {
    partition.changedVersion = this.#log.add({
      kind: 'topic',
      name: topic.name,
      partition: partition.index,
    });
  }

  // ---- Creation

  #onCreateTopics(requestId: number, request: CreateTopicsRequest): void {
    this.#requests.begin(
      requestId,
      'createTopics',
      request.topics.map(({ name }) => name),
    );
    for (const name of repeated(request.topics.map((topic) => topic.name))) {
      this.#requests.fail(requestId, name, 'INVALID_REQUEST', `"${name}" stands there twice`);
    }
    for (const topic of request.topics) {
      if (!this.#requests.awaits(requestId, topic.name)) continue;
      const plan = planTopic(topic, {
        brokers: [...this.#brokers.values()].map(({ id, rack }) => ({
          id,
          rack: rack ?? undefined,
        })),
        nameInUse: (key) => this.#names.get(key),
        isBeingDeleted: (name) => this.#isBeingDeleted(name),
        defaultPartitionCount: this.#options.defaultPartitionCount,
        defaultReplicationFactor: this.#options.defaultReplicationFactor,
        validateTopicConfigs: this.#options.validateTopicConfigs,
        random: this.#random,
      });
      if ('error' in plan) {
        this.#requests.fail(requestId, topic.name, plan.error, plan.message);
      } else if (request.validateOnly) {
        this.#requests.created(requestId, { ...describe(plan), topicId: null });
      } else {
        this.#names.set(collisionKey(plan.name), plan.name);
        this.#units.push(creationUnit(requestId, plan, false));
      }
    }
  }

  /**
   * Configuration first, then the topic, in one multi: a controller that finds the topic finds its
   * configuration too. States follow; the next controller makes those that are missing.
   */
  #onTopicWritten(
    { requestId, plan, replacesConfig }: Extract<WriteUnit['purpose'], { kind: 'createTopic' }>,
    result: UnitResult,
  ): void {
    if (!result.ok) {
      if (result.code === 'NODE_EXISTS' && result.failedIndex === 0) {
        // A configuration without a topic: left by somebody else, and now replaced.
        this.#units.push(creationUnit(requestId, plan, true));
        return;
      }
      this.#names.delete(collisionKey(plan.name));
      const exists = result.code === 'NODE_EXISTS';
      this.#requests.fail(
        requestId,
        plan.name,
        exists ? 'TOPIC_ALREADY_EXISTS' : 'COORDINATOR_UNAVAILABLE',
        exists ? `The topic "${plan.name}" exists already in ZooKeeper` : result.message,
      );
      return;
    }
    const topic = topicModel({
      name: plan.name,
      version: 0,
      assignment: plan.assignment,
      configs: plan.configs,
      configVersion: replacesConfig ? 'any' : 0,
      states: [],
    });
    this.#topics.set(plan.name, topic);
    this.#log.add({ kind: 'topic', name: plan.name, partition: undefined });
    this.#waiters.push({ requestId, topic: plan.name, until: 'usable', version: 0 });
    this.#say('info', 'Topic created', { topic: plan.name, partitions: topic.partitions.length });
    this.#electAll(topic);
  }

  #assignTopicId(topic: TopicModel): void {
    const topicId = generateTopicId(this.#random);
    const data = topicZnode.encode({ ...topic.assignment, topicId });
    const path = topicZnode.path(topic.name);
    this.#units.push({
      operations: [{ type: 'setData', path, data, version: topic.version }],
      purpose: { kind: 'assignTopicId', topic: topic.name, topicId },
    });
  }

  // ---- Deletion

  #onDeleteTopics(requestId: number, request: DeleteTopicsRequest): void {
    this.#requests.begin(requestId, 'deleteTopics', request.names);
    for (const name of request.names) {
      if (!this.#requests.awaits(requestId, name)) continue;
      const problem = this.#damaged.get(name);
      if (!this.#options.deleteTopicEnable) {
        const message = 'delete.topic.enable is false on this cluster';
        this.#requests.fail(requestId, name, 'TOPIC_DELETION_DISABLED', message);
      } else if (problem !== undefined) {
        this.#requests.fail(requestId, name, 'INVALID_REQUEST', problem);
      } else if (!this.#topics.has(name)) {
        const message = `There is no topic "${name}"`;
        this.#requests.fail(requestId, name, 'UNKNOWN_TOPIC_OR_PARTITION', message);
      } else if (this.#topics.get(name)?.deletion !== undefined) {
        this.#waiters.push({ requestId, topic: name, until: 'gone', version: 0 });
      } else {
        const path = deleteTopicZnode.path(name);
        this.#units.push({
          operations: [{ type: 'create', path, data: Buffer.alloc(0) }],
          purpose: { kind: 'markDeleted', requestId, topic: name },
        });
      }
    }
  }

  #onMarkedDeleted(requestId: number, name: string, result: UnitResult): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) {
      // Another request was faster, start to end.
      this.#requests.succeed(requestId, name);
      return;
    }
    if (!result.ok && result.code !== 'NODE_EXISTS') {
      this.#requests.fail(requestId, name, 'COORDINATOR_UNAVAILABLE', result.message);
      return;
    }
    this.#waiters.push({ requestId, topic: name, until: 'gone', version: 0 });
    if (topic.deletion !== undefined) return;
    this.#beginDeletion(topic);
    this.#say('info', 'Topic is being deleted', { topic: name });
    this.#advanceDeletions();
  }

  #loadDeletion(name: string): void {
    const topic = this.#topics.get(name);
    if (topic !== undefined) this.#beginDeletion(topic);
    else if (!this.#damaged.has(name)) this.#leftovers.add(name);
  }

  #beginDeletion(topic: TopicModel): void {
    const toldVersion = this.#log.add({ kind: 'topic', name: topic.name, partition: undefined });
    this.#deleting.add(topic);
    topic.deletion = { toldVersion, ackedBy: new Set(), failedAt: new Set(), removing: false };
  }

  /** Removes the znodes of topics of which no broker has files any more. */
  #advanceDeletions(): void {
    for (const topic of this.#deleting) {
      const { deletion } = topic;
      if (deletion === undefined || deletion.removing) continue;
      if (topic.partitions.some(({ busy }) => busy)) continue;
      if (!replicaBrokers(topic).every((id) => deletion.ackedBy.has(id))) continue;
      deletion.removing = true;
      this.#effects.push({ type: 'removeTopic', topic: topic.name });
    }
  }

  #onTopicRemoved(name: string, error: string | undefined): void {
    const topic = this.#topics.get(name);
    if (error !== undefined) {
      this.#say('error', 'The znodes of a deleted topic could not be removed', {
        topic: name,
        error,
      });
      if (topic?.deletion !== undefined) topic.deletion.removing = false;
      return;
    }
    this.#leftovers.delete(name);
    if (topic !== undefined) this.#deleting.delete(topic);
    this.#topics.delete(name);
    this.#names.delete(collisionKey(name));
    if (topic?.topicId !== undefined) this.#log.add({ kind: 'removed', topicId: topic.topicId });
    this.#say('info', 'Topic deleted', { topic: name });
    this.#settleWaiters();
  }

  #isBeingDeleted(name: string): boolean {
    return this.#leftovers.has(name) || this.#topics.get(name)?.deletion !== undefined;
  }

  // ---- Configurations

  #onAlterConfigs(requestId: number, request: AlterConfigsRequest): void {
    this.#requests.begin(
      requestId,
      'alterConfigs',
      request.topics.map(({ name }) => name),
    );
    for (const name of repeated(request.topics.map((topic) => topic.name))) {
      this.#requests.fail(requestId, name, 'INVALID_REQUEST', `"${name}" stands there twice`);
    }
    for (const { name, changes } of request.topics) {
      if (!this.#requests.awaits(requestId, name)) continue;
      const topic = this.#topics.get(name);
      if (topic === undefined || topic.deletion !== undefined) {
        const error =
          topic === undefined ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'TOPIC_DELETION_IN_PROGRESS';
        this.#requests.fail(
          requestId,
          name,
          error,
          this.#damaged.get(name) ?? `No topic "${name}"`,
        );
        continue;
      }
      const configs = new Map(topic.configs);
      for (const { name: key, value } of changes) {
        if (value === null) configs.delete(key);
        else configs.set(key, value);
      }
      const problem =
        repeated(changes.map((change) => change.name)).length > 0
          ? 'A configuration name is given more than once'
          : this.#options.validateTopicConfigs(configs);
      if (problem !== undefined) {
        this.#requests.fail(requestId, name, 'INVALID_CONFIG', problem);
      } else if (request.validateOnly) {
        this.#requests.succeed(requestId, name);
      } else {
        this.#units.push(configUnit(requestId, topic, configs));
      }
    }
  }

  #onConfigsWritten(
    purpose: Extract<WriteUnit['purpose'], { kind: 'configs' }>,
    result: UnitResult,
  ): void {
    const topic = this.#topics.get(purpose.topic);
    const { requestId } = purpose;
    if (topic === undefined) {
      const message = `The topic "${purpose.topic}" was deleted meanwhile`;
      this.#requests.fail(requestId, purpose.topic, 'UNKNOWN_TOPIC_OR_PARTITION', message);
      return;
    }
    if (!result.ok) {
      this.#requests.fail(requestId, topic.name, 'COORDINATOR_UNAVAILABLE', result.message);
      return;
    }
    topic.configs = purpose.configs;
    topic.configVersion = purpose.version;
    const version = this.#log.add({ kind: 'topic', name: topic.name, partition: undefined });
    this.#waiters.push({ requestId, topic: topic.name, until: 'told', version });
  }

  // ---- Results, acknowledgements, time

  #onWritten(units: readonly WriteUnit[], results: readonly UnitResult[]): void {
    for (const [index, { purpose }] of units.entries()) {
      const result = results[index];
      assert(result !== undefined, 'Every unit has its result', { index });
      switch (purpose.kind) {
        case 'state':
          this.#onStateWritten(purpose, result);
          break;
        case 'partitionsParent':
          // NODE_EXISTS is as good; anything else shows in the states below it.
          break;
        case 'createTopic':
          this.#onTopicWritten(purpose, result);
          break;
        case 'assignTopicId':
          this.#onTopicIdWritten(purpose.topic, purpose.topicId, result);
          break;
        case 'markDeleted':
          this.#onMarkedDeleted(purpose.requestId, purpose.topic, result);
          break;
        case 'configs':
          this.#onConfigsWritten(purpose, result);
          break;
        default:
          unreachable(purpose);
      }
    }
    this.#advanceDeletions();
    this.#settleWaiters();
  }

  #onTopicIdWritten(name: string, topicId: string, result: UnitResult): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    if (!result.ok) {
      this.#say('warn', 'A topic could not be given an id', { topic: name, error: result.message });
      return;
    }
    topic.topicId = topicId;
    topic.version += 1;
    this.#log.add({ kind: 'topic', name, partition: undefined });
  }

  #onPushed(event: Extract<ControllerEvent, { type: 'pushed' }>): void {
    const { brokerId, version } = event;
    if (this.#brokers.get(brokerId)?.epoch !== event.brokerEpoch) return;
    this.#acked.set(brokerId, version);
    const failed = new Set(event.failedTopics);
    for (const topic of this.#deleting) {
      const { deletion, topicId } = topic;
      if (deletion === undefined || topicId === undefined || version < deletion.toldVersion)
        continue;
      if (failed.has(topicId)) {
        deletion.failedAt.add(brokerId);
        this.#say('warn', 'A broker could not remove the files of a deleted topic; asking again', {
          topic: topic.name,
          broker: brokerId,
        });
      } else if (!deletion.failedAt.has(brokerId)) {
        deletion.ackedBy.add(brokerId);
      }
    }
    this.#advanceDeletions();
    this.#settleWaiters();
  }

  #onTick(): void {
    for (const topic of this.#topics.values()) {
      if (topic.topicId === undefined) this.#assignTopicId(topic);
      for (const partition of topic.partitions) {
        if (partition.problem === undefined || partition.busy) continue;
        partition.busy = true;
        this.#effects.push({ type: 'readState', topic: topic.name, partition: partition.index });
      }
    }
    for (const { name, deletion } of this.#deleting) {
      if (deletion === undefined || deletion.failedAt.size === 0) continue;
      deletion.failedAt.clear();
      deletion.toldVersion = this.#log.add({ kind: 'topic', name, partition: undefined });
    }
    for (const name of this.#leftovers) this.#effects.push({ type: 'removeTopic', topic: name });
    this.#advanceDeletions();
  }

  #onTimedOut(requestId: number): void {
    for (const name of this.#requests.openTopics(requestId)) {
      const topic = this.#topics.get(name);
      this.#requests.fail(requestId, name, 'REQUEST_TIMED_OUT', this.#whyWaiting(name, topic));
    }
    this.#waiters = this.#waiters.filter((waiter) => waiter.requestId !== requestId);
  }

  #whyWaiting(name: string, topic: TopicModel | undefined): string {
    if (topic?.deletion !== undefined) {
      const { ackedBy } = topic.deletion;
      const missing = replicaBrokers(topic).filter((id) => !ackedBy.has(id));
      return `The topic "${name}" is marked for deletion; brokers [${missing.join(', ')}] have not removed it yet`;
    }
    return `The change of "${name}" is not known to all brokers yet, or not written; it goes on`;
  }

  #settleWaiters(): void {
    if (this.#waiters.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => {
      const { requestId, topic: name } = waiter;
      if (!this.#requests.awaits(requestId, name)) return false;
      const topic = this.#topics.get(name);
      if (topic === undefined) {
        if (waiter.until === 'gone') this.#requests.succeed(requestId, name);
        else {
          const message = `The topic "${name}" was deleted meanwhile`;
          this.#requests.fail(requestId, name, 'UNKNOWN_TOPIC_OR_PARTITION', message);
        }
        return false;
      }
      return !this.#fulfil(waiter, topic);
    });
  }

  /** @returns whether the request has its answer for this topic. */
  #fulfil({ requestId, until, version }: Waiter, topic: TopicModel): boolean {
    switch (until) {
      case 'gone':
        return false;
      case 'told':
        if (![...this.#brokers.keys()].every((id) => this.#hasAcked(id, version))) return false;
        this.#requests.succeed(requestId, topic.name);
        return true;
      case 'usable':
        if (!this.#isUsable(topic)) return false;
        this.#requests.created(requestId, describe(topic));
        return true;
      default:
        return unreachable(until);
    }
  }

  /** Every partition has a leader that knows of it. */
  #isUsable(topic: TopicModel): boolean {
    return topic.partitions.every(
      ({ state, changedVersion }) =>
        state !== undefined && this.#hasAcked(state.leader, changedVersion),
    );
  }

  #hasAcked(brokerId: number, version: number): boolean {
    return (this.#acked.get(brokerId) ?? 0) >= version;
  }

  #say(
    level: 'info' | 'warn' | 'error',
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    this.#effects.push({ type: 'log', level, message, fields });
  }
}

function stateCreation(
  purpose: Extract<WriteUnit['purpose'], { kind: 'state' }>,
): CoordinatorWrite {
  const { topic, partition, next } = purpose;
  const path = partitionStateZnode.path(topic, partition);
  return { type: 'create', path, data: partitionStateZnode.encode(next) };
}

function creationUnit(requestId: number, plan: TopicPlan, replacesConfig: boolean): WriteUnit {
  const path = topicConfigZnode.path(plan.name);
  const configs = topicConfigZnode.encode(plan.configs);
  const topic = topicZnode.encode(plan.assignment);
  return {
    operations: [
      replacesConfig
        ? { type: 'setData', path, data: configs, version: -1 }
        : { type: 'create', path, data: configs },
      { type: 'create', path: topicZnode.path(plan.name), data: topic },
    ],
    purpose: { kind: 'createTopic', requestId, plan, replacesConfig },
  };
}

function configUnit(
  requestId: number,
  topic: TopicModel,
  configs: ReadonlyMap<string, string>,
): WriteUnit {
  const path = topicConfigZnode.path(topic.name);
  const data = topicConfigZnode.encode(configs);
  const before = topic.configVersion;
  const expected = before === 'any' ? -1 : before;
  const after = before === 'any' ? 'any' : before === 'absent' ? 0 : before + 1;
  return {
    operations: [
      expected === 'absent'
        ? { type: 'create', path, data }
        : { type: 'setData', path, data, version: expected },
    ],
    purpose: { kind: 'configs', requestId, topic: topic.name, configs, version: after },
  };
}

function describe(topic: TopicPlan | TopicModel): {
  name: string;
  errorCode: number;
  errorMessage: null;
  topicId: string | null;
  partitionCount: number;
  replicationFactor: number;
} {
  const { replicas } = topic.assignment;
  return {
    name: topic.name,
    errorCode: 0,
    errorMessage: null,
    topicId: topic.topicId ?? null,
    partitionCount: replicas.length,
    replicationFactor: replicas[0]?.length ?? 0,
  };
}

function replicaBrokers(topic: TopicModel): readonly number[] {
  return [...new Set(topic.partitions.flatMap(({ replicas }) => replicas))];
}

/** The values that stand there more than once. */
function repeated(values: readonly string[]): readonly string[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}
