/**
 * The admin endpoint: health, metrics, and the cluster in the shape of Confluent's REST v3.
 *
 * fastify and prom-client are loaded when the endpoint opens, which the broker does after its
 * listener stands: they cost a tenth of a second that no client should wait for.
 */

import type { Logger, SocketAddress } from '../../common/index.ts';
import type { AdminBackend } from './backend.ts';

export interface AdminOptions {
  /** Names by which the endpoint may be called besides its addresses: `admin.allowed.hosts`. */
  readonly allowedHosts: readonly string[];
  readonly softwareVersion: string;
}

/** An open endpoint. */
export interface AdminServer {
  /** With the port that was taken. */
  readonly address: SocketAddress;
  /** Ends the endpoint and all its connections. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the endpoint.
 *
 * @param listen port 0 for any free one. Loopback unless the operator configured otherwise.
 * @throws system error EADDRINUSE and the like.
 */
export async function openAdminServer(
  backend: AdminBackend,
  listen: SocketAddress,
  options: AdminOptions,
  logger: Logger,
): Promise<AdminServer> {
  const { createAdminApp } = await import('./adminApp.ts');
  const app = await createAdminApp(backend, options, logger.child('admin'));
  try {
    await app.listen({ host: listen.host, port: listen.port });
  } catch (error) {
    await app.close();
    throw error;
  }
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port;
  return {
    address: { host: listen.host, port },
    close: async () => {
      await app.close();
    },
  };
}
