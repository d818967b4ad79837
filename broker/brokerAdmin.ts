/** The broker as the admin endpoint sees it. */

import type { CoordinatorSession } from '../coordinator/index.ts';
import type { NetworkServer } from '../network/index.ts';
import { errorName, ProtocolError } from '../protocol/index.ts';
import {
  type AdminBackend,
  type AdminBroker,
  type AdminConfigEntry,
  type AdminCreatedTopic,
  type AdminTopic,
  type AdminTopicToCreate,
  cleanerFamilies,
  type MetricFamily,
  probeFamilies,
} from './admin/index.ts';
import { type ControllerChannel, topicEntries } from './api/index.ts';
import type { BrokerConfig } from './config/index.ts';
import type { LogManager } from './log/index.ts';
import type { ClusterImage, TopicImage } from './metadata/index.ts';
import type { BrokerProbe } from './metrics/index.ts';
import type { ReplicaManager } from './replica/index.ts';

export interface BrokerAdminParts {
  readonly clusterId: string;
  readonly config: BrokerConfig;
  readonly image: ClusterImage;
  readonly replicas: ReplicaManager;
  readonly logManager: LogManager;
  readonly channel: ControllerChannel;
  readonly server: NetworkServer;
  readonly session: CoordinatorSession;
  readonly probe: BrokerProbe;
  /** Whether this broker is the controller. */
  readonly isController: () => boolean;
  /** Elections of its present term whose leader may lack acknowledged records. */
  readonly uncleanElections: () => number;
  readonly isStopping: () => boolean;
}

const configSources = new Map<number, AdminConfigEntry['source']>([
  [1, 'topic'],
  [4, 'brokerFile'],
  [5, 'default'],
]);

export class BrokerAdmin implements AdminBackend {
  readonly #parts: BrokerAdminParts;

  constructor(parts: BrokerAdminParts) {
    this.#parts = parts;
  }

  get clusterId(): string {
    return this.#parts.clusterId;
  }

  get brokerId(): number {
    return this.#parts.config.brokerId;
  }

  readinessReasons(): readonly string[] {
    const { session, replicas, logManager, isStopping } = this.#parts;
    const reasons: string[] = [];
    if (isStopping()) reasons.push('The broker is stopping');
    if (session.state === 'fenced') reasons.push('The registration in ZooKeeper is lost');
    if (session.state === 'unproven') reasons.push('ZooKeeper has not confirmed the registration');
    if (replicas.fenced) reasons.push('The controller has not sent its state yet');
    for (const { path, online } of logManager.directories()) {
      if (!online) reasons.push(`The log directory "${path}" is offline`);
    }
    return reasons;
  }

  controllerId(): number {
    return this.#parts.image.controllerId;
  }

  brokers(): readonly AdminBroker[] {
    return this.#parts.image.brokers;
  }

  topics(): readonly AdminTopic[] {
    const { topics } = this.#parts.image;
    return [...topics.values()].filter(({ deleting }) => !deleting).map(adminTopic);
  }

  topic(name: string): AdminTopic | undefined {
    const topic = this.#parts.image.usableTopic(name);
    return topic === undefined ? undefined : adminTopic(topic);
  }

