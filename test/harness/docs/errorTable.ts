/** The table of docs/errors.md, from the error catalogue. */

import { type ErrorDefinition, errorCatalogue } from '../../../protocol/index.ts';

export function errorTable(): string {
  const mark = (flag: boolean | undefined): string => (flag === true ? 'yes' : '');
  const entries: [string, ErrorDefinition][] = Object.entries(errorCatalogue);
  const rows = entries
    .toSorted(([, a], [, b]) => a.code - b.code)
    .map(
      ([name, { code, retriable, refreshMetadata, outcomeUnknown, httpStatus, message }]) =>
        `| ${code} | ${name} | ${mark(retriable)} | ${mark(refreshMetadata)} | ${mark(outcomeUnknown)} | ${httpStatus} | ${message} |`,
    );
  return [
    '| code | name | retriable | refresh metadata | outcome unknown | HTTP | meaning |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
