/** Producers that number their batches. */

import { defineKafkaApi } from '../api.ts';
import { array, field, int16, int32, int64, string, struct } from '../schema.ts';

/** @see KIP-98, KIP-360 */
export const kafkaInitProducerId = defineKafkaApi({
  key: 22,
  name: 'InitProducerId',
  versions: [0, 5],
  flexibleFrom: 2,
  request: struct({
    transactionalId: field(string, { nullable: 0 }),
    transactionTimeoutMs: field(int32),
    producerId: field(int64, { since: 3, default: -1 }),
    producerEpoch: field(int16, { since: 3, default: -1 }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    errorCode: field(int16),
    producerId: field(int64, { default: -1 }),
    producerEpoch: field(int16),
  }),
});

/** @see KIP-664 */
export const kafkaDescribeProducers = defineKafkaApi({
  key: 61,
  name: 'DescribeProducers',
  versions: [0, 0],
  flexibleFrom: 0,
  request: struct({
    topics: field(
      array(
        struct({
          name: field(string),
          partitionIndexes: field(array(int32)),
        }),
      ),
    ),
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
                errorCode: field(int16),
                errorMessage: field(string, { nullable: 0, default: null }),
                activeProducers: field(
                  array(
                    struct({
                      producerId: field(int64),
                      producerEpoch: field(int32),
                      lastSequence: field(int32, { default: -1 }),
                      lastTimestamp: field(int64, { default: -1 }),
                      coordinatorEpoch: field(int32),
                      currentTxnStartOffset: field(int64, { default: -1 }),
                    }),
                  ),
                ),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
});
