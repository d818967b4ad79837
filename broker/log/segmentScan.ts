/**
 * From batch to batch through a segment file, checking every checksum. Recovery, the rebuilding of
 * indexes and the offline tools all stand on this one walk.
 */

import { crc32 } from 'node:zlib';
import { CorruptionError, OdradekError, type OpenFile } from '../../common/index.ts';
import {
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  batchEnd,
  RecordBatchView,
  readInt32,
  readUint32,
  verifyBatch,
} from '../../protocol/index.ts';

/** Bytes per read: large enough that the system call does not show, small enough for the caches. */
const SCAN_READ_BYTES = 1024 ** 2;
/** Offsets in indexes are relative to the segment and have 32 bits. */
const OFFSETS_PER_SEGMENT_MAX = 2 ** 31;

export interface ScanOptions {
  readonly baseOffset: number;
  /** Where to begin; a batch begins there. Default 0. */
  readonly startPosition?: number;
  /** Offset that the first batch must have at least. Default the base offset. */
  readonly startOffset?: number;
  /** Bytes of the file. */
  readonly endPosition: number;
  /** False to believe the checksums: several times faster. Default true. */
  readonly checksums?: boolean;
}

export interface ScanResult {
  /** Everything before this position is whole, sound batches. */
  readonly validBytes: number;
  /** Offset after the last sound batch; the start offset where there is none. */
  readonly nextOffset: number;
  /** Why the walk ended before the end of the file; undefined where it did not. */
  readonly fault: string | undefined;
}

export type BatchVisitor = (batch: RecordBatchView, positionInSegment: number) => void;

/**
 * Calls `visit` for each batch, in order, until the first that is not sound.
 *
 * @throws {OdradekError} LOG_FORMAT_UNSUPPORTED where a message of magic 0 or 1 stands.
 * @throws system errors of the reads.
 */
export function scanSegment(
  file: OpenFile,
  options: ScanOptions,
  visit: BatchVisitor = () => undefined,
): ScanResult {
  const walk = new SegmentWalk(options);
  let buffer: Buffer = Buffer.allocUnsafeSlow(SCAN_READ_BYTES);
  while (!walk.ended) {
    if (walk.bytesWanted > buffer.length) buffer = Buffer.allocUnsafeSlow(walk.bytesWanted);
    const byteCount = file.readSync(buffer.subarray(0, walk.bytesLeft), walk.position);
    walk.take(file.path, buffer.subarray(0, byteCount), visit);
  }
  return walk;
}

/** As `scanSegment`, reading asynchronously: for segments of a broker that serves. */
export async function scanSegmentAsync(
  file: Pick<OpenFile, 'path' | 'read'>,
  options: ScanOptions,
  visit: BatchVisitor = () => undefined,
): Promise<ScanResult> {
  const walk = new SegmentWalk(options);
  while (!walk.ended) {
    const wanted = Math.min(Math.max(walk.bytesWanted, SCAN_READ_BYTES), walk.bytesLeft);
    const buffer = Buffer.allocUnsafeSlow(wanted);
    const byteCount = await file.read(buffer, walk.position);
    walk.take(file.path, buffer.subarray(0, byteCount), visit);
  }
  return walk;
}

/** The state of a walk between two reads. */
class SegmentWalk implements ScanResult {
  validBytes: number;
  nextOffset: number;
  fault: string | undefined;
  /** Bytes that the next read must bring for the walk to get on. */
  bytesWanted = BATCH_HEADER_BYTES;
  readonly #options: ScanOptions;
  readonly #batch = new RecordBatchView();

  constructor(options: ScanOptions) {
    this.#options = options;
    this.validBytes = options.startPosition ?? 0;
    this.nextOffset = options.startOffset ?? options.baseOffset;
  }

  get position(): number {
    return this.validBytes;
  }

  get bytesLeft(): number {
    return this.#options.endPosition - this.validBytes;
  }

  get ended(): boolean {
    return this.fault !== undefined || this.bytesLeft === 0;
  }

