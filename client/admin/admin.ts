/** The face of the admin client. */

import type { ProtocolError } from '../../protocol/errors.ts';
import type { CallOptions } from '../callOptions.ts';

export interface CreateTopicRequest {
  /** 1 to 249 of a-z, A-Z, 0-9, dot, underscore, hyphen. */
  readonly topic: string;
  /** Default: that of the cluster. */
  readonly partitions?: number;
  /** Default: that of the cluster. */
  readonly replicationFactor?: number;
  /** Brokers of each partition, preferred leader first; instead of the two above. */
  readonly assignments?: readonly (readonly number[])[];
  /** Topic configuration by Kafka's names, for example `{ 'retention.ms': '60000' }`. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>;
  /** Check everything, create nothing. Default false. */
  readonly validateOnly?: boolean;
}

export interface CreatedTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: number;
  readonly replicationFactor: number;
}

export interface ListedTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Whether the cluster itself owns the topic. */
  readonly internal: boolean;
}

export interface PartitionDescription {
  readonly partition: number;
  /** Broker that leads; -1 for none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** First offset that can be read; -1 where no leader could tell, as for the following. */
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly logEndOffset: number;
  readonly sizeBytes: number;
  readonly segmentCount: number;
  /** What the leader knows of each replica, itself included; empty where no leader could tell. */
  readonly replicaStates: readonly ReplicaDescription[];
}

export interface ReplicaDescription {
  readonly broker: number;
  readonly inSync: boolean;
  /** How far it has fetched; -1 where unknown. */
  readonly logEndOffset: number;
  /** How far its disk is; -1 where unknown. */
  readonly durableOffset: number;
  /** Offsets between its end and that of the leader; -1 where unknown. */
  readonly lag: number;
  /** Milliseconds since it last had everything that the leader has; -1 where unknown. */
  readonly lagMs: number;
}

export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

/** What became of one partition of a request; without `error` it was done. */
export interface PartitionResult extends PartitionName {
  readonly error?: ProtocolError;
}

export interface ReassignmentRequest extends PartitionName {
  /** Brokers that are to hold it, preferred leader first; null cancels the move under way. */
  readonly replicas: readonly number[] | null;
  /**
   * Bytes per second, at least 1, that a broker sends or takes in at most for replicas that moves
   * add; default: no limit. To change it, ask for the same move again.
   */
  readonly throttle?: number;
}

/** A move that is under way. */
export interface Reassignment extends PartitionName {
  /** Brokers that hold it now. */
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
  /** Bytes per second; 0 for no limit. */
  readonly throttle: number;
}

/** A broker that is registered and does not answer this client. */
export interface UnreachableBroker {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** In words: "connection refused". */
  readonly reason: string;
}

/**
 * Partitions by what is wrong with them; one may stand in several lists. A broker that does not answer
 * this client counts as dead, even while its registration lasts.
 */
export interface ClusterHealth {
  /** Nothing is wrong with any partition, and every registered broker answers. */
  readonly healthy: boolean;
  /** Not every replica is in sync. */
  readonly underReplicated: readonly PartitionName[];
  /** None of the brokers that hold it is alive. */
  readonly offline: readonly PartitionName[];
  /** No live broker leads it: it can be neither written nor read. */
  readonly leaderless: readonly PartitionName[];
  readonly unreachable: readonly UnreachableBroker[];
  /** What the asked broker knows of its session; what it tells may be old unless it is proven. */
  readonly coordinatorState: string;
}

export interface TopicDescription {
  readonly topic: string;
  readonly topicId: string;
  readonly internal: boolean;
  readonly partitions: readonly PartitionDescription[];
}

export type ConfigSource = 'topic' | 'file' | 'default';

export interface ConfigEntry {
  readonly name: string;
  /** Null where sensitive. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly readOnly: boolean;
  readonly sensitive: boolean;
  readonly documentation: string;
}

export type ConfigResource = { readonly topic: string } | { readonly broker: number };

export interface BrokerDescription {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  /** Partitions that it leads. */
  readonly leaderCount: number;
  /** Partitions that it holds. */
  readonly replicaCount: number;
}

export interface ClusterDescription {
  readonly clusterId: string;
  /** -1 where none is known. */
  readonly controllerId: number;
  readonly controllerEpoch: number;
  readonly metadataVersion: number;
  /** What the asked broker knows of its session: proven, unproven or fenced. */
  readonly coordinatorState: string;
  readonly topicCount: number;
  readonly partitionCount: number;
  readonly brokers: readonly BrokerDescription[];
}

