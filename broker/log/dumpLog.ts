/** `odradek log dump`: what the files of a partition hold, entry by entry. Reads only. */

import { type FileSystem, OdradekError } from '../../common/index.ts';
import {
  type BatchRecord,
  codecName,
  RecordBatchView,
  readRecords,
  verifyBatch,
} from '../../protocol/index.ts';
import {
  joinPath,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  parseLogFileName,
  TIME_INDEX_SUFFIX,
} from './logFileNames.ts';
import { OFFSET_INDEX_ENTRY_BYTES, OffsetIndex } from './offsetIndex.ts';
import { TIME_INDEX_ENTRY_BYTES, TimeIndex } from './timeIndex.ts';

export interface DumpedBatch {
  readonly type: 'batch';
  readonly path: string;
  readonly position: number;
  readonly sizeBytes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly recordsCount: number;
  readonly leaderEpoch: number;
  readonly maxTimestamp: number;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  readonly codec: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** As stored; unsigned. */
  readonly crc: number;
}

export type DumpEntry =
  | { readonly type: 'file'; readonly path: string; readonly sizeBytes: number }
  | DumpedBatch
  | ({ readonly type: 'record'; readonly path: string } & BatchRecord)
  | {
      readonly type: 'offsetIndexEntry';
      readonly path: string;
      readonly offset: number;
      readonly position: number;
    }
  | {
      readonly type: 'timeIndexEntry';
      readonly path: string;
      readonly timestamp: number;
      readonly offset: number;
    }
  /** Nothing of the file is read beyond this. */
  | {
      readonly type: 'fault';
      readonly path: string;
      readonly position: number;
      readonly message: string;
    };

export interface DumpOptions {
  /** Also the records within the batches. Default false. */
  readonly records?: boolean;
}

/** Bytes read at a time; a batch that is larger is read whole. */
const DUMP_READ_BYTES = 1024 ** 2;
const HEADER_BYTES = 61;

/**
 * @param path a `.log`, `.index` or `.timeindex` file, or the directory of a partition: then all of
 *   them, in the order of their names.
 * @throws {OdradekError} NOT_A_LOG where there is nothing of the kind.
 */
export async function* dumpLog(
  fileSystem: FileSystem,
  path: string,
  options: DumpOptions = {},
): AsyncGenerator<DumpEntry, void, undefined> {
  for (const file of filesOf(fileSystem, path)) {
    const sizeBytes = fileSystem.statSync(file)?.sizeBytes ?? 0;
    yield { type: 'file', path: file, sizeBytes };
    if (file.endsWith(LOG_SUFFIX)) yield* dumpSegment(fileSystem, file, { ...options, sizeBytes });
    else if (file.endsWith(OFFSET_INDEX_SUFFIX)) yield* dumpOffsetIndex(fileSystem, file);
    else yield* dumpTimeIndex(fileSystem, file);
  }
}

function filesOf(fileSystem: FileSystem, path: string): readonly string[] {
  const suffixes = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX];
  const isLogFile = (name: string) => suffixes.some((suffix) => name.endsWith(suffix));
  const kind = fileSystem.statSync(path)?.kind;
  if (kind === 'file' && isLogFile(path)) return [path];
  const files =
    kind === 'directory'
      ? fileSystem.readDirectorySync(path).filter((name) => isLogFile(name))
      : [];
  if (files.length > 0) return files.map((name) => joinPath(path, name));
  throw new OdradekError(
    'NOT_A_LOG',
    `"${path}" is ${kind === undefined ? 'not there' : 'no segment and holds none'}; name a ` +
      '.log, .index or .timeindex file, or the directory of a partition',
  );
}

