import { OdradekError } from '../../../common/index.ts';

/**
 * - `INVALID_REQUEST`: the bytes are not a message of that API and version.
 * - `UNSUPPORTED_VERSION`: the API has no such version.
 * - `INVALID_VALUE`: a value to be encoded does not fit its field: a mistake of the program.
 */
export type KafkaWireErrorCode = 'INVALID_REQUEST' | 'UNSUPPORTED_VERSION' | 'INVALID_VALUE';

/** The only error that the codec of the Kafka protocol throws. */
export class KafkaWireError extends OdradekError {
  override readonly name = 'KafkaWireError';
  declare readonly code: KafkaWireErrorCode;

  constructor(
    code: KafkaWireErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(code, message, { details });
  }
}
