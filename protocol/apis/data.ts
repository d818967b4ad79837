/** The APIs that carry records and tell where they are. */

import {
  array,
  boolean,
  defineApi,
  field,
  int8,
  int16,
  int32,
  int64,
  nullable,
  records,
  string,
  struct,
} from '../schema.ts';

export const metadataApi = defineApi({
  key: 2,
  name: 'Metadata',
  about: 'Brokers of the cluster, and where the partitions of some or all topics are led.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    topics: field(nullable(array(string)), 'Names of topics; null for all, empty for none.'),
  }),
  response: struct({
    clusterId: field(string, 'Id of the cluster.'),
    controllerId: field(int32, 'Broker that is the controller; -1 where none is known.'),
    brokers: field(
      array(
        struct({
          id: field(int32, 'Broker id.'),
          host: field(string, 'Host of its native listener.'),
          port: field(int32, 'Port of its native listener.'),
          rack: field(nullable(string), 'Rack, or null.'),
        }),
      ),
      'Live brokers.',
    ),
    topics: field(
      array(
        struct({
          errorCode: field(int16, 'Error code, 0 for none.'),
          name: field(string, 'Topic name.'),
          topicId: field(nullable(string), 'Topic id, or null with an error.'),
          internal: field(boolean, 'Whether the cluster itself owns the topic.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                errorCode: field(
                  int16,
                  'Error code: LEADER_NOT_AVAILABLE without a leader, else 0.',
                ),
                leader: field(int32, 'Broker that leads; -1 for none.'),
                leaderEpoch: field(int32, 'Leader epoch.'),
                replicas: field(
                  array(int32),
                  'Brokers that hold the partition, preferred leader first.',
                ),
                isr: field(array(int32), 'Replicas that are in sync.'),
                offlineReplicas: field(array(int32), 'Replicas on brokers that are not alive.'),
                eligibleLeaders: field(
                  array(int32),
                  'Replicas outside of the ISR that hold every committed record (KIP-966).',
                ),
              }),
            ),
            'Partitions in the order of their index.',
          ),
        }),
      ),
      'The topics asked for.',
    ),
  }),
});

export const produceApi = defineApi({
  key: 3,
  name: 'Produce',
  about: 'Appends record batches. With acks 0 there is no response.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    acks: field(
      int16,
      '0: none; 1: in the log of the leader; -1: in the log of every in-sync replica.',
    ),
    timeoutMs: field(int32, 'How long the broker may wait for replicas, in milliseconds.'),
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          topicId: field(
            nullable(string),
            'Topic id where the client knows it: a topic made anew is then refused.',
          ),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                leaderEpoch: field(int32, 'Leader epoch that the client knows; -1 for no check.'),
                records: field(records, 'Exactly one record batch, magic 2.'),
              }),
            ),
            'Partitions; each at most once in a request.',
          ),
        }),
      ),
      'Topics; each at most once in a request.',
    ),
  }),
  response: struct({
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                errorCode: field(int16, 'Error code, 0 for none.'),
                errorMessage: field(nullable(string), 'What failed, for people.'),
                baseOffset: field(
                  int64,
                  'Offset of the first record of the batch; -1 with an error.',
                ),
                logAppendTimeMs: field(
                  int64,
                  'Timestamp that the broker gave; -1 under CreateTime.',
                ),
                logStartOffset: field(int64, 'First offset of the partition; -1 with an error.'),
                leader: field(
                  int32,
                  'With NOT_LEADER_OR_FOLLOWER: the leader that the broker knows, else -1.',
                ),
                leaderEpoch: field(int32, 'Its leader epoch, else -1.'),
              }),
            ),
            'One for each partition of the request.',
          ),
        }),
      ),
      'In the order of the request.',
    ),
  }),
});

