/** What brokers tell one another so that replicas stay equal. */

import {
  array,
  defineApi,
  field,
  int16,
  int32,
  int64,
  records,
  string,
  struct,
} from '../schema.ts';

export const replicaFetchApi = defineApi({
  key: 65,
  name: 'ReplicaFetch',
  about:
    'A follower fetches from a leader. The leader keeps, for the life of the connection, which ' +
    'partitions the follower follows and how far it is: a request names only what is new or changed.',
  versions: { min: 0, max: 0 },
  audience: 'broker',
  request: struct({
    brokerEpoch: field(
      int64,
      'Registration of the follower; another one is refused with STALE_BROKER_EPOCH.',
    ),
    maxWaitMs: field(int32, 'How long to wait for records, in milliseconds.'),
    maxBytes: field(int32, 'Bytes of records that the answer may hold; one batch may exceed it.'),
    topics: field(
      array(
        struct({
          topicId: field(string, 'Topic id.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                leaderEpoch: field(int32, 'Leader epoch that the follower knows.'),
                fetchOffset: field(int64, 'Log end offset of the follower: send from here.'),
                lastFetchedEpoch: field(
                  int32,
                  'Leader epoch of its last record; -1 for an empty log.',
                ),
                durableOffset: field(
                  int64,
                  'First offset that the follower does not know to be on its disk.',
                ),
                logStartOffset: field(int64, 'First offset that the follower holds.'),
              }),
            ),
            'Partitions that are new or changed.',
          ),
        }),
      ),
      'Topics.',
    ),
    forgotten: field(
      array(
        struct({
          topicId: field(string, 'Topic id.'),
          partitions: field(array(int32), 'Partitions.'),
        }),
      ),
      'What the follower no longer follows here.',
    ),
  }),
  response: struct({
    errorCode: field(int16, 'Error code of the whole request, 0 for none.'),
    topics: field(
      array(
        struct({
          topicId: field(string, 'Topic id.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                errorCode: field(int16, 'Error code, 0 for none.'),
                leaderEpoch: field(int32, 'Leader epoch of the leader; -1 where it does not lead.'),
                highWatermark: field(int64, 'High watermark of the leader; -1 with an error.'),
                logStartOffset: field(int64, 'Log start offset of the leader; -1 with an error.'),
                divergingEpoch: field(
                  int32,
                  'Where the logs differ: the largest epoch of the leader at or below lastFetchedEpoch; -1 where they do not.',
                ),
                divergingEndOffset: field(
                  int64,
                  'First offset after that epoch in the log of the leader; -1.',
                ),
                records: field(
                  records,
                  'Whole record batches from fetchOffset on; empty for none.',
                ),
              }),
            ),
            'Partitions with records, an error, or another high watermark or log start offset than last told.',
          ),
        }),
      ),
      'Topics.',
    ),
  }),
});

export const replicaProgressApi = defineApi({
  key: 66,
  name: 'ReplicaProgress',
  about:
    'A follower tells how far its disk is while its fetch waits. Belongs to the ReplicaFetch of the ' +
    'same connection, and one without topics asks for its answer at once. There is no response.',
  versions: { min: 0, max: 0 },
  audience: 'broker',
  request: struct({
    topics: field(
      array(
        struct({
          topicId: field(string, 'Topic id.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                leaderEpoch: field(
                  int32,
                  'Leader epoch that the follower knows; another one is passed over.',
                ),
                durableOffset: field(
                  int64,
                  'First offset that the follower does not know to be on its disk.',
                ),
              }),
            ),
            'Partitions whose durable offset has grown.',
          ),
        }),
      ),
      'Topics.',
    ),
  }),
  response: struct({}),
});

export const alterPartitionApi = defineApi({
  key: 67,
  name: 'AlterPartition',
  about: 'A leader asks the controller to change the in-sync replicas of its partitions (KIP-497).',
  versions: { min: 0, max: 0 },
  audience: 'broker',
  request: struct({
    brokerId: field(int32, 'The leader.'),
    brokerEpoch: field(int64, 'Its registration; another one is refused with STALE_BROKER_EPOCH.'),
    topics: field(
      array(
        struct({
          topicId: field(string, 'Topic id.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                leaderEpoch: field(int32, 'Leader epoch of the leader.'),
                partitionEpoch: field(int32, 'Version of the state that the change is based on.'),
                isr: field(
                  array(
                    struct({
                      id: field(int32, 'Broker.'),
                      epoch: field(
                        int64,
                        'Registration of which the leader knows that it is in sync (KIP-903).',
                      ),
                    }),
                  ),
                  'The whole in-sync set wanted.',
                ),
              }),
            ),
            'Partitions.',
          ),
        }),
      ),
      'Topics.',
    ),
  }),
  response: struct({
    errorCode: field(int16, 'Error code of the whole request, 0 for none.'),
    topics: field(
      array(
        struct({
          topicId: field(string, 'Topic id.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                errorCode: field(
                  int16,
                  'INVALID_UPDATE_VERSION, FENCED_LEADER_EPOCH, INELIGIBLE_REPLICA, UNKNOWN_TOPIC_ID, ' +
                    'NEW_LEADER_ELECTED, or 0.',
                ),
                leader: field(int32, 'Leader as it is now.'),
                leaderEpoch: field(int32, 'Its epoch.'),
                partitionEpoch: field(int32, 'Version of the state as it is now.'),
                isr: field(array(int32), 'In-sync replicas as they are now.'),
              }),
            ),
            'One for each partition of the request.',
          ),
        }),
      ),
      'Topics.',
    ),
  }),
});

export const controlledShutdownApi = defineApi({
  key: 68,
  name: 'ControlledShutdown',
  about: 'A broker that is about to stop asks the controller to move its leaders away.',
  versions: { min: 0, max: 0 },
  audience: 'broker',
  request: struct({
    brokerId: field(int32, 'The broker.'),
    brokerEpoch: field(int64, 'Its registration.'),
  }),
  response: struct({
    errorCode: field(int16, 'Error code, 0 for none.'),
    remaining: field(
      int32,
      'Partitions that it still leads although another replica could: ask again.',
    ),
  }),
});

export const logDirFailureApi = defineApi({
  key: 69,
  name: 'LogDirFailure',
  about: 'A broker tells the controller which replicas it can no longer serve.',
  versions: { min: 0, max: 0 },
  audience: 'broker',
  request: struct({
    brokerId: field(int32, 'The broker.'),
    brokerEpoch: field(int64, 'Its registration.'),
    topics: field(
      array(
        struct({
          topicId: field(string, 'Topic id.'),
          partitions: field(array(int32), 'Partitions.'),
        }),
      ),
      'Replicas that are offline on this broker.',
    ),
  }),
  response: struct({ errorCode: field(int16, 'Error code, 0 for none.') }),
});
