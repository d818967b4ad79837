/** Where the brokers are reached by the clients of one listener. */

import type { ClusterImage } from '../metadata/index.ts';

export interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** The live brokers that have a listener of that name; others do not exist for its clients. */
export function brokerAddresses(image: ClusterImage, listener: string): readonly BrokerAddress[] {
  return image.brokers.flatMap(({ id, rack, kafkaEndpoints }) => {
    const endpoint = kafkaEndpoints.find((it) => it.listener === listener);
    if (endpoint === undefined) return [];
    return [{ nodeId: id, host: endpoint.host, port: endpoint.port, rack }];
  });
}

/** Addresses of some brokers, each once, in the order of their ids. */
export function addressesOf(
  image: ClusterImage,
  listener: string,
  ids: Iterable<number>,
): readonly BrokerAddress[] {
  const wanted = new Set(ids);
  if (wanted.size === 0) return [];
  return brokerAddresses(image, listener).filter(({ nodeId }) => wanted.has(nodeId));
}
