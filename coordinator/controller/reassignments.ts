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
 * Cancelling is a reassignment to the replicas from before, in their order: what was to be added is
 * removed. Kafka goes back to the same brokers, but not always to the same order.
 *
 * A throttle stands in the same znode as the replicas that come, and is written with them: it begins
 * and ends with the move, whoever dies meanwhile.
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

interface WantedMove {
  /** Null for the replicas from before. */
  readonly replicas: readonly number[] | null;
  /** Bytes per second for the replicas that are added; 0 for no limit. */
  readonly throttle: number;
}

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
      for (const { index, replicas, throttle } of partitions) {
        const at = { topic: name, partition: index };
        const partition = topic?.partitions[index];
        if (topic === undefined || topic.deletion !== undefined || partition === undefined) {
          const message = `There is no partition "${name}-${index}"`;
          this.#answers.settle(requestId, at, 'UNKNOWN_TOPIC_OR_PARTITION', message);
          continue;
        }
        const refusal = this.#refusal(partition, { replicas, throttle });
        if (refusal !== undefined) {
          this.#answers.settle(requestId, at, refusal.error, refusal.message);
          continue;
        }
        this.#assignments.change(topic, {
          apply: (assignment) => begin(assignment, index, { replicas, throttle }),
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
            .map(({ index, replicas, adding, removing, throttle }) => ({
              index,
              replicas,
              addingReplicas: adding,
              removingReplicas: removing,
              throttle,
            })),
        }))
        .filter(({ partitions }) => partitions.length > 0),
    };
    this.#context.emit({ type: 'reply', requestId, response });
  }

  #refusal(
    partition: PartitionModel,
    { replicas: wanted, throttle }: WantedMove,
  ): { readonly error: ErrorName; readonly message: string } | undefined {
    if (wanted === null) {
      if (isMoving(partition)) return undefined;
      const message = 'The partition is not being reassigned';
      return { error: 'NO_REASSIGNMENT_IN_PROGRESS', message };
    }
    if (throttle < 0) {
      const message = `The throttle is ${throttle} bytes per second; it must be at least 1`;
      return { error: 'INVALID_REQUEST', message };
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

function begin(
  assignment: TopicAssignment,
  index: number,
  wanted: WantedMove,
): TopicAssignment | undefined {
  const now = assignment.replicas[index] ?? [];
  const coming = assignment.addingReplicas[index] ?? [];
  const going = assignment.removingReplicas[index] ?? [];
  const before = originalReplicas(assignment, index);
  const target = wanted.replicas ?? before;
  // What an earlier target added may be in sync, or lead: it goes in good order, too.
  const replicas = [...new Set([...target, ...before, ...now])];
  const adding = target.filter((id) => !before.includes(id));
  const removing = replicas.filter((id) => !target.includes(id));
  const throttle = adding.length === 0 ? 0 : wanted.throttle;
  const isSame =
    sameIds(replicas, now) &&
    sameIds(adding, coming) &&
    sameIds(removing, going) &&
    throttle === (assignment.throttles?.[index] ?? 0);
  return isSame
    ? undefined
    : withMoves(assignment, index, { replicas, adding, removing, throttle });
}

/** The replicas from before the reassignment, if there is one, preferred leader first. */
function originalReplicas(assignment: TopicAssignment, index: number): readonly number[] {
  const coming = assignment.addingReplicas[index] ?? [];
  const left = (assignment.replicas[index] ?? []).filter((id) => !coming.includes(id));
  const written = assignment.originalReplicas?.[index] ?? [];
  const fits = written.length > 0 && written.every((id) => left.includes(id));
  return fits ? written : left;
}

function end(assignment: TopicAssignment, index: number): TopicAssignment {
  const going = assignment.removingReplicas[index] ?? [];
  const replicas = (assignment.replicas[index] ?? []).filter((id) => !going.includes(id));
  return withMoves(assignment, index, { replicas, adding: [], removing: [], throttle: 0 });
}

function withMoves(
  assignment: TopicAssignment,
  index: number,
  to: {
    readonly replicas: readonly number[];
    readonly adding: readonly number[];
    readonly removing: readonly number[];
    readonly throttle: number;
  },
): TopicAssignment {
  const { replicas, adding, removing, throttle } = to;
  const before = originalReplicas(assignment, index);
  const moves = adding.length > 0 || removing.length > 0;
  const derived = replicas.filter((id) => !adding.includes(id));
  const original = moves && !sameIds(before, derived) ? before : undefined;
  return {
    ...assignment,
    replicas: assignment.replicas.map((ids, at) => (at === index ? replicas : ids)),
    addingReplicas: withEntry(assignment.addingReplicas, index, nonEmpty(adding)),
    removingReplicas: withEntry(assignment.removingReplicas, index, nonEmpty(removing)),
    originalReplicas: withEntry(assignment.originalReplicas ?? {}, index, original),
    throttles: withEntry(assignment.throttles ?? {}, index, throttle === 0 ? undefined : throttle),
  };
}

function nonEmpty(ids: readonly number[]): readonly number[] | undefined {
  return ids.length === 0 ? undefined : ids;
}

function withEntry<Value>(
  entries: Readonly<Record<string, Value>>,
  index: number,
  value: Value | undefined,
): Readonly<Record<string, Value>> {
  const { [index]: _before, ...others } = entries;
  return value === undefined ? others : { ...others, [index]: value };
}
