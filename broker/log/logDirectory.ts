/**
 * One of `log.dirs`: its lock, its identity, its checkpoints and the logs in it. When its disk
 * fails it goes offline as a whole and for good; the other directories serve on.
 */

import {
  type DirectoryLock,
  type Logger,
  OdradekError,
  type TopicId,
  type TopicPartition,
  topicPartitionKey,
} from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import {
  decodeOffsetCheckpoint,
  encodeOffsetCheckpoint,
  type OffsetCheckpoint,
} from './checkpointFile.ts';
import { CheckpointWriter } from './checkpointWriter.ts';
import { decodeCleanShutdown, encodeCleanShutdown } from './cleanShutdownFile.ts';
import { ConcurrencyLimit } from './concurrencyLimit.ts';
import { isShortage, storageError } from './diskErrors.ts';
import { GroupCommit } from './groupCommit.ts';
import { LeaderEpochCache } from './leaderEpochCache.ts';
import type { LogConfig } from './logConfig.ts';
import type { LogContext } from './logContext.ts';
import { lockLogDirectory } from './logDirectoryLock.ts';
import * as names from './logFileNames.ts';
import { LogProducers } from './logProducers.ts';
import { LogSegment } from './logSegment.ts';
import { loadPartitionLog } from './partitionLoader.ts';
import { PartitionLog } from './partitionLog.ts';
import {
  checkMetaProperties,
  decodeMetaProperties,
  encodeMetaProperties,
  encodePartitionMetadata,
  newDirectoryId,
} from './propertiesFile.ts';

/** What the checkpoints say of one partition. */
interface CheckpointedOffsets {
  readonly topicPartition: TopicPartition;
  readonly recoveryPoint: number;
  readonly checkpointedLogStart: number;
  readonly highWatermark: number;
  readonly cleanedOffset: number | undefined;
}

/** What the directories of one broker share. */
export type SharedContext = Pick<
  LogContext,
  'environment' | 'logger' | 'tailBudget' | 'indexCache' | 'coldReads' | 'readMemory' | 'onPending'
>;

export interface LogDirectoryOptions {
  readonly path: string;
  readonly brokerId: number;
  readonly clusterId: string;
  readonly configFor: (topic: string) => LogConfig;
  /** fdatasync and fsync at once that acknowledgements wait for; one more goes on beside them. */
  readonly syncsMax: number;
  /** Called once, when the directory has gone offline. */
  readonly onFailure: (directory: LogDirectory, error: Error) => void;
}

/** Logs that are closed or checkpointed at once; each waits for its disk most of the time. */
const LOGS_AT_ONCE = 8;

export class LogDirectory {
  readonly path: string;
  /** By `topic-partition`. */
  readonly logs = new Map<string, PartitionLog>();
  /** Partitions that were found and cannot be served, with the reason. */
  readonly refused = new Map<string, OdradekError>();
  /** What the checkpoints said of the refused: it must still stand there at the next start. */
  readonly #refusedOffsets = new Map<string, CheckpointedOffsets>();
  readonly #options: LogDirectoryOptions;
  readonly #context: LogContext;
  readonly #logger: Logger;
  readonly #recoveryPoints: CheckpointWriter;
  readonly #logStarts: CheckpointWriter;
  readonly #highWatermarks: CheckpointWriter;
  readonly #cleanedOffsets: CheckpointWriter;
  #lock: DirectoryLock | undefined;
  #failure: Error | undefined;
  #isLoaded = false;
  #previousBrokerEpoch: number | undefined;
  #directoryId: string | undefined;
  #writtenHighWatermarks = '';

  constructor(shared: SharedContext, options: LogDirectoryOptions) {
    this.path = options.path;
    this.#options = options;
    this.#logger = shared.logger;
    const { fileSystem } = shared.environment;
    const groupOptions = { fileSystem, onFailure: (error: Error) => this.fail(error) };
    this.#context = {
      ...shared,
      logDirectory: options.path,
      commits: new GroupCommit({ ...groupOptions, parallelMax: options.syncsMax }),
      // One at a time: what nobody waits for leaves the thread pool to the others.
      backgroundCommits: new GroupCommit({ ...groupOptions, parallelMax: 1 }),
      onDiskFailure: (error) => this.fail(error),
      writeRecoveryPoints: () => this.#replace(this.#recoveryPoints),
      writeLogStarts: () => this.#replace(this.#logStarts),
      writeCleanedOffsets: () => this.#replace(this.#cleanedOffsets),
    };
    const writer = (name: string, offsetOf: (of: CheckpointedOffsets) => number | undefined) =>
      new CheckpointWriter(fileSystem, this.#join(name), () => this.#checkpoint(offsetOf));
    this.#recoveryPoints = writer(names.RECOVERY_POINT_CHECKPOINT, (log) => log.recoveryPoint);
    this.#logStarts = writer(names.LOG_START_CHECKPOINT, (log) => log.checkpointedLogStart);
    this.#highWatermarks = writer(names.HIGH_WATERMARK_CHECKPOINT, (log) => log.highWatermark);
    this.#cleanedOffsets = writer(names.CLEANER_OFFSET_CHECKPOINT, (log) => log.cleanedOffset);
  }

