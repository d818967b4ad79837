/** The base of every error that a caller may expect and handle. */

export interface OdradekErrorOptions {
  /** True where the same call may succeed later without any change by the caller. */
  readonly retriable?: boolean;
  readonly cause?: unknown;
  /** Facts for programs: offsets, sizes, names. Never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * An operational error: something outside failed or refused, and the program knows what to do.
 *
 * `code` is stable from release to release and is what programs compare; `message` is for people.
 */
export class OdradekError extends Error {
  override readonly name: string = 'OdradekError';
  readonly code: string;
  readonly retriable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: OdradekErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retriable = options.retriable ?? false;
    this.details = options.details ?? {};
  }
}

/** Bytes that are not what was written: names where, what was expected and what was found. */
export class CorruptionError extends OdradekError {
  override readonly name = 'CorruptionError';
}

/** The code of a system error such as ENOSPC, or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
