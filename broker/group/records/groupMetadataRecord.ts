/**
 * A group of the classic protocol as it stands in `__consumer_offsets`, byte for byte as Kafka 3.9
 * writes it: once per generation, when its assignment is known, and when its last member has gone.
 *
 *     key    int16 version 2 | string group
 *     value  int16 version 3 (0 to 4 are read)
 *            string protocolType | int32 generation | nullable string protocol
 *            nullable string leader | int64 currentStateTimestamp (v2+)
 *            int32 count of members, and for each
 *              string memberId | nullable string groupInstanceId (v3+)
 *              string clientId | string clientHost
 *              int32 rebalanceTimeout (v1+) | int32 sessionTimeout
 *              bytes subscription | bytes assignment
 *     v4     the same in compact notation, with tags after each member and at the end
 */

import { CorruptionError } from '../../../common/index.ts';
import { RecordReader } from './recordReader.ts';
import { RecordWriter } from './recordWriter.ts';

export interface StoredMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** What the member said for the chosen protocol. */
  readonly subscription: Uint8Array;
  readonly assignment: Uint8Array;
}

export interface StoredGroup {
  /** Empty for none. */
  readonly protocolType: string;
  readonly generationId: number;
  /** Null while the group is empty. */
  readonly protocolName: string | null;
  readonly leader: string | null;
  /** When the group got into its state; -1 where an old record does not say. */
  readonly stateTimestampMs: number;
  readonly members: readonly StoredMember[];
}

const KEY_VERSION = 2;
const VALUE_VERSION = 3;

export function encodeGroupMetadataKey(groupId: string): Buffer {
  return new RecordWriter().int16(KEY_VERSION).string(groupId).finish();
}

export function encodeGroupMetadataValue(group: StoredGroup): Buffer {
  const writer = new RecordWriter()
    .int16(VALUE_VERSION)
    .string(group.protocolType)
    .int32(group.generationId)
    .nullableString(group.protocolName)
    .nullableString(group.leader)
    .int64(group.stateTimestampMs)
    .int32(group.members.length);
  for (const member of group.members) {
    writer
      .string(member.memberId)
      .nullableString(member.groupInstanceId)
      .string(member.clientId)
      .string(member.clientHost)
      .int32(member.rebalanceTimeoutMs)
      .int32(member.sessionTimeoutMs)
      .bytes(member.subscription)
      .bytes(member.assignment);
  }
  return writer.finish();
}

/** @throws {CorruptionError} where the bytes are none, or of a version from after Kafka 3.9. */
export function decodeGroupMetadataValue(bytes: Uint8Array): StoredGroup {
  const reader = new RecordReader(bytes);
  const version = reader.int16();
  if (version < 0 || version > 4) {
    throw new CorruptionError('CORRUPT_GROUP_RECORD', `A group of version ${version} is unknown`);
  }
  const compact = version >= 4;
  const nullableText = (): string | null =>
    compact ? reader.compactNullableString() : reader.nullableString();
  const readMember = (): StoredMember => decodeMember(reader, version);
  return {
    protocolType: compact ? reader.compactString() : reader.string(),
    generationId: reader.int32(),
    protocolName: nullableText(),
    leader: nullableText(),
    stateTimestampMs: version >= 2 ? reader.int64() : -1,
    members: compact ? reader.compactArray(readMember) : reader.array(readMember),
  };
}

function decodeMember(reader: RecordReader, version: number): StoredMember {
  const compact = version >= 4;
  const text = (): string => (compact ? reader.compactString() : reader.string());
  const nullableText = (): string | null =>
    compact ? reader.compactNullableString() : reader.nullableString();
  const bytes = (): Buffer => (compact ? reader.compactBytes() : reader.bytes());
  const memberId = text();
  const groupInstanceId = version >= 3 ? nullableText() : null;
  const clientId = text();
  const clientHost = text();
  const rebalanceTimeoutMs = version >= 1 ? reader.int32() : -1;
  const sessionTimeoutMs = reader.int32();
  const member: StoredMember = {
    memberId,
    groupInstanceId,
    clientId,
    clientHost,
    // Version 0 knew one timeout only.
    rebalanceTimeoutMs: version >= 1 ? rebalanceTimeoutMs : sessionTimeoutMs,
    sessionTimeoutMs,
    subscription: bytes(),
    assignment: bytes(),
  };
  if (compact) reader.tags();
  return member;
}