  get isOnline(): boolean {
    return this.#failure === undefined && this.#lock !== undefined;
  }
  get failure(): Error | undefined {
    return this.#failure;
  }
  /** It failed before all that is in it was found: what that is nobody knows. */
  get isUnread(): boolean {
    return this.#failure !== undefined && !this.#isLoaded;
  }
  /** `directory.id` of `meta.properties`; undefined before `start`, and where that failed. */
  get directoryId(): string | undefined {
    return this.#directoryId;
  }
  /** Broker epoch of the last clean stop; undefined after an unclean one. */
  get previousBrokerEpoch(): number | undefined {
    return this.#previousBrokerEpoch;
  }

  /**
   * Locks the directory and loads all logs in it. Synchronous: nothing is served yet.
   *
   * @throws {OdradekError} LOG_DIR_LOCKED, LOG_DIR_MISMATCH, LOG_FORMAT_UNSUPPORTED.
   */
  start(): void {
    const { fileSystem, host } = this.#context.environment;
    try {
      this.#makeDurably(this.path);
      this.#lock = lockLogDirectory(fileSystem, host, this.path);
      this.#checkIdentity();
      this.#loadAll();
      this.#isLoaded = true;
    } catch (error) {
      if (error instanceof OdradekError) {
        this.release();
        throw error;
      }
      this.fail(error);
    }
  }

  /** Begins the group of everything appended in this turn. */
  startCommits(): void {
    this.#context.commits.start();
  }

  /** Makes an empty log. Its names are synced before anything in it is acknowledged. */
  create(topicPartition: TopicPartition, topicId: TopicId, config: LogConfig): PartitionLog {
    const key = topicPartitionKey(topicPartition);
    const { fileSystem, clock } = this.#context.environment;
    const directory = this.#join(key);
    try {
      fileSystem.makeDirectorySync(directory);
      const segment = LogSegment.create({
        fileSystem,
        directory,
        baseOffset: 0,
        createdMs: clock.wallMs(),
      });
      const log = new PartitionLog(this.#context, {
        topicPartition,
        topicId: undefined,
        config,
        directory,
        segments: [segment],
        logStartOffset: 0,
        recoveryPoint: 0,
        highWatermark: 0,
        epochs: new LeaderEpochCache(),
        producers: new LogProducers(this.#context, directory),
        epochVersionOnDisk: 0,
        indexesAreOnDisk: false,
        unsyncedDirectories: [this.path],
      });
      this.assignTopicId(log, topicId);
      this.logs.set(key, log);
      return log;
    } catch (error) {
      if (!isShortage(error)) this.fail(error);
      throw storageError(topicPartition, 'could not be made', error);
    }
  }

  assignTopicId(log: PartitionLog, topicId: TopicId): void {
    const path = names.joinPath(log.directory, names.PARTITION_METADATA);
    const file = this.#context.environment.fileSystem.openSync(path, 'create');
    const content = encodePartitionMetadata(topicId);
    file.truncateSync(content.length);
    file.writevSync([content], 0);
    log.assignTopicId(topicId, file);
  }

