/**
 * Groups whose coordinator assigns the partitions (KIP-848). Not advertised before the coordinator
 * has the whole protocol: clients take it as soon as they see it.
 */

import { defineKafkaApi } from '../api.ts';
import { array, boolean, field, int8, int16, int32, string, struct, uuid } from '../schema.ts';
import { OPERATIONS_NOT_ASKED } from './metadata.ts';

const ownedTopic = struct({
  topicId: field(uuid),
  partitions: field(array(int32)),
});

/** In requests null means: as before. */
export const kafkaConsumerGroupHeartbeat = defineKafkaApi({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: [0, 1],
  advertised: null,
  flexibleFrom: 0,
  request: struct({
    groupId: field(string),
    memberId: field(string),
    memberEpoch: field(int32),
    instanceId: field(string, { nullable: 0, default: null }),
    rackId: field(string, { nullable: 0, default: null }),
    rebalanceTimeoutMs: field(int32, { default: -1 }),
    subscribedTopicNames: field(array(string), { nullable: 0, default: null }),
    subscribedTopicRegex: field(string, { since: 1, nullable: 1, default: null }),
    serverAssignor: field(string, { nullable: 0, default: null }),
    topicPartitions: field(array(ownedTopic), { nullable: 0, default: null }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    errorCode: field(int16),
    errorMessage: field(string, { nullable: 0, default: null }),
    memberId: field(string, { nullable: 0, default: null }),
    memberEpoch: field(int32),
    heartbeatIntervalMs: field(int32),
    assignment: field(struct({ topicPartitions: field(array(ownedTopic)) }), {
      nullable: 0,
      default: null,
    }),
  }),
});

const describedAssignment = struct({
  topicPartitions: field(
    array(
      struct({
        topicId: field(uuid),
        topicName: field(string),
        partitions: field(array(int32)),
      }),
    ),
  ),
});

export const kafkaConsumerGroupDescribe = defineKafkaApi({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0, 1],
  advertised: null,
  flexibleFrom: 0,
  request: struct({
    groupIds: field(array(string)),
    includeAuthorizedOperations: field(boolean),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    groups: field(
      array(
        struct({
          errorCode: field(int16),
          errorMessage: field(string, { nullable: 0, default: null }),
          groupId: field(string),
          groupState: field(string),
          groupEpoch: field(int32),
          assignmentEpoch: field(int32),
          assignorName: field(string),
          members: field(
            array(
              struct({
                memberId: field(string),
                instanceId: field(string, { nullable: 0, default: null }),
                rackId: field(string, { nullable: 0, default: null }),
                memberEpoch: field(int32),
                clientId: field(string),
                clientHost: field(string),
                subscribedTopicNames: field(array(string)),
                subscribedTopicRegex: field(string, { nullable: 0, default: null }),
                assignment: field(describedAssignment),
                targetAssignment: field(describedAssignment),
                memberType: field(int8, { since: 1, default: -1 }),
              }),
            ),
          ),
          authorizedOperations: field(int32, { default: OPERATIONS_NOT_ASKED }),
        }),
      ),
    ),
  }),
});
