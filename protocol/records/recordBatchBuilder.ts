/** Builds batches from records. */

import { assert, type Offload } from '../../common/index.ts';
import {
  type CompressionName,
  codecId,
  compress,
  compressionTask,
  requireCodec,
} from '../compression/index.ts';
import { ProtocolError } from '../errors.ts';
import * as layout from './batchLayout.ts';
import {
  type HeaderToWrite,
  headersBytes,
  lengthOf,
  type RecordBytes,
  writeBlob,
  writeHeaders,
} from './recordEncoding.ts';
import type { BatchProducer } from './rewriteBatch.ts';
import { varintBytes, writeVarint } from './varint.ts';
import { writeBatchHeader } from './writeBatchHeader.ts';

export interface RecordBatchBuilderOptions {
  readonly compression?: CompressionName;
  /** Of gzip and zstd; default that of the codec. */
  readonly compressionLevel?: number;
  /** Bytes to begin with; the buffer doubles as needed. Default 16 KiB. */
  readonly initialBytes?: number;
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
}

const INITIAL_BYTES = 16 * 1024;
const NO_HEADERS: readonly HeaderToWrite[] = [];

/**
 * Appends records to a buffer of its own, then closes it into a batch.
 *
 *     append* -> build -> (the bytes have been sent) -> reset -> append* ...
 *
 * Invariant: what `build` returned stays as it is until `reset`.
 */
export class RecordBatchBuilder {
  readonly #options: RecordBatchBuilderOptions;
  #buffer: Buffer;
  #position = layout.BATCH_HEADER_BYTES;
  #recordsCount = 0;
  #baseTimestamp = -1;
  #maxTimestamp = -1;
  #built = false;
  #producer: BatchProducer | undefined;

  /** @throws ProtocolError UNSUPPORTED_COMPRESSION_TYPE where the codec is not installed. */
  constructor(options: RecordBatchBuilderOptions = {}) {
    requireCodec(options.compression ?? 'none');
    this.#options = options;
    this.#buffer = Buffer.allocUnsafeSlow(options.initialBytes ?? INITIAL_BYTES);
  }

  get recordsCount(): number {
    return this.#recordsCount;
  }

  /** Bytes of the batch so far, header included, before compression. */
  get sizeBytes(): number {
    return this.#position;
  }

  /** Greatest timestamp so far; -1 without records. */
  get maxTimestamp(): number {
    return this.#maxTimestamp;
  }

  /**
   * Exactly the bytes that `append` would add with the same arguments, before compression: for the
   * decision whether a record still fits.
   */
  recordBytes(
    key: RecordBytes,
    value: RecordBytes,
    headers: readonly HeaderToWrite[] = NO_HEADERS,
    timestamp = this.#baseTimestamp,
  ): number {
    const delta = this.#recordsCount === 0 ? 0 : timestamp - this.#baseTimestamp;
    const body = this.#bodyBytes(delta, lengthOf(key), lengthOf(value)) + headersBytes(headers);
    return varintBytes(body) + body;
  }

