/**
 * The input of demo and examples: three million US flights of 2001, from the npm package
 * `vega-datasets`.
 */

import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { packageRoot } from '../cli/index.ts';

export interface Flight {
  /** Local time of departure, without a zone: `2001-01-01T00:01:00`. */
  readonly date: string;
  /** Minutes. */
  readonly delay: number;
  /** Miles. */
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

export const FLIGHT_COUNT = 3_000_000;

/** Its package exports no path to it. */
const dataFile = 'node_modules/vega-datasets/data/flights-3m.parquet';

/**
 * Reads flights in the order of the file, one row group (about 270,000 flights) at a time.
 *
 * @param limit how many at most
 */
export async function* readFlights(limit: number): AsyncGenerator<readonly Flight[]> {
  const file = await asyncBufferFromFile(join(packageRoot, dataFile));
  const metadata = await parquetMetadataAsync(file);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = Math.min(limit, rowStart + Number(group.num_rows));
    if (rowEnd <= rowStart) return;
    const rows = await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd });
    yield rows.map(toFlight);
    rowStart = rowEnd;
  }
}

function toFlight(row: Readonly<Record<string, unknown>>): Flight {
  return {
    date: (row['date'] as Date).toISOString().slice(0, 19),
    delay: Number(row['delay']),
    distance: Number(row['distance']),
    origin: String(row['origin']),
    destination: String(row['destination']),
  };
}
