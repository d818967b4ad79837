/** What ZooKeeper answered instead of a result. */

import type { CoordinatorErrorCode } from './environment/coordinatorConnection.ts';
import { OdradekError } from './errors.ts';

export class CoordinatorError extends OdradekError {
  override readonly name = 'CoordinatorError';
  declare readonly code: CoordinatorErrorCode;
  /** Of a multi: index of the first operation that could not be done. */
  readonly failedIndex: number | undefined;

  constructor(
    code: CoordinatorErrorCode,
    message: string,
    options: { readonly failedIndex?: number; readonly cause?: unknown } = {},
  ) {
    super(code, message, {
      retriable: code === 'CONNECTION_LOSS',
      ...(options.cause === undefined ? {} : { cause: options.cause }),
    });
    this.failedIndex = options.failedIndex;
  }
}
