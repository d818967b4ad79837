/**
 * Partitions on their way to other brokers. The phases of one, each a write that stands in
 * ZooKeeper before the next begins, so that any controller finds where the last one was:
 *
 *     begun     topic znode: the replicas that come and go, beside those that stay
 *     told      state znode: written anew, so that the leader takes the new replicas as followers
 *     caught up state znode: all that come have joined the ISR, one by one, as their leader asks
 *     moved     state znode: those that go leave the ISR, and the leader is one that stays
 *     done      topic znode: those that go are gone; their brokers remove the files when they hear
 *     told      state znode: written anew, as above
 *
 * Why the topic znode comes last: (1) it is written first, and the controller dies; (2) the next one
 * sees replicas of which the leader is none, and nothing that says why; (3) it could only guess.
 *
 * Cancelling is a reassignment to the replicas from before: what was to be added is removed.
 */

import type { ErrorName } from '../../protocol/index.ts';
import type { TopicAssignment } from '../znodes/index.ts';
import {
  mayDropRemoving,
  type PartitionModel,
  type TopicModel,
  targetReplicas,
} from './clusterModel.ts';
import type { ControllerContext } from './controllerContext.ts';
import type {
  AlterReassignmentsRequest,
  ListReassignmentsRequest,
  ListReassignmentsResponse,
} from './controllerEvents.ts';
import type { PartitionAnswers } from './partitionAnswers.ts';
import type { PartitionLeaders } from './partitionLeaders.ts';
import { sameIds, type TopicAssignments } from './topicAssignments.ts';

export class Reassignments {
  readonly #context: ControllerContext;
  readonly #assignments: TopicAssignments;
  readonly #answers: PartitionAnswers;
  /** Partitions whose last write of the topic znode is asked for. */
  readonly #ending = new Set<PartitionModel>();

  constructor(
    context: ControllerContext,
    parts: {
      readonly leaders: PartitionLeaders;
      readonly assignments: TopicAssignments;
      readonly answers: PartitionAnswers;
    },
  ) {
    this.#context = context;
    this.#assignments = parts.assignments;
    this.#answers = parts.answers;
    parts.leaders.onSteady((topic, partition) => this.#endIfMoved(topic, partition));
  }

  onRequest(requestId: number, request: AlterReassignmentsRequest): void {
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ index }) => index),
    }));
    this.#answers.begin(requestId, topics, { onlyNews: false });
    for (const { name, partitions } of request.topics) {
      const topic = this.#context.topics.get(name);
      for (const { index, replicas } of partitions) {
        const at = { topic: name, partition: index };
        const partition = topic?.partitions[index];
        if (topic === undefined || topic.deletion !== undefined || partition === undefined) {
          const message = `There is no partition "${name}-${index}"`;
          this.#answers.settle(requestId, at, 'UNKNOWN_TOPIC_OR_PARTITION', message);
          continue;
        }
        const refusal = this.#refusal(partition, replicas);
        if (refusal !== undefined) {
          this.#answers.settle(requestId, at, refusal.error, refusal.message);
          continue;
        }
        this.#assignments.change(topic, {
          apply: (assignment) => begin(assignment, index, replicas),
          onDone: (result) => {
            if (result.ok) this.#answers.settle(requestId, at, 'NONE');
            else this.#answers.settle(requestId, at, 'COORDINATOR_UNAVAILABLE', result.message);
          },
        });
      }
    }
  }

  list(requestId: number, { topics }: ListReassignmentsRequest): void {
    const response: ListReassignmentsResponse = {
      topics: [...this.#context.topics.values()]
        .filter(({ name }) => topics === null || topics.includes(name))
        .map((topic) => ({
          name: topic.name,
          partitions: topic.partitions
            .filter(isMoving)
            .map(({ index, replicas, adding, removing }) => ({
              index,
              replicas,
              addingReplicas: adding,
              removingReplicas: removing,
            })),
        }))
        .filter(({ partitions }) => partitions.length > 0),
    };
    this.#context.emit({ type: 'reply', requestId, response });
  }

  #refusal(
    partition: PartitionModel,
    wanted: readonly number[] | null,
  ): { readonly error: ErrorName; readonly message: string } | undefined {
    if (wanted === null) {
      if (isMoving(partition)) return undefined;
      const message = 'The partition is not being reassigned';
      return { error: 'NO_REASSIGNMENT_IN_PROGRESS', message };
    }
    const error = 'INVALID_REPLICA_ASSIGNMENT';
    if (wanted.length === 0 || new Set(wanted).size !== wanted.length) {
      const message = `[${wanted.join(', ')}] must be different brokers, at least one`;
      return { error, message };
    }
    const unknown = wanted.find(
      (id) => !partition.replicas.includes(id) && !this.#context.isAlive(id),
    );
    if (unknown === undefined) return undefined;
    return { error, message: `Broker ${unknown} is not alive` };
  }

  /** Writes the last phase where the phase before it stands. */
  #endIfMoved(topic: TopicModel, partition: PartitionModel): void {
    if (this.#ending.has(partition) || !this.#hasMoved(topic, partition)) return;
    this.#ending.add(partition);
    this.#assignments.change(topic, {
      apply: (assignment) =>
        this.#hasMoved(topic, partition) ? end(assignment, partition.index) : undefined,
      onDone: (result) => {
        this.#ending.delete(partition);
        if (!result.ok) return;
        this.#context.say('info', 'A reassignment is done', {
          topic: topic.name,
          partition: partition.index,
          replicas: partition.replicas,
        });
      },
    });
  }

  #hasMoved(topic: TopicModel, partition: PartitionModel): boolean {
    const { state, removing, busy, renew } = partition;
    if (state === undefined || busy || renew || !isMoving(partition)) return false;
    const isAlive = (id: number): boolean =>
      this.#context.servingEpoch(partition, id) !== undefined;
    return (
      mayDropRemoving(partition, this.#context.minIsr(topic, partition), isAlive) &&
      targetReplicas(partition).includes(state.leader) &&
      !removing.some((id) => state.isr.includes(id))
    );
  }
}

