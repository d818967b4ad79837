/** Groups of the classic protocol: what the group coordinator answers, in the version asked for. */

import type { DescribedGroup, GroupClient, GroupService } from '../../group/index.ts';
import { allowedOperations } from '../allowedOperations.ts';
import type { KafkaCall } from '../kafkaCall.ts';
import { kafkaErrorCode } from '../kafkaErrors.ts';
import {
  type KafkaResponse,
  kafkaDeleteGroups,
  kafkaDescribeGroups,
  kafkaHeartbeat,
  kafkaJoinGroup,
  kafkaLeaveGroup,
  kafkaListGroups,
  kafkaSyncGroup,
} from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

/** KIP-394: a new member is first told its id. */
const KNOWN_ID_SINCE = 4;
/** A member without a protocol name hears null, not an empty text. */
const NULL_PROTOCOL_SINCE = 7;
const SKIP_ASSIGNMENT_SINCE = 9;
const REBALANCE_TIMEOUT_SINCE = 1;
const SEVERAL_LEAVE_SINCE = 3;
/** Before this version a group that is not there is described as `Dead`. */
const NOT_FOUND_SINCE = 6;

export function groupHandlers(groups: GroupService): readonly Registration[] {
  return [
    on(kafkaJoinGroup, (call) => joinGroup(groups, call)),
    on(kafkaSyncGroup, (call) => syncGroup(groups, call)),
    on(kafkaHeartbeat, async (call) => {
      call.respond({ errorCode: kafkaErrorCode(await groups.heartbeat(call.body)) });
    }),
    on(kafkaLeaveGroup, (call) => leaveGroup(groups, call)),
    on(kafkaListGroups, async (call) => {
      const { statesFilter, typesFilter } = call.body;
      const listed = await groups.listGroups({ states: statesFilter, types: typesFilter });
      call.respond({
        errorCode: kafkaErrorCode(listed.error),
        groups: listed.groups.map(({ groupId, protocolType, state, type }) => {
          return { groupId, protocolType, groupState: state, groupType: type };
        }),
      });
    }),
    on(kafkaDescribeGroups, async (call) => {
      const described = await groups.describeGroups(call.body.groups);
      const { includeAuthorizedOperations } = call.body;
      const authorizedOperations = allowedOperations('group', includeAuthorizedOperations);
      const results = described.map((group) => describedGroup(group, call.apiVersion));
      call.respond({ groups: results.map((result) => ({ ...result, authorizedOperations })) });
    }),
    on(kafkaDeleteGroups, async (call) => {
      const deleted = await groups.deleteGroups(call.body.groupsNames);
      const results = deleted.map(({ groupId, error }) => {
        return { groupId, errorCode: kafkaErrorCode(error) };
      });
      call.respond({ results });
    }),
  ];
}

async function joinGroup(
  groups: GroupService,
  call: KafkaCall<typeof kafkaJoinGroup>,
): Promise<void> {
  const { body, apiVersion } = call;
  const joined = await groups.joinGroup({
    ...body,
    rebalanceTimeoutMs:
      apiVersion < REBALANCE_TIMEOUT_SINCE ? body.sessionTimeoutMs : body.rebalanceTimeoutMs,
    requiresKnownMemberId: apiVersion >= KNOWN_ID_SINCE,
    supportsSkippingAssignment: apiVersion >= SKIP_ASSIGNMENT_SINCE,
    client: clientOf(call),
  });
  const { error, protocolName, ...rest } = joined;
  call.respond({
    ...rest,
    errorCode: kafkaErrorCode(error),
    protocolName: apiVersion < NULL_PROTOCOL_SINCE ? (protocolName ?? '') : protocolName,
  });
}

function clientOf({ clientId, connection }: KafkaCall<typeof kafkaJoinGroup>): GroupClient {
  return { clientId: clientId ?? '', clientHost: `/${connection.remote.host}` };
}

async function syncGroup(
  groups: GroupService,
  call: KafkaCall<typeof kafkaSyncGroup>,
): Promise<void> {
  const { error, protocolType, protocolName, assignment } = await groups.syncGroup(call.body);
  call.respond({ errorCode: kafkaErrorCode(error), protocolType, protocolName, assignment });
}

async function leaveGroup(
  groups: GroupService,
  call: KafkaCall<typeof kafkaLeaveGroup>,
): Promise<void> {
  const { groupId, memberId, members } = call.body;
  const isOne = call.apiVersion < SEVERAL_LEAVE_SINCE;
  const leaving = isOne ? [{ memberId, groupInstanceId: null, reason: null }] : members;
  const left = await groups.leaveGroup({ groupId, members: leaving });
  const [only] = left.members;
  const whole = isOne && left.error === 'NONE' ? (only?.error ?? 'NONE') : left.error;
  call.respond({
    errorCode: kafkaErrorCode(whole),
    members: left.members.map(({ error, ...member }) => {
      return { ...member, errorCode: kafkaErrorCode(error) };
    }),
  });
}

function describedGroup(
  group: DescribedGroup,
  apiVersion: number,
): KafkaResponse<typeof kafkaDescribeGroups>['groups'][number] {
  const isMissing = group.error === 'NONE' && group.state === 'Dead';
  const error = isMissing && apiVersion >= NOT_FOUND_SINCE ? 'GROUP_ID_NOT_FOUND' : group.error;
  return {
    errorCode: kafkaErrorCode(error),
    errorMessage: error === 'GROUP_ID_NOT_FOUND' ? `Group ${group.groupId} not found.` : null,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: group.protocolData,
    members: group.members.map(({ metadata, assignment, ...member }) => {
      return { ...member, memberMetadata: metadata, memberAssignment: assignment };
    }),
  };
}
