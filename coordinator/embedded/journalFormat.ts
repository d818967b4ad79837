/**
 * Bytes of a journal file, `journal-<first zxid, 16 hex digits>`. Big-endian.
 *
 *     header     8 bytes "odrajrnl" | u32 format version 1 | u32 CRC-32C of the 12 bytes before
 *     entry      u32 length of what follows the checksum
 *                u32 CRC-32C of what follows
 *                u64 zxid
 *                u64 durable zxid: the last entry known to be on disk when this one was written
 *                i64 wall clock in milliseconds
 *                u64 session id
 *                i32 operation code
 *                ... body as in juteRequest.ts
 *
 * The durable zxid tells a torn tail from damage. Example: entries 5, 6 and 7 go out in one write,
 * the machine loses power, and 6 is garbage while 7 is whole. 7 says that only 4 was durable, so
 * nobody was answered about 6 and the tail goes. If an entry 8 says that 7 was durable, then an
 * answered transaction is gone: that is damage, and the coordinator refuses to start.
 */

import { CorruptionError, crc32c } from '../../common/index.ts';
import { JuteReader, JuteWriter } from './jute.ts';
import { decodeRequest, encodeWrite, operationCode } from './juteRequest.ts';
import type { Transaction, WriteRequest } from './treeRequest.ts';

export const JOURNAL_HEADER_BYTES = 16;
/** Length and checksum. */
const PREFIX_BYTES = 8;
const FIXED_BYTES = 36;
const MAGIC = 'odrajrnl';
const FORMAT_VERSION = 1;
/** More than any packet that a client may send, so that a longer entry is known to be garbage. */
const ENTRY_BYTES_MAX = 64 * 1024 * 1024;

export interface JournalEntry {
  readonly transaction: Transaction;
  readonly durableZxid: number;
  /** Position of the byte after the entry. */
  readonly end: number;
}

export function encodeJournalHeader(): Uint8Array {
  const bytes = Buffer.alloc(JOURNAL_HEADER_BYTES);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32BE(FORMAT_VERSION, 8);
  bytes.writeUInt32BE(crc32c(bytes, 0, 12), 12);
  return bytes;
}

export function hasJournalHeader(bytes: Uint8Array): boolean {
  const expected = encodeJournalHeader();
  return (
    bytes.length >= expected.length &&
    Buffer.compare(bytes.subarray(0, expected.length), expected) === 0
  );
}

export function encodeJournalEntry(transaction: Transaction, durableZxid: number): Uint8Array {
  const { zxid, timeMs, sessionId, request } = transaction;
  const writer = new JuteWriter().int(0).int(0).long(zxid).long(durableZxid).long(timeMs);
  writer.sessionId(sessionId).int(operationCode(request));
  encodeWrite(request, writer);
  const bytes = writer.finish();
  writer.setUint32(0, bytes.length - PREFIX_BYTES).setUint32(4, crc32c(bytes, PREFIX_BYTES));
  return bytes;
}

/**
 * @returns undefined where no whole, undamaged entry starts at `position`.
 * @throws {CorruptionError} JOURNAL_UNREADABLE for an undamaged entry that this version cannot read.
 */
export function decodeJournalEntry(bytes: Buffer, position: number): JournalEntry | undefined {
  if (bytes.length - position < PREFIX_BYTES + FIXED_BYTES) return undefined;
  const length = bytes.readUInt32BE(position);
  const start = position + PREFIX_BYTES;
  const end = start + length;
  if (length < FIXED_BYTES || length > ENTRY_BYTES_MAX || end > bytes.length) return undefined;
  if (crc32c(bytes, start, end) !== bytes.readUInt32BE(position + 4)) return undefined;
  const reader = new JuteReader(bytes, start, end);
  const zxid = reader.long();
  const durableZxid = reader.long();
  const timeMs = reader.long();
  const sessionId = reader.sessionId();
  try {
    // Only writes are ever journalled, and the checksum says that this was.
    const request = decodeRequest(reader.int(), reader) as WriteRequest;
    return { transaction: { zxid, timeMs, sessionId, request }, durableZxid, end };
  } catch (cause) {
    throw new CorruptionError(
      'JOURNAL_UNREADABLE',
      `Transaction ${zxid} of the coordinator's journal, at byte ${position}, is undamaged but ` +
        'cannot be read: a newer version has written it. Start that version.',
      { cause, details: { zxid, position } },
    );
  }
}

/**
 * Looks behind a place where no entry can be read for a later entry that proves it was durable.
 *
 * @param lastZxid the last entry that could be read.
 * @returns position of the proof, or undefined for a torn tail.
 */
export function findProofOfLoss(
  bytes: Buffer,
  position: number,
  lastZxid: number,
): number | undefined {
  for (let at = position + 1; at + PREFIX_BYTES + FIXED_BYTES <= bytes.length; at += 1) {
    // The high half of a zxid's first word is zero: most positions are dismissed by this alone.
    if (bytes.readUInt16BE(at + PREFIX_BYTES) !== 0) continue;
    const length = bytes.readUInt32BE(at);
    if (length < FIXED_BYTES || at + PREFIX_BYTES + length > bytes.length) continue;
    const entry = decodeJournalEntry(bytes, at);
    if (entry !== undefined && entry.durableZxid > lastZxid) return at;
  }
  return undefined;
}
