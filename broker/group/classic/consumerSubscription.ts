/**
 * Which topics a consumer subscribes to, read from the metadata of its protocol: of the classic
 * protocol's opaque bytes the coordinator looks at these only, to know whether offsets are in use.
 *
 *     int16 version | int32 count | string topic ... | more, which differs from version to version
 */

import { RecordReader } from '../records/index.ts';

/** The protocol type of consumers; others (`connect` for example) name no topics. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer';

/** @returns undefined where the bytes are no subscription. */
export function subscribedTopics(metadata: Uint8Array): readonly string[] | undefined {
  try {
    const reader = new RecordReader(metadata);
    reader.int16();
    return reader.array(() => reader.string());
  } catch {
    // Whatever a client says here is its own affair: the topics are then not known.
    return undefined;
  }
}
