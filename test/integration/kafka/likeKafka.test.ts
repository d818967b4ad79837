/** Answers that were found to differ from those of Kafka 3.9.2 to the same requests. */

import { expect } from 'chai';
import {
  kafkaCreateTopics,
  kafkaDescribeCluster,
  kafkaDescribeGroups,
  kafkaFindCoordinator,
  kafkaMetadata,
  kafkaOffsetCommit,
  kafkaOffsetDelete,
  kafkaOffsetFetch,
  OPERATIONS_NOT_ASKED,
} from '../../../broker/index.ts';
import type { KafkaTestClient } from '../../harness/kafkaClient.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { KafkaFixture } from './fixture.ts';

const UNKNOWN_TOPIC_OR_PARTITION = 3;
const TOPIC_ALREADY_EXISTS = 36;

describe('The Kafka listener, as Kafka 3.9.2,', function () {
  this.timeout(60_000);
  let fixture: KafkaFixture;
  let client: KafkaTestClient;
  let topic: string;
  before(async () => {
    fixture = await KafkaFixture.start();
    client = await fixture.client();
    topic = await fixture.topic(client);
    await waitFor(
      async () => {
        const found = await client.call(kafkaFindCoordinator, 0, { key: 'g' });
        if (found.errorCode !== 0) return false;
        const fetched = await client.call(kafkaOffsetFetch, 7, { groupId: 'g', topics: null });
        return fetched.errorCode === 0;
      },
      { what: 'the offsets topic is there and loaded' },
    );
  });
  after(() => fixture.stop());

  it('says what is allowed on topic, cluster and group to who asks, and only then', async () => {
    for (const isAsked of [false, true]) {
      const metadata = await client.call(kafkaMetadata, 8, {
        topics: [{ name: topic }],
        includeClusterAuthorizedOperations: isAsked,
        includeTopicAuthorizedOperations: isAsked,
      });
      const cluster = await client.call(kafkaDescribeCluster, 0, {
        includeClusterAuthorizedOperations: isAsked,
      });
      const groups = await client.call(kafkaDescribeGroups, 5, {
        groups: ['g'],
        includeAuthorizedOperations: isAsked,
      });
      const found = [
        metadata.topics[0]?.topicAuthorizedOperations,
        metadata.clusterAuthorizedOperations,
        cluster.clusterAuthorizedOperations,
        groups.groups[0]?.authorizedOperations,
      ];
      const told = isAsked ? [3576, 8096, 8096, 328] : Array(4).fill(OPERATIONS_NOT_ASKED);
      expect(found).to.deep.equal(told);
    }
  });

  it('keeps no offset of a partition that is not there, beside others that it keeps', async () => {
    const partition = { committedOffset: 3, committedMetadata: 'm' };
    const partitions = [9, 0].map((partitionIndex) => ({ partitionIndex, ...partition }));
    const committed = await client.call(kafkaOffsetCommit, 8, {
      groupId: 'g',
      topics: [
        { name: topic, partitions },
        { name: 'absent', partitions: [{ partitionIndex: 0, ...partition }] },
      ],
    });
    const errors = [
      {
        name: topic,
        partitions: [
          { partitionIndex: 9, errorCode: UNKNOWN_TOPIC_OR_PARTITION },
          { partitionIndex: 0, errorCode: 0 },
        ],
      },
      {
        name: 'absent',
        partitions: [{ partitionIndex: 0, errorCode: UNKNOWN_TOPIC_OR_PARTITION }],
      },
    ];
    expect(committed.topics).to.deep.equal(errors);
    const fetched = await client.call(kafkaOffsetFetch, 7, { groupId: 'g', topics: null });
    const kept = fetched.topics.map(({ name, partitions }) => [name, partitions.length]);
    expect(kept).to.deep.equal([[topic, 1]]);

    const deleted = await client.call(kafkaOffsetDelete, 0, {
      groupId: 'g',
      topics: errors.map(({ name, partitions }) => ({ name, partitions })),
    });
    expect(deleted).to.deep.include({ errorCode: 0, topics: errors });
  });

  it('tells no configuration of a topic that it did not create, by an empty list', async () => {
    const { topics } = await client.call(kafkaCreateTopics, 7, {
      topics: [
        { name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
      ],
    });
    expect(topics[0]).to.include({ errorCode: TOPIC_ALREADY_EXISTS });
    expect(topics[0]?.configs).to.deep.equal([]);
  });
});
