/** Who is in the cluster, who leads what, and who coordinates. */

import { defineKafkaApi } from '../api.ts';
import {
  array,
  boolean,
  field,
  int8,
  int16,
  int32,
  string,
  struct,
  uuid,
  ZERO_UUID,
} from '../schema.ts';

/** What an answer says about operations when nobody asked for them. */
export const OPERATIONS_NOT_ASKED = -(2 ** 31);

/** @see KIP-516 for topic ids, KIP-430 for the authorised operations. */
export const kafkaMetadata = defineKafkaApi({
  key: 3,
  name: 'Metadata',
  versions: [0, 13],
  flexibleFrom: 9,
  request: struct({
    topics: field(
      array(
        struct({
          topicId: field(uuid, { since: 10, default: ZERO_UUID }),
          name: field(string, { nullable: 10 }),
        }),
      ),
      { nullable: 1 },
    ),
    allowAutoTopicCreation: field(boolean, { since: 4, default: true }),
    includeClusterAuthorizedOperations: field(boolean, { since: 8, until: 10, default: false }),
    includeTopicAuthorizedOperations: field(boolean, { since: 8, default: false }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 3, default: 0 }),
    brokers: field(
      array(
        struct({
          nodeId: field(int32),
          host: field(string),
          port: field(int32),
          rack: field(string, { since: 1, nullable: 1, default: null }),
        }),
      ),
    ),
    clusterId: field(string, { since: 2, nullable: 2, default: null }),
    controllerId: field(int32, { since: 1, default: -1 }),
    topics: field(
      array(
        struct({
          errorCode: field(int16),
          name: field(string, { nullable: 12 }),
          topicId: field(uuid, { since: 10, default: ZERO_UUID }),
          isInternal: field(boolean, { since: 1, default: false }),
          partitions: field(
            array(
              struct({
                errorCode: field(int16),
                partitionIndex: field(int32),
                leaderId: field(int32),
                leaderEpoch: field(int32, { since: 7, default: -1 }),
                replicaNodes: field(array(int32)),
                isrNodes: field(array(int32)),
                offlineReplicas: field(array(int32), { since: 5, default: [] }),
              }),
            ),
          ),
          topicAuthorizedOperations: field(int32, { since: 8, default: OPERATIONS_NOT_ASKED }),
        }),
      ),
    ),
    clusterAuthorizedOperations: field(int32, {
      since: 8,
      until: 10,
      default: OPERATIONS_NOT_ASKED,
    }),
    errorCode: field(int16, { since: 13, default: 0 }),
  }),
});

/** @see KIP-699 for several keys in one request. */
export const kafkaFindCoordinator = defineKafkaApi({
  key: 10,
  name: 'FindCoordinator',
  versions: [0, 5],
  flexibleFrom: 3,
  request: struct({
    key: field(string, { until: 3, default: '' }),
    keyType: field(int8, { since: 1, default: 0 }),
    coordinatorKeys: field(array(string), { since: 4, default: [] }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 1, default: 0 }),
    errorCode: field(int16, { until: 3, default: 0 }),
    errorMessage: field(string, { since: 1, until: 3, nullable: 1, default: null }),
    nodeId: field(int32, { until: 3, default: -1 }),
    host: field(string, { until: 3, default: '' }),
    port: field(int32, { until: 3, default: -1 }),
    coordinators: field(
      array(
        struct({
          key: field(string),
          nodeId: field(int32),
          host: field(string),
          port: field(int32),
          errorCode: field(int16),
          errorMessage: field(string, { nullable: 4, default: null }),
        }),
      ),
      { since: 4, default: [] },
    ),
  }),
});
