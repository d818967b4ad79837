/**
 * What the admin endpoint asks of the broker. The endpoint turns HTTP into these calls and their
 * results into JSON; it decides nothing.
 */

import type { MetricFamily } from './metricFamily.ts';

export interface AdminBroker {
  readonly id: number;
  /** Of its native listener. */
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface AdminPartition {
  readonly index: number;
  /** -1 for none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  /** Preferred leader first. */
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface AdminTopic {
  readonly name: string;
  readonly topicId: string;
  readonly internal: boolean;
  /** In the order of their index. */
  readonly partitions: readonly AdminPartition[];
}

export interface AdminConfigEntry {
  readonly name: string;
  /** null where it is sensitive. */
  readonly value: string | null;
  readonly source: 'topic' | 'brokerFile' | 'default';
  readonly readOnly: boolean;
  readonly sensitive: boolean;
}

export interface AdminTopicToCreate {
  readonly name: string;
  /** -1 for the default of the cluster. */
  readonly partitionCount: number;
  /** -1 for the default of the cluster. */
  readonly replicationFactor: number;
  /** Brokers of each partition, preferred leader first; null to let the cluster place them. */
  readonly assignments: readonly (readonly number[])[] | null;
  readonly configs: readonly { readonly name: string; readonly value: string }[];
  readonly validateOnly: boolean;
}

export interface AdminCreatedTopic {
  readonly partitionCount: number;
  readonly replicationFactor: number;
}

/** Every method may be called from the moment the endpoint is open: before the broker is ready. */
export interface AdminBackend {
  readonly clusterId: string;
  /** The broker that answers. */
  readonly brokerId: number;
  /** Why the broker does not serve, each a sentence for people; empty when it does. */
  readinessReasons(): readonly string[];
  /** -1 where none is known. */
  controllerId(): number;
  /** Live brokers. */
  brokers(): readonly AdminBroker[];
  /** Topics that clients may use. */
  topics(): readonly AdminTopic[];
  topic(name: string): AdminTopic | undefined;
  /** Settings in force for a topic; undefined where there is no such topic. */
  topicConfigs(name: string): readonly AdminConfigEntry[] | undefined;
  /** @throws {ProtocolError} as the CreateTopics API answers. */
  createTopic(topic: AdminTopicToCreate, timeoutMs: number): Promise<AdminCreatedTopic>;
  /** @throws {ProtocolError} as the DeleteTopics API answers. */
  deleteTopic(name: string, timeoutMs: number): Promise<void>;
  /** What the broker counts at this moment, for `/metrics`. */
  metrics(): readonly MetricFamily[];
}
