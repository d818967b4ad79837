/** Turns failed attempts to connect into one error that a person understands. */

import { type SocketAddress, systemErrorCode } from '../../common/index.ts';
import { ClientError } from '../errors.ts';
import { formatAddress } from './brokerAddress.ts';

export interface FailedAttempt {
  readonly address: SocketAddress;
  readonly error: unknown;
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ETIMEDOUT: 'timed out',
  REQUEST_TIMED_OUT: 'timed out',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'host name could not be resolved',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EPIPE: 'connection closed',
};

/** @returns NO_BROKER_AVAILABLE: `no broker at 127.0.0.1:9192 (connection refused)`. */
export function noBrokerError(attempts: readonly FailedAttempt[]): ClientError {
  const listed = attempts.map(({ address, error }) => {
    return { address: formatAddress(address), reason: connectReason(error) };
  });
  const text = listed.map(({ address, reason }) => `${address} (${reason})`).join(', ');
  return new ClientError('NO_BROKER_AVAILABLE', `no broker at ${text}`, {
    cause: attempts[0]?.error,
    details: { attempts: listed },
  });
}

/** The system error underneath in plain words, else the message of the error. */
export function connectReason(error: unknown): string {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; depth++) {
    const reason = reasons[systemErrorCode(cause) ?? ''];
    if (reason !== undefined) return reason;
    cause = cause.cause;
  }
  return error instanceof Error ? error.message : String(error);
}
