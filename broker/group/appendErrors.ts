/** What a client hears when the log of the offsets topic refuses, or does not answer. */

import type { ErrorName } from '../../protocol/index.ts';

/** Of an offset commit. */
export function commitError(error: ErrorName): ErrorName {
  switch (error) {
    case 'MESSAGE_TOO_LARGE':
    case 'RECORD_LIST_TOO_LARGE':
      return 'INVALID_COMMIT_OFFSET_SIZE';
    default:
      return coordinatorError(error);
  }
}

/** Of the record of a group, which a SyncGroup or JoinGroup request waits for. */
export function groupStoreError(error: ErrorName): ErrorName {
  switch (error) {
    // The members try again at once, here: the replicas were only slow.
    case 'REQUEST_TIMED_OUT':
      return 'REBALANCE_IN_PROGRESS';
    case 'MESSAGE_TOO_LARGE':
    case 'RECORD_LIST_TOO_LARGE':
      return 'UNKNOWN_SERVER_ERROR';
    default:
      return coordinatorError(error);
  }
}

function coordinatorError(error: ErrorName): ErrorName {
  switch (error) {
    case 'UNKNOWN_TOPIC_OR_PARTITION':
    case 'NOT_ENOUGH_REPLICAS':
    case 'NOT_ENOUGH_REPLICAS_AFTER_APPEND':
      return 'COORDINATOR_NOT_AVAILABLE';
    case 'NOT_LEADER_OR_FOLLOWER':
    case 'FENCED_LEADER_EPOCH':
    case 'UNKNOWN_LEADER_EPOCH':
    case 'KAFKA_STORAGE_ERROR':
      return 'NOT_COORDINATOR';
    default:
      return error;
  }
}
