/** Administration. Any broker takes these and passes them on to the controller where need be. */

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
  string,
  struct,
} from '../schema.ts';

const forwarded = field(
  boolean,
  'Whether another broker passed the request on: it is then refused, not passed on again.',
);

export const createTopicsApi = defineApi({
  key: 7,
  name: 'CreateTopics',
  about: 'Creates topics. A topic is usable when the response says so.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    timeoutMs: field(int32, 'How long the broker may take, in milliseconds.'),
    validateOnly: field(boolean, 'Check everything, create nothing.'),
    forwarded,
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name: 1 to 249 of a-z, A-Z, 0-9, dot, underscore, hyphen.'),
          partitionCount: field(int32, 'Number of partitions; -1 for the default of the cluster.'),
          replicationFactor: field(int16, 'Replicas of each partition; -1 for the default.'),
          assignments: field(
            nullable(array(array(int32))),
            'Brokers of each partition, preferred leader first; null to let the cluster place them.',
          ),
          configs: field(
            array(struct({ name: field(string, 'Name.'), value: field(string, 'Value.') })),
            'Configuration of the topic.',
          ),
        }),
      ),
      'Topics; each at most once.',
    ),
  }),
  response: struct({
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          errorCode: field(int16, 'Error code, 0 for none.'),
          errorMessage: field(nullable(string), 'What failed, for people.'),
          topicId: field(nullable(string), 'Topic id; null with an error.'),
          partitionCount: field(int32, 'Number of partitions; -1 with an error.'),
          replicationFactor: field(int16, 'Replicas of each partition; -1 with an error.'),
        }),
      ),
      'In the order of the request.',
    ),
  }),
});

export const deleteTopicsApi = defineApi({
  key: 8,
  name: 'DeleteTopics',
  about: 'Deletes topics with all that they hold.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    timeoutMs: field(int32, 'How long the broker may take, in milliseconds.'),
    forwarded,
    names: field(array(string), 'Topic names.'),
  }),
  response: struct({
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          errorCode: field(int16, 'Error code, 0 for none.'),
          errorMessage: field(nullable(string), 'What failed, for people.'),
        }),
      ),
      'In the order of the request.',
    ),
  }),
});

export const describeConfigsApi = defineApi({
  key: 9,
  name: 'DescribeConfigs',
  about: 'Configuration values with where each comes from.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    resources: field(
      array(
        struct({
          type: field(int8, '2: topic; 4: broker.'),
          name: field(string, 'Topic name, or broker id as digits (only the asked broker itself).'),
        }),
      ),
      'What to describe.',
    ),
  }),
  response: struct({
    resources: field(
      array(
        struct({
          type: field(int8, '2: topic; 4: broker.'),
          name: field(string, 'Name as asked.'),
          errorCode: field(int16, 'Error code, 0 for none.'),
          errorMessage: field(nullable(string), 'What failed, for people.'),
          entries: field(
            array(
              struct({
                name: field(string, 'Name.'),
                value: field(nullable(string), 'Value; null where sensitive.'),
                source: field(int8, '1: topic; 4: configuration file of the broker; 5: default.'),
                readOnly: field(boolean, 'Whether it can be altered only by a restart.'),
                sensitive: field(boolean, 'Whether the value is withheld.'),
                documentation: field(string, 'What it does.'),
              }),
            ),
            'Entries in the order of the documentation.',
          ),
        }),
      ),
      'In the order of the request.',
    ),
  }),
});

export const alterConfigsApi = defineApi({
  key: 10,
  name: 'AlterConfigs',
  about: 'Sets and removes single configuration values of topics.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    validateOnly: field(boolean, 'Check everything, change nothing.'),
    forwarded,
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          changes: field(
            array(
              struct({
                name: field(string, 'Configuration name.'),
                value: field(nullable(string), 'New value; null to go back to the default.'),
              }),
            ),
            'Changes; each name at most once.',
          ),
        }),
      ),
      'Topics; each at most once.',
    ),
  }),
  response: struct({
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          errorCode: field(int16, 'Error code, 0 for none.'),
          errorMessage: field(nullable(string), 'What failed, for people.'),
        }),
      ),
      'In the order of the request.',
    ),
  }),
});

