/**
 * The error catalogue: one table drives the wire codes, the SDK's errors, the REST statuses and
 * docs/errors.md. Codes below 1000 are Kafka's, by number and name; ours start at 1000. A number is
 * never reused. Long because it is one table.
 */

import { OdradekError, type OdradekErrorOptions } from '../common/index.ts';

export interface ErrorDefinition {
  /** int16 on the wire. */
  readonly code: number;
  /** The same request may succeed later. */
  readonly retriable: boolean;
  /** The caller's metadata is out of date. */
  readonly refreshMetadata?: boolean;
  /** The request may have been applied all the same: report it as unknown, never as failed. */
  readonly outcomeUnknown?: boolean;
  readonly httpStatus: number;
  readonly message: string;
}

export const errorCatalogue = {
  UNKNOWN_SERVER_ERROR: {
    code: -1,
    retriable: false,
    outcomeUnknown: true,
    httpStatus: 500,
    message: 'The broker failed in a way it did not expect',
  },
  NONE: { code: 0, retriable: false, httpStatus: 200, message: 'No error' },
  OFFSET_OUT_OF_RANGE: {
    code: 1,
    retriable: false,
    httpStatus: 400,
    message: 'The offset is outside of what the partition holds',
  },
  CORRUPT_MESSAGE: {
    code: 2,
    retriable: true,
    httpStatus: 400,
    message: 'A record batch fails its checksum or is malformed',
  },
  UNKNOWN_TOPIC_OR_PARTITION: {
    code: 3,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 404,
    message: 'This broker knows no such topic or partition',
  },
  LEADER_NOT_AVAILABLE: {
    code: 5,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 503,
    message: 'The partition has no leader at the moment',
  },
  NOT_LEADER_OR_FOLLOWER: {
    code: 6,
    retriable: true,
    refreshMetadata: true,
    outcomeUnknown: true,
    httpStatus: 503,
    message: 'This broker does not lead the partition',
  },
  REQUEST_TIMED_OUT: {
    code: 7,
    retriable: true,
    // A leader that was deposed and does not know it answers nothing else.
    refreshMetadata: true,
    outcomeUnknown: true,
    httpStatus: 504,
    message: 'The request was not completed in time',
  },
  BROKER_NOT_AVAILABLE: {
    code: 8,
    retriable: false,
    httpStatus: 503,
    message: 'The broker is not available',
  },
  REPLICA_NOT_AVAILABLE: {
    code: 9,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 503,
    message: 'The replica is not available on the asked broker',
  },
  MESSAGE_TOO_LARGE: {
    code: 10,
    retriable: false,
    httpStatus: 413,
    message: 'A record batch is larger than the topic allows',
  },
  OFFSET_METADATA_TOO_LARGE: {
    code: 12,
    retriable: false,
    httpStatus: 400,
    message: 'The metadata beside a committed offset is longer than allowed',
  },
  NETWORK_EXCEPTION: {
    code: 13,
    retriable: true,
    refreshMetadata: true,
    outcomeUnknown: true,
    httpStatus: 503,
    message: 'The connection was lost before the answer came',
  },
  COORDINATOR_LOAD_IN_PROGRESS: {
    code: 14,
    retriable: true,
    httpStatus: 503,
    message: 'The coordinator is still reading the state of its groups',
  },
  COORDINATOR_NOT_AVAILABLE: {
    code: 15,
    retriable: true,
    refreshMetadata: true,
    outcomeUnknown: true,
    httpStatus: 503,
    message: 'No broker coordinates the group at the moment',
  },
  NOT_COORDINATOR: {
    code: 16,
    retriable: true,
    refreshMetadata: true,
    outcomeUnknown: true,
    httpStatus: 503,
    message: 'This broker does not coordinate the group',
  },
  INVALID_TOPIC_EXCEPTION: {
    code: 17,
    retriable: false,
    httpStatus: 400,
    message: 'The topic name is not allowed',
  },
  RECORD_LIST_TOO_LARGE: {
    code: 18,
    retriable: false,
    httpStatus: 413,
    message: 'The record batch is larger than a segment may be',
  },
  NOT_ENOUGH_REPLICAS: {
    code: 19,
    retriable: true,
    httpStatus: 503,
    message: 'Fewer replicas are in sync than the topic demands',
  },
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: {
    code: 20,
    retriable: true,
    outcomeUnknown: true,
    httpStatus: 503,
    message: 'Appended, but to fewer in-sync replicas than the topic demands',
  },
  INVALID_REQUIRED_ACKS: {
    code: 21,
    retriable: false,
    httpStatus: 400,
    message: 'acks must be -1, 0 or 1',
  },
  ILLEGAL_GENERATION: {
    code: 22,
    retriable: false,
    httpStatus: 409,
    message: 'The group has another generation',
  },
  INCONSISTENT_GROUP_PROTOCOL: {
    code: 23,
    retriable: false,
    httpStatus: 409,
    message: 'The member shares no protocol with the group, or names another one',
  },
  INVALID_GROUP_ID: {
    code: 24,
    retriable: false,
    httpStatus: 400,
    message: 'The group id is not allowed',
  },
  UNKNOWN_MEMBER_ID: {
    code: 25,
    retriable: false,
    httpStatus: 409,
    message: 'The group has no such member',
  },
  INVALID_SESSION_TIMEOUT: {
    code: 26,
    retriable: false,
    httpStatus: 400,
    message: 'The session timeout is outside of what the broker allows',
  },
  REBALANCE_IN_PROGRESS: {
    code: 27,
    retriable: false,
    httpStatus: 409,
    message: 'The group is rebalancing: the member must join again',
  },
  INVALID_COMMIT_OFFSET_SIZE: {
    code: 28,
    retriable: false,
    httpStatus: 413,
    message: 'The offsets of one commit are more than fit into a record batch',
  },
  TOPIC_AUTHORIZATION_FAILED: {
    code: 29,
    retriable: false,
    httpStatus: 403,
    message: 'Not authorised for the topic',
  },
  GROUP_AUTHORIZATION_FAILED: {
    code: 30,
    retriable: false,
    httpStatus: 403,
    message: 'Not authorised for the group',
  },
  CLUSTER_AUTHORIZATION_FAILED: {
    code: 31,
    retriable: false,
    httpStatus: 403,
    message: 'Not authorised for the cluster',
  },
  INVALID_TIMESTAMP: {
    code: 32,
    retriable: false,
    httpStatus: 400,
    message: 'The timestamp is outside of what the topic allows',
  },
  UNSUPPORTED_SASL_MECHANISM: {
    code: 33,
    retriable: false,
    httpStatus: 400,
    message: 'The broker does not offer this authentication mechanism',
  },
  ILLEGAL_SASL_STATE: {
    code: 34,
    retriable: false,
    httpStatus: 400,
    message: 'Not allowed in this state of authentication',
  },
  UNSUPPORTED_VERSION: {
    code: 35,
    retriable: false,
    httpStatus: 400,
    message: 'The broker does not know this version of the API',
  },
  TOPIC_ALREADY_EXISTS: {
    code: 36,
    retriable: false,
    httpStatus: 409,
    message: 'A topic of this name exists already',
  },
  INVALID_PARTITIONS: {
    code: 37,
    retriable: false,
    httpStatus: 400,
    message: 'The number of partitions is not allowed',
  },
  INVALID_REPLICATION_FACTOR: {
    code: 38,
    retriable: false,
    httpStatus: 400,
    message: 'The replication factor is not allowed',
  },
  INVALID_REPLICA_ASSIGNMENT: {
    code: 39,
    retriable: false,
    httpStatus: 400,
    message: 'The replica assignment is not allowed',
  },
  INVALID_CONFIG: {
    code: 40,
    retriable: false,
    httpStatus: 400,
    message: 'A configuration value is not allowed',
  },
  NOT_CONTROLLER: {
    code: 41,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 503,
    message: 'This broker is not the controller, or no controller is elected',
  },
  INVALID_REQUEST: {
    code: 42,
    retriable: false,
    httpStatus: 400,
    message: 'The request is malformed',
  },
  UNSUPPORTED_FOR_MESSAGE_FORMAT: {
    code: 43,
    retriable: false,
    httpStatus: 400,
    message: 'The record format does not support this',
  },
  POLICY_VIOLATION: {
    code: 44,
    retriable: false,
    httpStatus: 403,
    message: 'The request violates a policy of the cluster',
  },
  OUT_OF_ORDER_SEQUENCE_NUMBER: {
    code: 45,
    retriable: false,
    httpStatus: 409,
    message: 'A batch of the producer is missing before this one',
  },
  DUPLICATE_SEQUENCE_NUMBER: {
    code: 46,
    retriable: false,
    httpStatus: 409,
    message: 'The batch was appended before, too long ago to know its offset',
  },
  INVALID_PRODUCER_EPOCH: {
    code: 47,
    retriable: false,
    httpStatus: 409,
    message: 'A newer producer with the same id has been seen',
  },
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: {
    code: 53,
    retriable: false,
    httpStatus: 403,
    message: 'Not authorised for the transactional id',
  },
  KAFKA_STORAGE_ERROR: {
    code: 56,
    retriable: true,
    refreshMetadata: true,
    outcomeUnknown: true,
    httpStatus: 503,
    message: 'The log directory of the partition is offline',
  },
  SASL_AUTHENTICATION_FAILED: {
    code: 58,
    retriable: false,
    httpStatus: 401,
    message: 'Authentication failed',
  },
  UNKNOWN_PRODUCER_ID: {
    code: 59,
    retriable: false,
    httpStatus: 404,
    message: 'The partition no longer remembers the producer',
  },
  REASSIGNMENT_IN_PROGRESS: {
    code: 60,
    retriable: false,
    httpStatus: 409,
    message: 'A reassignment of the partition is in progress',
  },
  NON_EMPTY_GROUP: {
    code: 68,
    retriable: false,
    httpStatus: 409,
    message: 'The group has members',
  },
  GROUP_ID_NOT_FOUND: {
    code: 69,
    retriable: false,
    httpStatus: 404,
    message: 'There is no such group',
  },
  FETCH_SESSION_ID_NOT_FOUND: {
    code: 70,
    retriable: true,
    httpStatus: 404,
    message: 'The broker no longer has the fetch session',
  },
  INVALID_FETCH_SESSION_EPOCH: {
    code: 71,
    retriable: true,
    httpStatus: 409,
    message: 'The request does not follow the last one of the fetch session',
  },
  TOPIC_DELETION_DISABLED: {
    code: 73,
    retriable: false,
    httpStatus: 403,
    message: 'Topic deletion is switched off',
  },
  FENCED_LEADER_EPOCH: {
    code: 74,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 503,
    message: 'The request names an older leader epoch',
  },
  UNKNOWN_LEADER_EPOCH: {
    code: 75,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 503,
    message: 'The request names a leader epoch that this broker does not know yet',
  },
  UNSUPPORTED_COMPRESSION_TYPE: {
    code: 76,
    retriable: false,
    httpStatus: 400,
    message: 'The codec is not available here',
  },
  STALE_BROKER_EPOCH: {
    code: 77,
    retriable: false,
    httpStatus: 503,
    message: 'The broker has registered anew since',
  },
  OFFSET_NOT_AVAILABLE: {
    code: 78,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 503,
    message: 'The offset is not known yet, shortly after a leader change',
  },
  MEMBER_ID_REQUIRED: {
    code: 79,
    retriable: false,
    httpStatus: 409,
    message: 'The member must join again with the member id that this answer gives it',
  },
  PREFERRED_LEADER_NOT_AVAILABLE: {
    code: 80,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 503,
    message: 'The preferred leader is not alive or not in sync',
  },
  GROUP_MAX_SIZE_REACHED: {
    code: 81,
    retriable: false,
    httpStatus: 409,
    message: 'The group has as many members as it may',
  },
  FENCED_INSTANCE_ID: {
    code: 82,
    retriable: false,
    httpStatus: 409,
    message: 'Another member has taken over the static instance id',
  },
  ELIGIBLE_LEADERS_NOT_AVAILABLE: {
    code: 83,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 503,
    message: 'No replica may lead the partition at the moment',
  },
  ELECTION_NOT_NEEDED: {
    code: 84,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 200,
    message: 'The partition is led by the broker that an election would choose',
  },
  NO_REASSIGNMENT_IN_PROGRESS: {
    code: 85,
    retriable: false,
    httpStatus: 404,
    message: 'No reassignment of the partition is in progress',
  },
  GROUP_SUBSCRIBED_TO_TOPIC: {
    code: 86,
    retriable: false,
    httpStatus: 409,
    message: 'The group consumes the topic',
  },
  INVALID_RECORD: {
    code: 87,
    retriable: false,
    httpStatus: 400,
    message: 'A record batch does not follow the rules',
  },
  UNSTABLE_OFFSET_COMMIT: {
    code: 88,
    retriable: true,
    httpStatus: 503,
    message: 'A transaction has offsets pending for the partition',
  },
  INVALID_UPDATE_VERSION: {
    code: 95,
    retriable: false,
    refreshMetadata: true,
    httpStatus: 409,
    message: 'The state of the partition has changed since',
  },
  UNKNOWN_TOPIC_ID: {
    code: 100,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 404,
    message: 'This broker knows no topic with this id',
  },
  INCONSISTENT_TOPIC_ID: {
    code: 103,
    retriable: true,
    refreshMetadata: true,
    httpStatus: 409,
    message: 'The topic id in the log differs from the one in the request',
  },
  FETCH_SESSION_TOPIC_ID_ERROR: {
    code: 106,
    retriable: true,
    httpStatus: 409,
    message: 'The fetch session names topics in another way, by id or by name',
  },
  INELIGIBLE_REPLICA: {
    code: 107,
    retriable: false,
    httpStatus: 409,
    message:
      'A replica may not join the in-sync replicas: it is not alive in the named registration',
  },
  NEW_LEADER_ELECTED: {
    code: 108,
    retriable: false,
    refreshMetadata: true,
    httpStatus: 409,
    message: 'The change was made, and another broker leads now',
  },
  FENCED_MEMBER_EPOCH: {
    code: 110,
    retriable: false,
    httpStatus: 409,
    message: 'The member epoch is not that of the group: the member must join anew',
  },
  UNRELEASED_INSTANCE_ID: {
    code: 111,
    retriable: false,
    httpStatus: 409,
    message: 'The static instance id is still used by another member',
  },
  UNSUPPORTED_ASSIGNOR: {
    code: 112,
    retriable: false,
    httpStatus: 400,
    message: 'The group coordinator does not know this assignor',
  },
  STALE_MEMBER_EPOCH: {
    code: 113,
    retriable: false,
    httpStatus: 409,
    message: 'The member epoch is old: fetch the new one with the next heartbeat',
  },
  INVALID_REGULAR_EXPRESSION: {
    code: 128,
    retriable: false,
    httpStatus: 400,
    message: 'The regular expression is not valid',
  },
  FRAME_TOO_LARGE: {
    code: 1000,
    retriable: false,
    httpStatus: 413,
    message: 'The frame is larger than this side accepts',
  },
  UNKNOWN_API: {
    code: 1001,
    retriable: false,
    httpStatus: 400,
    message: 'The broker knows no such API',
  },
  STALE_CONTROLLER_EPOCH: {
    code: 1002,
    retriable: false,
    httpStatus: 409,
    message: 'A newer controller has been seen',
  },
  TOPIC_DELETION_IN_PROGRESS: {
    code: 1003,
    retriable: true,
    httpStatus: 409,
    message: 'The topic is being deleted',
  },
  COORDINATOR_UNAVAILABLE: {
    code: 1004,
    retriable: true,
    outcomeUnknown: true,
    httpStatus: 503,
    message: 'ZooKeeper did not answer in time',
  },
  BROKER_OVERLOADED: {
    code: 1005,
    retriable: true,
    httpStatus: 503,
    message: 'The broker holds as many requests as it may',
  },
} as const satisfies Readonly<Record<string, ErrorDefinition>>;

export type ErrorName = keyof typeof errorCatalogue;

const namesByCode: ReadonlyMap<number, ErrorName> = new Map(
  (Object.keys(errorCatalogue) as ErrorName[]).map((name) => [errorCatalogue[name].code, name]),
);

/** Name of a wire code; UNKNOWN_SERVER_ERROR for a code of a newer release. */
export function errorName(code: number): ErrorName {
  return namesByCode.get(code) ?? 'UNKNOWN_SERVER_ERROR';
}

export function errorCode(name: ErrorName): number {
  return errorCatalogue[name].code;
}

/** An error that has a number on the wire. `code` is its name in the catalogue. */
export class ProtocolError extends OdradekError {
  override readonly name = 'ProtocolError';
  declare readonly code: ErrorName;

  /** @param message says what failed, with the value in quotes; by default the catalogue's text. */
  constructor(code: ErrorName, message?: string, options: OdradekErrorOptions = {}) {
    const definition: ErrorDefinition = errorCatalogue[code];
    super(code, message ?? definition.message, { retriable: definition.retriable, ...options });
  }

  get definition(): ErrorDefinition {
    return errorCatalogue[this.code];
  }
}
