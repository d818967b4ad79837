/** Errors of records that never came into a batch. */

import { OdradekError } from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { DeliveryError } from '../errors.ts';

/**
 * @returns a TypeError as it is; an operational error as DeliveryError, with its code: the record
 *   was surely not written.
 */
export function refusal(error: unknown, topic: string): Error {
  if (error instanceof DeliveryError || !(error instanceof OdradekError)) {
    return error instanceof Error ? error : new TypeError(String(error));
  }
  return new DeliveryError(error.code, error.message, {
    topic,
    partition: -1,
    outcomeUnknown: false,
    retriable: error.retriable,
    cause: error,
    details: error.details,
  });
}

/** A record above `recordBytesMax`. */
export function tooLarge(sizeBytes: number, recordBytesMax: number): ProtocolError {
  return new ProtocolError(
    'MESSAGE_TOO_LARGE',
    `the record has ${sizeBytes} bytes and at most ${recordBytesMax} are allowed: ` +
      "raise recordBytesMax, and the topic's max.message.bytes above 1048588",
    { details: { sizeBytes, recordBytesMax } },
  );
}