  /**
   * Adds a record. Its bytes are copied.
   *
   * @param timestamp milliseconds since 1970, -1 for none.
   * @returns its offset delta: its place in the batch, from 0.
   * @throws ProtocolError INVALID_TIMESTAMP.
   */
  append(
    key: RecordBytes,
    value: RecordBytes,
    headers: readonly HeaderToWrite[],
    timestamp: number,
  ): number {
    assert(!this.#built, 'A batch that was built takes no more records before reset');
    if (!Number.isSafeInteger(timestamp) || timestamp < -1) {
      throw new ProtocolError('INVALID_TIMESTAMP', `"${timestamp}" is no timestamp`);
    }
    if (this.#recordsCount === 0) this.#baseTimestamp = timestamp;
    const delta = timestamp - this.#baseTimestamp;
    const keyBytes = lengthOf(key);
    const valueBytes = lengthOf(value);
    let bodyBytes = this.#bodyBytes(delta, keyBytes, valueBytes);
    bodyBytes += headers.length === 0 ? 1 : headersBytes(headers);
    if (this.#position + bodyBytes + 5 > this.#buffer.length) this.#grow(bodyBytes + 5);
    const buffer = this.#buffer;
    let at = writeVarint(buffer, this.#position, bodyBytes);
    buffer[at] = 0;
    at = writeVarint(buffer, at + 1, delta);
    at = writeVarint(buffer, at, this.#recordsCount);
    at = writeBlob(buffer, at, key, keyBytes);
    at = writeBlob(buffer, at, value, valueBytes);
    if (headers.length === 0) {
      buffer[at] = 0;
      at += 1;
    } else at = writeHeaders(buffer, at, headers);
    this.#position = at;
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    this.#recordsCount += 1;
    return this.#recordsCount - 1;
  }

  /**
   * Closes the batch, compressing on this thread.
   *
   * @returns a view on the builder's buffer without a codec, else fresh memory.
   */
  build(): Buffer {
    const name = this.#seal();
    if (name === 'none') return this.#finish(this.#buffer, this.#position);
    const { compressionLevel } = this.#options;
    return this.#finishCompressed(compress(name, this.#records(), compressionLevel));
  }

  /** The same, compressing on another thread. Nothing else may be called before it settles. */
  async buildOffloaded(offload: Offload): Promise<Buffer> {
    const name = this.#seal();
    if (name === 'none') return this.#finish(this.#buffer, this.#position);
    const task = compressionTask(name, this.#options.compressionLevel);
    return this.#finishCompressed(await offload.run(task, this.#records()));
  }

  /** Whose batch it is, where that is known only when it is sent. Before `build`. */
  setProducer(producer: BatchProducer): void {
    assert(!this.#built, 'A batch learns its producer before it is built');
    this.#producer = producer;
  }

  /** Begins a new batch in the same buffer: the view that `build` returned is void. */
  reset(): void {
    this.#producer = undefined;
    this.#position = layout.BATCH_HEADER_BYTES;
    this.#recordsCount = 0;
    this.#baseTimestamp = -1;
    this.#maxTimestamp = -1;
    this.#built = false;
  }

  #bodyBytes(delta: number, keyBytes: number, valueBytes: number): number {
    return (
      1 +
      varintBytes(delta) +
      varintBytes(this.#recordsCount) +
      varintBytes(keyBytes) +
      varintBytes(valueBytes) +
      Math.max(keyBytes, 0) +
      Math.max(valueBytes, 0)
    );
  }

  #grow(byteCount: number): void {
    const capacity = Math.max(this.#buffer.length * 2, this.#position + byteCount);
    const larger = Buffer.allocUnsafeSlow(capacity);
    this.#buffer.copy(larger, 0, 0, this.#position);
    this.#buffer = larger;
  }

  #records(): Buffer {
    return this.#buffer.subarray(layout.BATCH_HEADER_BYTES, this.#position);
  }

  #seal(): CompressionName {
    assert(!this.#built, 'A batch is built once');
    assert(this.#recordsCount > 0, 'A batch has at least one record');
    this.#built = true;
    return this.#options.compression ?? 'none';
  }

  #finishCompressed(block: Uint8Array): Buffer {
    const sizeBytes = layout.BATCH_HEADER_BYTES + block.length;
    const batch = Buffer.allocUnsafeSlow(sizeBytes);
    batch.set(block, layout.BATCH_HEADER_BYTES);
    return this.#finish(batch, sizeBytes);
  }

  #finish(batch: Buffer, sizeBytes: number): Buffer {
    const options = this.#options;
    const producer: Partial<BatchProducer> = this.#producer ?? options;
    const attributes =
      codecId(options.compression ?? 'none') |
      (options.transactional === true ? layout.TRANSACTIONAL_BIT : 0);
    writeBatchHeader(batch, {
      sizeBytes,
      attributes,
      baseOffset: options.baseOffset ?? 0,
      partitionLeaderEpoch: options.partitionLeaderEpoch ?? -1,
      recordsCount: this.#recordsCount,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: this.#maxTimestamp,
      producerId: producer.producerId ?? -1,
      producerEpoch: producer.producerEpoch ?? -1,
      baseSequence: producer.baseSequence ?? -1,
    });
    return batch.subarray(0, sizeBytes);
  }
}
