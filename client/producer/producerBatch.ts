/**
 * Records of one partition that travel, succeed and fail together.
 *
 * No promise is made per record. Whoever wants to know asks with `watch`, before or after the batch
 * is decided; a record that nobody watches costs its bytes and eight for its timestamp.
 *
 *     open --seal--> sealed --decide--> delivered | failed
 *                           \--split--> two batches that are decided in its place
 */

import { assert, type Offload } from '../../common/index.ts';
import {
  type BatchProducer,
  type RecordBatchBuilder,
  readRecords,
  setBatchProducer,
} from '../../protocol/index.ts';
import type { DeliveryError } from '../errors.ts';
import type { DeliveryResult } from './producerRecord.ts';

/** What became of a batch. */
export type BatchOutcome = DeliveredBatch | FailedBatch;

export interface DeliveredBatch {
  readonly kind: 'delivered';
  readonly batch: ProducerBatch;
  /** -1 with acks 0. */
  readonly baseOffset: number;
  /** -1 under CreateTime. */
  readonly logAppendTimeMs: number;
}

export interface FailedBatch {
  readonly kind: 'failed';
  readonly batch: ProducerBatch;
  readonly error: DeliveryError;
}

/**
 * Hears of a range of records of a batch. Called once, or after a split once for each part.
 *
 * @param first place of the part in the batch of `outcome`; `skipped` its place in the range.
 */
export type BatchWatcher = (
  outcome: BatchOutcome,
  part: { readonly first: number; readonly skipped: number; readonly count: number },
) => void;

interface WatchedRange {
  readonly first: number;
  readonly count: number;
  readonly skipped: number;
  readonly watcher: BatchWatcher;
}

/** A batch above this is compressed on another thread. */
const OFFLOAD_BYTES_MIN = 32 * 1024;

export class ProducerBatch {
  readonly topic: string;
  readonly partition: number;
  /** When its first record was sent, by the monotonic clock: linger and deadline count from here. */
  readonly createdMs: number;
  /** Requests that carried it. */
  attempts = 0;
  /**
   * Attempts of unknown outcome: it may stand in the log already, and without numbers that many
   * times.
   */
  unknownAttempts = 0;
  /** No more records are added. Set for good when it is first sent. */
  sealed = false;
  /** Error of the last attempt. */
  lastError: Error | undefined;
  /** In a request that was not answered yet. */
  inFlight = false;
  /** Nothing else of its partition was under way when it was last sent. */
  sentAlone = false;
  /** Batches behind this one that were acknowledged before it. */
  ackedBehind = 0;
  /** Its share of the producer's buffer. */
  bufferedBytes = 0;

  #builder: RecordBatchBuilder | undefined;
  #bytes: Uint8Array | undefined;
  #producer: BatchProducer | undefined;
  #timestamps: number[] = [];
  #recordsCount = 0;
  #watchedCount = 0;
  #ranges: WatchedRange[] = [];
  #outcome: BatchOutcome | undefined;
  #parts: readonly [ProducerBatch, ProducerBatch] | undefined;
  #decidedCallbacks: (() => void)[] = [];

