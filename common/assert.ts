/**
 * Assertions guard what the program itself promises. They are always on, and a failed one ends the
 * process: the ephemeral node goes, leadership moves, and a broker that no longer understands its
 * own state acknowledges nothing more. Input from outside is checked with errors, never with these.
 */

/** A broken promise of the program itself. Never caught to go on; see `docs/operations.md`. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  readonly values: Readonly<Record<string, unknown>>;

  constructor(message: string, values: Readonly<Record<string, unknown>> = {}) {
    const shown = Object.entries(values).map(([key, value]) => `${key}=${String(value)}`);
    super(shown.length > 0 ? `${message} (${shown.join(', ')})` : message);
    this.values = values;
  }
}

/**
 * Ends the work at hand when `condition` does not hold.
 *
 * @param values what the reader of the crash report needs to know: the numbers that disagree.
 * @throws {AssertionError}
 */
export function assert(
  condition: unknown,
  message: string,
  values?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) throw new AssertionError(message, values);
}

/** For the default branch of an exhaustive switch: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new AssertionError('A case that cannot happen happened', { value });
}
