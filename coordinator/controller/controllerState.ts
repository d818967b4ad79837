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
 * Long because every event may meet every other one's work under way: whoever changes one way
 * through the picture above needs the others in sight.
 */

import { assert, type Random, unreachable } from '../../common/index.ts';
import { AskedElections } from './askedElections.ts';
import { BrokerDepartures } from './brokerDepartures.ts';
import type { LoadedCluster, ModelBroker } from './clusterModel.ts';
import { ControllerContext, type ControllerStateOptions } from './controllerContext.ts';
import type {
  ControllerEffect,
  ControllerEvent,
  UnitResult,
  UpdateMetadataRequest,
  WriteUnit,
} from './controllerEvents.ts';
import { IsrChanges } from './isrChanges.ts';
import { metadataUpdate } from './metadataView.ts';
import { PartitionAnswers } from './partitionAnswers.ts';
import { PartitionCreations } from './partitionCreations.ts';
import { PartitionLeaders } from './partitionLeaders.ts';
import { Reassignments } from './reassignments.ts';
import { RequestWaiters } from './requestWaiters.ts';
import { TopicAssignments } from './topicAssignments.ts';
import { TopicConfigs } from './topicConfigs.ts';
import { TopicCreations } from './topicCreations.ts';
import { TopicDeletions } from './topicDeletions.ts';

export type { ControllerStateOptions } from './controllerContext.ts';

type RequestEvent = Extract<ControllerEvent, { readonly request: unknown }>;

export class ControllerState {
  readonly #context: ControllerContext;
  readonly #leaders: PartitionLeaders;
  readonly #waiters: RequestWaiters;
  readonly #creations: TopicCreations;
  readonly #deletions: TopicDeletions;
  readonly #configs: TopicConfigs;
  readonly #isrChanges: IsrChanges;
  readonly #assignments: TopicAssignments;
  readonly #partitionCreations: PartitionCreations;
  readonly #reassignments: Reassignments;
  readonly #elections: AskedElections;
  readonly #departures: BrokerDepartures;
  readonly #answers: PartitionAnswers;

