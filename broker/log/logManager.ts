/** FACE: the implementation follows behind these signatures. */
import type { Environment, Logger, TopicId, TopicPartition } from '../../common/index.ts';
import type { LogConfig } from './logConfig.ts';
import type { PartitionLog } from './partitionLog.ts';

export type LogEnvironment = Pick<
  Environment,
  'clock' | 'timers' | 'random' | 'fileSystem' | 'host'
>;

export interface LogManagerOptions {
  /** `log.dirs`: absolute paths. */
  readonly logDirs: readonly string[];
  readonly brokerId: number;
  readonly clusterId: string;
  /** Configuration of a topic found on disk. */
  readonly configFor: (topic: string) => LogConfig;
  /** `log.flush.offset.checkpoint.interval.ms`. Default 60,000. */
  readonly recoveryPointCheckpointIntervalMs?: number;
  /** `replica.high.watermark.checkpoint.interval.ms`. Default 5,000. */
  readonly highWatermarkCheckpointIntervalMs?: number;
  /** `log.flush.start.offset.checkpoint.interval.ms`. Default 60,000. */
  readonly logStartCheckpointIntervalMs?: number;
  /** `log.retention.check.interval.ms`. Default 300,000. */
  readonly retentionCheckIntervalMs?: number;
  /** Bytes of recent batches that all partitions together may keep in memory. Default 64 MiB. */
  readonly tailBytesMax?: number;
}

export interface LogDirFailure {
  readonly directory: string;
  readonly error: Error;
  /** Partitions that went offline with it. */
  readonly partitions: readonly TopicPartition[];
  /** No log directory is left: the broker stops. */
  readonly allOffline: boolean;
}

export declare class LogManager {
  constructor(environment: LogEnvironment, options: LogManagerOptions, logger: Logger);
  /**
   * Locks the directories, checks meta.properties, recovers all logs; synchronous, before the broker
   * registers. A directory that fails on I/O is left offline while another is left.
   *
   * @throws {OdradekError} LOG_DIR_LOCKED, LOG_DIR_MISMATCH (other broker or cluster id),
   *   LOG_FORMAT_UNSUPPORTED (magic below 2), LOG_DIRS_OFFLINE.
   */
  start(): void;
  /** cluster.id of the first log directory that has a meta.properties: read before start, without lock. */
  static storedClusterId(
    environment: LogEnvironment,
    logDirs: readonly string[],
  ): string | undefined;
  /** Broker epoch that the last clean stop recorded; undefined after an unclean one. */
  get previousBrokerEpoch(): number | undefined;
  logs(): readonly PartitionLog[];
  log(topicPartition: TopicPartition): PartitionLog | undefined;
  /** Why a partition found on disk is not served (corrupt, or its directory is offline). */
  offlineReason(topicPartition: TopicPartition): Error | undefined;
  /** Returns the existing log, or makes one. @throws {ProtocolError} INCONSISTENT_TOPIC_ID, KAFKA_STORAGE_ERROR */
  create(topicPartition: TopicPartition, topicId: TopicId, config: LogConfig): PartitionLog;
  reconfigure(topic: string, config: LogConfig): void;
  /** Resolves when the directory is renamed, durably; files go after file.delete.delay.ms. */
  delete(topicPartition: TopicPartition): Promise<void>;
  /** Call at the end of every receive turn: writes what was appended, starts group commits. */
  flushTurn(): void;
  onLogDirFailure(listener: (failure: LogDirFailure) => void): void;
  /** Log directories and whether they serve, for the admin endpoint. */
  directories(): readonly { readonly path: string; readonly online: boolean }[];
  /** Applies retention now; the timer does so every retentionCheckIntervalMs. */
  applyRetention(): Promise<void>;
  /** Clean shutdown: writes, syncs, checkpoints, and the marker last. Idempotent. */
  close(options?: { readonly brokerEpoch?: number }): Promise<void>;
}
