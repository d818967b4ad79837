/** A listener of the native protocol: hands the requests of its connections to a handler. */

import type { Logger, SocketAddress } from '../common/index.ts';
import { type Api, authenticateApi, helloApi } from '../protocol/index.ts';
import { FramedServer, type NetworkEnvironment } from './framedServer.ts';
import { NativeProtocol } from './nativeFraming.ts';
import type { NetworkHandler } from './networkHandler.ts';
import { defaultNetworkLimits, type NetworkLimits } from './networkLimits.ts';
import type { PortHints } from './wrongProtocol.ts';

export interface NetworkServerOptions extends PortHints {
  /** Port 0 means any free port. */
  readonly listen: SocketAddress;
  readonly logger: Logger;
  readonly brokerId: number;
  /** Asked for at each Hello. */
  readonly clusterId: () => string;
  readonly softwareVersion: string;
  /** What this listener serves beside Hello and Authenticate. */
  readonly apis: readonly Api[];
  readonly limits?: Partial<NetworkLimits>;
}

export class NetworkServer extends FramedServer {
  constructor(
    environment: NetworkEnvironment,
    options: NetworkServerOptions,
    handler: NetworkHandler,
  ) {
    const limits: NetworkLimits = { ...defaultNetworkLimits, ...options.limits };
    const apis = [helloApi, authenticateApi, ...options.apis] as readonly Api[];
    const identity = {
      brokerId: options.brokerId,
      clusterId: options.clusterId,
      softwareVersion: options.softwareVersion,
      inFlightMax: limits.inFlightMax,
      frameBytesMax: limits.frameBytesMax,
      apis: [...new Set(apis)],
    };
    const { listen, logger } = options;
    super(environment, { listen, logger, limits }, new NativeProtocol(identity, options, handler));
  }
}
