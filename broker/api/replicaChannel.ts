/** A follower's connection to a leader broker. */

import type { SocketAddress } from '../../common/index.ts';
import { ClientConnection, type NetworkEnvironment } from '../../network/index.ts';
import { replicaFetchApi, replicaProgressApi } from '../../protocol/index.ts';
import type { ReplicaChannel } from '../replica/index.ts';

export interface ReplicaChannelOptions {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly softwareVersion: string;
  /** Longer than the leader lets a fetch wait. */
  readonly timeoutMs: number;
}

const CONNECT_TIMEOUT_MS = 3_000;

export async function openReplicaChannel(
  environment: NetworkEnvironment,
  leader: SocketAddress,
  options: ReplicaChannelOptions,
): Promise<ReplicaChannel> {
  const connection = await ClientConnection.connect(environment, leader, {
    software: { name: 'odradek-follower', version: options.softwareVersion },
    brokerId: options.brokerId,
    brokerEpoch: options.brokerEpoch,
    timeoutMs: CONNECT_TIMEOUT_MS,
    // A follower has one fetch in flight, and writes its records before it sends the next.
    reusesResponseMemory: true,
  });
  return {
    fetch: (request) => connection.call(replicaFetchApi, request, { timeoutMs: options.timeoutMs }),
    progress: (request) => {
      if (!connection.closed) void connection.send(replicaProgressApi, request);
    },
    close: () => void connection.close(),
  };
}
