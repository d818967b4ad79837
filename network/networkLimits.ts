/**
 * What a listener grants its peers. Every number caps memory or time that a stranger can make a
 * broker spend; the defaults together keep a broker alive whatever is sent to it.
 */

export interface NetworkLimits {
  /** Largest frame taken, in bytes after its length field. Told to clients by Hello. */
  readonly frameBytesMax: number;
  /** Largest frame before authentication has succeeded. */
  readonly frameBytesMaxBeforeAuthentication: number;
  /** Requests of one connection in flight above which it is no longer read. Told by Hello. */
  readonly inFlightMax: number;

  /** Receive buffer of a quiet connection, in bytes. */
  readonly receiveBytesInitial: number;
  /** How far a receive buffer grows for busy traffic of small frames; one large frame may exceed it. */
  readonly receiveBytesSteady: number;
  /**
   * Receive buffers of all connections together. Above it a connection whose frame does not fit
   * into its buffer is not read until others have given memory back.
   */
  readonly receiveMemoryBytesMax: number;

  /** Response bytes held for one reader above which its requests are no longer read. */
  readonly responseBytesMax: number;
  /** Response bytes held for all readers above which none that holds some is read any more. */
  readonly responseMemoryBytesMax: number;
  /** A reader that takes nothing of what is held for it for this long is closed. */
  readonly slowReaderMs: number;

  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  /** Time from accepting to the end of authentication. */
  readonly authenticationMs: number;
  /** Time from the first byte of a frame to its last; 16 bytes received prolong it by 1 ms. */
  readonly partialFrameMs: number;
  /** A connection without any traffic or request in flight is closed after this. */
  readonly idleMs: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const defaultNetworkLimits: NetworkLimits = {
  frameBytesMax: 32 * MIB,
  frameBytesMaxBeforeAuthentication: 64 * KIB,
  inFlightMax: 100,
  receiveBytesInitial: 16 * KIB,
  receiveBytesSteady: 4 * MIB,
  receiveMemoryBytesMax: 512 * MIB,
  responseBytesMax: 32 * MIB,
  responseMemoryBytesMax: 512 * MIB,
  slowReaderMs: 30_000,
  connectionsMax: 20_000,
  connectionsPerAddressMax: 10_000,
  authenticationMs: 10_000,
  partialFrameMs: 30_000,
  idleMs: 600_000,
};
