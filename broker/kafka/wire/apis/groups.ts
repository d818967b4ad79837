/** Groups whose members agree by themselves: the classic protocol, and what is asked about groups. */

import { defineKafkaApi } from '../api.ts';
import { array, boolean, bytes, field, int16, int32, string, struct } from '../schema.ts';
import { OPERATIONS_NOT_ASKED } from './metadata.ts';

/** @see KIP-394 for member ids, KIP-345 for instance ids, KIP-814 for the skipped assignment. */
export const kafkaJoinGroup = defineKafkaApi({
  key: 11,
  name: 'JoinGroup',
  versions: [0, 9],
  flexibleFrom: 6,
  request: struct({
    groupId: field(string),
    sessionTimeoutMs: field(int32),
    rebalanceTimeoutMs: field(int32, { since: 1, default: -1 }),
    memberId: field(string),
    groupInstanceId: field(string, { since: 5, nullable: 5, default: null }),
    protocolType: field(string),
    protocols: field(
      array(
        struct({
          name: field(string),
          metadata: field(bytes),
        }),
      ),
    ),
    reason: field(string, { since: 8, nullable: 8, default: null }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 2, default: 0 }),
    errorCode: field(int16),
    generationId: field(int32, { default: -1 }),
    protocolType: field(string, { since: 7, nullable: 7, default: null }),
    /** Null only where the version allows it: an empty string before. */
    protocolName: field(string, { nullable: 7 }),
    leader: field(string),
    skipAssignment: field(boolean, { since: 9, default: false }),
    memberId: field(string),
    members: field(
      array(
        struct({
          memberId: field(string),
          groupInstanceId: field(string, { since: 5, nullable: 5, default: null }),
          metadata: field(bytes),
        }),
      ),
    ),
  }),
});

export const kafkaSyncGroup = defineKafkaApi({
  key: 14,
  name: 'SyncGroup',
  versions: [0, 5],
  flexibleFrom: 4,
  request: struct({
    groupId: field(string),
    generationId: field(int32),
    memberId: field(string),
    groupInstanceId: field(string, { since: 3, nullable: 3, default: null }),
    protocolType: field(string, { since: 5, nullable: 5, default: null }),
    protocolName: field(string, { since: 5, nullable: 5, default: null }),
    assignments: field(
      array(
        struct({
          memberId: field(string),
          assignment: field(bytes),
        }),
      ),
    ),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 1, default: 0 }),
    errorCode: field(int16),
    protocolType: field(string, { since: 5, nullable: 5, default: null }),
    protocolName: field(string, { since: 5, nullable: 5, default: null }),
    assignment: field(bytes),
  }),
});

export const kafkaHeartbeat = defineKafkaApi({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexibleFrom: 4,
  request: struct({
    groupId: field(string),
    generationId: field(int32),
    memberId: field(string),
    groupInstanceId: field(string, { since: 3, nullable: 3, default: null }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 1, default: 0 }),
    errorCode: field(int16),
  }),
});

/** One member up to version 2, several from version 3. */
export const kafkaLeaveGroup = defineKafkaApi({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexibleFrom: 4,
  request: struct({
    groupId: field(string),
    memberId: field(string, { until: 2, default: '' }),
    members: field(
      array(
        struct({
          memberId: field(string),
          groupInstanceId: field(string, { nullable: 3, default: null }),
          reason: field(string, { since: 5, nullable: 5, default: null }),
        }),
      ),
      { since: 3, default: [] },
    ),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 1, default: 0 }),
    errorCode: field(int16),
    members: field(
      array(
        struct({
          memberId: field(string),
          groupInstanceId: field(string, { nullable: 3 }),
          errorCode: field(int16),
        }),
      ),
      { since: 3, default: [] },
    ),
  }),
});

export const kafkaDescribeGroups = defineKafkaApi({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 6],
  flexibleFrom: 5,
  request: struct({
    groups: field(array(string)),
    includeAuthorizedOperations: field(boolean, { since: 3, default: false }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 1, default: 0 }),
    groups: field(
      array(
        struct({
          errorCode: field(int16),
          errorMessage: field(string, { since: 6, nullable: 6, default: null }),
          groupId: field(string),
          groupState: field(string),
          protocolType: field(string),
          protocolData: field(string),
          members: field(
            array(
              struct({
                memberId: field(string),
                groupInstanceId: field(string, { since: 4, nullable: 4, default: null }),
                clientId: field(string),
                clientHost: field(string),
                memberMetadata: field(bytes),
                memberAssignment: field(bytes),
              }),
            ),
          ),
          authorizedOperations: field(int32, { since: 3, default: OPERATIONS_NOT_ASKED }),
        }),
      ),
    ),
  }),
});

export const kafkaListGroups = defineKafkaApi({
  key: 16,
  name: 'ListGroups',
  versions: [0, 5],
  flexibleFrom: 3,
  request: struct({
    statesFilter: field(array(string), { since: 4, default: [] }),
    typesFilter: field(array(string), { since: 5, default: [] }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { since: 1, default: 0 }),
    errorCode: field(int16),
    groups: field(
      array(
        struct({
          groupId: field(string),
          protocolType: field(string),
          groupState: field(string, { since: 4, default: '' }),
          groupType: field(string, { since: 5, default: '' }),
        }),
      ),
    ),
  }),
});

export const kafkaDeleteGroups = defineKafkaApi({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 2],
  flexibleFrom: 2,
  request: struct({
    groupsNames: field(array(string)),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    results: field(
      array(
        struct({
          groupId: field(string),
          errorCode: field(int16),
        }),
      ),
    ),
  }),
});
