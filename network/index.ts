/**
 * Framed connections of the native protocol, and the sockets that carry them.
 *
 * `NetworkServer` turns the bytes of accepted connections into requests for one handler;
 * `ClientConnection` is the other end. Both work over any `Transport`; `nodeTransport` is TCP.
 */

export {
  type CallOptions,
  ClientConnection,
  type ClientConnectionOptions,
  type HelloResponse,
} from './clientConnection.ts';
export type { NetworkServerStats } from './networkCounters.ts';
export type { NetworkHandler } from './networkHandler.ts';
export { defaultNetworkLimits, type NetworkLimits } from './networkLimits.ts';
export {
  type NetworkEnvironment,
  NetworkServer,
  type NetworkServerOptions,
} from './networkServer.ts';
export { NodeTransport, nodeTransport } from './nodeTransport.ts';
export type { RequestConnection, ServerRequest } from './serverRequest.ts';
