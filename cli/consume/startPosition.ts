/** Where `consume` begins, as the command line says it. */

import type { StartPosition } from '../../client/index.ts';
import { UsageError } from '../usageError.ts';

/**
 * `beginning`, `end`, an offset, or `@` and a time: milliseconds since 1970 or an ISO date.
 *
 * @throws {UsageError}
 */
export function parseStartPosition(text: string): StartPosition {
  if (text === 'beginning' || text === 'end') return text;
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return { offset: Number(text) };
  if (text.startsWith('@')) {
    const time = parseTime(text.slice(1));
    if (time !== undefined) return { time };
  }
  throw new UsageError(
    `--offset takes beginning, end, an offset, @milliseconds or @date, not "${text}"`,
  );
}

function parseTime(text: string): number | undefined {
  const time = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isSafeInteger(time) && time >= 0 ? time : undefined;
}
