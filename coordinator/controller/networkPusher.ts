/** Pushes metadata over connections of its own, one to each live broker's native endpoint. */

import type { BrokerId, Environment } from '../../common/index.ts';
import { ClientConnection } from '../../network/index.ts';
import { ProtocolError, updateMetadataApi } from '../../protocol/index.ts';
import type { Membership } from '../membership/membership.ts';
import type { UpdateMetadataRequest, UpdateMetadataResponse } from './controllerEvents.ts';
import type { MetadataChannel, MetadataPusher, PushTarget } from './metadataPusher.ts';

type PusherEnvironment = Pick<Environment, 'clock' | 'timers' | 'random' | 'transport'>;

export interface NetworkPusherOptions {
  readonly brokerId: BrokerId;
  readonly membership: Membership;
  /** What the controller tells the broker of itself. */
  readonly softwareVersion?: string;
  /** For one update, and for connecting. Default 10,000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

export function networkPusher(
  environment: PusherEnvironment,
  options: NetworkPusherOptions,
): MetadataPusher {
  return { open: (target) => new NetworkChannel(environment, options, target) };
}

class NetworkChannel implements MetadataChannel {
  readonly #environment: PusherEnvironment;
  readonly #options: NetworkPusherOptions;
  readonly #target: PushTarget;
  #connection: ClientConnection | undefined;
  #closed = false;

  constructor(environment: PusherEnvironment, options: NetworkPusherOptions, target: PushTarget) {
    this.#environment = environment;
    this.#options = options;
    this.#target = target;
  }

  async push(request: UpdateMetadataRequest): Promise<UpdateMetadataResponse> {
    const timeoutMs = this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    if (this.#connection === undefined || this.#connection.closed) await this.#connect(timeoutMs);
    const connection = this.#connection;
    if (connection === undefined || this.#closed) {
      throw new ProtocolError('NETWORK_EXCEPTION', 'The channel is closed');
    }
    try {
      return await connection.call(updateMetadataApi, request, { timeoutMs });
    } catch (error) {
      // Whatever it was, the next update starts on a connection that is known to work.
      this.#connection = undefined;
      void connection.close();
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    void this.#connection?.close();
    this.#connection = undefined;
  }

  async #connect(timeoutMs: number): Promise<void> {
    const { brokerId, membership } = this.#options;
    const { host, port } = this.#target;
    const connection = await ClientConnection.connect(
      this.#environment,
      { host, port },
      {
        software: {
          name: 'odradek-controller',
          version: this.#options.softwareVersion ?? 'unknown',
        },
        clientId: `controller-${brokerId}`,
        brokerId,
        brokerEpoch: membership.brokerEpoch,
        timeoutMs,
      },
    );
    if (this.#closed) void connection.close();
    else this.#connection = connection;
  }
}
