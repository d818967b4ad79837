/** Offsets of a partition: by time, and by leader epoch. */

import { defineKafkaApi } from '../api.ts';
import { array, field, int8, int16, int32, int64, string, struct } from '../schema.ts';

/** @see KIP-734 and KIP-1005 for the negative timestamps, KIP-1075 for the time limit. */
export const kafkaListOffsets = defineKafkaApi({
  key: 2,
  name: 'ListOffsets',
  versions: [1, 10],
  flexibleFrom: 6,
  request: struct({
    replicaId: field(int32),
    isolationLevel: field(int8, { since: 2, default: 0 }),
    topics: field(
      array(
        struct({
          name: field(string),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                currentLeaderEpoch: field(int32, { since: 4, default: -1 }),
                timestamp: field(int64),
              }),
            ),
          ),
        }),
      ),
    ),
    timeoutMs: field(int32, { since: 10, default: 0 }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 2, default: 0 }),
    topics: field(
      array(
        struct({
          name: field(string),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                errorCode: field(int16),
                timestamp: field(int64, { since: 1, default: -1 }),
                offset: field(int64, { since: 1, default: -1 }),
                leaderEpoch: field(int32, { since: 4, default: -1 }),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
});

/** Where an epoch ended. @see KIP-101, KIP-320 */
export const kafkaOffsetForLeaderEpoch = defineKafkaApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: [2, 4],
  flexibleFrom: 4,
  request: struct({
    replicaId: field(int32, { since: 3, default: -2 }),
    topics: field(
      array(
        struct({
          topic: field(string),
          partitions: field(
            array(
              struct({
                partition: field(int32),
                currentLeaderEpoch: field(int32, { since: 2, default: -1 }),
                leaderEpoch: field(int32),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 2, default: 0 }),
    topics: field(
      array(
        struct({
          topic: field(string),
          partitions: field(
            array(
              struct({
                errorCode: field(int16),
                partition: field(int32),
                leaderEpoch: field(int32, { since: 1, default: -1 }),
                endOffset: field(int64, { default: -1 }),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
});
