/** Requests whose change is written and that wait for brokers to follow it. */

import { unreachable } from '../../common/index.ts';
import type { TopicModel } from './clusterModel.ts';
import type { ControllerContext } from './controllerContext.ts';
import type { CreatedTopic } from './pendingRequests.ts';
import type { TopicPlan } from './topicCreation.ts';

/** A request that is answered when a topic is usable, with all its new partitions, is gone, or has been told to all brokers. */
export interface Waiter {
  readonly requestId: number;
  readonly topic: string;
  readonly until: 'usable' | 'extended' | 'gone' | 'told';
  /** Metadata version that all live brokers must have, for `told`. */
  readonly version: number;
}

export class RequestWaiters {
  readonly #context: ControllerContext;
  #waiters: Waiter[] = [];

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  add(waiter: Waiter): void {
    this.#waiters.push(waiter);
  }

  /** The request has been answered otherwise. */
  drop(requestId: number): void {
    this.#waiters = this.#waiters.filter((waiter) => waiter.requestId !== requestId);
  }

  /** Answers whatever has come true. */
  settle(): void {
    if (this.#waiters.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => {
      const { requestId, topic: name } = waiter;
      if (!this.#context.requests.awaits(requestId, name)) return false;
      const topic = this.#context.topics.get(name);
      if (topic === undefined) {
        if (waiter.until === 'gone') this.#context.requests.succeed(requestId, name);
        else {
          const message = `The topic "${name}" was deleted meanwhile`;
          this.#context.requests.fail(requestId, name, 'UNKNOWN_TOPIC_OR_PARTITION', message);
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
        if (![...this.#context.brokers.keys()].every((id) => this.#context.hasAcked(id, version)))
          return false;
        this.#context.requests.succeed(requestId, topic.name);
        return true;
      case 'usable':
      case 'extended':
        if (!this.#isUsable(topic)) return false;
        if (until === 'extended') this.#context.requests.succeed(requestId, topic.name);
        else this.#context.requests.created(requestId, createdTopic(topic));
        return true;
      default:
        return unreachable(until);
    }
  }

  /** Every partition has a leader that knows of it. */
  #isUsable(topic: TopicModel): boolean {
    return topic.partitions.every(
      ({ state, changedVersion }) =>
        state !== undefined && this.#context.hasAcked(state.leader, changedVersion),
    );
  }
}

/** A topic as the response to its creation describes it. */
export function createdTopic(topic: TopicPlan | TopicModel): CreatedTopic {
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