  topicConfigs(name: string): readonly AdminConfigEntry[] | undefined {
    const topic = this.#parts.image.usableTopic(name);
    if (topic === undefined) return undefined;
    return topicEntries(this.#parts.config, topic.configs).map((entry) => ({
      name: entry.name,
      value: entry.value,
      source: configSources.get(entry.source) ?? 'default',
      readOnly: entry.readOnly,
      sensitive: entry.sensitive,
    }));
  }

  async createTopic(topic: AdminTopicToCreate, timeoutMs: number): Promise<AdminCreatedTopic> {
    const { validateOnly, ...wanted } = topic;
    const response = await this.#parts.channel.createTopics({
      timeoutMs,
      validateOnly,
      forwarded: false,
      topics: [wanted],
    });
    const [created] = response.topics;
    if (created === undefined) throw new ProtocolError('UNKNOWN_SERVER_ERROR');
    refuseOn(created.errorCode, created.errorMessage);
    const { partitionCount, replicationFactor } = created;
    return { partitionCount, replicationFactor };
  }

  async deleteTopic(name: string, timeoutMs: number): Promise<void> {
    const { channel } = this.#parts;
    const response = await channel.deleteTopics({ timeoutMs, forwarded: false, names: [name] });
    const [deleted] = response.topics;
    if (deleted === undefined) throw new ProtocolError('UNKNOWN_SERVER_ERROR');
    refuseOn(deleted.errorCode, deleted.errorMessage);
  }

  metrics(): readonly MetricFamily[] {
    const { probe, logManager } = this.#parts;
    return [
      ...probeFamilies(probe),
      ...this.#networkFamilies(),
      ...this.#clusterFamilies(),
      ...cleanerFamilies(logManager.cleanerStats),
    ];
  }

  #networkFamilies(): readonly MetricFamily[] {
    const { stats } = this.#parts.server;
    return [
      gauge('odradek_connections', 'Open connections.', stats.connectionCount),
      counter('odradek_connections_accepted_total', 'Connections accepted.', stats.acceptedCount),
      counter('odradek_connections_refused_total', 'Connections refused.', stats.refusedCount),
      counter('odradek_malformed_frames_total', 'Frames that were refused.', stats.malformedCount),
      gauge('odradek_requests_in_flight', 'Requests not yet answered.', stats.inFlightCount),
      counter('odradek_network_received_bytes_total', 'Bytes received.', stats.receivedBytes),
      counter('odradek_network_sent_bytes_total', 'Bytes sent.', stats.sentBytes),
      gauge(
        'odradek_receive_memory_bytes',
        'Bytes of the receive buffers of all connections.',
        stats.receiveMemoryBytes,
      ),
    ];
  }

  #clusterFamilies(): readonly MetricFamily[] {
    const { replicas, logManager, session, image } = this.#parts;
    const logs = logManager.logs();
    const partitions = [...replicas.partitions.values()];
    const leaders = partitions.filter(({ isLeader }) => isLeader).length;
    const isProven = session.state === 'proven' ? 1 : 0;
    const isController = this.#parts.isController() ? 1 : 0;
    const offlineDirs = logManager.directories().filter(({ online }) => !online).length;
    return [
      gauge('odradek_partitions', 'Partitions that this broker holds.', partitions.length),
      gauge('odradek_leader_partitions', 'Partitions that this broker leads.', leaders),
      gauge('odradek_log_size_bytes', 'Bytes of all segments.', sum(logs, 'sizeBytes')),
      gauge('odradek_log_segments', 'Segments of all partitions.', sum(logs, 'segmentCount')),
      gauge('odradek_offline_log_directories', 'Log directories that failed.', offlineDirs),
      gauge('odradek_active_controller', '1 on the controller, else 0.', isController),
      gauge(
        'odradek_unclean_elections',
        'Elections of this term of the controller that may have lost records.',
        this.#parts.uncleanElections(),
      ),
      gauge('odradek_session_proven', '1 while ZooKeeper confirms the registration.', isProven),
      gauge('odradek_metadata_version', 'Version of the metadata applied.', image.version),
    ];
  }
}

function adminTopic({ name, topicId, partitions }: TopicImage): AdminTopic {
  return { name, topicId, internal: false, partitions };
}

/** @throws {ProtocolError} unless the code is 0. */
function refuseOn(code: number, message: string | null): void {
  if (code !== 0) throw new ProtocolError(errorName(code), message ?? undefined);
}

function gauge(name: string, help: string, value: number): MetricFamily {
  return { type: 'gauge', name, help, samples: [{ value }] };
}

function counter(name: string, help: string, value: number): MetricFamily {
  return { type: 'counter', name, help, samples: [{ value }] };
}

function sum<Key extends string>(
  items: readonly Readonly<Record<Key, number>>[],
  key: Key,
): number {
  return items.reduce((total, item) => total + item[key], 0);
}
