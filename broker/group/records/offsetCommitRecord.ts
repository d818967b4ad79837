/**
 * A committed offset as it stands in `__consumer_offsets`, byte for byte as Kafka 3.9 writes it.
 *
 *     key    int16 version 1 (0 is read too) | string group | string topic | int32 partition
 *     value  int16 version
 *       v0   int64 offset | string metadata | int64 commitTimestamp
 *       v1   v0 | int64 expireTimestamp                        written where the client gave one
 *       v2   as v0
 *       v3   int64 offset | int32 leaderEpoch | string metadata | int64 commitTimestamp      written
 *       v4   the fields of v3 in compact notation | tags
 */

import { CorruptionError } from '../../../common/index.ts';
import { RecordReader } from './recordReader.ts';
import { RecordWriter } from './recordWriter.ts';

export interface OffsetCommitKey {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
}

export interface CommittedOffset {
  readonly offset: number;
  /** -1 for none. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  /** Milliseconds since 1970. */
  readonly commitTimestampMs: number;
  /** -1 where the retention of the broker holds. */
  readonly expireTimestampMs: number;
}

const KEY_VERSION = 1;
const NO_TIMESTAMP = -1;

export function encodeOffsetCommitKey({ groupId, topic, partition }: OffsetCommitKey): Buffer {
  return new RecordWriter()
    .int16(KEY_VERSION)
    .string(groupId)
    .string(topic)
    .int32(partition)
    .finish();
}

export function encodeOffsetCommitValue(committed: CommittedOffset): Buffer {
  const { offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs } = committed;
  const writer = new RecordWriter();
  // Only version 1 holds an expiry, and it holds no leader epoch: Kafka makes the same choice.
  if (expireTimestampMs !== NO_TIMESTAMP) {
    writer.int16(1).int64(offset).string(metadata);
    return writer.int64(commitTimestampMs).int64(expireTimestampMs).finish();
  }
  writer.int16(3).int64(offset).int32(leaderEpoch).string(metadata);
  return writer.int64(commitTimestampMs).finish();
}

/** Reads the rest of a key of version 0 or 1. */
export function readOffsetCommitKey(reader: RecordReader): OffsetCommitKey {
  return { groupId: reader.string(), topic: reader.string(), partition: reader.int32() };
}

/** @throws {CorruptionError} where the bytes are none, or of a version from after Kafka 3.9. */
export function decodeOffsetCommitValue(bytes: Uint8Array): CommittedOffset {
  const reader = new RecordReader(bytes);
  const version = reader.int16();
  if (version < 0 || version > 4) {
    throw new CorruptionError('CORRUPT_GROUP_RECORD', `An offset of version ${version} is unknown`);
  }
  const offset = reader.int64();
  const leaderEpoch = version >= 3 ? reader.int32() : -1;
  const metadata = version >= 4 ? reader.compactString() : reader.string();
  const commitTimestampMs = reader.int64();
  const expireTimestampMs = version === 1 ? reader.int64() : NO_TIMESTAMP;
  return { offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs };
}