function isMoving({ adding, removing }: PartitionModel): boolean {
  return adding.length > 0 || removing.length > 0;
}

/** @param wanted null for the replicas from before. */
function begin(
  assignment: TopicAssignment,
  index: number,
  wanted: readonly number[] | null,
): TopicAssignment | undefined {
  const now = assignment.replicas[index] ?? [];
  const coming = assignment.addingReplicas[index] ?? [];
  const before = now.filter((id) => !coming.includes(id));
  const target = wanted ?? before;
  const replicas = [...new Set([...target, ...now])];
  if (sameIds(target, now)) return undefined;
  return withMoves(assignment, index, {
    replicas,
    adding: target.filter((id) => !before.includes(id)),
    removing: replicas.filter((id) => !target.includes(id)),
  });
}

function end(assignment: TopicAssignment, index: number): TopicAssignment {
  const going = assignment.removingReplicas[index] ?? [];
  const replicas = (assignment.replicas[index] ?? []).filter((id) => !going.includes(id));
  return withMoves(assignment, index, { replicas, adding: [], removing: [] });
}

function withMoves(
  assignment: TopicAssignment,
  index: number,
  to: {
    readonly replicas: readonly number[];
    readonly adding: readonly number[];
    readonly removing: readonly number[];
  },
): TopicAssignment {
  return {
    ...assignment,
    replicas: assignment.replicas.map((ids, at) => (at === index ? to.replicas : ids)),
    addingReplicas: withList(assignment.addingReplicas, index, to.adding),
    removingReplicas: withList(assignment.removingReplicas, index, to.removing),
  };
}

function withList(
  lists: Readonly<Record<string, readonly number[]>>,
  index: number,
  ids: readonly number[],
): Readonly<Record<string, readonly number[]>> {
  const { [index]: _before, ...others } = lists;
  return ids.length === 0 ? others : { ...others, [index]: ids };
}
