/** The numbers are those of the pitfalls that a Kafka listener must not fall into. */

import { expect } from 'chai';
import {
  kafkaAlterConfigs,
  kafkaCreatePartitions,
  kafkaCreateTopics,
  kafkaDeleteTopics,
  kafkaDescribeCluster,
  kafkaDescribeConfigs,
  kafkaIncrementalAlterConfigs,
  kafkaMetadata,
  ZERO_UUID,
} from '../../../broker/index.ts';
import type { KafkaTestClient } from '../../harness/kafkaClient.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { KafkaFixture } from './fixture.ts';

const TOPIC = 2;

describe('The Kafka listener: metadata and topics', function () {
  this.timeout(60_000);
  let fixture: KafkaFixture;
  let client: KafkaTestClient;
  before(async () => {
    fixture = await KafkaFixture.start({
      listeners: 'PLAINTEXT://127.0.0.1:0,OUTSIDE://127.0.0.1:0',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,OUTSIDE:PLAINTEXT',
      'advertised.listeners': 'OUTSIDE://broker.example:19094',
      'num.partitions': '2',
    });
    client = await fixture.client();
  });
  after(() => fixture.stop());

  const created = (name: string, more: object = {}): object => ({
    timeoutMs: 10_000,
    topics: [
      { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...more },
    ],
  });
  const create = async (
    name: string,
    more: object = {},
    options: object = {},
  ): Promise<{ errorCode: number; topicId: string; numPartitions: number }> => {
    const request = { ...created(name, more), ...options };
    const { topics } = await client.call(kafkaCreateTopics, 7, request as never);
    return topics[0]!;
  };
  const configs = async (name: string): Promise<Map<string, string | null>> => {
    const { results } = await client.call(kafkaDescribeConfigs, 4, {
      resources: [{ resourceType: TOPIC, resourceName: name, configurationKeys: null }],
    });
    return new Map(results[0]!.configs.map((config) => [config.name, config.value]));
  };

  it('13: tells the address of the listener that is asked, under its own port', async () => {
    const { brokers } = await client.call(kafkaMetadata, 12, { topics: [] });
    const { host, port } = brokers[0]!;
    expect(`${host}:${port}`).to.equal(fixture.address);
    const described = await client.call(kafkaDescribeCluster, 0, {
      includeClusterAuthorizedOperations: false,
    });
    expect(described.brokers[0]).to.include({ brokerId: 1, host, port });
  });

  it('14: takes null for all topics, and the empty list for all only in version 0', async () => {
    const topic = await fixture.topic(client);
    const names = async (version: number, topics: readonly never[] | null): Promise<unknown[]> =>
      (await client.call(kafkaMetadata, version, { topics })).topics.map(({ name }) => name);
    expect(await names(0, [])).to.include(topic);
    expect(await names(1, [])).to.deep.equal([]);
    expect(await names(1, null)).to.include(topic);
  });

  it('14: refuses ids before version 12 and finds topics by them from there on', async () => {
    const name = await fixture.topic(client);
    const { topicId } = (await fixture.metadata(client, name)).topics[0]!;
    expect(topicId)
      .to.match(/^[\w-]{22}$/)
      .and.not.equal(ZERO_UUID);
    const ask = async (version: number, id: string): Promise<object> =>
      (await client.call(kafkaMetadata, version, { topics: [{ topicId: id, name: null }] }))
        .topics[0]!;
    expect(await ask(10, topicId)).to.include({ errorCode: 42 });
    expect(await ask(12, topicId)).to.include({ errorCode: 0, name });
    const unknown = 'AAAAAAAAAAAAAAAAAAAAAQ';
    expect(await ask(12, unknown)).to.include({ errorCode: 100, name: null, topicId: unknown });
  });

  it('15, 16: names a controller that is among the brokers, and the defaults of Kafka', async () => {
    const response = await client.call(kafkaMetadata, 8, { topics: null });
    expect(response.brokers.map(({ nodeId }) => nodeId)).to.include(response.controllerId);
    expect(response.clusterId).to.be.a('string').and.not.equal('');
    expect(response.brokers[0]!.rack).to.equal(null);
    expect(response.clusterAuthorizedOperations).to.equal(-(2 ** 31));
  });

  it('17: creates a topic that is asked for where the client allows it', async () => {
    const ask = async (name: string, version: number, allow: boolean): Promise<number> => {
      const request = { topics: [{ name }], allowAutoTopicCreation: allow };
      return (await client.call(kafkaMetadata, version, request)).topics[0]!.errorCode;
    };
    expect(await ask('not-made', 4, false)).to.equal(3);
    expect(await ask('made', 4, true)).to.be.oneOf([3, 5]);
    await waitFor(async () => (await ask('made', 4, false)) === 0, { what: 'it is made' });
    expect((await fixture.metadata(client, 'made')).topics[0]!.partitions).to.have.length(2);
    // Before version 4 there is no such flag: whoever asks allows it.
    expect(await ask('made-by-old', 1, false)).to.be.oneOf([3, 5]);
    await waitFor(async () => (await ask('made-by-old', 4, false)) === 0, { what: 'it is made' });
    expect(await ask('bad name', 4, true)).to.equal(17);
    expect(await ask('not-made', 4, false)).to.equal(3);
  });

  it('18: gives a topic that is made anew another id', async () => {
    const name = await fixture.topic(client);
    const idOf = async (): Promise<string> =>
      (await fixture.metadata(client, name)).topics[0]!.topicId;
    const first = await idOf();
    const { responses } = await client.call(kafkaDeleteTopics, 6, {
      topics: [{ topicId: first }],
      timeoutMs: 10_000,
    });
    expect(responses).to.deep.equal([{ name, topicId: first, errorCode: 0, errorMessage: null }]);
    await waitFor(async () => (await create(name)).errorCode === 0, { what: 'it is made anew' });
    expect(await idOf())
      .to.not.equal(first)
      .and.not.equal(ZERO_UUID);
  });

  it('19: describes every setting with its source, its synonyms and its kind', async () => {
    const name = await fixture.topic(client, { configs: { 'retention.ms': '5000' } });
    const { results } = await client.call(kafkaDescribeConfigs, 4, {
      resources: [{ resourceType: TOPIC, resourceName: name, configurationKeys: null }],
      includeSynonyms: true,
      includeDocumentation: true,
    });
    const byName = new Map(results[0]!.configs.map((config) => [config.name, config]));
    expect(byName.size).to.be.greaterThan(15);
    const retention = byName.get('retention.ms')!;
    expect(retention).to.include({ value: '5000', configSource: 1, configType: 5 });
    expect(retention.synonyms).to.deep.equal([
      { name: 'retention.ms', value: '5000', source: 1 },
      { name: 'log.retention.ms', value: '604800000', source: 5 },
    ]);
    expect(byName.get('cleanup.policy')).to.include({ value: 'delete', configSource: 5 });
    expect(retention.documentation).to.be.a('string');
  });

  it('19: refuses settings that it does not know', async () => {
    const unknown = [{ name: 'no.such.setting', value: '1' }];
    expect(await create('unknown-config', { configs: unknown })).to.include({ errorCode: 40 });
    const name = await fixture.topic(client);
    const { responses } = await client.call(kafkaAlterConfigs, 2, {
      resources: [{ resourceType: TOPIC, resourceName: name, configs: unknown }],
      validateOnly: false,
    });
    expect(responses[0]!.errorCode).to.equal(40);
  });

  it('19: sets, deletes, adds to and takes from settings', async () => {
    const name = await fixture.topic(client, { configs: { 'retention.ms': '5000' } });
    const change = async (
      config: string,
      operation: number,
      value: string | null,
    ): Promise<number> => {
      const { responses } = await client.call(kafkaIncrementalAlterConfigs, 1, {
        resources: [
          {
            resourceType: TOPIC,
            resourceName: name,
            configs: [{ name: config, configOperation: operation, value }],
          },
        ],
        validateOnly: false,
      });
      return responses[0]!.errorCode;
    };
    const holds = (config: string, value: string): Promise<boolean> =>
      waitFor(async () => (await configs(name)).get(config) === value, { what: `${config}` });
    expect(await change('retention.ms', 0, '6000')).to.equal(0);
    await holds('retention.ms', '6000');
    expect(await change('retention.ms', 1, null)).to.equal(0);
    await holds('retention.ms', '604800000');
    expect(await change('cleanup.policy', 2, 'compact')).to.equal(0);
    await holds('cleanup.policy', 'delete,compact');
    expect(await change('cleanup.policy', 3, 'delete')).to.equal(0);
    await holds('cleanup.policy', 'compact');
    expect(await change('retention.ms', 2, '1')).to.equal(40);
  });

  it('19: replaces all settings by AlterConfigs', async () => {
    const name = await fixture.topic(client, { configs: { 'retention.ms': '5000' } });
    await client.call(kafkaAlterConfigs, 0, {
      resources: [
        {
          resourceType: TOPIC,
          resourceName: name,
          configs: [{ name: 'segment.ms', value: '7000' }],
        },
      ],
      validateOnly: false,
    });
    await waitFor(async () => (await configs(name)).get('segment.ms') === '7000', {
      what: 'the setting is changed',
    });
    expect((await configs(name)).get('retention.ms')).to.equal('604800000');
  });

  it('20: knows the defaults of counts, validates without creating, refuses doubles', async () => {
    const defaults = { numPartitions: -1, replicationFactor: -1 };
    expect(await create('by-default', defaults)).to.include({ errorCode: 0, numPartitions: 2 });
    expect(await create('only-checked', {}, { validateOnly: true })).to.include({ errorCode: 0 });
    const [checked] = (await fixture.metadata(client, 'only-checked')).topics;
    expect(checked!.errorCode).to.equal(3);
    const one = (created('double') as { topics: object[] }).topics[0];
    const request = { timeoutMs: 1_000, topics: [one, one] };
    const { topics } = await client.call(kafkaCreateTopics, 5, request as never);
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).to.deep.equal([['double', 42]]);
    const [known] = (await client.call(kafkaCreateTopics, 7, created('with-configs') as never))
      .topics;
    expect(known!.configs!.map(({ name }) => name)).to.include('cleanup.policy');
    expect(known!.topicId).to.not.equal(ZERO_UUID);
  });

  it('20: answers CreatePartitions for every topic', async () => {
    const name = await fixture.topic(client);
    const { results } = await client.call(kafkaCreatePartitions, 3, {
      topics: [
        { name, count: 3, assignments: null },
        { name: 'nowhere', count: 3, assignments: null },
      ],
      timeoutMs: 10_000,
      validateOnly: false,
    });
    expect(results.map((it) => [it.name, it.errorCode])).to.deep.equal([
      [name, 0],
      ['nowhere', 3],
    ]);
    await waitFor(
      async () => (await fixture.metadata(client, name)).topics[0]!.partitions.length === 3,
      { what: 'there are three' },
    );
  });
});
