/** What producers, consumers and the admin client of one `Odradek` share. */

import type { ClientEnvironment, Logger } from '../../common/index.ts';
import type { ClusterContext } from './clusterContext.ts';
import { ConnectionPool } from './connectionPool.ts';
import { MetadataCache } from './metadataCache.ts';

export class Cluster {
  readonly context: ClusterContext;
  readonly environment: ClientEnvironment;
  readonly logger: Logger;
  readonly pool: ConnectionPool;
  readonly metadata: MetadataCache;

  constructor(context: ClusterContext) {
    this.context = context;
    this.environment = context.environment;
    this.logger = context.logger;
    this.pool = new ConnectionPool(context);
    this.metadata = new MetadataCache(context, this.pool);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.metadata.close();
    await this.pool.close();
  }
}
