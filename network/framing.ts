/**
 * What the languages of the listeners have in common: how the bytes of one connection become
 * requests, and answers bytes. The connection owns the socket, the buffers, the limits and the
 * deadlines; a framing owns the grammar and the state of the conversation.
 */

import type { SocketAddress } from '../common/index.ts';
import type { NetworkLimits } from './networkLimits.ts';

/** Who asks. What the client said of itself is known before its first request is handed over. */
export interface RequestConnection {
  /** Counts the connections of this server from 1. */
  readonly id: number;
  readonly remote: SocketAddress;
  readonly clientId: string | null;
  readonly clientSoftwareName: string;
  readonly clientSoftwareVersion: string;
  /** Broker that calls; -1 for any other client. */
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly closed: boolean;
}

/** What a client said of itself. */
export type PeerIdentity = Omit<RequestConnection, 'id' | 'remote' | 'closed'>;

export const UNKNOWN_PEER: PeerIdentity = {
  clientId: null,
  clientSoftwareName: '',
  clientSoftwareVersion: '',
  brokerId: -1,
  brokerEpoch: -1,
};

/** How long the other side may take to close after our last byte, so that no reset overtakes it. */
export const LINGER_MS = 1000;

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** The connection, as its framing sees it. */
export interface FramingLink extends RequestConnection {
  readonly limits: NetworkLimits;
  /** When the bytes at hand were taken from the socket, by the monotonic clock. */
  readonly receivedMs: number;
  /** A request is handed over and in flight until `requestEnded`. */
  requestBegun(): void;
  requestEnded(): void;
  /** Queues bytes; they leave at the end of the turn. @param onSent as of `ServerRequest.respond`. */
  send(chunks: readonly Uint8Array[], onSent?: () => void): void;
  /** Counts what is no request, and says so in the log. */
  countMalformed(level: LogLevel, message: string, cause?: string): void;
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /**
   * Takes no further request; closes when all answers have left, at the latest after `graceMs`.
   * Safe to call again: the earlier deadline holds.
   */
  beginClose(graceMs: number): void;
}

/** One conversation. */
export interface Framing {
  /** Whether the client has introduced itself: until then a deadline runs. */
  readonly isOpen: boolean;
  readonly peer: PeerIdentity;
  /** Bytes of answers that wait for an earlier one. */
  readonly parkedBytes: number;

  /**
   * Length of the frame at `position`, in bytes, all of it: the buffer is made to hold that much.
   *
   * @param availableBytes how many have been received from `position` on.
   * @returns 0 while it cannot be told; never more than the limit for frames and their length field.
   */
  frameBytes(bytes: Buffer, position: number, availableBytes: number): number;

  /**
   * Takes the frame at `position` if all of it is there: hands its request over, answers it, or
   * ends the connection. Bytes of it are not looked at any more once the turn has ended.
   *
   * @returns its length; 0 where it is not complete, or where nothing more is taken.
   */
  takeFrame(bytes: Buffer, position: number, availableBytes: number): number;

  /** The connection is gone. Called once. */
  onClosed(): void;
}

/** The language of a listener. */
export interface ListenerProtocol {
  open(link: FramingLink): Framing;
  /** After all frames of one read, before the receive buffer is used again: the log writes here. */
  onReceiveTurnEnd(): void;
}
