/** More partitions for topics that stand. */

import { type TopicAssignment, topicZnode } from '../znodes/index.ts';
import type { TopicModel } from './clusterModel.ts';
import { type ControllerContext, repeated } from './controllerContext.ts';
import type { CreatePartitionsRequest } from './controllerEvents.ts';
import { placeReplicas } from './replicaPlacement.ts';
import type { RequestWaiters } from './requestWaiters.ts';
import type { TopicAssignments } from './topicAssignments.ts';
import { ASSIGNMENT_BYTES_MAX, type TopicRefusal } from './topicCreation.ts';

type Wanted = CreatePartitionsRequest['topics'][number];

export class PartitionCreations {
  readonly #context: ControllerContext;
  readonly #assignments: TopicAssignments;
  readonly #waiters: RequestWaiters;

  constructor(
    context: ControllerContext,
    parts: { readonly assignments: TopicAssignments; readonly waiters: RequestWaiters },
  ) {
    this.#context = context;
    this.#assignments = parts.assignments;
    this.#waiters = parts.waiters;
  }

  onRequest(requestId: number, request: CreatePartitionsRequest): void {
    const { requests } = this.#context;
    const names = request.topics.map(({ name }) => name);
    requests.begin(requestId, 'createPartitions', names);
    for (const name of repeated(names)) {
      requests.fail(requestId, name, 'INVALID_REQUEST', `"${name}" stands there twice`);
    }
    for (const wanted of request.topics) {
      if (!requests.awaits(requestId, wanted.name)) continue;
      const topic = this.#context.topics.get(wanted.name);
      const added = this.#plan(topic, wanted);
      if ('error' in added) requests.fail(requestId, wanted.name, added.error, added.message);
      else if (request.validateOnly) requests.succeed(requestId, wanted.name);
      else if (topic !== undefined) this.#add(requestId, topic, added);
    }
  }

  #add(requestId: number, topic: TopicModel, added: readonly (readonly number[])[]): void {
    const first = topic.partitions.length;
    let wasFaster = false;
    this.#assignments.change(topic, {
      apply: (assignment) => {
        // Two requests in one turn: the second was checked against what stood before the first.
        wasFaster = assignment.replicas.length !== first;
        return wasFaster ? undefined : extended(assignment, added);
      },
      onDone: (result) => {
        const { requests } = this.#context;
        if (wasFaster) {
          const message = `Another request has given "${topic.name}" more partitions meanwhile`;
          requests.fail(requestId, topic.name, 'INVALID_PARTITIONS', message);
        } else if (result.ok) {
          this.#waiters.add({ requestId, topic: topic.name, until: 'extended', version: 0 });
        } else {
          requests.fail(requestId, topic.name, 'COORDINATOR_UNAVAILABLE', result.message);
        }
      },
    });
  }

  /** @returns the replicas of each new partition, or why not. */
  #plan(
    topic: TopicModel | undefined,
    { name, partitionCount, assignments }: Wanted,
  ): readonly (readonly number[])[] | TopicRefusal {
    if (topic === undefined) {
      const message = this.#context.damaged.get(name) ?? `There is no topic "${name}"`;
      return { error: 'UNKNOWN_TOPIC_OR_PARTITION', message };
    }
    if (topic.deletion !== undefined) {
      const message = `The topic "${name}" is being deleted`;
      return { error: 'TOPIC_DELETION_IN_PROGRESS', message };
    }
    const added = partitionCount - topic.partitions.length;
    if (added <= 0 || added > ASSIGNMENT_BYTES_MAX / 8) {
      const message =
        `The topic "${name}" has ${topic.partitions.length} partitions; ${partitionCount} is ` +
        (added <= 0 ? 'not more' : 'too many');
      return { error: 'INVALID_PARTITIONS', message };
    }
    const [first] = topic.partitions;
    const removing = first?.removing.length ?? 0;
    const factor = Math.max(1, (first?.replicas.length ?? 1) - removing);
    const rows = assignments ?? this.#place(added, factor);
    if ('error' in rows) return rows;
    const problem = this.#problem(rows, { added, factor });
    if (problem !== undefined) return { error: 'INVALID_REPLICA_ASSIGNMENT', message: problem };
    if (topicZnode.encode(extended(topic.assignment, rows)).length > ASSIGNMENT_BYTES_MAX) {
      const message = `${partitionCount} partitions do not fit into the znode of one topic`;
      return { error: 'INVALID_PARTITIONS', message };
    }
    return rows;
  }

  #place(added: number, factor: number): readonly (readonly number[])[] | TopicRefusal {
    const brokers = [...this.#context.brokers.values()].map(({ id, rack }) => ({
      id,
      rack: rack ?? undefined,
    }));
    if (brokers.length < factor) {
      const message = `The replication factor is ${factor}, but only ${brokers.length} brokers are alive`;
      return { error: 'INVALID_REPLICATION_FACTOR', message };
    }
    const options = { partitionCount: added, replicationFactor: factor };
    return placeReplicas(brokers, options, this.#context.random);
  }

  #problem(
    rows: readonly (readonly number[])[],
    { added, factor }: { readonly added: number; readonly factor: number },
  ): string | undefined {
    if (rows.length !== added) {
      return `${rows.length} assignments are given for ${added} new partitions`;
    }
    for (const row of rows) {
      if (row.length !== factor || new Set(row).size !== row.length) {
        return `[${row.join(', ')}] must be ${factor} different brokers, as of the other partitions`;
      }
      const dead = row.find((id) => !this.#context.isAlive(id));
      if (dead !== undefined) return `Broker ${dead} is not alive`;
    }
    return undefined;
  }
}

function extended(
  assignment: TopicAssignment,
  added: readonly (readonly number[])[],
): TopicAssignment {
  return { ...assignment, replicas: [...assignment.replicas, ...added] };
}
