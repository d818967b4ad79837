/** What a command says when it fails, and the exit code that goes with it. */

import { OdradekError, systemErrorCode } from '../common/index.ts';
import { UsageError } from './usageError.ts';

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retriable: boolean;
}

/** Puts any error into the three fields that `--json` prints. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof OdradekError) {
    return { code: error.code, message: error.message, retriable: error.retriable };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: systemErrorCode(error) ?? 'UNKNOWN', message, retriable: false };
}

/** 1 for a command that failed, 2 for one that was called wrongly, 3 for an open question. */
export function exitCodeOf(error: unknown): 1 | 2 | 3 {
  if (error instanceof UsageError) return 2;
  return error instanceof Error && error.name === 'CannotTellError' ? 3 : 1;
}

/** Writes the failure to stderr: a line for people, or one JSON document for programs. */
export function reportFailure(error: unknown, options: { readonly json: boolean }): void {
  const failure = describeFailure(error);
  const text = options.json ? JSON.stringify({ error: failure }) : failure.message;
  process.stderr.write(`${text}\n`);
}
