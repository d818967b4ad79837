/**
 * Errors after which a record may stand in the log although its send failed. A client that reports
 * one of them as `fail` is not believed: the outcome is unknown.
 */

import { type ErrorDefinition, errorCatalogue } from '../../protocol/index.ts';

/**
 * Beside those that the error catalogue marks: how foreign clients call them, and the answer to a
 * retry of a batch that was appended long ago.
 */
const otherNames: readonly string[] = [
  'DUPLICATE_SEQUENCE_NUMBER',
  // The SDK, where it gives up.
  'DELIVERY_TIMED_OUT',
  // librdkafka.
  '_MSG_TIMED_OUT',
  '_TIMED_OUT',
  '_TIMED_OUT_QUEUE',
  '_TRANSPORT',
  '_ALL_BROKERS_DOWN',
  // The Java client.
  'TimeoutException',
  'DisconnectException',
  'NetworkException',
  'NotLeaderOrFollowerException',
  'NotLeaderForPartitionException',
  'NotEnoughReplicasAfterAppendException',
  'KafkaStorageException',
  'UnknownServerException',
  'DuplicateSequenceException',
  // Kafka's former name of NOT_LEADER_OR_FOLLOWER.
  'NOT_LEADER_FOR_PARTITION',
];

export const unknownOutcomeNames: ReadonlySet<string> = new Set([
  ...otherNames,
  ...(Object.entries(errorCatalogue) as [string, ErrorDefinition][])
    .filter(([, { outcomeUnknown }]) => outcomeUnknown === true)
    .map(([name]) => name),
]);

export function isOutcomeUnknown(error: string | undefined): boolean {
  return error !== undefined && unknownOutcomeNames.has(error);
}
