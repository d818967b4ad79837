/** A command that answers yes or no could not find out: exit code 3. */

import { OdradekError, type OdradekErrorOptions } from '../common/index.ts';
import { describeFailure } from './failure.ts';
import { UsageError } from './usageError.ts';

export class CannotTellError extends OdradekError {
  override readonly name = 'CannotTellError';

  constructor(code: string, message: string, options: OdradekErrorOptions = {}) {
    super(code, message, { retriable: true, ...options });
  }

  /** @returns the same failure as one that leaves the question open; a wrong call as it is. */
  static from(error: unknown): Error {
    if (error instanceof CannotTellError || error instanceof UsageError) return error;
    const { code, message, retriable } = describeFailure(error);
    return new CannotTellError(code, message, { retriable, cause: error });
  }
}
