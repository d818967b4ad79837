/** New topics, from the request to the first states; the reply waits in `RequestWaiters`. */

import { generateTopicId, topicConfigZnode, topicZnode } from '../znodes/index.ts';
import { type TopicModel, topicModel } from './clusterModel.ts';
import { type ControllerContext, repeated } from './controllerContext.ts';
import type {
  CreateTopicsRequest,
  UnitResult,
  WritePurpose,
  WriteUnit,
} from './controllerEvents.ts';
import type { PartitionLeaders } from './partitionLeaders.ts';
import { createdTopic, type RequestWaiters } from './requestWaiters.ts';
import type { TopicAssignments } from './topicAssignments.ts';
import { planTopic, type TopicPlan } from './topicCreation.ts';
import type { TopicDeletions } from './topicDeletions.ts';
import { collisionKey } from './topicName.ts';

type CreatePurpose = Extract<WritePurpose, { kind: 'createTopic' }>;

export class TopicCreations {
  readonly #context: ControllerContext;
  readonly #parts: {
    readonly leaders: PartitionLeaders;
    readonly deletions: TopicDeletions;
    readonly waiters: RequestWaiters;
    readonly assignments: TopicAssignments;
  };

  constructor(
    context: ControllerContext,
    parts: {
      readonly leaders: PartitionLeaders;
      readonly deletions: TopicDeletions;
      readonly waiters: RequestWaiters;
      readonly assignments: TopicAssignments;
    },
  ) {
    this.#context = context;
    this.#parts = parts;
  }

  onRequest(requestId: number, request: CreateTopicsRequest): void {
    this.#context.requests.begin(
      requestId,
      'createTopics',
      request.topics.map(({ name }) => name),
    );
    for (const name of repeated(request.topics.map((topic) => topic.name))) {
      this.#context.requests.fail(
        requestId,
        name,
        'INVALID_REQUEST',
        `"${name}" stands there twice`,
      );
    }
    for (const topic of request.topics) {
      if (!this.#context.requests.awaits(requestId, topic.name)) continue;
      const plan = planTopic(topic, {
        brokers: [...this.#context.brokers.values()].map(({ id, rack }) => ({
          id,
          rack: rack ?? undefined,
        })),
        nameInUse: (key) => this.#context.names.get(key),
        isBeingDeleted: (name) => this.#parts.deletions.isUnderWay(name),
        defaultPartitionCount: this.#context.options.defaultPartitionCount,
        defaultReplicationFactor: this.#context.options.defaultReplicationFactor,
        validateTopicConfigs: this.#context.options.validateTopicConfigs,
        random: this.#context.random,
      });
      if ('error' in plan) {
        this.#context.requests.fail(requestId, topic.name, plan.error, plan.message);
      } else if (request.validateOnly) {
        this.#context.requests.created(requestId, { ...createdTopic(plan), topicId: null });
      } else {
        this.#context.names.set(collisionKey(plan.name), plan.name);
        this.#context.write(creationUnit(requestId, plan, false));
      }
    }
  }

  /**
   * Configuration first, then the topic, in one multi: a controller that finds the topic finds its
   * configuration too. States follow; the next controller makes those that are missing.
   */
  onWritten({ requestId, plan, replacesConfig }: CreatePurpose, result: UnitResult): void {
    if (!result.ok) {
      if (result.code === 'NODE_EXISTS' && result.failedIndex === 0) {
        // A configuration without a topic: left by somebody else, and now replaced.
        this.#context.write(creationUnit(requestId, plan, true));
        return;
      }
      this.#context.names.delete(collisionKey(plan.name));
      const exists = result.code === 'NODE_EXISTS';
      this.#context.requests.fail(
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
    this.#context.topics.set(plan.name, topic);
    this.#context.touchTopic(plan.name);
    this.#parts.waiters.add({ requestId, topic: plan.name, until: 'usable', version: 0 });
    this.#context.say('info', 'Topic created', {
      topic: plan.name,
      partitions: topic.partitions.length,
    });
    this.#parts.leaders.electAll(topic);
  }

  /** Of a topic that a Kafka before 2.8 made. */
  assignId(topic: TopicModel): void {
    this.#parts.assignments.change(topic, {
      apply: (assignment) =>
        assignment.topicId === undefined
          ? { ...assignment, topicId: generateTopicId(this.#context.random) }
          : undefined,
      onDone: () => undefined,
    });
  }
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
