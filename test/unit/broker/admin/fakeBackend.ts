/** A broker with one topic, as far as the admin endpoint sees it. */

import type {
  AdminBackend,
  AdminTopicToCreate,
  MetricFamily,
} from '../../../../broker/admin/index.ts';
import { ProtocolError } from '../../../../protocol/index.ts';

export class FakeBackend implements AdminBackend {
  readonly clusterId = 'cluster-1';
  readonly brokerId = 1;
  readonly created: AdminTopicToCreate[] = [];
  readonly deleted: string[] = [];
  reasons: readonly string[] = [];
  families: readonly MetricFamily[] = [];
  controller = 2;
  failure: Error | undefined;

  readinessReasons(): readonly string[] {
    return this.reasons;
  }

  controllerId(): number {
    return this.controller;
  }

  brokers(): ReturnType<AdminBackend['brokers']> {
    return [
      { id: 1, host: '127.0.0.1', port: 9192, rack: null },
      { id: 2, host: '127.0.0.1', port: 9193, rack: 'r2' },
    ];
  }

  topics(): ReturnType<AdminBackend['topics']> {
    return [
      {
        name: 'flights',
        topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
        internal: false,
        partitions: [
          { index: 0, leader: 1, leaderEpoch: 4, replicas: [1, 2], isr: [1] },
          { index: 1, leader: -1, leaderEpoch: 5, replicas: [2, 1], isr: [2] },
        ],
      },
    ];
  }

  topic(name: string): ReturnType<AdminBackend['topic']> {
    return this.topics().find((topic) => topic.name === name);
  }

  topicConfigs(name: string): ReturnType<AdminBackend['topicConfigs']> {
    if (this.topic(name) === undefined) return undefined;
    const flags = { readOnly: false, sensitive: false };
    return [
      { name: 'retention.ms', value: '1000', source: 'topic', ...flags },
      { name: 'segment.bytes', value: '1073741824', source: 'default', ...flags },
    ];
  }

  async createTopic(
    topic: AdminTopicToCreate,
  ): Promise<{ partitionCount: number; replicationFactor: number }> {
    if (this.failure !== undefined) throw this.failure;
    if (topic.name === 'flights') {
      throw new ProtocolError('TOPIC_ALREADY_EXISTS', 'Topic "flights" exists already');
    }
    this.created.push(topic);
    return { partitionCount: 6, replicationFactor: 1 };
  }

  async deleteTopic(name: string): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    if (this.topic(name) === undefined) throw new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION');
    this.deleted.push(name);
  }

  metrics(): readonly MetricFamily[] {
    return this.families;
  }
}