  /** @param bytes what the file holds from `position` on, as much as one read brought. */
  take(path: string, bytes: Uint8Array, visit: BatchVisitor): void {
    let at = 0;
    const whole = bytes.length >= Math.min(this.bytesWanted, this.bytesLeft);
    if (!whole) {
      this.fault = `the file ends at ${this.validBytes + bytes.length}`;
      return;
    }
    for (;;) {
      const end = batchEnd(bytes, at, bytes.length);
      if (end === undefined) break;
      refuseOldFormat(path, bytes, at, this.validBytes);
      this.fault = this.#batchFault(bytes, at, end);
      if (this.fault !== undefined) return;
      visit(this.#batch.at(bytes, at), this.validBytes);
      this.nextOffset = this.#batch.nextOffset;
      this.validBytes += end - at;
      at = end;
    }
    this.#batch.release();
    this.#wantMore(path, bytes, at);
  }

  #batchFault(bytes: Uint8Array, at: number, end: number): string | undefined {
    const batch = this.#batch.at(bytes, at);
    if (this.#options.checksums === false) {
      if (batch.magic !== 2) return `its magic is ${batch.magic}, not 2`;
    } else {
      const fault = verifyBatch(bytes, at, { origin: 'log', end });
      if (fault !== undefined) return fault.message;
    }
    if (batch.baseOffset < this.nextOffset) {
      return `its base offset is ${batch.baseOffset}, and ${this.nextOffset} or more is due`;
    }
    if (batch.lastOffset - this.#options.baseOffset >= OFFSETS_PER_SEGMENT_MAX) {
      return `its last offset ${batch.lastOffset} is out of the range of the segment`;
    }
    return undefined;
  }

  /** The batch at `at` is cut by the end of the read, or by the end of the file. */
  #wantMore(path: string, bytes: Uint8Array, at: number): void {
    if (this.bytesLeft === 0) return;
    const present = bytes.length - at;
    if (present < BATCH_HEADER_BYTES) {
      this.bytesWanted = BATCH_HEADER_BYTES;
      if (this.bytesLeft < BATCH_HEADER_BYTES) this.fault = `${this.bytesLeft} bytes are left`;
      return;
    }
    refuseOldFormat(path, bytes, at, this.validBytes);
    const sizeBytes = BATCH_PREFIX_BYTES + readInt32(bytes, at + 8);
    if (sizeBytes < BATCH_HEADER_BYTES || sizeBytes > this.bytesLeft) {
      this.fault = `its length makes it ${sizeBytes} bytes, and ${this.bytesLeft} are left`;
      return;
    }
    this.bytesWanted = sizeBytes;
  }
}

/**
 * Messages of magic 0 and 1 (Kafka before 0.11) cannot be served. What a crash tore can look like
 * one (zeros have magic 0), so only a message whose own checksum is right counts as one.
 *
 *     0 offset 8 | 8 size 4 | 12 crc 4 (of all that follows) | 16 magic 1 | ...
 */
function refuseOldFormat(path: string, bytes: Uint8Array, at: number, position: number): void {
  const magic = bytes[at + 16]!;
  if (magic >= 2) return;
  const end = at + BATCH_PREFIX_BYTES + readInt32(bytes, at + 8);
  if (end - at < 26 || end > bytes.length) return;
  if (crc32(bytes.subarray(at + 16, end)) !== readUint32(bytes, at + 12)) return;
  throw oldFormatError(path, position, magic);
}

export function oldFormatError(path: string, position: number, magic: number): OdradekError {
  return new OdradekError(
    'LOG_FORMAT_UNSUPPORTED',
    `The segment "${path}" holds a message of magic ${magic} at position ${position}; only magic 2 ` +
      'can be served: let Kafka rewrite the topic (log.message.format.version 2.0 or above) first',
    { details: { path, position, magic } },
  );
}

/** Bytes that were on disk and are no sound batches. */
export function corruptSegment(
  segment: { readonly path: string },
  result: ScanResult,
): CorruptionError {
  return new CorruptionError(
    'LOG_CORRUPT',
    `The segment "${segment.path}" is corrupt at position ${result.validBytes}, offset ` +
      `${result.nextOffset}, which was on disk: ${result.fault}. The partition stays offline; ` +
      'restore the file, or delete the partition directory to start it empty',
    {
      details: {
        path: segment.path,
        position: result.validBytes,
        offset: result.nextOffset,
        found: result.fault,
      },
    },
  );
}
