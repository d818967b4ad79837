/** Records in and out. Record batches travel as they are: the codec never looks into them. */

import { defineKafkaApi } from '../api.ts';
import {
  array,
  field,
  int8,
  int16,
  int32,
  int64,
  records,
  string,
  struct,
  uuid,
  ZERO_UUID,
} from '../schema.ts';

/** Who leads now, for a client that asked the wrong broker (KIP-951). */
const leaderIdAndEpoch = struct({
  leaderId: field(int32, { default: -1 }),
  leaderEpoch: field(int32, { default: -1 }),
});

/** Where the brokers named by `leaderIdAndEpoch` are reached. */
const nodeEndpoint = struct({
  nodeId: field(int32),
  host: field(string),
  port: field(int32),
  rack: field(string, { nullable: 0, default: null }),
});

/**
 * Versions 0 to 2 are advertised and refused, as Kafka 4 does: librdkafka up to 2.11.0 compresses
 * only where version 0 is in the range.
 */
export const kafkaProduce = defineKafkaApi({
  key: 0,
  name: 'Produce',
  versions: [3, 11],
  advertised: [0, 11],
  flexibleFrom: 9,
  request: struct({
    transactionalId: field(string, { since: 3, nullable: 3, default: null }),
    acks: field(int16),
    timeoutMs: field(int32),
    topicData: field(
      array(
        struct({
          name: field(string),
          partitionData: field(
            array(
              struct({
                index: field(int32),
                records: field(records, { nullable: 0 }),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
  response: struct({
    responses: field(
      array(
        struct({
          name: field(string),
          partitionResponses: field(
            array(
              struct({
                index: field(int32),
                errorCode: field(int16),
                baseOffset: field(int64),
                logAppendTimeMs: field(int64, { since: 2, default: -1 }),
                logStartOffset: field(int64, { since: 5, default: -1 }),
                recordErrors: field(
                  array(
                    struct({
                      batchIndex: field(int32),
                      batchIndexErrorMessage: field(string, { nullable: 8, default: null }),
                    }),
                  ),
                  { since: 8, default: [] },
                ),
                errorMessage: field(string, { since: 8, nullable: 8, default: null }),
                currentLeader: field(leaderIdAndEpoch, { since: 10, tag: 0, default: null }),
              }),
            ),
          ),
        }),
      ),
    ),
    throttleTimeMs: field(int32, { since: 1, default: 0 }),
    nodeEndpoints: field(array(nodeEndpoint), { since: 10, tag: 0, default: [] }),
  }),
});

/** @see KIP-227 for sessions, KIP-392 for the preferred replica, KIP-595 for diverging epochs. */
export const kafkaFetch = defineKafkaApi({
  key: 1,
  name: 'Fetch',
  versions: [4, 17],
  flexibleFrom: 12,
  request: struct({
    clusterId: field(string, { since: 12, nullable: 12, tag: 0, default: null }),
    replicaId: field(int32, { until: 14, default: -1 }),
    replicaState: field(
      struct({
        replicaId: field(int32, { default: -1 }),
        replicaEpoch: field(int64, { default: -1 }),
      }),
      { since: 15, tag: 1, default: null },
    ),
    maxWaitMs: field(int32),
    minBytes: field(int32),
    maxBytes: field(int32, { since: 3, default: 0x7fffffff }),
    isolationLevel: field(int8, { since: 4, default: 0 }),
    sessionId: field(int32, { since: 7, default: 0 }),
    sessionEpoch: field(int32, { since: 7, default: -1 }),
    topics: field(
      array(
        struct({
          topic: field(string, { until: 12, default: '' }),
          topicId: field(uuid, { since: 13, default: ZERO_UUID }),
          partitions: field(
            array(
              struct({
                partition: field(int32),
                currentLeaderEpoch: field(int32, { since: 9, default: -1 }),
                fetchOffset: field(int64),
                lastFetchedEpoch: field(int32, { since: 12, default: -1 }),
                logStartOffset: field(int64, { since: 5, default: -1 }),
                partitionMaxBytes: field(int32),
                replicaDirectoryId: field(uuid, { since: 17, tag: 0, default: ZERO_UUID }),
              }),
            ),
          ),
        }),
      ),
    ),
    forgottenTopicsData: field(
      array(
        struct({
          topic: field(string, { until: 12, default: '' }),
          topicId: field(uuid, { since: 13, default: ZERO_UUID }),
          partitions: field(array(int32)),
        }),
      ),
      { since: 7, default: [] },
    ),
    rackId: field(string, { since: 11, default: '' }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 1, default: 0 }),
    errorCode: field(int16, { since: 7, default: 0 }),
    sessionId: field(int32, { since: 7, default: 0 }),
    responses: field(
      array(
        struct({
          topic: field(string, { until: 12, default: '' }),
          topicId: field(uuid, { since: 13, default: ZERO_UUID }),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                errorCode: field(int16),
                highWatermark: field(int64),
                lastStableOffset: field(int64, { since: 4, default: -1 }),
                logStartOffset: field(int64, { since: 5, default: -1 }),
                divergingEpoch: field(
                  struct({
                    epoch: field(int32, { default: -1 }),
                    endOffset: field(int64, { default: -1 }),
                  }),
                  { since: 12, tag: 0, default: null },
                ),
                currentLeader: field(leaderIdAndEpoch, { since: 12, tag: 1, default: null }),
                snapshotId: field(
                  struct({
                    endOffset: field(int64, { default: -1 }),
                    epoch: field(int32, { default: -1 }),
                  }),
                  { since: 12, tag: 2, default: null },
                ),
                abortedTransactions: field(
                  array(
                    struct({
                      producerId: field(int64),
                      firstOffset: field(int64),
                    }),
                  ),
                  { since: 4, nullable: 4, default: null },
                ),
                preferredReadReplica: field(int32, { since: 11, default: -1 }),
                records: field(records, { nullable: 0 }),
              }),
            ),
          ),
        }),
      ),
    ),
    nodeEndpoints: field(array(nodeEndpoint), { since: 16, tag: 0, default: [] }),
  }),
});
