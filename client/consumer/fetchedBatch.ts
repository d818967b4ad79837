/** What one fetch brought of one partition: whole record batches, decoded while they are walked. */

import {
  BATCH_HEADER_BYTES,
  batchEnd,
  ProtocolError,
  RecordBatchView,
  RecordCursor,
  verifyBatch,
} from '../../protocol/index.ts';
import type { ConsumedBatch } from './consumedRecord.ts';
import { LazyRecord, type RecordSource } from './lazyRecord.ts';

export interface FetchedOptions {
  /** First offset that is wanted: the first batch may begin before it. */
  readonly fromOffset: number;
  /** First offset that is not wanted any more: the begin of a batch. Infinity for none. */
  readonly endOffset: number;
  readonly highWatermark: number;
  readonly checkCrc: boolean;
}

export class FetchedBatch<Key, Value> implements ConsumedBatch<Key, Value> {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly length: number;
  readonly highWatermark: number;
  /** Offset to fetch next. */
  readonly nextOffset: number;
  readonly sizeBytes: number;
  readonly #source: RecordSource<Key, Value>;
  readonly #bytes: Uint8Array;
  readonly #positions: readonly number[];
  readonly #fromOffset: number;

  /**
   * Looks at the headers of the batches, and checks them.
   *
   * @throws {ProtocolError} CORRUPT_MESSAGE and what else `verifyBatch` finds, naming the place.
   */
  constructor(source: RecordSource<Key, Value>, bytes: Uint8Array, options: FetchedOptions) {
    this.#source = source;
    this.#bytes = bytes;
    this.#fromOffset = options.fromOffset;
    this.highWatermark = options.highWatermark;
    this.sizeBytes = bytes.length;
    const view = new RecordBatchView();
    const positions: number[] = [];
    let nextOffset = options.fromOffset;
    let count = 0;
    let straddles = false;
    for (let at = 0; at < bytes.length; at = view.end) {
      checkBatch(source, bytes, { at, fromOffset: nextOffset, checkCrc: options.checkCrc });
      view.at(bytes, at);
      if (view.nextOffset <= options.fromOffset) continue;
      nextOffset = view.nextOffset;
      if (view.isControl || view.recordsCount === 0) continue;
      if (view.baseOffset >= options.endOffset) break;
      positions.push(at);
      count += view.recordsCount;
      straddles ||= view.baseOffset < options.fromOffset;
    }
    this.nextOffset = nextOffset;
    this.#positions = positions;
    // Only where the first batch begins before what is wanted must records be looked at to count them.
    this.length = straddles ? this.#countWanted() : count;
    const last = positions.at(-1);
    this.firstOffset = Math.max(
      positions[0] === undefined ? nextOffset : view.at(bytes, positions[0]).baseOffset,
      options.fromOffset,
    );
    this.lastOffset = last === undefined ? nextOffset - 1 : view.at(bytes, last).lastOffset;
  }

  get topic(): string {
    return this.#source.topic;
  }

  get partition(): number {
    return this.#source.partition;
  }

  [Symbol.iterator](): Iterator<LazyRecord<Key, Value>, undefined> {
    const reader = this.reader();
    return {
      next: () => {
        const value = reader.next();
        return value === undefined ? { done: true, value } : { done: false, value };
      },
    };
  }

  /** Walks the records without the object that an iterator makes for each. */
  reader(): FetchedReader<Key, Value> {
    return new FetchedReader(this.#source, this.#bytes, {
      positions: this.#positions,
      fromOffset: this.#fromOffset,
    });
  }

  #countWanted(): number {
    const reader = this.reader();
    let count = 0;
    while (reader.next() !== undefined) count += 1;
    return count;
  }
}

export class FetchedReader<Key, Value> {
  readonly #source: RecordSource<Key, Value>;
  readonly #bytes: Uint8Array;
  readonly #positions: readonly number[];
  readonly #fromOffset: number;
  readonly #cursor = new RecordCursor();
  /** The cursor's buffer, as a Buffer made once a batch. */
  #block: Buffer | undefined;
  #nextBatch = 0;

  constructor(
    source: RecordSource<Key, Value>,
    bytes: Uint8Array,
    range: {
      readonly positions: readonly number[];
      readonly fromOffset: number;
    },
  ) {
    this.#source = source;
    this.#bytes = bytes;
    this.#positions = range.positions;
    this.#fromOffset = range.fromOffset;
  }

  /**
   * The next record, or undefined after the last.
   *
   * @throws {ProtocolError} INVALID_RECORD and the errors of decompression, naming the place.
   */
  next(): LazyRecord<Key, Value> | undefined {
    const cursor = this.#cursor;
    for (;;) {
      if (this.#block === undefined && !this.#openNext()) return undefined;
      if (!this.#advance()) {
        this.#block = undefined;
        continue;
      }
      if (cursor.offset < this.#fromOffset) continue;
      return new LazyRecord(this.#source, this.#block!, cursor);
    }
  }

  #openNext(): boolean {
    const position = this.#positions[this.#nextBatch];
    if (position === undefined) return false;
    this.#nextBatch += 1;
    try {
      this.#cursor.open(this.#bytes, position);
    } catch (error) {
      throw atPlace(error, this.#source);
    }
    const { buffer, byteOffset, length } = this.#cursor.bytes;
    this.#block = Buffer.from(buffer, byteOffset, length);
    return true;
  }

  #advance(): boolean {
    try {
      return this.#cursor.next();
    } catch (error) {
      throw atPlace(error, this.#source);
    }
  }
}

type Place = Pick<RecordSource<unknown, unknown>, 'topic' | 'partition'>;

function checkBatch(
  place: Place,
  bytes: Uint8Array,
  options: { readonly at: number; readonly fromOffset: number; readonly checkCrc: boolean },
): void {
  const { at, fromOffset, checkCrc } = options;
  const fault = checkCrc ? verifyBatch(bytes, at, { origin: 'log' }) : structureFault(bytes, at);
  if (fault === undefined) return;
  const { topic, partition } = place;
  throw new ProtocolError(
    fault.error,
    `${fault.message} (partition ${partition} of topic "${topic}", at or after offset ${fromOffset})`,
    { retriable: false, details: { topic, partition, offset: fromOffset } },
  );
}

/** Without the checksum there remains what would make the walk itself go wrong. */
function structureFault(bytes: Uint8Array, at: number) {
  if (batchEnd(bytes, at, bytes.length) !== undefined) return undefined;
  const left = bytes.length - at;
  const message = `${left} bytes are no whole record batch of at least ${BATCH_HEADER_BYTES}`;
  return { error: 'CORRUPT_MESSAGE', message } as const;
}

function atPlace(error: unknown, { topic, partition }: Place): unknown {
  if (!(error instanceof ProtocolError)) return error;
  return new ProtocolError(
    error.code,
    `${error.message} (partition ${partition} of topic "${topic}")`,
    { retriable: false, cause: error, details: { ...error.details, topic, partition } },
  );
}
