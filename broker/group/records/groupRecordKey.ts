/** Which record a key of `__consumer_offsets` names: its version tells the kind. */

import { type OffsetCommitKey, readOffsetCommitKey } from './offsetCommitRecord.ts';
import { RecordReader } from './recordReader.ts';

export type GroupRecordKey =
  | ({ readonly kind: 'offset' } & OffsetCommitKey)
  | { readonly kind: 'group'; readonly groupId: string }
  /** Of the server-side protocol, or of a newer release. */
  | { readonly kind: 'unknown'; readonly version: number };

/** @throws {CorruptionError} where the bytes are no key. */
export function decodeGroupRecordKey(bytes: Uint8Array): GroupRecordKey {
  const reader = new RecordReader(bytes);
  const version = reader.int16();
  switch (version) {
    case 0:
    case 1:
      return { kind: 'offset', ...readOffsetCommitKey(reader) };
    case 2:
      return { kind: 'group', groupId: reader.string() };
    default:
      return { kind: 'unknown', version };
  }
}
