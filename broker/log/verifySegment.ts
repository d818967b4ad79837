/** One segment for `verifyLog`: its batches, and its indexes against them. */

import { type FileSystem, OdradekError, type OpenFile } from '../../common/index.ts';
import type { RecordBatchView } from '../../protocol/index.ts';
import type { EpochEntry } from './checkpointFile.ts';
import {
  joinPath,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetName,
  TIME_INDEX_SUFFIX,
} from './logFileNames.ts';
import { OffsetIndex } from './offsetIndex.ts';
import { type ScanResult, scanSegment } from './segmentScan.ts';
import { TimeIndex } from './timeIndex.ts';
import type { VerifiedSegment, VerifyFault, VerifyNotice } from './verifyLog.ts';

export interface VerifySegmentOptions {
  readonly directory: string;
  readonly baseOffset: number;
  /** Its indexes would be believed at the next start. */
  readonly isTrusted: boolean;
  readonly isLast: boolean;
  /** Gets an entry for each epoch that the batches begin. */
  readonly epochs: EpochEntry[];
}

export interface SegmentVerdict {
  readonly segment: VerifiedSegment;
  readonly findings: readonly (VerifyFault | VerifyNotice)[];
}

export function verifySegment(
  fileSystem: FileSystem,
  options: VerifySegmentOptions,
): SegmentVerdict {
  const stem = joinPath(options.directory, offsetName(options.baseOffset));
  const path = stem + LOG_SUFFIX;
  const sizeBytes = fileSystem.statSync(path)?.sizeBytes ?? 0;
  const check = new IndexCheck(fileSystem, stem, options);
  let batchCount = 0;
  let recordCount = 0;
  let result: ScanResult = { validBytes: 0, nextOffset: options.baseOffset, fault: undefined };
  const findings: (VerifyFault | VerifyNotice)[] = [];
  const file: OpenFile = fileSystem.openSync(path, 'read');
  try {
    const range = { baseOffset: options.baseOffset, endPosition: sizeBytes };
    result = scanSegment(file, range, (batch, position) => {
      batchCount += 1;
      recordCount += batch.recordsCount;
      check.visit(batch, position);
      const order = noteEpoch(options.epochs, batch);
      if (order !== undefined) findings.push({ type: 'fault', path, position, message: order });
    });
  } catch (error) {
    if (!(error instanceof OdradekError)) throw error;
    findings.push({ type: 'fault', path, position: 0, message: error.message });
  } finally {
    file.closeSync();
  }
  if (result.fault !== undefined) {
    const { validBytes: position, nextOffset, fault } = result;
    const recovery =
      options.isLast && !options.isTrusted
        ? '; as after a crash, the next start cuts it off here unless it was on disk'
        : '';
    const message = `Offset ${nextOffset} is damaged: ${fault}${recovery}`;
    findings.push({ type: 'fault', path, position, message });
  }
  return {
    segment: {
      type: 'segment',
      path,
      sizeBytes,
      baseOffset: options.baseOffset,
      nextOffset: result.nextOffset,
      batchCount,
      recordCount,
    },
    findings: [...findings, ...check.finish(result)],
  };
}

function noteEpoch(epochs: EpochEntry[], batch: RecordBatchView): string | undefined {
  const epoch = batch.partitionLeaderEpoch;
  const latest = epochs.at(-1)?.epoch ?? -1;
  if (epoch > latest) epochs.push({ epoch, startOffset: batch.baseOffset });
  if (epoch >= latest || epoch < 0) return undefined;
  return `Leader epoch ${epoch} at offset ${batch.baseOffset} follows ${latest}`;
}

/** Compares both indexes with the batches while these go by. */
class IndexCheck {
  readonly #offsetsPath: string;
  readonly #timesPath: string;
  readonly #offsets: OffsetIndex | undefined;
  readonly #times: TimeIndex | undefined;
  readonly #findings: (VerifyFault | VerifyNotice)[] = [];
  #offsetEntry = 0;
  #timeEntry = 0;

  constructor(fileSystem: FileSystem, stem: string, options: VerifySegmentOptions) {
    this.#offsetsPath = stem + OFFSET_INDEX_SUFFIX;
    this.#timesPath = stem + TIME_INDEX_SUFFIX;
    if (!options.isTrusted) return;
    const offsets = this.#read(fileSystem, this.#offsetsPath);
    const times = this.#read(fileSystem, this.#timesPath);
    if (offsets !== undefined) {
      this.#offsets = OffsetIndex.fromFile(options.baseOffset, offsets);
      if (this.#offsets === undefined) this.#fault(this.#offsetsPath, 0, 'It cannot be right');
    }
    if (times !== undefined) {
      this.#times = TimeIndex.fromFile(options.baseOffset, times);
      if (this.#times === undefined) this.#fault(this.#timesPath, 0, 'It cannot be right');
    }
  }

  visit(batch: RecordBatchView, position: number): void {
    const offsets = this.#offsets;
    while (offsets !== undefined && this.#offsetEntry < offsets.entryCount) {
      const entry = offsets.entry(this.#offsetEntry);
      if (entry.positionInSegment > position) break;
      if (entry.positionInSegment < position || entry.offset !== batch.lastOffset) {
        const message =
          `It says that the batch at position ${entry.positionInSegment} ends with offset ` +
          `${entry.offset}; found offset ${batch.lastOffset} at position ${position}`;
        this.#fault(this.#offsetsPath, this.#offsetEntry * 8, message);
      }
      this.#offsetEntry += 1;
    }
    this.#visitTimes(batch);
  }

  finish(result: ScanResult): readonly (VerifyFault | VerifyNotice)[] {
    // Of a damaged segment the rest of the entries cannot be judged.
    if (result.fault === undefined) {
      if (this.#offsets !== undefined && this.#offsetEntry < this.#offsets.entryCount) {
        this.#fault(this.#offsetsPath, this.#offsetEntry * 8, 'It points behind the last batch');
      }
      if (this.#times !== undefined && this.#timeEntry < this.#times.entryCount) {
        this.#fault(
          this.#timesPath,
          this.#timeEntry * 12,
          'It names offsets behind the last batch',
        );
      }
    }
    return this.#findings;
  }

  #visitTimes(batch: RecordBatchView): void {
    const times = this.#times;
    while (times !== undefined && this.#timeEntry < times.entryCount) {
      const entry = times.entry(this.#timeEntry);
      if (entry.offset > batch.lastOffset) return;
      if (entry.offset < batch.lastOffset || entry.timestamp !== batch.maxTimestamp) {
        const message =
          `It says that timestamp ${entry.timestamp} is reached at offset ${entry.offset}; the ` +
          `batch that ends with offset ${batch.lastOffset} has ${batch.maxTimestamp}`;
        this.#fault(this.#timesPath, this.#timeEntry * 12, message);
      }
      this.#timeEntry += 1;
    }
  }

  #read(fileSystem: FileSystem, path: string): Uint8Array | undefined {
    if (fileSystem.statSync(path) !== undefined) return fileSystem.readFileSync(path);
    const message = 'There is no such index; it is made anew when it is needed';
    this.#findings.push({ type: 'notice', path, message });
    return undefined;
  }

  #fault(path: string, position: number, message: string): void {
    this.#findings.push({ type: 'fault', path, position, message });
  }
}
