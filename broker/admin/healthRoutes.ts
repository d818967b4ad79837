/** Whether the process lives, whether it serves, and what it counts. */

import type { FastifyInstance } from 'fastify';
import type { AdminBackend } from './backend.ts';
import { MetricsText } from './metricsText.ts';

const statusSchema = {
  type: 'object',
  properties: {
    status: { type: 'string' },
    reasons: { type: 'array', items: { type: 'string' } },
  },
};

export function addHealthRoutes(app: FastifyInstance, backend: AdminBackend): void {
  const metricsText = new MetricsText();

  app.get(
    '/health/live',
    {
      schema: {
        summary: 'Whether the process answers at all',
        tags: ['health'],
        response: { 200: statusSchema },
      },
    },
    () => ({ status: 'live' }),
  );

  app.get(
    '/health/ready',
    {
      schema: {
        summary: 'Whether the broker serves; 503 with the reasons when it does not',
        tags: ['health'],
        response: { 200: statusSchema, 503: statusSchema },
      },
    },
    async (_request, reply) => {
      const reasons = backend.readinessReasons();
      if (reasons.length === 0) return { status: 'ready', reasons };
      return reply.code(503).send({ status: 'not ready', reasons });
    },
  );

  app.get(
    '/metrics',
    {
      schema: { summary: 'Metrics in the text format of Prometheus', tags: ['metrics'] },
      serializerCompiler: () => (text) => String(text),
    },
    async (_request, reply) => {
      const text = await metricsText.render(backend.metrics());
      return reply.header('content-type', metricsText.contentType).send(text);
    },
  );
}