  /** @param builder empty; belongs to the batch until `takeBuilder`. */
  constructor(
    place: { readonly topic: string; readonly partition: number },
    createdMs: number,
    builder: RecordBatchBuilder,
  ) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.createdMs = createdMs;
    this.#builder = builder;
  }

  get recordsCount(): number {
    return this.#recordsCount;
  }

  /** Records that nobody watches. */
  get unwatchedCount(): number {
    return this.#recordsCount - this.#watchedCount;
  }

  /** Builder of an undecided batch. */
  get builder(): RecordBatchBuilder {
    assert(this.#builder !== undefined, 'The builder of a decided batch is gone');
    return this.#builder;
  }

  get outcome(): BatchOutcome | undefined {
    return this.#outcome;
  }

  /** Notes the timestamp of a record that was just appended to the builder. */
  added(timestamp: number): void {
    this.#timestamps.push(timestamp);
    this.#recordsCount += 1;
  }

  /** Its numbers, under which a broker recognises it when it comes again; undefined for none. */
  get producer(): BatchProducer | undefined {
    return this.#producer;
  }

  /**
   * Numbers the batch. Under new numbers only where no request with the old ones is under way: the
   * bytes change in place.
   */
  setProducer(producer: BatchProducer): void {
    this.#producer = producer;
    if (this.#bytes !== undefined) setBatchProducer(this.#bytes, 0, producer);
    else this.builder.setProducer(producer);
  }

  /** It surely stands nowhere: it will be numbered anew. */
  forgetProducer(): void {
    assert(this.unknownAttempts === 0, 'What may stand in a log keeps its numbers');
    this.#producer = undefined;
  }

  /** Bytes for the wire, made once. Resolves later only where another thread compresses. */
  encode(offload: Offload, compressed: boolean): Uint8Array | Promise<Uint8Array> {
    this.sealed = true;
    if (this.#bytes !== undefined) return this.#bytes;
    if (!compressed || this.builder.sizeBytes < OFFLOAD_BYTES_MIN) {
      this.#bytes = this.builder.build();
      return this.#bytes;
    }
    return this.builder.buildOffloaded(offload).then((bytes) => {
      this.#bytes = bytes;
      return bytes;
    });
  }

  /** Asks for the fate of `count` records from `first` on. May be called at any time. */
  watch(first: number, count: number, watcher: BatchWatcher): void {
    this.#watch({ first, count, skipped: 0, watcher });
  }

  #watch(range: WatchedRange): void {
    if (this.#parts !== undefined) this.#watchParts(range, this.#parts);
    else {
      this.#watchedCount += range.count;
      if (this.#outcome !== undefined) notify(range, this.#outcome);
      else this.#ranges.push(range);
    }
  }

  #watchParts(range: WatchedRange, [left, right]: readonly [ProducerBatch, ProducerBatch]): void {
    const inLeft = Math.max(Math.min(left.recordsCount - range.first, range.count), 0);
    if (inLeft > 0) left.#watch({ ...range, count: inLeft });
    if (inLeft === range.count) return;
    right.#watch({
      first: Math.max(range.first - left.recordsCount, 0),
      count: range.count - inLeft,
      skipped: range.skipped + inLeft,
      watcher: range.watcher,
    });
  }

  /** Calls back when every record is decided. Does not count as watching. */
  whenDecided(callback: () => void): void {
    if (this.#parts !== undefined) {
      const [left, right] = this.#parts;
      left.whenDecided(() => right.whenDecided(callback));
    } else if (this.#outcome !== undefined) callback();
    else this.#decidedCallbacks.push(callback);
  }

  delivered(baseOffset: number, logAppendTimeMs: number): void {
    this.#decide({ kind: 'delivered', batch: this, baseOffset, logAppendTimeMs });
  }

  failed(error: DeliveryError): void {
    this.#timestamps = [];
    this.#decide({ kind: 'failed', batch: this, error });
  }

  /** The undecided batches that its records are in now: itself, or what it was split into. */
  undecidedParts(): readonly ProducerBatch[] {
    if (this.#parts !== undefined) return this.#parts.flatMap((part) => part.undecidedParts());
    return this.#outcome === undefined ? [this] : [];
  }

  /** After `delivered` only: where a record stands. */
  resultOf(outcome: DeliveredBatch, index: number): DeliveryResult {
    const { baseOffset, logAppendTimeMs } = outcome;
    return {
      topic: this.topic,
      partition: this.partition,
      offset: baseOffset < 0 ? -1 : baseOffset + index,
      timestamp: logAppendTimeMs < 0 ? this.#timestamps[index]! : logAppendTimeMs,
      retried: this.attempts > 1,
      possiblyDuplicated: this.unknownAttempts > 0 && this.#producer === undefined,
    };
  }

  /** Gives the builder up for reuse. The caller knows that no socket still holds its bytes. */
  takeBuilder(): RecordBatchBuilder | undefined {
    const builder = this.#builder;
    this.#builder = undefined;
    this.#bytes = undefined;
    return builder;
  }

  /**
   * Divides the records over two new batches, which are decided in its place.
   *
   * @param newBuilder makes an empty builder.
   */
  split(newBuilder: () => RecordBatchBuilder): readonly [ProducerBatch, ProducerBatch] {
    assert(this.#recordsCount > 1 && this.#bytes !== undefined, 'A built batch of several records');
    const half = this.#recordsCount >> 1;
    const left = new ProducerBatch(this, this.createdMs, newBuilder());
    const right = new ProducerBatch(this, this.createdMs, newBuilder());
    let index = 0;
    for (const record of readRecords(this.#bytes)) {
      const part = index < half ? left : right;
      part.builder.append(record.key, record.value, record.headers, record.timestamp);
      part.added(record.timestamp);
      index += 1;
    }
    if (this.#producer !== undefined) {
      const { baseSequence } = this.#producer;
      left.setProducer(this.#producer);
      right.setProducer({
        ...this.#producer,
        baseSequence: sequenceAfter(baseSequence, left.recordsCount),
      });
    }
    for (const part of [left, right]) {
      part.ackedBehind = this.ackedBehind;
      part.sealed = true;
      part.attempts = this.attempts;
      part.unknownAttempts = this.unknownAttempts;
    }
    this.#parts = [left, right];
    for (const range of this.#ranges) this.#watchParts(range, this.#parts);
    for (const callback of this.#decidedCallbacks) this.whenDecided(callback);
    this.#ranges = [];
    this.#decidedCallbacks = [];
    this.#builder = undefined;
    this.#bytes = undefined;
    return this.#parts;
  }

  #decide(outcome: BatchOutcome): void {
    assert(this.#outcome === undefined, 'A batch is decided once');
    this.#outcome = outcome;
    const ranges = this.#ranges;
    const callbacks = this.#decidedCallbacks;
    this.#ranges = [];
    this.#decidedCallbacks = [];
    for (const range of ranges) notify(range, outcome);
    for (const callback of callbacks) callback();
  }
}

/** Sequence numbers begin again at 0 after 2^31 - 1. */
export function sequenceAfter(baseSequence: number, recordsCount: number): number {
  return (baseSequence + recordsCount) % 2 ** 31;
}

function notify({ first, count, skipped, watcher }: WatchedRange, outcome: BatchOutcome): void {
  watcher(outcome, { first, skipped, count });
}
