/** A native listener without a broker behind it: the network and the decoder alone. */

import { type Logger, silentLogger } from '../../common/index.ts';
import { type NetworkEnvironment, NetworkServer } from '../../network/index.ts';
import { type Api, apiCatalogue, metadataApi } from '../../protocol/index.ts';

/** Answers Metadata; refuses everything else after its records were summed up. */
export async function startStubServer(
  environment: NetworkEnvironment,
  logger: Logger = silentLogger,
): Promise<NetworkServer> {
  const server = new NetworkServer(
    environment,
    {
      listen: { host: '127.0.0.1', port: 0 },
      logger,
      brokerId: 1,
      clusterId: () => 'fuzz',
      softwareVersion: '0',
      apis: apiCatalogue.filter(({ key }) => key > 1) as readonly Api[],
    },
    {
      onRequest: (request) => {
        if (request.api.key === metadataApi.key) {
          request.respond({ clusterId: 'fuzz', controllerId: -1, brokers: [], topics: [] });
        } else {
          request.respondError('INVALID_REQUEST');
        }
      },
      onReceiveTurnEnd: () => undefined,
    },
  );
  await server.listen();
  return server;
}
