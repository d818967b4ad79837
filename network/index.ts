/**
 * Framed connections, and the sockets that carry them.
 *
 * `NetworkServer` turns the bytes of accepted connections into requests of the native protocol for
 * one handler; `FramedServer` does so for any `ListenerProtocol`. `ClientConnection` is the other end. Both work over any `Transport`; `nodeTransport` is TCP.
 */

export {
  type CallOptions,
  ClientConnection,
  type ClientConnectionOptions,
  type HelloResponse,
} from './clientConnection.ts';
export { FramedServer, type ListenerOptions, type NetworkEnvironment } from './framedServer.ts';
export {
  type Framing,
  type FramingLink,
  LINGER_MS,
  type ListenerProtocol,
  type PeerIdentity,
  type RequestConnection,
  UNKNOWN_PEER,
} from './framing.ts';
export type { NetworkServerStats } from './networkCounters.ts';
export type { NetworkHandler } from './networkHandler.ts';
export { defaultNetworkLimits, type NetworkLimits } from './networkLimits.ts';
export { NetworkServer, type NetworkServerOptions } from './networkServer.ts';
export { NodeTransport, nodeTransport } from './nodeTransport.ts';
export type { ServerRequest } from './serverRequest.ts';
