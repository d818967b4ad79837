/**
 * All logs of a broker: start, the turn's end, the timers, and a clean stop.
 *
 *     append* ... flushTurn: one writev per file -> group fdatasync begins -> onWritten ... onDurable
 */

import {
  type Logger,
  OdradekError,
  type Timer,
  type TopicId,
  type TopicPartition,
  topicPartitionKey,
} from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { type CleanerStats, LogCleaner, type LogCleanerOptions } from './cleaner/index.ts';
import { ConcurrencyLimit } from './concurrencyLimit.ts';
import { storageError } from './diskErrors.ts';
import { IndexCache } from './indexCache.ts';
import type { LogConfig } from './logConfig.ts';
import type { LogContext, LogEnvironment } from './logContext.ts';
import { LogDirectory } from './logDirectory.ts';
import { joinPath, META_PROPERTIES } from './logFileNames.ts';
import { TailBudget } from './logTail.ts';
import type { PartitionLog } from './partitionLog.ts';
import { decodeMetaProperties } from './propertiesFile.ts';
import { ReadMemory } from './readMemory.ts';

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
  /** `producer.id.expiration.ms`: how long an idempotent producer may be quiet. Default a day. */
  readonly producerIdExpirationMs?: number;
  /** Bytes of recent batches that all partitions together may keep in memory. Default 64 MiB. */
  readonly tailBytesMax?: number;
  /** Bytes that the indexes of closed segments may take in memory. Default 32 MiB. */
  readonly indexBytesMax?: number;
  /** Closed segments whose files stay open for readers. Default 256. */
  readonly openSegmentsMax?: number;
  /** Reads of files at once. With `syncsMax`, below the size of the thread pool (4). Default 2. */
  readonly coldReadsMax?: number;
  /** fdatasync calls at once, for each log directory. Default 2. */
  readonly syncsMax?: number;
  /** How logs are compacted; undefined for a broker that compacts none. */
  readonly cleaner?: LogCleanerOptions | undefined;
}

export interface LogDirFailure {
  readonly directory: string;
  readonly error: Error;
  /** Partitions that went offline with it. */
  readonly partitions: readonly TopicPartition[];
  /** No log directory is left: the broker stops. */
  readonly allOffline: boolean;
}

/** How far the wall clock may run ahead of the monotonic one before retention stops following. */
const CLOCK_JUMP_MS_MAX = 3_600_000;

/** How often producers are looked at whether they have been quiet for too long; as Kafka's. */
const PRODUCER_EXPIRATION_CHECK_MS = 600_000;

export class LogManager {
  readonly #environment: LogEnvironment;
  readonly #options: LogManagerOptions;
  readonly #logger: Logger;
  readonly #directories: readonly LogDirectory[];
  /** Logs with batches to write or news to tell, in the order in which they came. */
  readonly #pending = new Set<PartitionLog>();
  readonly #failureListeners: ((failure: LogDirFailure) => void)[] = [];
  readonly #timers: (Timer | undefined)[] = [];
  /** Periodic work under way: a clean stop waits for it. */
  readonly #working = new Set<Promise<void>>();
  readonly #startWallMs: number;
  readonly #startMonotonicMs: number;
  #hasOfflineLogs = false;
  readonly #cleaner: LogCleaner | undefined;
  #isClosed = false;

