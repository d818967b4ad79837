/**
 * Whether replicas of a partition hold the same bytes below the high watermark.
 *
 * Batches are compared, not files: followers roll and delete segments at their own time, but a batch
 * is the leader's, byte for byte, leader epoch and offsets included.
 */

import type { FileSystem } from '../../common/index.ts';
import { batchEnd, RecordBatchView } from '../../protocol/index.ts';
import type { Anomaly } from './anomaly.ts';

export interface Batch {
  readonly baseOffset: number;
  /** Exclusive. */
  readonly nextOffset: number;
  /** The whole batch; valid until the next one is asked for. */
  readonly bytes: Uint8Array;
}

/** One replica: its directory, or where the batches come from, and how to name it. */
export interface Replica {
  readonly name: string;
  /** Of its first segment: what lies before was deleted. */
  readonly startOffset: number;
  /** By ascending offset; read anew for each comparison. */
  readonly batches: () => Iterable<Batch>;
}

export interface CompareOptions {
  /** `orders-0`: for the report. */
  readonly partition: string;
  /** Exclusive: offsets from here on may differ. */
  readonly highWatermark: number;
}

const LOG_FILE = /^\d{20}\.log$/;
const READ_BYTES = 1024 ** 2;

/** The replica in `directory`, of a broker that is down or does not truncate meanwhile. */
export function replicaIn(fileSystem: FileSystem, directory: string): Replica {
  const [first] = segmentNames(fileSystem, directory);
  const startOffset = first === undefined ? 0 : Number.parseInt(first, 10);
  return { name: directory, startOffset, batches: () => readBatches(fileSystem, directory) };
}

/**
 * Compares each replica with the first. What one has already deleted at its start is not compared.
 *
 * @returns for each replica that differs, the first place.
 */
export function compareReplicas(
  replicas: readonly Replica[],
  { partition, highWatermark }: CompareOptions,
): readonly Anomaly[] {
  const [first, ...others] = replicas;
  if (first === undefined) return [];
  return others.flatMap((other): Anomaly[] => {
    const offset = firstDifference(first, other, highWatermark);
    if (offset === undefined) return [];
    const directories = [first.name, other.name];
    return [{ kind: 'replica-divergence', at: { partition, offset, directories } }];
  });
}

/** @returns the offset from which on they differ; undefined where they are equal up to the bound. */
function firstDifference(a: Replica, b: Replica, highWatermark: number): number | undefined {
  const cursors = [new Cursor(a.batches()), new Cursor(b.batches())] as const;
  const [left, right] = cursors;
  try {
    // Where one begins later, the other's batches before that are left out.
    const start = Math.max(a.startOffset, b.startOffset);
    for (const cursor of cursors) {
      while (cursor.batch !== undefined && cursor.batch.nextOffset <= start) cursor.advance();
    }
    let offset = Math.min(start, highWatermark);
    while (offset < highWatermark) {
      if (left.batch === undefined || right.batch === undefined) return offset;
      if (Buffer.compare(left.batch.bytes, right.batch.bytes) !== 0) {
        const base = Math.min(left.batch.baseOffset, right.batch.baseOffset);
        return base < highWatermark ? Math.max(base, offset) : undefined;
      }
      offset = left.batch.nextOffset;
      for (const cursor of cursors) cursor.advance();
    }
    return undefined;
  } finally {
    for (const cursor of cursors) cursor.close();
  }
}

class Cursor {
  readonly #iterator: Iterator<Batch>;
  batch: Batch | undefined;

  constructor(batches: Iterable<Batch>) {
    this.#iterator = batches[Symbol.iterator]();
    this.advance();
  }

  advance(): void {
    const next = this.#iterator.next();
    this.batch = next.done === true ? undefined : next.value;
  }

  /** Lets the reader close its file. */
  close(): void {
    this.#iterator.return?.();
  }
}

/**
 * Batches of all segments of a directory. Ends at a torn tail: what follows is not there for a
 * reader, and counts as missing where it lies below the high watermark.
 */
export function* readBatches(fileSystem: FileSystem, directory: string): Generator<Batch> {
  for (const name of segmentNames(fileSystem, directory)) {
    yield* readSegment(fileSystem, `${directory}/${name}`);
  }
}

function segmentNames(fileSystem: FileSystem, directory: string): readonly string[] {
  return fileSystem.readDirectorySync(directory).filter((name) => LOG_FILE.test(name));
}

function* readSegment(fileSystem: FileSystem, path: string): Generator<Batch> {
  const file = fileSystem.openSync(path, 'read');
  const view = new RecordBatchView();
  try {
    const sizeBytes = file.sizeSync();
    let wanted = READ_BYTES;
    for (let position = 0; position < sizeBytes; ) {
      const buffer = Buffer.allocUnsafe(Math.min(wanted, sizeBytes - position));
      const bytes = buffer.subarray(0, file.readSync(buffer, position));
      let at = 0;
      for (let end = batchEnd(bytes, at, bytes.length); end !== undefined; ) {
        const { baseOffset, nextOffset } = view.at(bytes, at);
        yield { baseOffset, nextOffset, bytes: bytes.subarray(at, end) };
        at = end;
        end = batchEnd(bytes, at, bytes.length);
      }
      if (at === 0 && bytes.length < wanted) return;
      // No whole batch in what was read: it is larger than that.
      wanted = at === 0 ? wanted * 2 : READ_BYTES;
      position += at;
    }
  } finally {
    file.closeSync();
  }
}