/** 'earliest', 'latest', 'maxTimestamp', or a time: the first record at or after it. */
export type OffsetQuery = 'earliest' | 'latest' | 'maxTimestamp' | { readonly time: number | Date };

export interface ListedOffset {
  readonly topic: string;
  readonly partition: number;
  /** -1 where no record is that late. */
  readonly offset: number;
  /** Timestamp of the record found; -1 for earliest and latest. */
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

/**
 * Administration. Every call tries again after a lost connection where that is safe, waits at most
 * `timeoutMs` (default: the client's `requestTimeoutMs`), and rejects with the broker's error:
 * `code` from `docs/errors.md`.
 */
export interface Admin {
  /**
   * Creates a topic; it is usable when this resolves.
   *
   * @throws {ProtocolError} TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS,
   *   INVALID_REPLICATION_FACTOR, INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG.
   */
  createTopic(request: CreateTopicRequest, options?: CallOptions): Promise<CreatedTopic>;

  /**
   * Deletes a topic with all its records.
   *
   * @throws {ProtocolError} UNKNOWN_TOPIC_OR_PARTITION.
   */
  deleteTopic(topic: string, options?: CallOptions): Promise<void>;

  /** @throws {ProtocolError} UNKNOWN_TOPIC_OR_PARTITION, with the nearest topic's name. */
  describeTopic(topic: string, options?: CallOptions): Promise<TopicDescription>;

  /** All topics, by name. */
  listTopics(options?: CallOptions): Promise<readonly ListedTopic[]>;

  /** @throws {ProtocolError} UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST, BROKER_NOT_AVAILABLE. */
  describeConfigs(resource: ConfigResource, options?: CallOptions): Promise<readonly ConfigEntry[]>;

  /**
   * Sets single values of a topic; null goes back to the default, other values stay.
   *
   * @throws {ProtocolError} INVALID_CONFIG, UNKNOWN_TOPIC_OR_PARTITION.
   */
  alterConfigs(
    topic: string,
    changes: Readonly<Record<string, string | number | boolean | null>>,
    options?: CallOptions & { readonly validateOnly?: boolean },
  ): Promise<void>;

  describeCluster(options?: CallOptions): Promise<ClusterDescription>;

  /** Whether every partition is led and fully replicated, as one broker knows it. */
  describeHealth(options?: CallOptions): Promise<ClusterHealth>;

  /**
   * Adds partitions to a topic. Records with keys may then go to other partitions than before.
   *
   * @param request.partitions number afterwards: more than now.
   * @param request.assignments brokers of each new partition; default: the cluster places them.
   * @throws {ProtocolError} INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT,
   *   UNKNOWN_TOPIC_OR_PARTITION.
   */
  createPartitions(
    request: {
      readonly topic: string;
      readonly partitions: number;
      readonly assignments?: readonly (readonly number[])[];
      readonly validateOnly?: boolean;
    },
    options?: CallOptions,
  ): Promise<void>;

  /**
   * Begins or cancels moves of partitions to other brokers. A move goes on after this resolves:
   * `listReassignments` tells how far.
   *
   * @returns for each partition whether its move has begun, or was cancelled.
   */
  alterReassignments(
    changes: readonly ReassignmentRequest[],
    options?: CallOptions,
  ): Promise<readonly PartitionResult[]>;

  /** Moves that are under way. @param query.topics default: all. */
  listReassignments(
    query?: { readonly topics?: readonly string[] },
    options?: CallOptions,
  ): Promise<readonly Reassignment[]>;

  /**
   * Elects leaders: 'preferred' gives partitions back to the first of their replicas; 'unclean' lets
   * a replica that is not in sync lead a partition that has no leader, and **loses the records that
   * it lacks**.
   *
   * @param request.partitions default: all partitions of the cluster.
   * @returns the partitions; for all of the cluster only those that changed or failed. One whose
   *   leader is right already has the error ELECTION_NOT_NEEDED.
   */
  electLeaders(
    request: {
      readonly election: 'preferred' | 'unclean';
      readonly partitions?: readonly PartitionName[];
    },
    options?: CallOptions,
  ): Promise<readonly PartitionResult[]>;

  /**
   * Finds offsets in every partition of a topic, or in some.
   *
   * @throws {ProtocolError} UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE.
   */
  listOffsets(
    query: {
      readonly topic: string;
      readonly partitions?: readonly number[];
      readonly at: OffsetQuery;
      readonly isolation?: 'uncommitted' | 'committed';
    },
    options?: CallOptions,
  ): Promise<readonly ListedOffset[]>;
}
