/** Checks a request for a new topic and decides what it will be. Pure but for the random placement. */

import type { Random, TopicId } from '../../common/index.ts';
import type { ErrorName } from '../../protocol/index.ts';
import { generateTopicId, type TopicAssignment, topicZnode } from '../znodes/index.ts';
import type { CreateTopicsRequest } from './controllerEvents.ts';
import { type PlacementBroker, placeReplicas } from './replicaPlacement.ts';
import { collisionKey, topicNameProblem } from './topicName.ts';

export type TopicRequest = CreateTopicsRequest['topics'][number];

/** A topic that may be created. */
export interface TopicPlan {
  readonly name: string;
  readonly topicId: TopicId;
  readonly assignment: TopicAssignment;
  readonly configs: ReadonlyMap<string, string>;
  readonly replicationFactor: number;
}

export interface TopicRefusal {
  readonly error: ErrorName;
  readonly message: string;
}

export interface CreationContext {
  readonly brokers: readonly PlacementBroker[];
  /** Name of the topic that stands, or is being created, under this collision key. */
  readonly nameInUse: (collisionKey: string) => string | undefined;
  readonly isBeingDeleted: (name: string) => boolean;
  readonly defaultPartitionCount: number;
  readonly defaultReplicationFactor: number;
  readonly validateTopicConfigs: (configs: ReadonlyMap<string, string>) => string | undefined;
  readonly random: Random;
}

/** A topic's assignment is one znode, of which ZooKeeper takes at most 1 MiB. */
export const ASSIGNMENT_BYTES_MAX = 900_000;

/** @returns the plan, or why not. */
export function planTopic(
  request: TopicRequest,
  context: CreationContext,
): TopicPlan | TopicRefusal {
  const nameRefusal = checkName(request.name, context);
  if (nameRefusal !== undefined) return nameRefusal;
  const replicas = assign(request, context);
  if ('error' in replicas) return replicas;
  const configs = checkConfigs(request, context);
  if ('error' in configs) return configs;
  const topicId = generateTopicId(context.random);
  const assignment = { topicId, replicas, addingReplicas: {}, removingReplicas: {} };
  if (topicZnode.encode(assignment).length > ASSIGNMENT_BYTES_MAX) {
    return refuse(
      'INVALID_PARTITIONS',
      `${replicas.length} partitions are more than one topic can have: the assignment must fit ` +
        'into one znode',
    );
  }
  const replicationFactor = replicas[0]?.length ?? 0;
  return { name: request.name, topicId, assignment, configs, replicationFactor };
}

function checkName(name: string, context: CreationContext): TopicRefusal | undefined {
  const problem = topicNameProblem(name);
  if (problem !== undefined) return refuse('INVALID_TOPIC_EXCEPTION', problem);
  if (context.isBeingDeleted(name)) {
    return refuse('TOPIC_DELETION_IN_PROGRESS', `The topic "${name}" is still being deleted`);
  }
  const other = context.nameInUse(collisionKey(name));
  if (other === name) {
    return refuse('TOPIC_ALREADY_EXISTS', `The topic "${name}" exists already`);
  }
  if (other !== undefined) {
    return refuse(
      'INVALID_TOPIC_EXCEPTION',
      `The topic name "${name}" collides with the topic "${other}": "." and "_" count as the same`,
    );
  }
  return undefined;
}

function assign(
  request: TopicRequest,
  context: CreationContext,
): readonly (readonly number[])[] | TopicRefusal {
  if (request.assignments !== null) return checkAssignments(request, context);
  const { brokers } = context;
  const partitionCount =
    request.partitionCount === -1 ? context.defaultPartitionCount : request.partitionCount;
  const replicationFactor =
    request.replicationFactor === -1 ? context.defaultReplicationFactor : request.replicationFactor;
  if (partitionCount < 1) {
    return refuse(
      'INVALID_PARTITIONS',
      `The number of partitions is ${partitionCount}; it must be at least 1, or -1 for the default`,
    );
  }
  if (partitionCount > ASSIGNMENT_BYTES_MAX / 8) {
    return refuse(
      'INVALID_PARTITIONS',
      `${partitionCount} partitions are more than one topic can have`,
    );
  }
  if (replicationFactor < 1) {
    return refuse(
      'INVALID_REPLICATION_FACTOR',
      `The replication factor is ${replicationFactor}; it must be at least 1, or -1 for the default`,
    );
  }
  if (replicationFactor > brokers.length) {
    return refuse(
      'INVALID_REPLICATION_FACTOR',
      `The replication factor is ${replicationFactor}, but only ${brokers.length} brokers are alive`,
    );
  }
  return placeReplicas(brokers, { partitionCount, replicationFactor }, context.random);
}

function checkAssignments(
  { assignments, partitionCount, replicationFactor }: TopicRequest,
  { brokers }: CreationContext,
): readonly (readonly number[])[] | TopicRefusal {
  const rows = assignments ?? [];
  if (partitionCount !== -1 || replicationFactor !== -1) {
    return refuse(
      'INVALID_REQUEST',
      'A topic is given either its assignments, or a number of partitions and a replication factor',
    );
  }
  if (rows.length === 0) {
    return refuse('INVALID_REPLICA_ASSIGNMENT', 'The assignments name no partition');
  }
  const alive = new Set(brokers.map(({ id }) => id));
  const factor = rows[0]?.length ?? 0;
  for (const [partition, row] of rows.entries()) {
    const unknown = row.find((id) => !alive.has(id));
    if (row.length === 0 || new Set(row).size !== row.length || row.length !== factor) {
      return refuse(
        'INVALID_REPLICA_ASSIGNMENT',
        `The brokers of partition ${partition} are [${row.join(', ')}]: each partition needs the ` +
          'same number of different brokers, at least one',
      );
    }
    if (unknown !== undefined) {
      return refuse(
        'INVALID_REPLICA_ASSIGNMENT',
        `Partition ${partition} is assigned to broker ${unknown}, which is not alive`,
      );
    }
  }
  return rows;
}

function checkConfigs(
  { configs: entries }: TopicRequest,
  context: CreationContext,
): ReadonlyMap<string, string> | TopicRefusal {
  const configs = new Map(entries.map(({ name, value }) => [name, value]));
  if (configs.size !== entries.length) {
    return refuse('INVALID_CONFIG', 'A configuration name is given more than once');
  }
  const problem = context.validateTopicConfigs(configs);
  return problem === undefined ? configs : refuse('INVALID_CONFIG', problem);
}

function refuse(error: ErrorName, message: string): TopicRefusal {
  return { error, message };
}
