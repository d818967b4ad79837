/** The catalogue's errors as Kafka's clients know them. */

import { type ErrorName, errorCode, ProtocolError } from '../../protocol/index.ts';
import { refusalOf } from '../api/index.ts';

/** What stands for an error that Kafka has not: ours begin at 1000. */
const substitutes: Readonly<Partial<Record<ErrorName, ErrorName>>> = {
  FRAME_TOO_LARGE: 'INVALID_REQUEST',
  UNKNOWN_API: 'UNSUPPORTED_VERSION',
  STALE_CONTROLLER_EPOCH: 'NOT_CONTROLLER',
  TOPIC_DELETION_IN_PROGRESS: 'TOPIC_ALREADY_EXISTS',
  COORDINATOR_UNAVAILABLE: 'REQUEST_TIMED_OUT',
  BROKER_OVERLOADED: 'REQUEST_TIMED_OUT',
  // Sent over the wire of another broker; a client would take it for its own connection.
  NETWORK_EXCEPTION: 'REQUEST_TIMED_OUT',
};

const substituteCodes: ReadonlyMap<number, number> = new Map(
  Object.entries(substitutes).map(([own, kafkas]) => [
    errorCode(own as ErrorName),
    errorCode(kafkas),
  ]),
);

/** Number of an error on the wire of Kafka. */
export function kafkaErrorCode(name: ErrorName): number {
  return kafkaCode(errorCode(name));
}

/** As `kafkaErrorCode`, from a number of our own protocol. */
export function kafkaCode(code: number): number {
  return substituteCodes.get(code) ?? code;
}

/** What a client hears that asks for transactions: this release has no coordinator for them. */
export const NO_TRANSACTIONS = kafkaErrorCode('TRANSACTIONAL_ID_AUTHORIZATION_FAILED');

export interface Failure {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** @throws the error itself where it is a broken promise of the program. */
export function failureOf(error: unknown): Failure {
  const code = refusalOf(error);
  const errorMessage = error instanceof ProtocolError ? error.message : null;
  return { errorCode: kafkaErrorCode(code), errorMessage };
}
