/** Keys, values and headers as bytes of a record. */

import { varintBytes, writeVarint } from './varint.ts';

/** A string is written as UTF-8, straight into the batch. */
export type RecordBytes = Uint8Array | string | null;
export type HeaderToWrite = readonly [name: string, value: RecordBytes];

/** @returns -1 for null, as the wire has it. */
export function lengthOf(value: RecordBytes): number {
  if (value === null) return -1;
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}

/** Bytes of the header count and all headers. */
export function headersBytes(headers: readonly HeaderToWrite[]): number {
  let total = varintBytes(headers.length);
  for (const [name, value] of headers) {
    const nameBytes = lengthOf(name);
    const valueBytes = lengthOf(value);
    total += varintBytes(nameBytes) + nameBytes + varintBytes(valueBytes);
    if (valueBytes > 0) total += valueBytes;
  }
  return total;
}

/** Writes a length and its bytes. @param byteCount `lengthOf(value)`. @returns the position after. */
export function writeBlob(
  buffer: Buffer,
  position: number,
  value: RecordBytes,
  byteCount: number,
): number {
  const at = writeVarint(buffer, position, byteCount);
  if (byteCount <= 0) return at;
  if (typeof value === 'string') buffer.write(value, at, byteCount, 'utf8');
  else buffer.set(value!, at);
  return at + byteCount;
}

export function writeHeaders(
  buffer: Buffer,
  position: number,
  headers: readonly HeaderToWrite[],
): number {
  let at = writeVarint(buffer, position, headers.length);
  for (const [name, value] of headers) {
    at = writeBlob(buffer, at, name, lengthOf(name));
    at = writeBlob(buffer, at, value, lengthOf(value));
  }
  return at;
}
