/** Waiting in tests: a condition is polled until it holds or a deadline passes; nothing sleeps. */

export interface WaitOptions {
  /** What is waited for, in words: the test's failure message. */
  readonly what: string;
  /** Default 10,000. */
  readonly timeoutMs?: number;
  /** Default 10. */
  readonly intervalMs?: number;
}

/**
 * Polls until `condition` gives something other than undefined or false.
 *
 * @returns what the condition gave.
 * @throws after the deadline, with the last error of the condition as cause.
 */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  { what, timeoutMs = 10_000, intervalMs = 10 }: WaitOptions,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadlineMs) {
      throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
