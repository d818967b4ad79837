/**
 * Topics on their way out: marked in ZooKeeper, told to all brokers that hold replicas, and removed
 * when each of them has removed its files. A broker that is down keeps the topic waiting.
 */

import { deleteTopicZnode } from '../znodes/index.ts';
import type { TopicModel } from './clusterModel.ts';
import type { ControllerContext } from './controllerContext.ts';
import type { ControllerEvent, DeleteTopicsRequest, UnitResult } from './controllerEvents.ts';
import type { RequestWaiters } from './requestWaiters.ts';
import { collisionKey } from './topicName.ts';

export class TopicDeletions {
  readonly #context: ControllerContext;
  readonly #waiters: RequestWaiters;
  /** Invariant: exactly the topics with a `deletion`. */
  readonly #deleting = new Set<TopicModel>();
  /** Deletions of topics whose znode is gone already: the rest is to be removed. */
  readonly #leftovers = new Map<string, { removing: boolean }>();

  constructor(context: ControllerContext, waiters: RequestWaiters, names: readonly string[]) {
    this.#context = context;
    this.#waiters = waiters;
    for (const name of names) this.#load(name);
  }

  onRequest(requestId: number, request: DeleteTopicsRequest): void {
    this.#context.requests.begin(requestId, 'deleteTopics', request.names);
    for (const name of request.names) {
      if (!this.#context.requests.awaits(requestId, name)) continue;
      const problem = this.#context.damaged.get(name);
      if (!this.#context.options.deleteTopicEnable) {
        const message = 'delete.topic.enable is false on this cluster';
        this.#context.requests.fail(requestId, name, 'TOPIC_DELETION_DISABLED', message);
      } else if (problem !== undefined) {
        this.#context.requests.fail(requestId, name, 'INVALID_REQUEST', problem);
      } else if (!this.#context.topics.has(name)) {
        const message = `There is no topic "${name}"`;
        this.#context.requests.fail(requestId, name, 'UNKNOWN_TOPIC_OR_PARTITION', message);
      } else if (this.#context.topics.get(name)?.deletion !== undefined) {
        this.#waiters.add({ requestId, topic: name, until: 'gone', version: 0 });
      } else {
        const path = deleteTopicZnode.path(name);
        this.#context.write({
          operations: [{ type: 'create', path, data: Buffer.alloc(0) }],
          purpose: { kind: 'markDeleted', requestId, topic: name },
        });
      }
    }
  }

  onMarked(requestId: number, name: string, result: UnitResult): void {
    const topic = this.#context.topics.get(name);
    if (topic === undefined) {
      // Another request was faster, start to end.
      this.#context.requests.succeed(requestId, name);
      return;
    }
    if (!result.ok && result.code !== 'NODE_EXISTS') {
      this.#context.requests.fail(requestId, name, 'COORDINATOR_UNAVAILABLE', result.message);
      return;
    }
    this.#waiters.add({ requestId, topic: name, until: 'gone', version: 0 });
    if (topic.deletion !== undefined) return;
    this.#begin(topic);
    this.#context.say('info', 'Topic is being deleted', { topic: name });
    this.advance();
  }

  #load(name: string): void {
    const topic = this.#context.topics.get(name);
    if (topic !== undefined) this.#begin(topic);
    else if (!this.#context.damaged.has(name)) this.#leftovers.set(name, { removing: false });
  }

  #begin(topic: TopicModel): void {
    const toldVersion = this.#context.touchTopic(topic.name);
    this.#deleting.add(topic);
    topic.deletion = { toldVersion, ackedBy: new Set(), failedAt: new Set(), removing: false };
  }

  /** Removes the znodes of topics of which no broker has files any more. */
  advance(): void {
    for (const [name, leftover] of this.#leftovers) {
      // Never twice at a time: the second would remove a topic made anew after the first.
      if (leftover.removing) continue;
      leftover.removing = true;
      this.#context.emit({ type: 'removeTopic', topic: name });
    }
    for (const topic of this.#deleting) {
      const { deletion } = topic;
      if (deletion === undefined || deletion.removing) continue;
      if (topic.assignmentBusy || topic.partitions.some(({ busy }) => busy)) continue;
      if (!replicaBrokers(topic).every((id) => deletion.ackedBy.has(id))) continue;
      deletion.removing = true;
      this.#context.emit({ type: 'removeTopic', topic: topic.name });
    }
  }

  onRemoved(name: string, error: string | undefined): void {
    const topic = this.#context.topics.get(name);
    if (error !== undefined) {
      this.#context.say('error', 'The znodes of a deleted topic could not be removed', {
        topic: name,
        error,
      });
      const removal = topic?.deletion ?? this.#leftovers.get(name);
      if (removal !== undefined) removal.removing = false;
      return;
    }
    this.#leftovers.delete(name);
    if (topic !== undefined) this.#deleting.delete(topic);
    this.#context.topics.delete(name);
    this.#context.names.delete(collisionKey(name));
    if (topic?.topicId !== undefined)
      this.#context.log.add({ kind: 'removed', topicId: topic.topicId });
    this.#context.say('info', 'Topic deleted', { topic: name });
    this.#waiters.settle();
  }

  /** Whether anything of a deleted topic of this name still stands. */
  isUnderWay(name: string): boolean {
    return this.#leftovers.has(name) || this.#context.topics.get(name)?.deletion !== undefined;
  }

  onPushed(event: Extract<ControllerEvent, { type: 'pushed' }>): void {
    const { brokerId, version } = event;
    const failed = new Set(event.failedTopics);
    for (const topic of this.#deleting) {
      const { deletion, topicId } = topic;
      if (deletion === undefined || topicId === undefined || version < deletion.toldVersion)
        continue;
      if (failed.has(topicId)) {
        deletion.failedAt.add(brokerId);
        this.#context.say(
          'warn',
          'A broker could not remove the files of a deleted topic; asking again',
          {
            topic: topic.name,
            broker: brokerId,
          },
        );
      } else if (!deletion.failedAt.has(brokerId)) {
        deletion.ackedBy.add(brokerId);
      }
    }
  }

  /** Brokers that could not remove their files are asked again. */
  retry(): void {
    for (const { name, deletion } of this.#deleting) {
      if (deletion === undefined || deletion.failedAt.size === 0) continue;
      deletion.failedAt.clear();
      deletion.toldVersion = this.#context.touchTopic(name);
    }
  }

  /** @returns brokers that have not removed their replicas; undefined where no deletion is on. */
  brokersMissing(name: string): readonly number[] | undefined {
    const topic = this.#context.topics.get(name);
    const { deletion } = topic ?? {};
    if (topic === undefined || deletion === undefined) return undefined;
    return replicaBrokers(topic).filter((id) => !deletion.ackedBy.has(id));
  }
}

function replicaBrokers(topic: TopicModel): readonly number[] {
  return [...new Set(topic.partitions.flatMap(({ replicas }) => replicas))];
}
