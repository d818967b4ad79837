/** The command line itself is wrong: exit code 2, where a command that failed ends with 1. */

import { OdradekError } from '../common/index.ts';

export class UsageError extends OdradekError {
  override readonly name = 'UsageError';

  constructor(message: string) {
    super('USAGE', message);
  }
}
