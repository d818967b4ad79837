/** What the controller tells the brokers. */

import {
  array,
  boolean,
  defineApi,
  field,
  int16,
  int32,
  int64,
  nullable,
  string,
  struct,
} from '../schema.ts';

const partitionState = struct({
  index: field(int32, 'Partition.'),
  leader: field(int32, 'Broker that leads; -1 for none.'),
  leaderEpoch: field(int32, 'Leader epoch.'),
  partitionEpoch: field(int32, 'Version of the state znode.'),
  replicas: field(array(int32), 'Replicas, preferred leader first.'),
  isr: field(array(int32), 'Replicas in sync.'),
  eligibleLeaders: field(
    array(int32),
    'Replicas outside of the ISR that hold every committed record (KIP-966).',
  ),
  addingReplicas: field(array(int32), 'Those of the replicas that a reassignment is adding.'),
  removingReplicas: field(array(int32), 'Those of the replicas that a reassignment will remove.'),
  throttle: field(
    int64,
    'Bytes per second that one broker sends to, or one takes in for, replicas being added; 0 for no limit.',
    1,
  ),
});

const topicState = struct({
  name: field(string, 'Topic name.'),
  topicId: field(string, 'Topic id.'),
  deleting: field(boolean, 'Whether the replicas are to be removed from disk.'),
  configs: field(
    array(struct({ name: field(string, 'Name.'), value: field(string, 'Value.') })),
    'The whole configuration of the topic.',
  ),
  partitions: field(
    array(partitionState),
    'Changed partitions; of a new topic or in a snapshot, all.',
  ),
});

const liveBroker = struct({
  id: field(int32, 'Broker id.'),
  epoch: field(int64, 'Broker epoch.'),
  host: field(string, 'Host of its native listener.'),
  port: field(int32, 'Port of its native listener.'),
  rack: field(nullable(string), 'Rack, or null.'),
  kafkaEndpoints: field(
    array(
      struct({
        listener: field(string, 'Name of the listener.', 1),
        host: field(string, 'Host as advertised.', 1),
        port: field(int32, 'Port as advertised.', 1),
      }),
    ),
    'Its Kafka listeners.',
    1,
  ),
});

export const updateMetadataApi = defineApi({
  key: 64,
  name: 'UpdateMetadata',
  about: 'A change of the cluster, or all of it, from the controller to one broker.',
  versions: { min: 0, max: 1 },
  audience: 'broker',
  request: struct({
    controllerId: field(int32, 'The controller.'),
    controllerEpoch: field(
      int32,
      'Its epoch: a lower one than seen is refused with STALE_CONTROLLER_EPOCH.',
    ),
    brokerEpoch: field(
      int64,
      'Registration that the update is meant for; another one is refused with STALE_BROKER_EPOCH.',
    ),
    baseVersion: field(int32, 'Version that the broker must stand at; -1 for a snapshot.'),
    version: field(int32, 'Version after this update; counts from 1 in each controller epoch.'),
    brokers: field(nullable(array(liveBroker)), 'All live brokers; null for no change.'),
    topics: field(array(topicState), 'Topics that changed; in a snapshot, all.'),
    removedTopics: field(array(string), 'Ids of topics that are gone.'),
  }),
  response: struct({
    errorCode: field(
      int16,
      'INVALID_REQUEST where baseVersion does not fit: a snapshot is then due.',
    ),
    version: field(int32, 'Version that the broker stands at.'),
    failedTopics: field(array(string), 'Ids of deleting topics whose files could not be removed.'),
  }),
});

export type LiveBroker = NonNullable<(typeof liveBroker)['memory']>;
export type TopicState = NonNullable<(typeof topicState)['memory']>;
export type PartitionState = NonNullable<(typeof partitionState)['memory']>;
