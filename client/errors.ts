/** Errors that only the SDK raises. Those of brokers arrive as `ProtocolError`, by catalogue name. */

import { OdradekError, type OdradekErrorOptions } from '../common/index.ts';

/**
 * Codes of the SDK itself, beside those of the catalogue in `docs/errors.md`.
 *
 * | code | retriable | meaning |
 * |---|---|---|
 * | NO_BROKER_AVAILABLE | yes | none of the brokers could be reached |
 * | BUFFER_FULL | yes | the producer's buffer had no room for `blockMsMax`; nothing was sent |
 * | DELIVERY_TIMED_OUT | yes | `deliveryTimeoutMs` passed; `outcomeUnknown` tells whether it may stand |
 * | DELIVERIES_FAILED | no | several records failed: `errors` lists them |
 * | CLIENT_CLOSED | no | the client, producer or consumer was closed |
 * | ABORTED | no | the caller's AbortSignal fired |
 * | TIMED_OUT | yes | the call's own `timeoutMs` passed |
 * | DESERIALIZATION_FAILED | no | a key or value is not what its declared format says |
 */
export type ClientErrorCode =
  | 'NO_BROKER_AVAILABLE'
  | 'BUFFER_FULL'
  | 'DELIVERY_TIMED_OUT'
  | 'DELIVERIES_FAILED'
  | 'CLIENT_CLOSED'
  | 'ABORTED'
  | 'TIMED_OUT'
  | 'DESERIALIZATION_FAILED';

const retriableCodes: ReadonlySet<string> = new Set<ClientErrorCode>([
  'NO_BROKER_AVAILABLE',
  'BUFFER_FULL',
  'DELIVERY_TIMED_OUT',
  'TIMED_OUT',
]);

/** An error that the SDK itself found, before or instead of an answer of a broker. */
export class ClientError extends OdradekError {
  override readonly name: string = 'ClientError';
  declare readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string, options: OdradekErrorOptions = {}) {
    super(code, message, { retriable: retriableCodes.has(code), ...options });
  }
}

/**
 * One record, or all records of one batch, did not arrive as far as the producer knows.
 *
 * `code` is that of the catalogue or of `ClientErrorCode`; `cause` is the error underneath.
 */
export class DeliveryError extends OdradekError {
  override readonly name = 'DeliveryError';
  readonly topic: string;
  /** -1 where the record was refused before a partition was chosen. */
  readonly partition: number;
  /**
   * True where the record may stand in the log all the same: the answer was lost or late. Sending
   * it again may then duplicate it. False: it surely does not stand there.
   */
  readonly outcomeUnknown: boolean;

  constructor(
    code: string,
    message: string,
    options: OdradekErrorOptions & {
      readonly topic: string;
      readonly partition: number;
      readonly outcomeUnknown: boolean;
    },
  ) {
    super(code, message, options);
    this.topic = options.topic;
    this.partition = options.partition;
    this.outcomeUnknown = options.outcomeUnknown;
  }
}

/** What `flush()`, `close()` and `sendBatch()` reject with: one error for several records. */
export class DeliveriesFailedError extends OdradekError {
  override readonly name = 'DeliveriesFailedError';
  declare readonly code: 'DELIVERIES_FAILED';
  /**
   * One entry a record, at most 10,000 of them; records of one batch share an error. A `TypeError`
   * stands for a record that could not be encoded.
   */
  readonly errors: readonly Error[];
  /** Number of failed records, also where `errors` was cut. */
  readonly failedCount: number;

  constructor(errors: readonly Error[], failedCount: number) {
    const first = errors[0];
    super(
      'DELIVERIES_FAILED',
      `${failedCount} ${failedCount === 1 ? 'record was' : 'records were'} not delivered` +
        (first === undefined ? '' : `; the first: ${first.message}`),
      { cause: first, details: { failedCount } },
    );
    this.errors = errors;
    this.failedCount = failedCount;
  }
}