export const describeClusterApi = defineApi({
  key: 11,
  name: 'DescribeCluster',
  about: 'The cluster as the asked broker knows it.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({}),
  response: struct({
    clusterId: field(string, 'Id of the cluster.'),
    controllerId: field(int32, 'Broker that is the controller; -1 where none is known.'),
    controllerEpoch: field(int32, 'Controller epoch that the asked broker has seen.'),
    metadataVersion: field(int32, 'Version of the metadata that the asked broker has applied.'),
    coordinatorState: field(
      string,
      'proven, unproven or fenced: what the asked broker knows of its session.',
    ),
    topicCount: field(int32, 'Number of topics.'),
    partitionCount: field(int32, 'Number of partitions.'),
    brokers: field(
      array(
        struct({
          id: field(int32, 'Broker id.'),
          host: field(string, 'Host of its native listener.'),
          port: field(int32, 'Port of its native listener.'),
          rack: field(nullable(string), 'Rack, or null.'),
          leaderCount: field(int32, 'Partitions that it leads.'),
          replicaCount: field(int32, 'Partitions that it holds.'),
        }),
      ),
      'Live brokers.',
    ),
  }),
});

export const initProducerIdApi = defineApi({
  key: 12,
  name: 'InitProducerId',
  about: 'Gives a producer the id under which the broker recognises its repeated batches.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({}),
  response: struct({
    errorCode: field(int16, 'Error code, 0 for none.'),
    errorMessage: field(nullable(string), 'What failed, for people.'),
    producerId: field(int64, 'Id that no other producer has; -1 with an error.'),
    producerEpoch: field(int16, 'Epoch to begin with; -1 with an error.'),
  }),
});

export const createPartitionsApi = defineApi({
  key: 13,
  name: 'CreatePartitions',
  about: 'Adds partitions to topics.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    timeoutMs: field(int32, 'How long the broker may take, in milliseconds.'),
    validateOnly: field(boolean, 'Check everything, change nothing.'),
    forwarded,
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          partitionCount: field(int32, 'Number of partitions afterwards: more than now.'),
          assignments: field(
            nullable(array(array(int32))),
            'Brokers of each new partition; null to let the cluster place them.',
          ),
        }),
      ),
      'Topics; each at most once.',
    ),
  }),
  response: struct({
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          errorCode: field(int16, 'Error code, 0 for none.'),
          errorMessage: field(nullable(string), 'What failed, for people.'),
        }),
      ),
      'In the order of the request.',
    ),
  }),
});

export const alterReassignmentsApi = defineApi({
  key: 14,
  name: 'AlterReassignments',
  about: 'Begins or cancels the move of partitions to other brokers.',
  versions: { min: 0, max: 1 },
  audience: 'client',
  request: struct({
    timeoutMs: field(int32, 'How long the broker may take, in milliseconds.'),
    forwarded,
    topics: field(
      array(
        struct({
          name: field(string, 'Topic name.'),
          partitions: field(
            array(
              struct({
                index: field(int32, 'Partition.'),
                replicas: field(
                  nullable(array(int32)),
                  'Brokers that are to hold it, preferred leader first; null to cancel.',
                ),
                throttle: field(
                  int64,
                  'Bytes per second at which brokers send and take in the new replicas; 0 for no limit.',
                  1,
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
                errorMessage: field(nullable(string), 'What failed, for people.'),
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

export const listReassignmentsApi = defineApi({
  key: 15,
  name: 'ListReassignments',
  about: 'Moves of partitions that are under way.',
  versions: { min: 0, max: 1 },
  audience: 'client',
  request: struct({
    topics: field(nullable(array(string)), 'Names of topics; null for all.'),
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
                replicas: field(array(int32), 'Brokers that hold it now.'),
                addingReplicas: field(array(int32), 'Those of them that are being added.'),
                removingReplicas: field(array(int32), 'Those of them that will be removed.'),
                throttle: field(int64, 'Bytes per second of the move; 0 for no limit.', 1),
              }),
            ),
            'Partitions that are being moved.',
          ),
        }),
      ),
      'Topics with such partitions.',
    ),
  }),
});

export const electLeadersApi = defineApi({
  key: 16,
  name: 'ElectLeaders',
  about: 'Elects the preferred leaders, or, where records may be lost, any live replica.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    electionType: field(int8, '0: preferred; 1: unclean, only where a partition has no leader.'),
    timeoutMs: field(int32, 'How long the broker may take, in milliseconds.'),
    forwarded,
    topics: field(
      nullable(
        array(
          struct({
            name: field(string, 'Topic name.'),
            partitions: field(array(int32), 'Partitions.'),
          }),
        ),
      ),
      'What to elect for; null for all partitions.',
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
              }),
            ),
            'Partitions; of a request for all, only those that changed or failed.',
          ),
        }),
      ),
      'Topics.',
    ),
  }),
});
