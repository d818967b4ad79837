/**
 * Changes of topic znodes: which brokers hold each partition, and the topic's id. Of each topic one
 * write is under way at a time; what comes meanwhile goes into the next.
 */

import { type TopicAssignment, topicZnode } from '../znodes/index.ts';
import { type LoadedAssignment, movesOf, partitionModel, type TopicModel } from './clusterModel.ts';
import type { ControllerContext } from './controllerContext.ts';
import type { UnitResult, WritePurpose } from './controllerEvents.ts';
import type { PartitionLeaders } from './partitionLeaders.ts';

type AssignmentPurpose = Extract<WritePurpose, { kind: 'assignment' }>;

/** One change, made on top of what stands when its turn comes. */
export interface AssignmentChange {
  /** @returns undefined where nothing is to be changed any more. */
  readonly apply: (assignment: TopicAssignment) => TopicAssignment | undefined;
  /** Called once: it stands in ZooKeeper, or does not. */
  readonly onDone: (result: UnitResult) => void;
}

export class TopicAssignments {
  readonly #context: ControllerContext;
  readonly #leaders: PartitionLeaders;
  readonly #waiting = new Map<TopicModel, AssignmentChange[]>();

  constructor(context: ControllerContext, leaders: PartitionLeaders) {
    this.#context = context;
    this.#leaders = leaders;
  }

  change(topic: TopicModel, change: AssignmentChange): void {
    const waiting = this.#waiting.get(topic) ?? [];
    waiting.push(change);
    this.#waiting.set(topic, waiting);
  }

  /** Writes what the step has asked for: changes of one topic go together. */
  flush(): void {
    for (const [topic, changes] of this.#waiting) {
      if (topic.assignmentBusy) continue;
      this.#waiting.delete(topic);
      this.#write(topic, changes);
    }
  }

  onWritten(purpose: AssignmentPurpose, result: UnitResult): void {
    const topic = this.#context.topics.get(purpose.topic);
    if (topic !== undefined) {
      if (result.ok) {
        topic.assignmentBusy = false;
        this.#set(topic, { assignment: purpose.assignment, version: topic.version + 1 });
      } else {
        this.#context.say('warn', 'A topic could not be written', {
          topic: topic.name,
          code: result.code,
          error: result.message,
        });
        // Somebody else may have written it: what stands there counts.
        this.#context.emit({ type: 'readTopic', topic: topic.name });
      }
    }
    for (const onDone of purpose.onDone) onDone(result);
  }

  onRead(name: string, loaded: LoadedAssignment): void {
    const topic = this.#context.topics.get(name);
    if (topic === undefined) return;
    topic.assignmentBusy = false;
    if (loaded.kind === 'damaged') {
      this.#context.say('error', 'A topic cannot be understood', {
        topic: name,
        problem: loaded.problem,
      });
    } else if (loaded.version !== topic.version) {
      this.#set(topic, loaded);
    }
  }

  #write(topic: TopicModel, changes: readonly AssignmentChange[]): void {
    let { assignment } = topic;
    for (const { apply } of changes) assignment = apply(assignment) ?? assignment;
    if (assignment === topic.assignment) {
      for (const { onDone } of changes) onDone({ ok: true });
      return;
    }
    topic.assignmentBusy = true;
    const path = topicZnode.path(topic.name);
    const data = topicZnode.encode(assignment);
    this.#context.write({
      operations: [{ type: 'setData', path, data, version: topic.version }],
      purpose: {
        kind: 'assignment',
        topic: topic.name,
        assignment,
        onDone: changes.map(({ onDone }) => onDone),
      },
    });
  }

  #set(
    topic: TopicModel,
    to: { readonly assignment: TopicAssignment; readonly version: number },
  ): void {
    const { assignment } = to;
    topic.assignment = assignment;
    topic.version = to.version;
    topic.topicId = assignment.topicId;
    const version = this.#context.touchTopic(topic.name);
    // Only now can brokers be told of a topic that had no id.
    if (topic.deletion !== undefined) topic.deletion.toldVersion = version;
    for (const [index] of assignment.replicas.entries()) {
      const partition = topic.partitions[index];
      if (partition === undefined) {
        topic.partitions.push(partitionModel(index, assignment, { kind: 'absent' }));
        continue;
      }
      const moves = movesOf(assignment, index);
      partition.throttle = moves.throttle;
      if (sameIds(moves.replicas, partition.replicas) && sameIds(moves.adding, partition.adding)) {
        if (sameIds(moves.removing, partition.removing)) continue;
      }
      Object.assign(partition, moves);
      // Its leader takes other replicas only together with a new version of the state.
      partition.renew = true;
    }
    this.#leaders.electAll(topic);
  }
}

export function sameIds(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((id, index) => id === right[index]);
}
