/**
 * The bytes of a `.snapshot` file: what a log remembered of its producers at one offset, which is
 * the name of the file. Kafka's format, version 1; big-endian:
 *
 *     off len field
 *       0  2  version                1
 *       2  4  crc                    CRC-32C of everything from byte 6 on
 *       6  4  count of producers, then of each:
 *          8  producerId
 *          2  producerEpoch
 *          4  lastSequence           -1 where only a marker of the epoch is known
 *          8  lastOffset             of the last batch; -1 likewise
 *          4  offsetDelta            offsets of the last batch, less one
 *          8  timestamp              newest of the last batch
 *          4  coordinatorEpoch       of the last transaction marker; -1 for none
 *          8  currentTxnFirstOffset  -1 for none
 */

import { CorruptionError, crc32c } from '../../common/index.ts';
import { type ProducerBatch, SEQUENCES } from './producerBatch.ts';

const VERSION = 1;
const HEADER_BYTES = 10;
const CRC_FROM = 6;
const PRODUCER_BYTES = 46;

export function encodeProducerSnapshot(producers: Iterable<ProducerBatch>, count: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + count * PRODUCER_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE(count, CRC_FROM);
  let at = HEADER_BYTES;
  for (const producer of producers) {
    bytes.writeBigInt64BE(BigInt(producer.producerId), at);
    bytes.writeInt16BE(producer.producerEpoch, at + 8);
    bytes.writeInt32BE(producer.lastSequence, at + 10);
    bytes.writeBigInt64BE(BigInt(producer.lastOffset), at + 14);
    bytes.writeInt32BE(producer.lastOffset - producer.baseOffset, at + 22);
    bytes.writeBigInt64BE(BigInt(producer.timestamp), at + 26);
    bytes.writeInt32BE(producer.coordinatorEpoch, at + 34);
    bytes.writeBigInt64BE(BigInt(producer.txnFirstOffset), at + 38);
    at += PRODUCER_BYTES;
  }
  bytes.writeUInt32BE(crc32c(bytes, CRC_FROM, bytes.length), 2);
  return bytes;
}

/**
 * @param path for messages.
 * @param nowMs monotonic time of the start.
 * @throws {CorruptionError} SNAPSHOT_CORRUPT naming what is wrong.
 */
export function decodeProducerSnapshot(
  path: string,
  bytes: Buffer,
  nowMs: number,
): readonly ProducerBatch[] {
  if (bytes.length < HEADER_BYTES) throw corrupt(path, `it has ${bytes.length} bytes`);
  const version = bytes.readInt16BE(0);
  if (version !== VERSION) throw corrupt(path, `its version is ${version}, not ${VERSION}`);
  const crc = crc32c(bytes, CRC_FROM, bytes.length);
  if (crc !== bytes.readUInt32BE(2)) throw corrupt(path, 'its checksum does not fit');
  const count = bytes.readInt32BE(CRC_FROM);
  if (bytes.length !== HEADER_BYTES + count * PRODUCER_BYTES) {
    throw corrupt(path, `${bytes.length} bytes do not hold ${count} producers`);
  }
  return Array.from({ length: count }, (_, index) =>
    decodeProducer(bytes, HEADER_BYTES + index * PRODUCER_BYTES, nowMs),
  );
}

function decodeProducer(bytes: Buffer, at: number, usedMs: number): ProducerBatch {
  const lastSequence = bytes.readInt32BE(at + 10);
  const lastOffset = Number(bytes.readBigInt64BE(at + 14));
  const offsetDelta = bytes.readInt32BE(at + 22);
  const hasBatch = lastOffset >= 0 && lastSequence >= 0;
  return {
    producerId: Number(bytes.readBigInt64BE(at)),
    producerEpoch: bytes.readInt16BE(at + 8),
    firstSequence: hasBatch ? (lastSequence - offsetDelta + SEQUENCES) % SEQUENCES : -1,
    lastSequence,
    baseOffset: lastOffset - offsetDelta,
    lastOffset,
    timestamp: Number(bytes.readBigInt64BE(at + 26)),
    knownSequenceCount: hasBatch ? offsetDelta + 1 : 0,
    coordinatorEpoch: bytes.readInt32BE(at + 34),
    txnFirstOffset: Number(bytes.readBigInt64BE(at + 38)),
    usedMs,
    isMarker: !hasBatch,
    previous: undefined,
  };
}

function corrupt(path: string, found: string): CorruptionError {
  return new CorruptionError(
    'SNAPSHOT_CORRUPT',
    `The producer snapshot "${path}" is corrupt: ${found}; it is made anew from the log`,
    { details: { path, found } },
  );
}
