/** What groups have committed. */

import { defineKafkaApi } from '../api.ts';
import { array, boolean, field, int16, int32, int64, string, struct } from '../schema.ts';

export const kafkaOffsetCommit = defineKafkaApi({
  key: 8,
  name: 'OffsetCommit',
  versions: [2, 9],
  flexibleFrom: 8,
  request: struct({
    groupId: field(string),
    generationIdOrMemberEpoch: field(int32, { since: 1, default: -1 }),
    memberId: field(string, { since: 1, default: '' }),
    groupInstanceId: field(string, { since: 7, nullable: 7, default: null }),
    retentionTimeMs: field(int64, { since: 2, until: 4, default: -1 }),
    topics: field(
      array(
        struct({
          name: field(string),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                committedOffset: field(int64),
                committedLeaderEpoch: field(int32, { since: 6, default: -1 }),
                committedMetadata: field(string, { nullable: 0 }),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 3, default: 0 }),
    topics: field(
      array(
        struct({
          name: field(string),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                errorCode: field(int16),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
});

/** Offsets of one partition, in the answers of all versions. */
const fetchedPartition = struct({
  partitionIndex: field(int32),
  committedOffset: field(int64),
  committedLeaderEpoch: field(int32, { since: 5, default: -1 }),
  metadata: field(string, { nullable: 0 }),
  errorCode: field(int16),
});

const fetchedTopic = struct({
  name: field(string),
  partitions: field(array(fetchedPartition)),
});

const wantedTopic = struct({
  name: field(string),
  partitionIndexes: field(array(int32)),
});

/** One group up to version 7, several from version 8 (KIP-709). */
export const kafkaOffsetFetch = defineKafkaApi({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 9],
  flexibleFrom: 6,
  request: struct({
    groupId: field(string, { until: 7, default: '' }),
    topics: field(array(wantedTopic), { until: 7, nullable: 2, default: [] }),
    groups: field(
      array(
        struct({
          groupId: field(string),
          memberId: field(string, { since: 9, nullable: 9, default: null }),
          memberEpoch: field(int32, { since: 9, default: -1 }),
          topics: field(array(wantedTopic), { nullable: 8 }),
        }),
      ),
      { since: 8, default: [] },
    ),
    requireStable: field(boolean, { since: 7, default: false }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 3, default: 0 }),
    topics: field(array(fetchedTopic), { until: 7, default: [] }),
    errorCode: field(int16, { since: 2, until: 7, default: 0 }),
    groups: field(
      array(
        struct({
          groupId: field(string),
          topics: field(array(fetchedTopic)),
          errorCode: field(int16, { default: 0 }),
        }),
      ),
      { since: 8, default: [] },
    ),
  }),
});

export const kafkaOffsetDelete = defineKafkaApi({
  key: 47,
  name: 'OffsetDelete',
  versions: [0, 0],
  flexibleFrom: Number.POSITIVE_INFINITY,
  request: struct({
    groupId: field(string),
    topics: field(
      array(
        struct({
          name: field(string),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
  response: struct({
    errorCode: field(int16),
    throttleTimeMs: field(int32, { default: 0 }),
    topics: field(
      array(
        struct({
          name: field(string),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                errorCode: field(int16),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
});
