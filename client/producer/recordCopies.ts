/**
 * Copies of the bytes of records that have to wait. They share slabs: a buffer of its own for each
 * record costs a microsecond and three times its bytes.
 */

import type { RecordBytes } from '../../protocol/index.ts';
import type { EncodedRecord } from './topicQueue.ts';

const SLAB_BYTES = 64 * 1024;
/** What is larger gets memory of its own, lest a slab be wasted on it. */
const SHARED_BYTES_MAX = 8 * 1024;

export class RecordCopies {
  #slab = new Uint8Array(0);
  #used = 0;

  /** The same record in memory that its sender cannot change. Strings cannot be changed anyway. */
  record(record: EncodedRecord): EncodedRecord {
    const { key, value, headers, timestamp, partition, sizeBytes } = record;
    const hasBytes = key instanceof Uint8Array || value instanceof Uint8Array;
    if (!hasBytes && headers.length === 0) return record;
    return {
      key: this.#bytes(key),
      value: this.#bytes(value),
      headers: headers.map(([name, content]) => [name, this.#bytes(content)] as const),
      timestamp,
      partition,
      sizeBytes,
    };
  }

  #bytes(bytes: RecordBytes): RecordBytes {
    if (!(bytes instanceof Uint8Array)) return bytes;
    if (bytes.length > SHARED_BYTES_MAX) return new Uint8Array(bytes);
    if (this.#used + bytes.length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += bytes.length;
    this.#slab.set(bytes, start);
    return this.#slab.subarray(start, this.#used);
  }
}
