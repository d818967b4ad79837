/** Keys, values and headers as bytes of a record. */

import { varintBytes, writeVarint } from './varint.ts';

/** A string is written as UTF-8, straight into the batch. */
export type RecordBytes = Uint8Array | string | null;
export type HeaderToWrite = readonly [name: string, value: RecordBytes];

/** Up to this length a loop is faster than a call. */
const LOOP_COPY_UNITS_MAX = 24;

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
  if (typeof value === 'string') writeText(buffer, at, value, byteCount);
  else buffer.set(value!, at);
  return at + byteCount;
}

/** A string with as many bytes as units is ASCII, for which the other ways are twice as fast. */
function writeText(buffer: Buffer, position: number, text: string, byteCount: number): void {
  if (byteCount !== text.length) buffer.write(text, position, byteCount, 'utf8');
  else if (byteCount > LOOP_COPY_UNITS_MAX) buffer.write(text, position, byteCount, 'latin1');
  else for (let i = 0; i < byteCount; i += 1) buffer[position + i] = text.charCodeAt(i);
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
