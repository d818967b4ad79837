/** What a listener counts; read by metrics. */

export interface NetworkServerStats {
  readonly connectionCount: number;
  readonly acceptedCount: number;
  /** Connections refused by a cap. */
  readonly refusedCount: number;
  readonly requestCount: number;
  /** Frames answered with an error of the decoder, and connections closed for what they sent. */
  readonly malformedCount: number;
  /** Requests handed to the handler and not answered yet. */
  readonly inFlightCount: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Capacity of all receive buffers. */
  readonly receiveMemoryBytes: number;
  /** Response bytes that no operating system has taken yet. */
  readonly responseMemoryBytes: number;
}

/** The counters behind the stats; the connections of a listener write them. */
export class NetworkCounters {
  acceptedCount = 0;
  refusedCount = 0;
  requestCount = 0;
  malformedCount = 0;
  inFlightCount = 0;
  receivedBytes = 0;
  sentBytes = 0;
  responseMemoryBytes = 0;
}
