/** A broker with a Kafka listener, and the requests that every test of it sends. */

import {
  type KafkaResponseOutput,
  kafkaCreateTopics,
  kafkaFetch,
  kafkaMetadata,
  kafkaProduce,
} from '../../../broker/index.ts';
import { TestCluster } from '../../harness/cluster.ts';
import { KafkaTestClient } from '../../harness/kafkaClient.ts';
import { waitFor } from '../../harness/waitFor.ts';

type FetchInput = Parameters<KafkaTestClient['call']>[2];

export interface FetchOptions {
  readonly version?: number;
  readonly topic?: string;
  readonly topicId?: string;
  readonly fetchOffset?: number;
  readonly more?: FetchInput;
  readonly partition?: FetchInput;
}

export class KafkaFixture {
  readonly cluster: TestCluster;
  readonly #clients: KafkaTestClient[] = [];
  #topicCount = 0;

  private constructor(cluster: TestCluster) {
    this.cluster = cluster;
  }

  static async start(
    properties: Readonly<Record<string, string>> = {},
    brokerCount = 1,
  ): Promise<KafkaFixture> {
    const cluster = await TestCluster.start({
      brokerCount,
      properties: {
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'offsets.topic.replication.factor': '1',
        'offsets.topic.num.partitions': '3',
        'group.initial.rebalance.delay.ms': '0',
        ...properties,
      },
    });
    return new KafkaFixture(cluster);
  }

  get address(): string {
    return this.cluster.broker.kafka;
  }

  /** A connection of its own; closed by `stop`. */
  async client(address = this.address): Promise<KafkaTestClient> {
    const client = await KafkaTestClient.connect(address);
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.cluster.stop();
  }

  /** A new topic whose partitions have leaders. @returns its name. */
  async topic(
    client: KafkaTestClient,
    options: { readonly partitions?: number; readonly configs?: Record<string, string> } = {},
  ): Promise<string> {
    const name = `topic-${++this.#topicCount}`;
    const configs = Object.entries(options.configs ?? {});
    const { topics } = await client.call(kafkaCreateTopics, 7, {
      timeoutMs: 10_000,
      topics: [
        {
          name,
          numPartitions: options.partitions ?? 1,
          replicationFactor: 1,
          assignments: [],
          configs: configs.map(([key, value]) => ({ name: key, value })),
        },
      ],
    });
    const [created] = topics;
    if (created?.errorCode !== 0) throw new Error(`${created?.errorMessage}`);
    await waitFor(
      async () => {
        const [found] = (await this.metadata(client, name)).topics;
        return found?.errorCode === 0 && found.partitions.every((it) => it.errorCode === 0);
      },
      { what: `"${name}" has leaders` },
    );
    return name;
  }

  metadata(
    client: KafkaTestClient,
    name: string,
    version = 12,
  ): Promise<KafkaResponseOutput<typeof kafkaMetadata>> {
    const topics = [{ name }];
    return client.call(kafkaMetadata, version, { topics, allowAutoTopicCreation: false });
  }

  /** Produces to partition 0. @returns the result of that partition. */
  async produce(
    client: KafkaTestClient,
    topic: string,
    records: Uint8Array | null,
    options: { readonly version?: number; readonly acks?: number; readonly index?: number } = {},
  ): Promise<
    KafkaResponseOutput<typeof kafkaProduce>['responses'][number]['partitionResponses'][number]
  > {
    const { version = 9, acks = -1, index = 0 } = options;
    const response = await client.call(kafkaProduce, version, {
      acks,
      timeoutMs: 10_000,
      topicData: [{ name: topic, partitionData: [{ index, records }] }],
    });
    return response.responses[0]!.partitionResponses[0]!;
  }

  /** Fetches partition 0 without waiting, unless `more` says otherwise. */
  fetch(
    client: KafkaTestClient,
    options: FetchOptions,
  ): Promise<KafkaResponseOutput<typeof kafkaFetch>> {
    const { version = 12 } = options;
    return client.call(kafkaFetch, version, fetchInput(options) as never);
  }
}

/** @returns what `KafkaFixture.fetch` sends. */
export function fetchInput({
  topic = '',
  topicId,
  fetchOffset = 0,
  more = {},
  partition = {},
}: FetchOptions): object {
  const wanted = {
    partition: 0,
    fetchOffset,
    partitionMaxBytes: 1 << 20,
    ...(partition as object),
  };
  return {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1 << 20,
    topics: [{ topic, ...(topicId === undefined ? {} : { topicId }), partitions: [wanted] }],
    ...(more as object),
  };
}
