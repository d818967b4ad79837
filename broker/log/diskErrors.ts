/** Which system errors pass when something is freed, and what callers are told of the others. */

import { systemErrorCode, type TopicPartition, topicPartitionKey } from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';

/** No space or no file descriptors: nothing is wrong with the disk, and the same may work later. */
export function isShortage(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EMFILE' || code === 'ENFILE';
}

/** @param what ends the sentence "The log of "flights-0" ...". */
export function storageError(
  topicPartition: TopicPartition,
  what: string,
  cause: unknown,
): ProtocolError {
  return new ProtocolError(
    'KAFKA_STORAGE_ERROR',
    `The log of "${topicPartitionKey(topicPartition)}" ${what}`,
    { cause },
  );
}