  /**
   * Takes the partition out of service; resolves when it cannot come back with a restart. Its
   * checkpoint entries go with it: an entry of the old log would be believed of a new one.
   */
  async delete(topicPartition: TopicPartition): Promise<void> {
    const { log, path } = await this.#takeAway(topicPartition, names.deleteDirectoryName);
    const delayMs = (log?.config ?? this.#options.configFor(topicPartition.topic))
      .fileDeleteDelayMs;
    this.#removeLater(path, delayMs, () => log?.releaseFiles());
  }

  /**
   * Takes the partition out of service and keeps its files under another name, for people.
   *
   * What was written and not synced yet goes to the disk first, so that nothing is kept back.
   */
  async setAside(topicPartition: TopicPartition): Promise<void> {
    const key = topicPartitionKey(topicPartition);
    try {
      await this.logs.get(key)?.flush();
    } catch (error) {
      this.#logger.warn('The last records of a partition that is set aside may be lost', {
        partition: key,
        error: String(error),
      });
    }
    const { log, path } = await this.#takeAway(topicPartition, names.strayDirectoryName);
    log?.releaseFiles();
    this.#logger.warn('Set the files of a partition aside; nobody removes them', {
      partition: key,
      topicId: log?.topicId,
      path,
    });
  }

  /** @returns the log, which serves no more, and its new path, when both are durable. */
  async #takeAway(
    topicPartition: TopicPartition,
    nameOf: (topicPartition: TopicPartition, uniqueHex: string) => string,
  ): Promise<{ readonly log: PartitionLog | undefined; readonly path: string }> {
    const key = topicPartitionKey(topicPartition);
    const log = this.logs.get(key);
    const { fileSystem, random } = this.#context.environment;
    this.logs.delete(key);
    this.refused.delete(key);
    this.#refusedOffsets.delete(key);
    log?.fail(
      new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION', `The partition "${key}" was taken away`),
    );
    log?.notifyFailure();
    const path = this.#join(nameOf(topicPartition, random.bytes(16).toString('hex')));
    const wasCleaned = log?.cleanedOffset !== undefined;
    try {
      // Its steps go by path: after the renaming they would hit a new partition of that name.
      await log?.settleSwap();
      await fileSystem.rename(this.#join(key), path);
      await fileSystem.syncDirectory(this.path);
      await this.#replace(this.#recoveryPoints);
      await this.#replace(this.#logStarts);
      await this.#replace(this.#highWatermarks);
      if (wasCleaned) await this.#replace(this.#cleanedOffsets);
    } catch (error) {
      if (!isShortage(error)) this.fail(error);
      throw storageError(topicPartition, 'could not be taken away', error);
    }
    return { log, path };
  }

  /** Syncs what is not on disk yet, then replaces the checkpoint of recovery points. */
  async checkpointRecoveryPoints(): Promise<void> {
    await this.#tolerateShortage('recovery points', async () => {
      await this.#forEachLog(async (log) => {
        try {
          await log.flushInBackground();
          await log.prepareRecoveryPoint();
        } catch (error) {
          // Deleted meanwhile; the others go on.
          if (!log.isOffline || !this.isOnline) throw error;
        }
      });
      await this.#context.writeRecoveryPoints();
    });
  }

  async checkpointLogStarts(): Promise<void> {
    await this.#tolerateShortage('log start offsets', () => this.#context.writeLogStarts());
  }

  /** Replaces the checkpoint of high watermarks where one has moved. */
  async checkpointHighWatermarks(): Promise<void> {
    const content = this.#checkpoint((log) => log.highWatermark).toString('utf8');
    if (content === this.#writtenHighWatermarks) return;
    await this.#tolerateShortage('high watermarks', async () => {
      await this.#replace(this.#highWatermarks);
      this.#writtenHighWatermarks = content;
    });
  }

  expireProducers(expirationMs: number): void {
    for (const log of this.logs.values()) log.expireProducers(expirationMs);
  }

  async applyRetention(nowMs: number): Promise<void> {
    for (const log of [...this.logs.values()]) {
      if (!this.isOnline) return;
      await this.#tolerateShortage('retention', () => log.applyRetention(nowMs));
    }
  }

  /**
   * Ends all service of the directory for good.
   *
   * The logs refuse everything at once; listeners hear of it after the present turn, so that nobody
   * is called from within an append.
   */
  fail(reason: unknown): void {
    if (this.#failure !== undefined) return;
    const error = reason instanceof Error ? reason : new Error(String(reason));
    this.#failure = error;
    this.#context.commits.stop();
    this.#context.backgroundCommits.stop();
    this.#logger.error('A log directory failed and is offline until the broker is restarted', {
      directory: this.path,
      error: error.message,
      partitionCount: this.logs.size,
    });
    for (const log of this.logs.values()) {
      log.fail(storageError(log.topicPartition, `is offline: "${this.path}" failed`, error));
    }
    this.#context.environment.timers.afterTurn(() => {
      for (const log of this.logs.values()) log.notifyFailure();
      this.#options.onFailure(this, error);
    });
  }

  /**
   * A clean stop. The marker is last of all.
   *
   * Crash example: marker first, then power loss while a segment is being synced. The next start
   * would believe the marker, scan nothing and serve the torn tail.
   */
  async close(brokerEpoch: number | undefined): Promise<void> {
    if (!this.isOnline) return;
    const { fileSystem } = this.#context.environment;
    try {
      await this.#forEachLog((log) => log.closeCleanly());
      await this.#context.writeRecoveryPoints();
      await this.#replace(this.#logStarts);
      await this.#replace(this.#highWatermarks);
      // The marker stands for the whole directory: with a partition that was refused it would make
      // the next start believe that one too.
      if (this.refused.size === 0 && this.isOnline) {
        const marker = this.#join(names.CLEAN_SHUTDOWN_FILE);
        await fileSystem.replaceFile(marker, encodeCleanShutdown(brokerEpoch));
      }
    } catch (error) {
      this.#logger.error(
        'A log directory could not be closed cleanly; its logs will be recovered',
        {
          directory: this.path,
          error: String(error),
        },
      );
    }
    this.release();
  }

  /** Lets go of files and lock, without syncing anything. */
  release(): void {
    for (const log of this.logs.values()) log.releaseFiles();
    try {
      this.#lock?.release();
    } catch (error) {
      this.#logger.warn('The lock of a log directory could not be removed; the next start will', {
        directory: this.path,
        error: String(error),
      });
    }
    this.#lock = undefined;
  }

  /** The names on the way to it too: a directory without a durable name loses all that is in it. */
  #makeDurably(path: string): void {
    const { fileSystem } = this.#context.environment;
    if (fileSystem.statSync(path) !== undefined) return;
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    if (parent !== path) this.#makeDurably(parent);
    fileSystem.makeDirectorySync(path);
    fileSystem.syncDirectorySync(parent);
  }

  #checkIdentity(): void {
    const { fileSystem, random } = this.#context.environment;
    const { brokerId, clusterId } = this.#options;
    const path = this.#join(names.META_PROPERTIES);
    const content =
      fileSystem.statSync(path) === undefined ? undefined : fileSystem.readFileSync(path);
    const found = content === undefined ? {} : decodeMetaProperties(path, content);
    checkMetaProperties(path, found, { brokerId, clusterId });
    const directoryId = found.directoryId ?? newDirectoryId(() => random.bytes(16));
    this.#directoryId = directoryId;
    if (Object.keys(found).length === 3) return;
    const meta = { brokerId, clusterId, directoryId };
    fileSystem.replaceFileSync(path, encodeMetaProperties(meta, content?.toString('utf8')));
  }

  #loadAll(): void {
    const { fileSystem } = this.#context.environment;
    const marker = this.#join(names.CLEAN_SHUTDOWN_FILE);
    const isClean = fileSystem.statSync(marker) !== undefined;
    if (isClean) this.#previousBrokerEpoch = decodeCleanShutdown(fileSystem.readFileSync(marker));
    const recoveryPoints = this.#readCheckpoint(names.RECOVERY_POINT_CHECKPOINT);
    const logStarts = this.#readCheckpoint(names.LOG_START_CHECKPOINT);
    const highWatermarks = this.#readCheckpoint(names.HIGH_WATERMARK_CHECKPOINT);
    const cleanedOffsets = this.#readCheckpoint(names.CLEANER_OFFSET_CHECKPOINT);
    for (const name of fileSystem.readDirectorySync(this.path)) {
      if (names.isDeleteDirectory(name)) {
        this.#removeLater(this.#join(name), 0);
        continue;
      }
      const topicPartition = names.parsePartitionDirectory(name);
      if (topicPartition === undefined) continue;
      if (fileSystem.statSync(this.#join(name))?.kind !== 'directory') continue;
      this.#load(topicPartition, {
        isClean,
        recoveryPoint: recoveryPoints === undefined ? undefined : (recoveryPoints.get(name) ?? 0),
        logStartOffset: logStarts?.get(name) ?? 0,
        highWatermark: highWatermarks?.get(name) ?? 0,
        cleanedOffset: cleanedOffsets?.get(name),
      });
    }
    this.#writeCheckpointsSync(recoveryPoints, logStarts);
    // Before the first append. Crash example: marker left, appends, power loss: the next start
    // would scan nothing and serve the torn tail.
    fileSystem.unlinkSync(marker);
    fileSystem.syncDirectorySync(this.path);
  }

  #load(
    topicPartition: TopicPartition,
    found: {
      readonly isClean: boolean;
      readonly recoveryPoint: number | undefined;
      readonly logStartOffset: number;
      readonly highWatermark: number;
      readonly cleanedOffset: number | undefined;
    },
  ): void {
    const key = topicPartitionKey(topicPartition);
    try {
      const log = loadPartitionLog({
        context: this.#context,
        topicPartition,
        directory: this.#join(key),
        config: this.#options.configFor(topicPartition.topic),
        ...found,
      });
      this.logs.set(key, log);
    } catch (error) {
      if (!(error instanceof OdradekError) || error.code === 'LOG_FORMAT_UNSUPPORTED') throw error;
      this.refused.set(key, error);
      // Without its recovery point the next start would take lost data for a torn tail, and cut.
      const recoveryPoint = found.recoveryPoint ?? this.#lastBaseOffset(key);
      const { logStartOffset: checkpointedLogStart, highWatermark, cleanedOffset } = found;
      this.#refusedOffsets.set(key, {
        topicPartition,
        recoveryPoint,
        checkpointedLogStart,
        highWatermark,
        cleanedOffset,
      });
      this.#logger.error('A partition is offline', { partition: key, reason: error.message });
    }
  }

  #lastBaseOffset(key: string): number {
    const files = this.#context.environment.fileSystem.readDirectorySync(this.#join(key));
    return files.map(names.parseLogFileName).findLast((offset) => offset !== undefined) ?? 0;
  }

  /** Replaces the checkpoints where they are absent, unreadable or name logs that are gone. */
  #writeCheckpointsSync(
    recoveryPoints: OffsetCheckpoint | undefined,
    logStarts: OffsetCheckpoint | undefined,
  ): void {
    const { fileSystem } = this.#context.environment;
    const isStale = (found: OffsetCheckpoint | undefined) =>
      found === undefined ||
      [...found.keys()].some((key) => !this.logs.has(key) && !this.refused.has(key));
    if (isStale(recoveryPoints)) {
      const content = this.#checkpoint((log) => log.recoveryPoint);
      fileSystem.replaceFileSync(this.#join(names.RECOVERY_POINT_CHECKPOINT), content);
    }
    if (isStale(logStarts)) {
      const content = this.#checkpoint((log) => log.checkpointedLogStart);
      fileSystem.replaceFileSync(this.#join(names.LOG_START_CHECKPOINT), content);
    }
  }

  /** @returns undefined where it is absent or cannot be read: callers take the careful side. */
  #readCheckpoint(name: string): OffsetCheckpoint | undefined {
    const { fileSystem } = this.#context.environment;
    const path = this.#join(name);
    if (fileSystem.statSync(path) === undefined) return undefined;
    try {
      return decodeOffsetCheckpoint(path, fileSystem.readFileSync(path));
    } catch (error) {
      if (!(error instanceof OdradekError)) throw error;
      this.#logger.warn('A checkpoint cannot be read and is made anew', { reason: error.message });
      return undefined;
    }
  }

  /** @param offsetOf undefined for a log that is not to be named. */
  #checkpoint(offsetOf: (of: CheckpointedOffsets) => number | undefined): Buffer {
    const all: CheckpointedOffsets[] = [...this.logs.values(), ...this.#refusedOffsets.values()];
    return encodeOffsetCheckpoint(
      all.flatMap((of) => {
        const offset = offsetOf(of);
        return offset === undefined ? [] : [{ topicPartition: of.topicPartition, offset }];
      }),
    );
  }

  async #replace(writer: CheckpointWriter): Promise<void> {
    try {
      await writer.write();
    } catch (error) {
      if (!isShortage(error)) this.fail(error);
      throw error;
    }
  }

  async #tolerateShortage(what: string, work: () => Promise<void>): Promise<void> {
    if (!this.isOnline) return;
    try {
      await work();
    } catch (error) {
      if (!isShortage(error) && !(error instanceof ProtocolError)) {
        this.fail(error);
        return;
      }
      this.#logger.warn(`A periodic task of the log was put off: ${what}`, {
        directory: this.path,
        error: String(error),
      });
    }
  }

  async #forEachLog(work: (log: PartitionLog) => Promise<void>): Promise<void> {
    const limit = new ConcurrencyLimit(LOGS_AT_ONCE);
    await Promise.all([...this.logs.values()].map((log) => limit.run(() => work(log))));
  }

  #removeLater(path: string, delayMs: number, before: () => void = () => undefined): void {
    const { fileSystem, timers } = this.#context.environment;
    const remove = async () => {
      before();
      try {
        await fileSystem.removeTree(path);
      } catch (error) {
        this.#logger.warn('A deleted partition could not be removed; the next start will', {
          path,
          error: String(error),
        });
      }
    };
    timers.set(delayMs, () => void remove(), { keepsProcessAlive: false });
  }

  #join(name: string): string {
    return names.joinPath(this.path, name);
  }
}