export const fetchApi = defineApi({
  key: 4,
  name: 'Fetch',
  about: 'Reads record batches, waiting for new ones up to a time.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    rack: field(
      nullable(string),
      'Where the consumer stands: the leader may name a replica in that rack to read from; or null.',
    ),
    maxWaitMs: field(int32, 'How long to wait for minBytes, in milliseconds.'),
    minBytes: field(int32, 'Answer at once when this many bytes are there.'),
    maxBytes: field(int32, 'Bytes of records that the answer may hold; one batch may exceed it.'),
    isolationLevel: field(int8, '0: read uncommitted; 1: read committed.'),
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          topicId: field(nullable(string), 'Topic id where the client knows it.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                leaderEpoch: field(int32, 'Leader epoch that the client knows; -1 for no check.'),
                fetchOffset: field(
                  int64,
                  'First offset wanted; the batch that holds it comes whole.',
                ),
                maxBytes: field(int32, 'Bytes for this partition; one batch may exceed it.'),
              }),
            ),
            'Partitions, served in this order.',
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
          name: field(string, 'Topic name.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                errorCode: field(int16, 'Error code, 0 for none.'),
                highWatermark: field(
                  int64,
                  'First offset not known on the whole ISR; -1 with an error.',
                ),
                lastStableOffset: field(
                  int64,
                  'First offset of an undecided transaction, at most the high watermark.',
                ),
                logStartOffset: field(int64, 'First offset of the partition; -1 with an error.'),
                leader: field(
                  int32,
                  'With NOT_LEADER_OR_FOLLOWER: the leader that the broker knows, else -1.',
                ),
                leaderEpoch: field(int32, 'Its leader epoch, else -1.'),
                preferredReadReplica: field(
                  int32,
                  'Broker to read from instead, in the rack of the consumer; -1 to stay.',
                ),
                records: field(records, 'Whole record batches; empty for none.'),
              }),
            ),
            'One for each partition of the request.',
          ),
        }),
      ),
      'In the order of the request.',
    ),
  }),
});

export const listOffsetsApi = defineApi({
  key: 5,
  name: 'ListOffsets',
  about: 'Finds offsets by timestamp, at the start or at the end.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    isolationLevel: field(int8, '0: the end is the high watermark; 1: the last stable offset.'),
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                leaderEpoch: field(int32, 'Leader epoch that the client knows; -1 for no check.'),
                timestamp: field(
                  int64,
                  'Milliseconds: the first record at or after it. -1: end. -2: start. -3: the record with the greatest timestamp.',
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
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                errorCode: field(int16, 'Error code, 0 for none.'),
                timestamp: field(int64, 'Timestamp of the record found; -1 where there is none.'),
                offset: field(int64, 'Its offset; -1 where there is none.'),
                leaderEpoch: field(int32, 'Leader epoch of that offset; -1 where unknown.'),
              }),
            ),
            'One for each partition of the request.',
          ),
        }),
      ),
      'In the order of the request.',
    ),
  }),
});

export const describePartitionsApi = defineApi({
  key: 6,
  name: 'DescribePartitions',
  about: 'What the log of a partition holds; asked of its leader.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          partitions: field(array(int32), 'Partitions.'),
        }),
      ),
      'Topics.',
    ),
  }),
  response: struct({
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                errorCode: field(int16, 'Error code, 0 for none.'),
                leaderEpoch: field(int32, 'Leader epoch.'),
                logStartOffset: field(int64, 'First offset that can be read; -1 with an error.'),
                highWatermark: field(
                  int64,
                  'First offset not known on the whole ISR; -1 with an error.',
                ),
                logEndOffset: field(
                  int64,
                  'Offset that the next record will get; -1 with an error.',
                ),
                sizeBytes: field(int64, 'Bytes of all segments; -1 with an error.'),
                segmentCount: field(int32, 'Number of segments; -1 with an error.'),
                replicas: field(
                  array(
                    struct({
                      id: field(int32, 'Broker.'),
                      inSync: field(boolean, 'Whether it is in the ISR.'),
                      logEndOffset: field(int64, 'How far it has fetched; -1 where unknown.'),
                      durableOffset: field(int64, 'How far its disk is; -1 where unknown.'),
                      lagMs: field(
                        int64,
                        'Milliseconds since it last had everything that the leader has; -1 where unknown.',
                      ),
                    }),
                  ),
                  'What the leader knows of each replica, itself included.',
                ),
              }),
            ),
            'One for each partition of the request.',
          ),
        }),
      ),
      'In the order of the request.',
    ),
  }),
});
