/** How `log dump` and `log verify` print an entry for people: one line each. */

import type { DumpEntry, VerifyEntry } from '../../broker/log/index.ts';
import { unreachable } from '../../common/index.ts';

/** Characters of a key or value that are shown. */
const SHOWN_MAX = 200;

export function formatDumpEntry(entry: DumpEntry): string {
  switch (entry.type) {
    case 'file':
      return `${entry.path} (${entry.sizeBytes} bytes)`;
    case 'batch': {
      const { position, sizeBytes, baseOffset, lastOffset, recordsCount, leaderEpoch } = entry;
      const flags = [
        entry.isTransactional ? 'transactional' : '',
        entry.isControl ? 'control' : '',
      ];
      return [
        `  batch at ${position}: offsets ${baseOffset} to ${lastOffset}, ${recordsCount} records`,
        `${sizeBytes} bytes, epoch ${leaderEpoch}, codec ${entry.codec}`,
        `${entry.timestampType} up to ${entry.maxTimestamp}, crc ${entry.crc}`,
        ...flags.filter((flag) => flag !== ''),
      ].join(', ');
    }
    case 'record':
      return (
        `    ${entry.offset} at ${entry.timestamp}: ` +
        `key ${shown(entry.key)}, value ${shown(entry.value)}, ${entry.headers.length} headers`
      );
    case 'offsetIndexEntry':
      return `  offset ${entry.offset} at ${entry.position}`;
    case 'timeIndexEntry':
      return `  time ${entry.timestamp} at offset ${entry.offset}`;
    case 'fault':
      return formatFault(entry);
    default:
      return unreachable(entry);
  }
}

export function formatVerifyEntry(entry: VerifyEntry): string {
  switch (entry.type) {
    case 'segment':
      return (
        `${entry.path}: sound, offsets ${entry.baseOffset} to below ${entry.nextOffset}, ` +
        `${entry.batchCount} batches, ${entry.recordCount} records, ${entry.sizeBytes} bytes`
      );
    case 'notice':
      return `${entry.path}: ${entry.message}`;
    case 'fault':
      return formatFault(entry);
    case 'result':
      return (
        `${entry.isSound ? 'sound' : 'DAMAGED'}: ${entry.partitionCount} partitions, ` +
        `${entry.segmentCount} segments, ${entry.batchCount} batches, ` +
        `${entry.recordCount} records, ${entry.sizeBytes} bytes, ${entry.faultCount} faults`
      );
    default:
      return unreachable(entry);
  }
}

function formatFault(fault: {
  readonly path: string;
  readonly position: number;
  readonly message: string;
}): string {
  return `${fault.path} at ${fault.position}: DAMAGED: ${fault.message}`;
}

function shown(bytes: Uint8Array | null): string {
  if (bytes === null) return 'null';
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return JSON.stringify(text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text);
}
