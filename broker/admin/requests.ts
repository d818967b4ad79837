/** What the paths and bodies of requests may hold, and what they name. */

import type { FastifyRequest } from 'fastify';
import { ProtocolError } from '../../protocol/index.ts';
import type { AdminBackend, AdminTopic } from './backend.ts';
import { NotFoundError } from './errorReplies.ts';
import type { LinkBase } from './resources.ts';

const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

export interface ClusterParams {
  readonly clusterId: string;
}

export interface TopicParams extends ClusterParams {
  readonly topicName: string;
}

const stringParam = (description: string): object => ({ type: 'string', description });

export const clusterParams = {
  type: 'object',
  properties: { clusterId: stringParam('Id of the cluster.') },
  required: ['clusterId'],
};

export const topicParams = {
  type: 'object',
  properties: { ...clusterParams.properties, topicName: stringParam('Name of the topic.') },
  required: ['clusterId', 'topicName'],
};

export const errorSchema = {
  description: 'An error of docs/errors.md, or the HTTP status as its code.',
  type: 'object',
  properties: { error_code: { type: 'integer' }, message: { type: 'string' } },
};

/** @throws {NotFoundError} where the path names another cluster. */
export function checkCluster(backend: AdminBackend, { clusterId }: ClusterParams): void {
  if (clusterId === backend.clusterId) return;
  throw new NotFoundError(
    `This broker belongs to the cluster "${backend.clusterId}", not to "${clusterId}"`,
  );
}

/** @throws {ProtocolError} INVALID_TOPIC_EXCEPTION. */
export function checkTopicName(name: string): void {
  if (TOPIC_NAME.test(name) && name !== '.' && name !== '..') return;
  throw new ProtocolError(
    'INVALID_TOPIC_EXCEPTION',
    `"${name}" is no topic name: 1 to 249 of a-z, A-Z, 0-9, dot, underscore, hyphen; not "." or ".."`,
  );
}

/** @throws {ProtocolError} INVALID_TOPIC_EXCEPTION or UNKNOWN_TOPIC_OR_PARTITION. */
export function requireTopic(backend: AdminBackend, name: string): AdminTopic {
  checkTopicName(name);
  const topic = backend.topic(name);
  if (topic !== undefined) return topic;
  throw unknownTopic(name);
}

export function unknownTopic(name: string): ProtocolError {
  return new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic "${name}"`);
}

/** Links lead back by the name under which we were called, which the host check has passed. */
export function linkBase(request: FastifyRequest, backend: AdminBackend): LinkBase {
  return { baseUrl: `${request.protocol}://${request.host}`, clusterId: backend.clusterId };
}
