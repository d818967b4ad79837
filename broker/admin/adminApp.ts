/** The fastify application behind the admin endpoint; tests drive it without a socket. */

import swagger from '@fastify/swagger';
import { type FastifyInstance, fastify, LogController } from 'fastify';
import type { Logger } from '../../common/index.ts';
import type { AdminOptions } from './adminServer.ts';
import type { AdminBackend } from './backend.ts';
import { addClusterRoutes } from './clusterRoutes.ts';
import { addErrorHandlers, replyToMalformedPath } from './errorReplies.ts';
import { fastifyLogger } from './fastifyLogger.ts';
import { addHealthRoutes } from './healthRoutes.ts';
import { hostCheck } from './hostCheck.ts';
import { addTopicRoutes } from './topicRoutes.ts';

/** The largest request body: a topic with thousands of assigned partitions fits. */
const BODY_BYTES_MAX = 1024 * 1024;
/** A topic name has up to 249 characters, each up to 3 when escaped. */
const PARAM_LENGTH_MAX = 750;
/** A request that has not arrived whole by then is cut off. */
const REQUEST_MS_MAX = 30_000;
const CONNECTIONS_MAX = 256;

export async function createAdminApp(
  backend: AdminBackend,
  options: AdminOptions,
  logger: Logger,
): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    loggerInstance: fastifyLogger(logger),
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: replyToMalformedPath,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    // What a request says is taken as it is or refused, never bent to fit.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  // Only JSON is read: a form or plain text, which a foreign page may post unasked, is refused.
  app.removeContentTypeParser('text/plain');
  // Bodies are small; compiling a serializer per route would cost more memory than it saves time.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.addHook('onRequest', hostCheck(options.allowedHosts));
  addErrorHandlers(app);
  await app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: {
        title: 'Odradek admin',
        description: 'Health, metrics and administration of a cluster, asked of one broker.',
        version: options.softwareVersion,
      },
    },
  });
  addHealthRoutes(app, backend);
  addClusterRoutes(app, backend);
  addTopicRoutes(app, backend);
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  await app.ready();
  return app;
}
