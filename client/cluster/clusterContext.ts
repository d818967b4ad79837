/** What every part of one client shares: its environment and its settings, all checked. */

import type { ClientEnvironment, Logger, SocketAddress } from '../../common/index.ts';
import type { BackOffOptions } from './backOff.ts';

export interface ClusterContext {
  readonly environment: ClientEnvironment;
  readonly logger: Logger;
  readonly bootstrap: readonly SocketAddress[];
  readonly clientId: string;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly metadataAgeMsMax: number;
  readonly backOff: BackOffOptions;
}
