/**
 * `odradek log verify`: whether a log directory, or one partition of it, is sound. Reads only, and
 * every byte: checksums, the order of offsets and epochs, indexes against batches, checkpoints
 * against logs. For a broker that is not running.
 */

import { CorruptionError, type FileSystem, OdradekError } from '../../common/index.ts';
import {
  decodeEpochCheckpoint,
  decodeOffsetCheckpoint,
  type EpochEntry,
  type OffsetCheckpoint,
} from './checkpointFile.ts';
import * as names from './logFileNames.ts';
import { decodeMetaProperties } from './propertiesFile.ts';
import { verifySegment } from './verifySegment.ts';

export interface VerifiedSegment {
  readonly type: 'segment';
  readonly path: string;
  readonly sizeBytes: number;
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly batchCount: number;
  readonly recordCount: number;
}

export interface VerifyFault {
  readonly type: 'fault';
  readonly path: string;
  /** Byte in the file; of a text file, its line. */
  readonly position: number;
  readonly message: string;
}

export interface VerifyNotice {
  readonly type: 'notice';
  readonly path: string;
  readonly message: string;
}

/** The last entry. */
export interface VerifyResult {
  readonly type: 'result';
  readonly isSound: boolean;
  readonly faultCount: number;
  readonly partitionCount: number;
  readonly segmentCount: number;
  readonly batchCount: number;
  readonly recordCount: number;
  readonly sizeBytes: number;
}

export type VerifyEntry = VerifiedSegment | VerifyFault | VerifyNotice | VerifyResult;

/** What the log directory says of one partition. */
interface PartitionClaims {
  readonly isClean: boolean;
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
}

/**
 * @param directory one of `log.dirs`, or the directory of a partition within.
 * @throws {OdradekError} NOT_A_LOG where it is neither.
 */
export async function* verifyLog(
  fileSystem: FileSystem,
  directory: string,
): AsyncGenerator<VerifyEntry, void, undefined> {
  const totals = {
    faultCount: 0,
    partitionCount: 0,
    segmentCount: 0,
    batchCount: 0,
    recordCount: 0,
    sizeBytes: 0,
  };
  for await (const entry of verifyEntries(fileSystem, directory.replace(/(?<=.)\/+$/, ''))) {
    if (entry.type === 'partition') {
      totals.partitionCount += 1;
      continue;
    }
    if (entry.type === 'fault') totals.faultCount += 1;
    if (entry.type === 'segment') {
      totals.segmentCount += 1;
      totals.batchCount += entry.batchCount;
      totals.recordCount += entry.recordCount;
      totals.sizeBytes += entry.sizeBytes;
    }
    yield entry;
  }
  yield { type: 'result', isSound: totals.faultCount === 0, ...totals };
}

type Entry = VerifiedSegment | VerifyFault | VerifyNotice | { readonly type: 'partition' };

async function* verifyEntries(
  fileSystem: FileSystem,
  directory: string,
): AsyncGenerator<Entry, void, undefined> {
  const name = directory.slice(directory.lastIndexOf('/') + 1);
  const content =
    fileSystem.statSync(directory)?.kind === 'directory'
      ? fileSystem.readDirectorySync(directory)
      : [];
  if (content.some((file) => names.parseLogFileName(file) !== undefined)) {
    const parent = directory.slice(0, directory.lastIndexOf('/')) || '.';
    const claims = new DirectoryClaims(fileSystem, parent);
    yield* verifyPartition(fileSystem, directory, claims.of(name));
    return;
  }
  const isLogDirectory =
    content.includes(names.META_PROPERTIES) ||
    content.some((file) => names.parsePartitionDirectory(file) !== undefined);
  if (!isLogDirectory) {
    throw new OdradekError(
      'NOT_A_LOG',
      `"${directory}" is neither a log directory nor the directory of a partition`,
    );
  }
  const claims = new DirectoryClaims(fileSystem, directory);
  yield* claims.faults;
  const running = content.find((file) => file.startsWith(`${names.LOCK_FILE}.odradek-`));
  if (running !== undefined) {
    const message =
      'A lock stands: a broker runs here, or was killed. Of a running one this is void';
    yield { type: 'notice', path: names.joinPath(directory, running), message };
  }
  for (const partition of content) {
    if (names.parsePartitionDirectory(partition) === undefined) continue;
    const path = names.joinPath(directory, partition);
    if (fileSystem.statSync(path)?.kind !== 'directory') continue;
    yield* verifyPartition(fileSystem, path, claims.of(partition));
  }
}

