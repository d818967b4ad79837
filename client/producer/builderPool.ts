/** Keeps a few grown buffers: a fresh megabyte costs more in page faults than filling it. */

import { RecordBatchBuilder } from '../../protocol/index.ts';
import type { Compression } from './producer.ts';

/** Builders kept for reuse. */
const KEPT_MAX = 8;
/** A buffer begins at this fraction of a full batch and doubles as it fills. */
const INITIAL_FRACTION = 64;
/** Room that the builder wants beyond the last record. */
const SPARE_BYTES = 64;

export class BuilderPool {
  readonly #compression: Compression;
  readonly #initialBytes: number;
  readonly #kept: RecordBatchBuilder[] = [];

  /** @throws {ProtocolError} UNSUPPORTED_COMPRESSION_TYPE where the codec is not installed. */
  constructor(compression: Compression, batchBytes: number) {
    this.#compression = compression;
    this.#initialBytes = Math.ceil((batchBytes + SPARE_BYTES) / INITIAL_FRACTION);
    this.#kept.push(this.#make());
  }

  take(): RecordBatchBuilder {
    return this.#kept.pop() ?? this.#make();
  }

  /** Takes back a builder whose bytes nobody reads any more. */
  give(builder: RecordBatchBuilder): void {
    if (this.#kept.length >= KEPT_MAX) return;
    builder.reset();
    this.#kept.push(builder);
  }

  #make(): RecordBatchBuilder {
    return new RecordBatchBuilder({
      compression: this.#compression,
      initialBytes: this.#initialBytes,
    });
  }
}