  constructor(environment: LogEnvironment, options: LogManagerOptions, logger: Logger) {
    this.#environment = environment;
    this.#options = options;
    this.#logger = logger.child('log');
    this.#startWallMs = environment.clock.wallMs();
    this.#startMonotonicMs = environment.clock.monotonicMs();
    const shared = {
      environment,
      logger: this.#logger,
      tailBudget: new TailBudget(options.tailBytesMax ?? 64 * 1024 ** 2),
      indexCache: new IndexCache(
        options.indexBytesMax ?? 32 * 1024 ** 2,
        options.openSegmentsMax ?? 256,
      ),
      coldReads: new ConcurrencyLimit(options.coldReadsMax ?? 2),
      readMemory: new ReadMemory(),
      onPending: (log: PartitionLog) => {
        this.#pending.add(log);
      },
    };
    if (options.cleaner !== undefined) this.#cleaner = this.#makeCleaner(options.cleaner, shared);
    this.#directories = options.logDirs.map(
      (path) =>
        new LogDirectory(shared, {
          path,
          brokerId: options.brokerId,
          clusterId: options.clusterId,
          configFor: options.configFor,
          syncsMax: options.syncsMax ?? 2,
          onFailure: (directory, error) => this.#directoryFailed(directory, error),
        }),
    );
  }

  /**
   * The `cluster.id` that the log directories name, without locking them: a broker that finds no
   * `/cluster/id` proposes its own.
   */
  static storedClusterId(
    { fileSystem }: Pick<LogEnvironment, 'fileSystem'>,
    logDirs: readonly string[],
  ): string | undefined {
    for (const directory of logDirs) {
      const path = joinPath(directory, META_PROPERTIES);
      if (fileSystem.statSync(path) === undefined) continue;
      const { clusterId } = decodeMetaProperties(path, fileSystem.readFileSync(path));
      if (clusterId !== undefined) return clusterId;
    }
    return undefined;
  }

  /**
   * Locks the directories, checks whose they are and loads all logs, recovering them after an
   * unclean stop. Synchronous: call it before the broker registers.
   *
   * A directory whose disk fails is left offline as long as another one serves.
   *
   * @throws {OdradekError} LOG_DIR_LOCKED; LOG_DIR_MISMATCH (other broker, other cluster);
   *   LOG_FORMAT_UNSUPPORTED (magic below 2); LOG_DIR_DUPLICATE (a partition in two directories);
   *   LOG_DIRS_OFFLINE.
   */
  start(): void {
    try {
      for (const directory of this.#directories) directory.start();
      this.#refuseDuplicates();
    } catch (error) {
      for (const directory of this.#directories) directory.release();
      throw error;
    }
    if (this.#directories.every((directory) => !directory.isOnline)) {
      const [first] = this.#directories;
      throw new OdradekError(
        'LOG_DIRS_OFFLINE',
        `No log directory can be used: ${this.#options.logDirs.map((dir) => `"${dir}"`).join(', ')}`,
        { cause: first?.failure },
      );
    }
    this.#hasOfflineLogs = this.#directories.some(
      ({ isOnline, refused }) => !isOnline || refused.size > 0,
    );
    this.#startTimers();
    this.#cleaner?.wake();
  }

  /**
   * Whether a directory failed before all that is in it was found: a partition of which there is no
   * log here may have one there.
   */
  get hasUnreadDirectory(): boolean {
    return this.#directories.some(({ isUnread }) => isUnread);
  }

  /** Whether, since the start, a directory has failed or a partition could not be loaded. */
  get hasOfflineLogs(): boolean {
    return this.#hasOfflineLogs;
  }

  /** `directory.id` of the first log directory that serves; undefined before `start`. */
  get directoryId(): string | undefined {
    return this.#online.find((directory) => directory.directoryId !== undefined)?.directoryId;
  }

  /** Broker epoch that the last stop recorded, where it was clean in every directory. */
  get previousBrokerEpoch(): number | undefined {
    const epochs = new Set(this.#directories.map((directory) => directory.previousBrokerEpoch));
    const [epoch] = epochs;
    return epochs.size === 1 ? epoch : undefined;
  }

  /** All logs that are served. */
  logs(): readonly PartitionLog[] {
    return this.#online.flatMap((directory) => [...directory.logs.values()]);
  }

  log(topicPartition: TopicPartition): PartitionLog | undefined {
    const key = topicPartitionKey(topicPartition);
    for (const directory of this.#directories) {
      const log = directory.isOnline ? directory.logs.get(key) : undefined;
      if (log !== undefined) return log;
    }
    return undefined;
  }

  /** Why a partition that has files here is not served; undefined where it is, or has none. */
  offlineReason(topicPartition: TopicPartition): Error | undefined {
    const key = topicPartitionKey(topicPartition);
    for (const directory of this.#directories) {
      if (directory.refused.has(key)) return directory.refused.get(key);
      if (directory.logs.has(key)) return directory.failure;
    }
    return undefined;
  }

  /**
   * The log of the partition; makes one, where fewest are, if there is none. Idempotent.
   *
   * @throws {ProtocolError} INCONSISTENT_TOPIC_ID where files of another topic of that name stand
   *   here; KAFKA_STORAGE_ERROR where they cannot be served, or none can be made.
   */
  create(topicPartition: TopicPartition, topicId: TopicId, config: LogConfig): PartitionLog {
    const existing = this.log(topicPartition);
    if (existing !== undefined) {
      this.#checkTopicId(existing, topicId);
      existing.reconfigure(config);
      this.#cleaner?.wake();
      return existing;
    }
    const reason = this.offlineReason(topicPartition);
    if (reason !== undefined) {
      throw storageError(topicPartition, `is offline: ${reason.message}`, reason);
    }
    const [emptiest] = this.#online.toSorted((a, b) => a.logs.size - b.logs.size);
    if (emptiest === undefined) {
      throw storageError(topicPartition, 'has no place: no log directory is online', undefined);
    }
    const log = emptiest.create(topicPartition, topicId, config);
    this.#cleaner?.wake();
    return log;
  }

  /** Gives all logs of a topic another configuration. */
  reconfigure(topic: string, config: LogConfig): void {
    for (const log of this.logs()) {
      if (log.topicPartition.topic === topic) log.reconfigure(config);
    }
    this.#cleaner?.wake();
  }

  /**
   * Takes a partition out of service. Resolves when that is durable; the files go after
   * `file.delete.delay.ms`. Nothing happens where there is no such partition.
   *
   * @throws {ProtocolError} KAFKA_STORAGE_ERROR
   */
  async delete(topicPartition: TopicPartition): Promise<void> {
    const key = topicPartitionKey(topicPartition);
    for (const directory of this.#online) {
      if (directory.logs.has(key) || directory.refused.has(key)) {
        await directory.delete(topicPartition);
      }
    }
  }

  /**
   * Takes a partition out of service and keeps its files, as `TOPIC-PARTITION.HEX-stray`: for what
   * must not be served and nobody has asked to delete. No release removes them. Resolves when that
   * is durable; nothing happens where there is no such partition.
   *
   * @throws {ProtocolError} KAFKA_STORAGE_ERROR
   */
  async setAside(topicPartition: TopicPartition): Promise<void> {
    const key = topicPartitionKey(topicPartition);
    for (const directory of this.#online) {
      if (directory.logs.has(key) || directory.refused.has(key)) {
        await directory.setAside(topicPartition);
      }
    }
  }

  /**
   * Writes everything that was appended since the last call: one gathered write per file; begins
   * the group commits; then tells the listeners. Call it at the end of every receive turn, before
   * the receive buffer is used again, and after appends of the broker's own.
   */
  flushTurn(): void {
    // A listener may append again: that is written in the same call.
    while (this.#pending.size > 0) {
      const logs = [...this.#pending];
      this.#pending.clear();
      for (const log of logs) log.writePending();
      // Before the listeners: the disk works while they do.
      for (const directory of this.#directories) directory.startCommits();
      for (const log of logs) log.notifyTurn();
    }
  }

  /** Called after the turn in which the directory went offline. */
  onLogDirFailure(listener: (failure: LogDirFailure) => void): void {
    this.#failureListeners.push(listener);
  }

  directories(): readonly { readonly path: string; readonly online: boolean }[] {
    return this.#directories.map(({ path, isOnline }) => ({ path, online: isOnline }));
  }

  /** Applies retention now; the timer does so every `retentionCheckIntervalMs`. */
  async applyRetention(): Promise<void> {
    const nowMs = this.#retentionNowMs();
    for (const directory of this.#online) await directory.applyRetention(nowMs);
  }

  /** Compacts every log that is due now; the timer does so every `log.cleaner.backoff.ms`. */
  async compact(): Promise<void> {
    await this.#cleaner?.runToEnd();
  }

  /** undefined where no log is compacted here. */
  get cleanerStats(): CleanerStats | undefined {
    return this.#cleaner?.stats();
  }

  /** Syncs and checkpoints all recovery points now; the timer does so too. */
  async checkpointRecoveryPoints(): Promise<void> {
    await Promise.all(this.#online.map((directory) => directory.checkpointRecoveryPoints()));
  }

  /**
   * A clean stop: writes, syncs, checkpoints, and the marker last. Idempotent.
   *
   * @param options.brokerEpoch is kept in the marker for the next start.
   */
  async close(options: { readonly brokerEpoch?: number } = {}): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timer of this.#timers) timer?.cancel();
    this.flushTurn();
    await this.#cleaner?.close();
    // Retention that renames files under a log that is being closed would leave half of each.
    await Promise.all(this.#working);
    await Promise.all(this.#online.map((directory) => directory.close(options.brokerEpoch)));
  }

  #makeCleaner(
    options: LogCleanerOptions,
    { coldReads }: Pick<LogContext, 'coldReads'>,
  ): LogCleaner {
    const context = {
      environment: this.#environment,
      logger: this.#logger,
      logs: () => this.logs(),
      limitReads: <T>(read: () => Promise<T>) => coldReads.run(read),
      nowMs: () => this.#retentionNowMs(),
      onDiskFailure: (log: PartitionLog, error: unknown) => {
        const key = topicPartitionKey(log.topicPartition);
        this.#directories.find((directory) => directory.logs.get(key) === log)?.fail(error);
      },
    };
    return new LogCleaner(context, options);
  }

  get #online(): readonly LogDirectory[] {
    return this.#directories.filter((directory) => directory.isOnline);
  }

  #checkTopicId(log: PartitionLog, topicId: TopicId): void {
    if (log.topicId === topicId) return;
    const name = topicPartitionKey(log.topicPartition);
    if (log.topicId !== undefined) {
      throw new ProtocolError(
        'INCONSISTENT_TOPIC_ID',
        `The files of "${name}" belong to topic id "${log.topicId}", not to "${topicId}"`,
      );
    }
    const owner = this.#directories.find((directory) => directory.logs.get(name) === log);
    owner?.assignTopicId(log, topicId);
  }

  #refuseDuplicates(): void {
    const owners = new Map<string, string>();
    for (const { path, logs, refused } of this.#directories) {
      for (const key of [...logs.keys(), ...refused.keys()]) {
        const other = owners.get(key);
        if (other !== undefined) {
          throw new OdradekError(
            'LOG_DIR_DUPLICATE',
            `The partition "${key}" has files in "${other}" and in "${path}"; remove one of them`,
            { details: { partition: key, directories: [other, path] } },
          );
        }
        owners.set(key, path);
      }
    }
  }

  #directoryFailed(directory: LogDirectory, error: Error): void {
    this.#hasOfflineLogs = true;
    const failure: LogDirFailure = {
      directory: directory.path,
      error,
      partitions: [...directory.logs.values()].map((log) => log.topicPartition),
      allOffline: this.#online.length === 0,
    };
    for (const listener of this.#failureListeners) listener(failure);
  }

  #startTimers(): void {
    const options = this.#options;
    this.#every(options.recoveryPointCheckpointIntervalMs ?? 60_000, () =>
      this.checkpointRecoveryPoints(),
    );
    this.#every(options.highWatermarkCheckpointIntervalMs ?? 5_000, async () => {
      await Promise.all(this.#online.map((directory) => directory.checkpointHighWatermarks()));
    });
    this.#every(options.logStartCheckpointIntervalMs ?? 60_000, async () => {
      await Promise.all(this.#online.map((directory) => directory.checkpointLogStarts()));
    });
    this.#every(options.retentionCheckIntervalMs ?? 300_000, () => this.applyRetention());
    this.#every(PRODUCER_EXPIRATION_CHECK_MS, async () => {
      const expirationMs = options.producerIdExpirationMs ?? 24 * 3_600_000;
      for (const directory of this.#online) directory.expireProducers(expirationMs);
    });
  }

  /** The next round is timed from the end of the last one: they never overlap. */
  #every(intervalMs: number, work: () => Promise<void>): void {
    const slot = this.#timers.length;
    this.#timers.push(undefined);
    const schedule = () => {
      if (this.#isClosed) return;
      this.#timers[slot] = this.#environment.timers.set(intervalMs, () => void run(), {
        keepsProcessAlive: false,
      });
    };
    const run = async () => {
      const working = work();
      this.#working.add(working);
      await working;
      this.#working.delete(working);
      schedule();
    };
    schedule();
  }

  /**
   * The time by which retention judges. A wall clock that jumps ahead while the broker runs would
   * make everything look old at once; up to a restart it is believed only as far as the monotonic
   * clock bears it out.
   */
  #retentionNowMs(): number {
    const { clock } = this.#environment;
    const elapsedMs = clock.monotonicMs() - this.#startMonotonicMs;
    return Math.min(clock.wallMs(), this.#startWallMs + elapsedMs + CLOCK_JUMP_MS_MAX);
  }
}
