/** Checks of what an application passes: every bad value is refused by name. */

/**
 * @param range inclusive; only whole numbers pass, and Infinity where `max` is it.
 * @throws {TypeError} naming option, value and range.
 */
export function checkedNumber(
  name: string,
  value: number | undefined,
  range: { readonly min: number; readonly max: number; readonly default: number },
): number {
  if (value === undefined) return range.default;
  const inRange = typeof value === 'number' && value >= range.min && value <= range.max;
  if (inRange && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)) return value;
  throw new TypeError(
    `${name} must be a whole number from ${range.min} to ${range.max}, not ${String(value)}`,
  );
}

/** @throws {TypeError} naming option, value and choices. */
export function checkedChoice<T extends string | number>(
  name: string,
  value: T,
  choices: readonly T[],
): T {
  if (choices.includes(value)) return value;
  const listed = choices.map((choice) => (typeof choice === 'string' ? `'${choice}'` : choice));
  throw new TypeError(`${name} must be one of ${listed.join(', ')}, not ${String(value)}`);
}

/** @throws {TypeError} anything but a topic name as the brokers allow it. */
export function checkedTopic(topic: unknown): string {
  if (typeof topic !== 'string') {
    throw new TypeError(`topic must be a string, not ${topic === null ? 'null' : typeof topic}`);
  }
  if (topic === '') throw new TypeError('topic must not be empty');
  return topic;
}
