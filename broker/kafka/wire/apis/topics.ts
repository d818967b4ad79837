/** Topics: created, deleted, grown, emptied. */

import { defineKafkaApi } from '../api.ts';
import {
  array,
  boolean,
  field,
  int8,
  int16,
  int32,
  int64,
  string,
  struct,
  uuid,
  ZERO_UUID,
} from '../schema.ts';

const TIMEOUT_MS_DEFAULT = 60_000;

/** @see KIP-525 for the configuration in the answer. */
export const kafkaCreateTopics = defineKafkaApi({
  key: 19,
  name: 'CreateTopics',
  versions: [2, 7],
  flexibleFrom: 5,
  request: struct({
    topics: field(
      array(
        struct({
          name: field(string),
          numPartitions: field(int32),
          replicationFactor: field(int16),
          assignments: field(
            array(
              struct({
                partitionIndex: field(int32),
                brokerIds: field(array(int32)),
              }),
            ),
          ),
          configs: field(
            array(
              struct({
                name: field(string),
                value: field(string, { nullable: 0 }),
              }),
            ),
          ),
        }),
      ),
    ),
    timeoutMs: field(int32, { default: TIMEOUT_MS_DEFAULT }),
    validateOnly: field(boolean, { since: 1, default: false }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 2, default: 0 }),
    topics: field(
      array(
        struct({
          name: field(string),
          topicId: field(uuid, { since: 7, default: ZERO_UUID }),
          errorCode: field(int16),
          errorMessage: field(string, { since: 1, nullable: 0, default: null }),
          topicConfigErrorCode: field(int16, { since: 5, tag: 0, default: 0 }),
          numPartitions: field(int32, { since: 5, default: -1 }),
          replicationFactor: field(int16, { since: 5, default: -1 }),
          configs: field(
            array(
              struct({
                name: field(string),
                value: field(string, { nullable: 5 }),
                readOnly: field(boolean),
                configSource: field(int8, { default: -1 }),
                isSensitive: field(boolean),
              }),
            ),
            { since: 5, nullable: 5, default: [] },
          ),
        }),
      ),
    ),
  }),
});

export const kafkaDeleteTopics = defineKafkaApi({
  key: 20,
  name: 'DeleteTopics',
  versions: [1, 6],
  flexibleFrom: 4,
  request: struct({
    topics: field(
      array(
        struct({
          name: field(string, { nullable: 6, default: null }),
          topicId: field(uuid, { default: ZERO_UUID }),
        }),
      ),
      { since: 6, default: [] },
    ),
    topicNames: field(array(string), { until: 5, default: [] }),
    timeoutMs: field(int32),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 1, default: 0 }),
    responses: field(
      array(
        struct({
          name: field(string, { nullable: 6 }),
          topicId: field(uuid, { since: 6, default: ZERO_UUID }),
          errorCode: field(int16),
          errorMessage: field(string, { since: 5, nullable: 5, default: null }),
        }),
      ),
    ),
  }),
});

export const kafkaDeleteRecords = defineKafkaApi({
  key: 21,
  name: 'DeleteRecords',
  versions: [0, 2],
  flexibleFrom: 2,
  request: struct({
    topics: field(
      array(
        struct({
          name: field(string),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                offset: field(int64),
              }),
            ),
          ),
        }),
      ),
    ),
    timeoutMs: field(int32),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    topics: field(
      array(
        struct({
          name: field(string),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                lowWatermark: field(int64),
                errorCode: field(int16),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
});

export const kafkaCreatePartitions = defineKafkaApi({
  key: 37,
  name: 'CreatePartitions',
  versions: [0, 3],
  flexibleFrom: 2,
  request: struct({
    topics: field(
      array(
        struct({
          name: field(string),
          count: field(int32),
          assignments: field(array(struct({ brokerIds: field(array(int32)) })), { nullable: 0 }),
        }),
      ),
    ),
    timeoutMs: field(int32),
    validateOnly: field(boolean),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    results: field(
      array(
        struct({
          name: field(string),
          errorCode: field(int16),
          errorMessage: field(string, { nullable: 0, default: null }),
        }),
      ),
    ),
  }),
});
