/** Errors that only the SDK raises. Those of brokers arrive as `ProtocolError`, by catalogue name. */

import { OdradekError, type OdradekErrorOptions } from '../common/index.ts';

/** Codes of the SDK itself, beside those of the brokers' catalogue. docs/client.md lists both. */
export const clientErrorCatalogue = {
  NO_BROKER_AVAILABLE: { retriable: true, message: 'none of the brokers could be reached' },
  BUFFER_FULL: {
    retriable: true,
    message: "the producer's buffer had no room for `blockMsMax`; the record was not sent",
  },
  DELIVERY_TIMED_OUT: {
    retriable: true,
    message: '`deliveryTimeoutMs` passed; `outcomeUnknown` tells whether the record may stand',
  },
  DELIVERIES_FAILED: { retriable: false, message: 'several records failed: `errors` lists them' },
  CLIENT_CLOSED: { retriable: false, message: 'the client, producer or consumer was closed' },
  ABORTED: { retriable: false, message: "the caller's AbortSignal fired" },
  TIMED_OUT: { retriable: true, message: "the call's own `timeoutMs` passed" },
  DESERIALIZATION_FAILED: {
    retriable: false,
    message: 'a key or value is not what its declared format says',
  },
} as const satisfies Readonly<
  Record<string, { readonly retriable: boolean; readonly message: string }>
>;

export type ClientErrorCode = keyof typeof clientErrorCatalogue;

/** An error that the SDK itself found, before or instead of an answer of a broker. */
export class ClientError extends OdradekError {
  override readonly name: string = 'ClientError';
  declare readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string, options: OdradekErrorOptions = {}) {
    super(code, message, { retriable: clientErrorCatalogue[code].retriable, ...options });
  }
}

/**
 * One record, or all records of one batch, did not arrive as far as the producer knows.
 *
 * `code` is that of a broker or of `clientErrorCatalogue`; `cause` is the error underneath.
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