  constructor(options: ControllerStateOptions, random: Random, loaded: LoadedCluster) {
    const context = new ControllerContext(options, random, loaded);
    this.#context = context;
    this.#leaders = new PartitionLeaders(context);
    this.#waiters = new RequestWaiters(context);
    this.#deletions = new TopicDeletions(context, this.#waiters, loaded.deletions);
    const leaders = this.#leaders;
    const assignments = new TopicAssignments(context, leaders);
    const answers = new PartitionAnswers(context);
    this.#assignments = assignments;
    this.#answers = answers;
    this.#creations = new TopicCreations(context, {
      leaders: this.#leaders,
      deletions: this.#deletions,
      waiters: this.#waiters,
      assignments,
    });
    this.#configs = new TopicConfigs(context, this.#waiters, this.#leaders);
    this.#isrChanges = new IsrChanges(context, this.#leaders);
    this.#partitionCreations = new PartitionCreations(context, {
      assignments,
      waiters: this.#waiters,
    });
    this.#reassignments = new Reassignments(context, { leaders, assignments, answers });
    this.#elections = new AskedElections(context, { leaders, answers });
    this.#departures = new BrokerDepartures(context, leaders);
  }

  /** Takes one event. @returns what is to be done, in this order. */
  step(event: ControllerEvent): readonly ControllerEffect[] {
    this.#handle(event);
    this.#assignments.flush();
    return this.#context.takeEffects();
  }

  get brokers(): ReadonlyMap<number, ModelBroker> {
    return this.#context.brokers;
  }

  /** Elections of this term whose leader may lack acknowledged records. */
  get uncleanElections(): number {
    return this.#context.uncleanElections;
  }

  /**
   * What a live broker is to be told next.
   *
   * @param ackedVersion where it stands; undefined where that is not known: it gets a snapshot.
   * @returns undefined where it is up to date, or not alive.
   */
  updateFor(brokerId: number, ackedVersion: number | undefined): UpdateMetadataRequest | undefined {
    const broker = this.#context.brokers.get(brokerId);
    if (broker === undefined) return undefined;
    const update = metadataUpdate(this.#context, ackedVersion);
    if (update === undefined) return undefined;
    return {
      controllerId: this.#context.options.controllerId,
      controllerEpoch: this.#context.options.controllerEpoch,
      brokerEpoch: broker.epoch,
      ...update,
    };
  }

  #handle(event: ControllerEvent): void {
    if ('request' in event) this.#onRequest(event);
    else this.#onNews(event);
  }

  #onRequest(event: RequestEvent): void {
    switch (event.type) {
      case 'createTopics':
        this.#creations.onRequest(event.requestId, event.request);
        break;
      case 'deleteTopics':
        this.#deletions.onRequest(event.requestId, event.request);
        break;
      case 'alterConfigs':
        this.#configs.onRequest(event.requestId, event.request);
        break;
      case 'alterPartition':
        this.#isrChanges.onRequest(event.requestId, event.request);
        break;
      case 'createPartitions':
        this.#partitionCreations.onRequest(event.requestId, event.request);
        break;
      case 'alterReassignments':
        this.#reassignments.onRequest(event.requestId, event.request);
        break;
      case 'listReassignments':
        this.#reassignments.list(event.requestId, event.request);
        break;
      case 'electLeaders':
        this.#elections.onRequest(event.requestId, event.request);
        break;
      case 'controlledShutdown':
        this.#departures.onShutdown(event.requestId, event.request);
        break;
      case 'logDirFailure':
        this.#departures.onLogDirFailure(event.requestId, event.request);
        break;
      default:
        unreachable(event);
    }
  }

  #onNews(event: Exclude<ControllerEvent, RequestEvent>): void {
    switch (event.type) {
      case 'started':
        this.#onStarted();
        break;
      case 'brokersChanged':
        this.#onBrokersChanged(event.brokers);
        break;
      case 'requestTimedOut':
        this.#onTimedOut(event.requestId);
        break;
      case 'written':
        this.#onWritten(event.units, event.results);
        break;
      case 'stateRead':
        this.#leaders.onRead(event.topic, event.partition, event.loaded);
        this.#deletions.advance();
        break;
      case 'topicRead':
        this.#assignments.onRead(event.topic, event.loaded);
        this.#deletions.advance();
        break;
      case 'configsRead':
        this.#configs.onRead(event.topic, event.loaded);
        break;
      case 'topicRemoved':
        this.#deletions.onRemoved(event.topic, event.error);
        break;
      case 'pushed':
        this.#onPushed(event);
        break;
      case 'rebalance':
        this.#elections.rebalance(event.percentage);
        break;
      case 'tick':
        this.#onTick();
        break;
      default:
        unreachable(event);
    }
  }

  #onStarted(): void {
    for (const [name, problem] of this.#context.damaged) {
      this.#context.say('error', 'A topic is out of use: its znodes cannot be understood', {
        topic: name,
        problem,
      });
    }
    // Version 1 even of an empty cluster: brokers wait for their first snapshot.
    this.#context.log.add({ kind: 'brokers' });
    for (const topic of this.#context.topics.values()) {
      if (topic.topicId === undefined) this.#creations.assignId(topic);
      for (const partition of topic.partitions) {
        if (partition.problem !== undefined) this.#leaders.sayDamaged(topic, partition);
      }
      this.#leaders.electAll(topic);
    }
    this.#deletions.advance();
  }

  #onBrokersChanged(brokers: readonly ModelBroker[]): void {
    const now = new Map(brokers.map((broker) => [broker.id, broker]));
    const bounced = new Set<number>();
    let changed = now.size !== this.#context.brokers.size;
    for (const [id, broker] of now) {
      const before = this.#context.brokers.get(id);
      if (before !== undefined && before.epoch !== broker.epoch) bounced.add(id);
      changed ||= before === undefined || before.epoch !== broker.epoch;
    }
    if (!changed) return;
    for (const id of this.#context.brokers.keys()) {
      if (!now.has(id) || bounced.has(id)) this.#context.acked.delete(id);
    }
    this.#context.brokers.clear();
    for (const [id, broker] of now) this.#context.brokers.set(id, broker);
    this.#context.log.add({ kind: 'brokers' });
    this.#context.say('info', 'The live brokers have changed', {
      alive: [...now.keys()].sort((a, b) => a - b),
      registeredAnew: [...bounced],
    });
    for (const topic of this.#context.topics.values()) {
      this.#leaders.electAll(topic);
    }
    this.#waiters.settle();
    this.#departures.settle();
  }

  #onWritten(units: readonly WriteUnit[], results: readonly UnitResult[]): void {
    for (const [index, { purpose }] of units.entries()) {
      const result = results[index];
      assert(result !== undefined, 'Every unit has its result', { index });
      switch (purpose.kind) {
        case 'state':
          this.#leaders.onWritten(purpose, result);
          break;
        case 'partitionsParent':
          // NODE_EXISTS is as good; anything else shows in the states below it.
          break;
        case 'createTopic':
          this.#creations.onWritten(purpose, result);
          break;
        case 'assignment':
          this.#assignments.onWritten(purpose, result);
          break;
        case 'markDeleted':
          this.#deletions.onMarked(purpose.requestId, purpose.topic, result);
          break;
        case 'configs':
          this.#configs.onWritten(purpose, result);
          break;
        default:
          unreachable(purpose);
      }
    }
    this.#deletions.advance();
    this.#waiters.settle();
    this.#departures.settle();
  }

  #onPushed(event: Extract<ControllerEvent, { type: 'pushed' }>): void {
    if (this.#context.brokers.get(event.brokerId)?.epoch !== event.brokerEpoch) return;
    this.#context.acked.set(event.brokerId, event.version);
    this.#deletions.onPushed(event);
    this.#deletions.advance();
    this.#waiters.settle();
    this.#departures.settle();
  }

  #onTick(): void {
    for (const topic of this.#context.topics.values()) {
      if (topic.topicId === undefined) this.#creations.assignId(topic);
      this.#leaders.retry(topic);
    }
    this.#deletions.retry();
    this.#deletions.advance();
  }

  #onTimedOut(requestId: number): void {
    const { requests } = this.#context;
    for (const name of requests.openTopics(requestId)) {
      const missing = this.#deletions.brokersMissing(name);
      const why =
        missing === undefined
          ? `The change of "${name}" is not known to all brokers yet, or not written; it goes on`
          : `The topic "${name}" is marked for deletion; brokers [${missing.join(', ')}] have not ` +
            'removed it yet';
      requests.fail(requestId, name, 'REQUEST_TIMED_OUT', why);
    }
    this.#waiters.drop(requestId);
    this.#answers.timeOut(requestId);
    this.#departures.timeOut(requestId);
  }
}
