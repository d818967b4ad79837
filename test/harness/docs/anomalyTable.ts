/** The table of docs/checker.md, from the catalogue of anomalies. */

import { anomalyCatalogue } from '../../checker/index.ts';

export function anomalyTable(): string {
  const rows = Object.entries(anomalyCatalogue).map(([kind, { rule }]) => `| ${kind} | ${rule} |`);
  return ['| kind | rule |', '|---|---|', ...rows].join('\n');
}