async function* verifyPartition(
  fileSystem: FileSystem,
  directory: string,
  claims: PartitionClaims,
): AsyncGenerator<Entry, void, undefined> {
  yield { type: 'partition' };
  const baseOffsets = fileSystem
    .readDirectorySync(directory)
    .map((name) => names.parseLogFileName(name))
    .filter((baseOffset) => baseOffset !== undefined);
  const epochs = readEpochs(fileSystem, directory);
  if (epochs.fault !== undefined) yield epochs.fault;
  const batchEpochs: EpochEntry[] = [];
  let endOffset = 0;
  for (const [index, baseOffset] of baseOffsets.entries()) {
    const next = baseOffsets[index + 1];
    const { segment, findings } = verifySegment(fileSystem, {
      directory,
      baseOffset,
      isTrusted: claims.isClean || (next !== undefined && next < claims.recoveryPoint),
      isLast: next === undefined,
      epochs: batchEpochs,
    });
    yield* findings;
    yield segment;
    endOffset = segment.nextOffset;
    if (next !== undefined && segment.nextOffset > next) {
      const message = `It reaches offset ${segment.nextOffset}; the next segment begins at ${next}`;
      yield { type: 'fault', path: segment.path, position: segment.sizeBytes, message };
    }
  }
  yield* checkEpochs(directory, { claimed: epochs.entries, found: batchEpochs, endOffset, claims });
  const path = directory;
  if (claims.recoveryPoint > endOffset) {
    const message = `It ends at offset ${endOffset}; the recovery point is ${claims.recoveryPoint}`;
    yield { type: 'fault', path, position: 0, message };
  }
  if (claims.logStartOffset > endOffset) {
    const message = `It ends at offset ${endOffset}; its start is said to be ${claims.logStartOffset}`;
    yield { type: 'fault', path, position: 0, message };
  }
}

/** Every epoch of the checkpoint that a batch can bear out must be borne out. */
function* checkEpochs(
  directory: string,
  epochs: {
    readonly claimed: readonly EpochEntry[];
    readonly found: readonly EpochEntry[];
    readonly endOffset: number;
    readonly claims: PartitionClaims;
  },
): Generator<VerifyFault, void, undefined> {
  const path = names.joinPath(directory, names.LEADER_EPOCH_CHECKPOINT);
  const believedTo = epochs.claims.isClean ? epochs.endOffset : epochs.claims.recoveryPoint;
  const starts = new Map(epochs.found.map(({ epoch, startOffset }) => [epoch, startOffset]));
  const firstFound = epochs.found[0]?.startOffset ?? 0;
  for (const [index, { epoch, startOffset }] of epochs.claimed.entries()) {
    if (startOffset >= believedTo || startOffset <= firstFound) continue;
    if (starts.get(epoch) === startOffset) continue;
    const message = `Epoch ${epoch} is said to begin at ${startOffset}; the batches say ${
      starts.get(epoch) ?? 'nothing of it'
    }`;
    yield { type: 'fault', path, position: index + 3, message };
  }
}

function readEpochs(
  fileSystem: FileSystem,
  directory: string,
): { readonly entries: readonly EpochEntry[]; readonly fault?: VerifyFault } {
  const path = names.joinPath(directory, names.LEADER_EPOCH_CHECKPOINT);
  if (fileSystem.statSync(path) === undefined) return { entries: [] };
  try {
    return { entries: decodeEpochCheckpoint(path, fileSystem.readFileSync(path)) };
  } catch (error) {
    return { entries: [], fault: faultOf(path, error) };
  }
}

/** The files of a log directory, as far as they speak of its partitions. */
class DirectoryClaims {
  readonly faults: VerifyFault[] = [];
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #isClean: boolean;
  readonly #recoveryPoints: OffsetCheckpoint;
  readonly #logStarts: OffsetCheckpoint;

  constructor(fileSystem: FileSystem, directory: string) {
    this.#fileSystem = fileSystem;
    this.#directory = directory;
    this.#isClean = this.#read(names.CLEAN_SHUTDOWN_FILE, () => true) ?? false;
    this.#read(names.META_PROPERTIES, decodeMetaProperties);
    this.#recoveryPoints =
      this.#read(names.RECOVERY_POINT_CHECKPOINT, decodeOffsetCheckpoint) ?? new Map();
    this.#logStarts = this.#read(names.LOG_START_CHECKPOINT, decodeOffsetCheckpoint) ?? new Map();
    this.#read(names.HIGH_WATERMARK_CHECKPOINT, decodeOffsetCheckpoint);
  }

  of(partition: string): PartitionClaims {
    return {
      isClean: this.#isClean,
      recoveryPoint: this.#recoveryPoints.get(partition) ?? 0,
      logStartOffset: this.#logStarts.get(partition) ?? 0,
    };
  }

  #read<T>(name: string, decode: (path: string, content: Uint8Array) => T): T | undefined {
    const path = names.joinPath(this.#directory, name);
    if (this.#fileSystem.statSync(path) === undefined) return undefined;
    try {
      return decode(path, this.#fileSystem.readFileSync(path));
    } catch (error) {
      this.faults.push(faultOf(path, error));
      return undefined;
    }
  }
}

function faultOf(path: string, error: unknown): VerifyFault {
  if (!(error instanceof OdradekError)) throw error;
  const line = error instanceof CorruptionError ? error.details['line'] : undefined;
  const position = typeof line === 'number' ? line : 0;
  return { type: 'fault', path, position, message: error.message };
}
