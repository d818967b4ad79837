/** Answers that were found to differ from those of Kafka 3.9.2 to the same requests. */

import { expect } from 'chai';
import {
  kafkaAlterConfigs,
  kafkaCreateTopics,
  kafkaDescribeCluster,
  kafkaDescribeConfigs,
  kafkaDescribeGroups,
  kafkaFindCoordinator,
  kafkaIncrementalAlterConfigs,
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
const INVALID_TOPIC_EXCEPTION = 17;
const TOPIC_ALREADY_EXISTS = 36;
const INVALID_REQUEST = 42;
/** Resource type of topics. */
const TOPIC = 2;

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

  it('describes all settings to who names none, and says the greatest number as it is', async () => {
    const resource = { resourceType: TOPIC, resourceName: topic };
    const { results } = await client.call(kafkaDescribeConfigs, 4, {
      resources: [
        { ...resource, configurationKeys: [] },
        { ...resource, configurationKeys: null },
        { resourceType: TOPIC, resourceName: 'a/b', configurationKeys: null },
        { resourceType: TOPIC, resourceName: 'absent', configurationKeys: null },
      ],
    });
    expect(results[0]?.configs.length).to.be.above(20);
    expect(results[0]?.configs).to.deep.equal(results[1]?.configs);
    expect(results[0]?.configs.find(({ name }) => name === 'flush.ms')?.value).to.equal(
      '9223372036854775807',
    );
    const errors = results.map(({ errorCode }) => errorCode);
    expect(errors).to.deep.equal([0, 0, INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION]);
  });

  it('sets no setting to null, and none twice in one request', async () => {
    const resource = { resourceType: TOPIC, resourceName: topic };
    const set = (value: string | null) => ({ name: 'retention.ms', configOperation: 0, value });
    const incremental = async (...configs: ReturnType<typeof set>[]) => {
      const resources = [{ ...resource, configs }];
      const request = { resources, validateOnly: false };
      const { responses } = await client.call(kafkaIncrementalAlterConfigs, 1, request);
      return responses[0]?.errorCode;
    };
    expect(await incremental(set(null))).to.equal(INVALID_REQUEST);
    expect(await incremental(set('1000'), set('2000'))).to.equal(INVALID_REQUEST);
    expect(await incremental(set('1000'))).to.equal(0);
    const gone = { name: 'retention.ms', configOperation: 1, value: null };
    expect(await incremental(gone as never)).to.equal(0);
    const { responses } = await client.call(kafkaAlterConfigs, 2, {
      resources: [{ ...resource, configs: [{ name: 'retention.ms', value: null }] }],
      validateOnly: false,
    });
    expect(responses[0]?.errorCode).to.equal(INVALID_REQUEST);
  });
});
