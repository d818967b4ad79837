/** The Kafka listeners of a broker: one server each, one handler behind all of them. */

import type { Logger, SocketAddress } from '../common/index.ts';
import { FramedServer, type NetworkEnvironment, type NetworkLimits } from '../network/index.ts';
import type { KafkaListener } from './config/index.ts';
import { type KafkaHandler, KafkaProtocol } from './kafka/index.ts';

/** Where the clients of one listener reach this broker. */
export interface AdvertisedListener {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
}

export class KafkaServers {
  readonly #servers: readonly { readonly config: KafkaListener; readonly server: FramedServer }[];

  constructor(
    environment: NetworkEnvironment,
    options: {
      readonly listeners: readonly KafkaListener[];
      readonly limits: NetworkLimits;
      readonly logger: Logger;
    },
    handler: KafkaHandler,
  ) {
    const { limits, logger } = options;
    this.#servers = options.listeners.map((config) => ({
      config,
      server: new FramedServer(
        environment,
        { listen: config.listen, limits, logger },
        new KafkaProtocol(config.name, handler),
      ),
    }));
  }

  /** Where each listens, in the order of the configuration. Only after `listen`. */
  get addresses(): readonly SocketAddress[] {
    return this.#servers.map(({ server }) => server.address);
  }

  /** What the registration tells. Only after `listen`. */
  get advertised(): readonly AdvertisedListener[] {
    return this.#servers.map(({ config, server }) => {
      const { host, port } = config.advertised ?? server.address;
      // A port that the operating system chose is not known to whoever wrote the configuration.
      return { listener: config.name, host, port: port === 0 ? server.address.port : port };
    });
  }

  /** @throws system error EADDRINUSE and the like. */
  async listen(): Promise<void> {
    for (const { server } of this.#servers) await server.listen();
  }

  async close(options: { readonly graceMs: number }): Promise<void> {
    await Promise.all(this.#servers.map(({ server }) => server.close(options)));
  }
}
