/** How `consume` prints a record. */

import type { ConsumedRecord } from '../../client/index.ts';

/** @returns one line, with its line feed. */
export type RecordFormat = (record: ConsumedRecord) => string | Uint8Array;

/** The value's bytes alone; an empty line for a tombstone. */
export const formatValue: RecordFormat = ({ valueBytes }) =>
  valueBytes === null ? '\n' : Buffer.concat([valueBytes, lineFeed]);

/** A JSON document with everything; bytes as UTF-8, or as base64. */
export function jsonFormat(encoding: 'utf8' | 'base64'): RecordFormat {
  const decode = (bytes: Buffer | null): string | null => bytes?.toString(encoding) ?? null;
  return ({ topic, partition, offset, timestamp, keyBytes, valueBytes, headers }) => {
    const document = {
      topic,
      partition,
      offset,
      timestamp,
      key: decode(keyBytes),
      value: decode(valueBytes),
      headers: headers.map(([name, value]) => [name, decode(value)]),
    };
    return `${JSON.stringify(document)}\n`;
  };
}

const lineFeed = Buffer.from('\n');
