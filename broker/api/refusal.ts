/** Which error of the catalogue an exception stands for. */

import { AssertionError, CorruptionError } from '../../common/index.ts';
import { type ErrorName, ProtocolError } from '../../protocol/index.ts';

/**
 * @throws the error itself where it is a broken promise of the program: the process must end, not
 * answer.
 */
export function refusalOf(error: unknown): ErrorName {
  if (error instanceof ProtocolError) return error.code;
  if (error instanceof CorruptionError) return 'KAFKA_STORAGE_ERROR';
  if (error instanceof AssertionError) throw error;
  return 'UNKNOWN_SERVER_ERROR';
}
