/** The cluster as a whole: brokers, directories, where replicas are and which of them leads. */

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
import { OPERATIONS_NOT_ASKED } from './metadata.ts';

const TIMEOUT_MS_DEFAULT = 60_000;
/** Endpoint type of brokers; 2 are controllers. */
const BROKERS = 1;

/** @see KIP-700, KIP-919 for endpoint types, KIP-1073 for fenced brokers. */
export const kafkaDescribeCluster = defineKafkaApi({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 2],
  flexibleFrom: 0,
  request: struct({
    includeClusterAuthorizedOperations: field(boolean),
    endpointType: field(int8, { since: 1, default: BROKERS }),
    includeFencedBrokers: field(boolean, { since: 2, default: false }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    errorCode: field(int16),
    errorMessage: field(string, { nullable: 0, default: null }),
    endpointType: field(int8, { since: 1, default: BROKERS }),
    clusterId: field(string),
    controllerId: field(int32, { default: -1 }),
    brokers: field(
      array(
        struct({
          brokerId: field(int32),
          host: field(string),
          port: field(int32),
          rack: field(string, { nullable: 0, default: null }),
          isFenced: field(boolean, { since: 2, default: false }),
        }),
      ),
    ),
    clusterAuthorizedOperations: field(int32, { default: OPERATIONS_NOT_ASKED }),
  }),
});

const cursor = struct({
  topicName: field(string),
  partitionIndex: field(int32),
});

/** Metadata in pages. @see KIP-966 */
export const kafkaDescribeTopicPartitions = defineKafkaApi({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: [0, 0],
  flexibleFrom: 0,
  request: struct({
    topics: field(array(struct({ name: field(string) }))),
    responsePartitionLimit: field(int32, { default: 2000 }),
    cursor: field(cursor, { nullable: 0, default: null }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    topics: field(
      array(
        struct({
          errorCode: field(int16),
          name: field(string, { nullable: 0 }),
          topicId: field(uuid, { default: ZERO_UUID }),
          isInternal: field(boolean, { default: false }),
          partitions: field(
            array(
              struct({
                errorCode: field(int16),
                partitionIndex: field(int32),
                leaderId: field(int32),
                leaderEpoch: field(int32, { default: -1 }),
                replicaNodes: field(array(int32)),
                isrNodes: field(array(int32)),
                eligibleLeaderReplicas: field(array(int32), { nullable: 0, default: null }),
                lastKnownElr: field(array(int32), { nullable: 0, default: null }),
                offlineReplicas: field(array(int32), { default: [] }),
              }),
            ),
          ),
          topicAuthorizedOperations: field(int32, { default: OPERATIONS_NOT_ASKED }),
        }),
      ),
    ),
    nextCursor: field(cursor, { nullable: 0, default: null }),
  }),
});

/** @see KIP-113, KIP-827 for the bytes of the volume. */
export const kafkaDescribeLogDirs = defineKafkaApi({
  key: 35,
  name: 'DescribeLogDirs',
  versions: [1, 4],
  flexibleFrom: 2,
  request: struct({
    topics: field(
      array(
        struct({
          topic: field(string),
          partitions: field(array(int32)),
        }),
      ),
      { nullable: 0 },
    ),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    errorCode: field(int16, { since: 3, default: 0 }),
    results: field(
      array(
        struct({
          errorCode: field(int16),
          logDir: field(string),
          topics: field(
            array(
              struct({
                name: field(string),
                partitions: field(
                  array(
                    struct({
                      partitionIndex: field(int32),
                      partitionSize: field(int64),
                      offsetLag: field(int64),
                      isFutureKey: field(boolean),
                    }),
                  ),
                ),
              }),
            ),
          ),
          totalBytes: field(int64, { since: 4, default: -1 }),
          usableBytes: field(int64, { since: 4, default: -1 }),
        }),
      ),
    ),
  }),
});

/** @see KIP-183, KIP-460 */
export const kafkaElectLeaders = defineKafkaApi({
  key: 43,
  name: 'ElectLeaders',
  versions: [0, 2],
  flexibleFrom: 2,
  request: struct({
    /** 0 the preferred replica, 1 any, even one out of sync. */
    electionType: field(int8, { since: 1, default: 0 }),
    topicPartitions: field(
      array(
        struct({
          topic: field(string),
          partitions: field(array(int32)),
        }),
      ),
      { nullable: 0 },
    ),
    timeoutMs: field(int32, { default: TIMEOUT_MS_DEFAULT }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    errorCode: field(int16, { since: 1, default: 0 }),
    replicaElectionResults: field(
      array(
        struct({
          topic: field(string),
          partitionResult: field(
            array(
              struct({
                partitionId: field(int32),
                errorCode: field(int16),
                errorMessage: field(string, { nullable: 0 }),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
});

/** @see KIP-455, KIP-860 for the factor that must not change. */
export const kafkaAlterPartitionReassignments = defineKafkaApi({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: [0, 1],
  flexibleFrom: 0,
  request: struct({
    timeoutMs: field(int32, { default: TIMEOUT_MS_DEFAULT }),
    allowReplicationFactorChange: field(boolean, { since: 1, default: true }),
    topics: field(
      array(
        struct({
          name: field(string),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                /** Null cancels what is under way. */
                replicas: field(array(int32), { nullable: 0, default: null }),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    allowReplicationFactorChange: field(boolean, { since: 1, default: true }),
    errorCode: field(int16),
    errorMessage: field(string, { nullable: 0 }),
    responses: field(
      array(
        struct({
          name: field(string),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                errorCode: field(int16),
                errorMessage: field(string, { nullable: 0 }),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
});

export const kafkaListPartitionReassignments = defineKafkaApi({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: [0, 0],
  flexibleFrom: 0,
  request: struct({
    timeoutMs: field(int32, { default: TIMEOUT_MS_DEFAULT }),
    topics: field(
      array(
        struct({
          name: field(string),
          partitionIndexes: field(array(int32)),
        }),
      ),
      { nullable: 0, default: null },
    ),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    errorCode: field(int16),
    errorMessage: field(string, { nullable: 0 }),
    topics: field(
      array(
        struct({
          name: field(string),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                replicas: field(array(int32)),
                addingReplicas: field(array(int32)),
                removingReplicas: field(array(int32)),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
});