async function* dumpSegment(
  fileSystem: FileSystem,
  path: string,
  options: DumpOptions & { readonly sizeBytes: number },
): AsyncGenerator<DumpEntry, void, undefined> {
  const file = fileSystem.openSync(path, 'read');
  const view = new RecordBatchView();
  try {
    let position = 0;
    let wanted = DUMP_READ_BYTES;
    while (position < options.sizeBytes) {
      const buffer = Buffer.allocUnsafe(Math.min(wanted, options.sizeBytes - position));
      const bytes = buffer.subarray(0, await file.read(buffer, position));
      let at = 0;
      while (bytes.length - at >= HEADER_BYTES && view.at(bytes, at).end <= bytes.length) {
        const fault = verifyBatch(bytes, at, { origin: 'log' });
        if (fault !== undefined) {
          yield { type: 'fault', path, position: position + at, message: fault.message };
          return;
        }
        yield dumpedBatch(path, position + at, view);
        const end = view.end;
        if (options.records) {
          for (const record of readRecords(bytes, at)) yield { type: 'record', path, ...record };
        }
        at = end;
      }
      const size = bytes.length - at >= HEADER_BYTES ? view.at(bytes, at).sizeBytes : HEADER_BYTES;
      const left = options.sizeBytes - position - at;
      if (left > 0 && (left < HEADER_BYTES || size < HEADER_BYTES || size > left)) {
        const message = `${left} bytes at the end are no whole record batch`;
        yield { type: 'fault', path, position: position + at, message };
        return;
      }
      position += at;
      wanted = Math.max(DUMP_READ_BYTES, size);
    }
  } finally {
    file.closeSync();
  }
}

function dumpedBatch(path: string, position: number, view: RecordBatchView): DumpedBatch {
  return {
    type: 'batch',
    path,
    position,
    sizeBytes: view.sizeBytes,
    baseOffset: view.baseOffset,
    lastOffset: view.lastOffset,
    recordsCount: view.recordsCount,
    leaderEpoch: view.partitionLeaderEpoch,
    maxTimestamp: view.maxTimestamp,
    timestampType: view.isLogAppendTime ? 'LogAppendTime' : 'CreateTime',
    codec: codecName(view.codecId),
    producerId: view.producerId,
    producerEpoch: view.producerEpoch,
    baseSequence: view.baseSequence,
    isTransactional: view.isTransactional,
    isControl: view.isControl,
    crc: view.crc,
  };
}

function* dumpOffsetIndex(
  fileSystem: FileSystem,
  path: string,
): Generator<DumpEntry, void, undefined> {
  const content = fileSystem.readFileSync(path);
  const index = OffsetIndex.fromFile(baseOffsetOf(path), content);
  if (index === undefined) {
    yield badIndex(path, content.length, OFFSET_INDEX_ENTRY_BYTES);
    return;
  }
  for (let entryIndex = 0; entryIndex < index.entryCount; entryIndex += 1) {
    const { offset, positionInSegment } = index.entry(entryIndex);
    yield { type: 'offsetIndexEntry', path, offset, position: positionInSegment };
  }
}

function* dumpTimeIndex(
  fileSystem: FileSystem,
  path: string,
): Generator<DumpEntry, void, undefined> {
  const content = fileSystem.readFileSync(path);
  const index = TimeIndex.fromFile(baseOffsetOf(path), content);
  if (index === undefined) {
    yield badIndex(path, content.length, TIME_INDEX_ENTRY_BYTES);
    return;
  }
  for (let entryIndex = 0; entryIndex < index.entryCount; entryIndex += 1) {
    yield { type: 'timeIndexEntry', path, ...index.entry(entryIndex) };
  }
}

function badIndex(path: string, sizeBytes: number, entryBytes: number): DumpEntry {
  const message =
    sizeBytes % entryBytes === 0
      ? 'its entries do not rise'
      : `its size, ${sizeBytes} bytes, is no multiple of ${entryBytes}`;
  return { type: 'fault', path, position: 0, message: `The index cannot be right: ${message}` };
}

/** Of any of the three kinds of file: they share the name. */
function baseOffsetOf(path: string): number {
  const stem = path.slice(path.lastIndexOf('/') + 1, path.lastIndexOf('.'));
  return parseLogFileName(stem + LOG_SUFFIX) ?? 0;
}
