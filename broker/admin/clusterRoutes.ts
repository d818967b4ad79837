/** `/v3/clusters` and the brokers below it. */

import type { FastifyInstance } from 'fastify';
import type { AdminBackend } from './backend.ts';
import { NotFoundError } from './errorReplies.ts';
import {
  type ClusterParams,
  checkCluster,
  clusterParams,
  errorSchema,
  linkBase,
} from './requests.ts';
import { brokerResource, clusterResource, clusterUrl, listResource } from './resources.ts';

interface BrokerParams extends ClusterParams {
  readonly brokerId: string;
}

const brokerParams = {
  type: 'object',
  properties: {
    ...clusterParams.properties,
    brokerId: { type: 'string', description: 'Id of the broker.' },
  },
  required: ['clusterId', 'brokerId'],
};
const tags = ['cluster'];
const errors = { '4xx': errorSchema };

export function addClusterRoutes(app: FastifyInstance, backend: AdminBackend): void {
  app.get(
    '/v3/clusters',
    { schema: { summary: 'The clusters that this broker knows: its own', tags } },
    (request) => {
      const base = linkBase(request, backend);
      const data = [clusterResource(base, backend)];
      return listResource('KafkaClusterList', `${base.baseUrl}/v3/clusters`, data);
    },
  );

  app.get<{ Params: ClusterParams }>(
    '/v3/clusters/:clusterId',
    { schema: { summary: 'The cluster', tags, params: clusterParams, response: errors } },
    (request) => {
      checkCluster(backend, request.params);
      return clusterResource(linkBase(request, backend), backend);
    },
  );

  app.get<{ Params: ClusterParams }>(
    '/v3/clusters/:clusterId/brokers',
    { schema: { summary: 'Live brokers', tags, params: clusterParams, response: errors } },
    (request) => {
      checkCluster(backend, request.params);
      const base = linkBase(request, backend);
      const data = backend.brokers().map((broker) => brokerResource(base, broker));
      return listResource('KafkaBrokerList', `${clusterUrl(base)}/brokers`, data);
    },
  );

  app.get<{ Params: BrokerParams }>(
    '/v3/clusters/:clusterId/brokers/:brokerId',
    { schema: { summary: 'A live broker', tags, params: brokerParams, response: errors } },
    (request) => {
      const { brokerId } = request.params;
      checkCluster(backend, request.params);
      const broker = backend.brokers().find(({ id }) => String(id) === brokerId);
      if (broker === undefined) throw new NotFoundError(`There is no live broker "${brokerId}"`);
      return brokerResource(linkBase(request, backend), broker);
    },
  );
}
