/** Framed connections of the native protocol, and the sockets that carry them. */

import type { ClientEnvironment, Logger, SocketAddress, Transport } from '../common/index.ts';
import type { Api, ResponseOf, helloApi } from '../protocol/index.ts';
import type { NetworkLimits } from './networkLimits.ts';
import type { RequestConnection, ServerRequest } from './serverRequest.ts';

export * from './networkLimits.ts';
export type * from './serverRequest.ts';

export type NetworkEnvironment = Pick<ClientEnvironment, 'clock' | 'timers' | 'transport'>;
export type HelloResponse = ResponseOf<typeof helloApi>;

/** TCP of this machine (node:net). */
export declare const nodeTransport: Transport;

export interface NetworkHandler {
  /** Called synchronously for each decoded frame, in arrival order per connection. */
  onRequest(request: ServerRequest): void;
  /** After all frames of one read, before the receive buffer is used again: the log writes here. */
  onReceiveTurnEnd(): void;
  onConnectionClosed?(connection: RequestConnection): void;
}

export interface NetworkServerOptions {
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
  /** Named to whoever speaks Kafka's protocol or HTTP here. */
  readonly kafkaPortHint?: number | undefined;
  readonly adminPortHint?: number | undefined;
}

export interface NetworkServerStats {
  readonly connectionCount: number;
  readonly acceptedCount: number;
  /** Connections refused by a cap. */
  readonly refusedCount: number;
  readonly requestCount: number;
  /** Frames answered with an error of the decoder, and connections closed for what they sent. */
  readonly malformedCount: number;
  readonly inFlightCount: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly receiveMemoryBytes: number;
  readonly responseMemoryBytes: number;
}

/** Accepts connections of the native protocol and hands their requests to the handler. */
export declare class NetworkServer {
  constructor(
    environment: NetworkEnvironment,
    options: NetworkServerOptions,
    handler: NetworkHandler,
  );
  /** @throws system error EADDRINUSE and the like. */
  listen(): Promise<SocketAddress>;
  /** Where it listens. Only after `listen`. */
  get address(): SocketAddress;
  get stats(): NetworkServerStats;
  /** Stops accepting and reading, waits up to `graceMs` for requests in flight, then closes all. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

export interface ClientConnectionOptions {
  readonly software: { readonly name: string; readonly version: string };
  readonly clientId?: string | null;
  /** Of the calling broker; both -1, the default, for any other client. */
  readonly brokerId?: number;
  readonly brokerEpoch?: number;
  /** For TCP, Hello and authentication together. */
  readonly timeoutMs: number;
  /** Largest response taken. Default 128 MiB. */
  readonly frameBytesMax?: number;
}

export interface CallOptions {
  readonly timeoutMs: number;
  /** Gives up waiting: rejects with its reason. The request may be served all the same. */
  readonly signal?: AbortSignal;
}

/** One connection to one broker. Requests and responses are matched by correlation id. */
export declare class ClientConnection {
  /**
   * Connects, says Hello and authenticates.
   *
   * @throws ProtocolError NETWORK_EXCEPTION with the system error as `cause`, REQUEST_TIMED_OUT, or
   *   what the broker refused with.
   */
  static connect(
    environment: NetworkEnvironment,
    address: SocketAddress,
    options: ClientConnectionOptions,
  ): Promise<ClientConnection>;
  readonly remote: SocketAddress;
  readonly hello: HelloResponse;
  get closed(): boolean;
  /** Calls that were sent and not answered. Above `hello.inFlightMax` calls wait unsent. */
  get inFlight(): number;
  /**
   * Sends a request and waits for its response. Records in the response are the caller's own.
   *
   * @throws ProtocolError: what the broker answered in a frame of kind 3; UNSUPPORTED_VERSION when
   *   no version is common; NETWORK_EXCEPTION when the connection is lost, REQUEST_TIMED_OUT after
   *   `timeoutMs`. Of the last two `details.sent` tells whether bytes have left: where true the
   *   outcome is unknown.
   */
  call<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response>;
  /** Sends a request that has no response (acks 0). */
  send<Request, Response>(api: Api<Request, Response>, request: Request): void;
  /** The listener is called once, at once where the connection is closed already. */
  onClose(listener: (error: Error | undefined) => void): void;
  /** Ends the connection; calls in flight reject with NETWORK_EXCEPTION. Idempotent. */
  close(): Promise<void>;
  /** Whether the connection keeps the process alive. Default true. */
  setKeepsProcessAlive(keeps: boolean): void;
}
