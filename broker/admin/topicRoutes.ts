/** `/v3/clusters/{id}/topics` and what is below it. */

import type { FastifyInstance } from 'fastify';
import { ProtocolError } from '../../protocol/index.ts';
import type { AdminBackend, AdminTopic, AdminTopicToCreate } from './backend.ts';
import {
  type ClusterParams,
  checkCluster,
  checkTopicName,
  clusterParams,
  errorSchema,
  linkBase,
  requireTopic,
  type TopicParams,
  topicParams,
  unknownTopic,
} from './requests.ts';
import {
  clusterUrl,
  listResource,
  partitionResource,
  type TopicSummary,
  topicConfigResource,
  topicResource,
  topicUrl,
} from './resources.ts';

/** How long the controller may take for a creation or deletion. */
const ADMIN_TIMEOUT_MS = 30_000;
const INT32_MAX = 2 ** 31 - 1;
const tags = ['topics'];
const errors = { '4xx': errorSchema, '5xx': errorSchema };

interface CreateBody {
  readonly topic_name: string;
  readonly partitions_count?: number | null;
  readonly replication_factor?: number | null;
  readonly replicas_assignments?: readonly {
    readonly partition_id: number;
    readonly broker_ids: readonly number[];
  }[];
  readonly configs?: readonly { readonly name: string; readonly value: string }[];
  readonly validate_only?: boolean;
}

const createBody = {
  type: 'object',
  additionalProperties: false,
  required: ['topic_name'],
  properties: {
    topic_name: { type: 'string' },
    partitions_count: { type: 'integer', minimum: 1, maximum: INT32_MAX, nullable: true },
    replication_factor: { type: 'integer', minimum: 1, maximum: 32_767, nullable: true },
    replicas_assignments: {
      type: 'array',
      description: 'One for each partition; instead of partitions_count and replication_factor.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['partition_id', 'broker_ids'],
        properties: {
          partition_id: { type: 'integer', minimum: 0, maximum: INT32_MAX },
          broker_ids: {
            type: 'array',
            items: { type: 'integer', minimum: 0, maximum: INT32_MAX },
          },
        },
      },
    },
    configs: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'value'],
        properties: { name: { type: 'string' }, value: { type: 'string' } },
      },
    },
    validate_only: { type: 'boolean', description: 'Check everything, create nothing.' },
  },
};

export function addTopicRoutes(app: FastifyInstance, backend: AdminBackend): void {
  addReadingRoutes(app, backend);

  app.post<{ Params: ClusterParams; Body: CreateBody }>(
    '/v3/clusters/:clusterId/topics',
    {
      schema: {
        summary: 'Creates a topic; 200 instead of 201 where it was only validated',
        tags,
        params: clusterParams,
        body: createBody,
        response: errors,
      },
    },
    async (request, reply) => {
      checkCluster(backend, request.params);
      const wanted = topicToCreate(request.body);
      const created = await backend.createTopic(wanted, ADMIN_TIMEOUT_MS);
      const base = linkBase(request, backend);
      if (!wanted.validateOnly)
        void reply.code(201).header('location', topicUrl(base, wanted.name));
      return topicResource(base, { name: wanted.name, internal: false, ...created });
    },
  );

  app.delete<{ Params: TopicParams }>(
    '/v3/clusters/:clusterId/topics/:topicName',
    {
      schema: {
        summary: 'Deletes a topic with all that it holds',
        tags,
        params: topicParams,
        response: errors,
      },
    },
    async (request, reply) => {
      checkCluster(backend, request.params);
      checkTopicName(request.params.topicName);
      await backend.deleteTopic(request.params.topicName, ADMIN_TIMEOUT_MS);
      return reply.code(204).send();
    },
  );
}

function addReadingRoutes(app: FastifyInstance, backend: AdminBackend): void {
  const ofTopic = (summary: string) => ({
    schema: { summary, tags, params: topicParams, response: errors },
  });

  app.get<{ Params: ClusterParams }>(
    '/v3/clusters/:clusterId/topics',
    { schema: { summary: 'All topics', tags, params: clusterParams, response: errors } },
    (request) => {
      checkCluster(backend, request.params);
      const base = linkBase(request, backend);
      const data = backend.topics().map((topic) => topicResource(base, summaryOf(topic)));
      return listResource('KafkaTopicList', `${clusterUrl(base)}/topics`, data);
    },
  );

  app.get<{ Params: TopicParams }>(
    '/v3/clusters/:clusterId/topics/:topicName',
    ofTopic('A topic'),
    (request) => {
      checkCluster(backend, request.params);
      const topic = requireTopic(backend, request.params.topicName);
      return topicResource(linkBase(request, backend), summaryOf(topic));
    },
  );

  app.get<{ Params: TopicParams }>(
    '/v3/clusters/:clusterId/topics/:topicName/partitions',
    ofTopic('Partitions of a topic'),
    (request) => {
      checkCluster(backend, request.params);
      const { name, partitions } = requireTopic(backend, request.params.topicName);
      const base = linkBase(request, backend);
      const data = partitions.map((partition) => partitionResource(base, name, partition));
      return listResource('KafkaPartitionList', `${topicUrl(base, name)}/partitions`, data);
    },
  );

  app.get<{ Params: TopicParams }>(
    '/v3/clusters/:clusterId/topics/:topicName/configs',
    ofTopic('Settings in force for a topic'),
    (request) => {
      checkCluster(backend, request.params);
      const { name } = requireTopic(backend, request.params.topicName);
      const entries = backend.topicConfigs(name);
      if (entries === undefined) throw unknownTopic(name);
      const base = linkBase(request, backend);
      const data = entries.map((entry) => topicConfigResource(base, name, entry));
      return listResource('KafkaTopicConfigList', `${topicUrl(base, name)}/configs`, data);
    },
  );
}

function summaryOf({ name, internal, partitions }: AdminTopic): TopicSummary {
  return {
    name,
    internal,
    partitionCount: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? 0,
  };
}

/** @throws {ProtocolError} INVALID_TOPIC_EXCEPTION or INVALID_REPLICA_ASSIGNMENT. */
function topicToCreate(body: CreateBody): AdminTopicToCreate {
  checkTopicName(body.topic_name);
  const assignments = assignmentsOf(body);
  return {
    name: body.topic_name,
    partitionCount: body.partitions_count ?? -1,
    replicationFactor: body.replication_factor ?? -1,
    assignments,
    configs: body.configs ?? [],
    validateOnly: body.validate_only ?? false,
  };
}

/** In the order of the partitions, which must be all from 0 on. */
function assignmentsOf(body: CreateBody): AdminTopicToCreate['assignments'] {
  const given = body.replicas_assignments;
  if (given === undefined || given.length === 0) return null;
  const ordered = given.toSorted((left, right) => left.partition_id - right.partition_id);
  if (ordered.some(({ partition_id }, index) => partition_id !== index)) {
    const ids = ordered.map(({ partition_id }) => partition_id).join(', ');
    throw new ProtocolError(
      'INVALID_REPLICA_ASSIGNMENT',
      `The partitions assigned must be 0 to ${ordered.length - 1}, each once; they are ${ids}`,
    );
  }
  return ordered.map(({ broker_ids }) => broker_ids);
}
