/**
 * The log of one partition: a row of segments, appended at the end, cut at either.
 *
 * Four offsets say how far things are, and every change of state asserts their order:
 *
 *     logStartOffset <= durableOffset <= writtenOffset <= logEndOffset
 *
 * A batch is *appended* (has its offsets; the bytes are still a view on a receive buffer), then
 * *written* (in the file and readable, from the end of the turn), then *durable* (under an
 * fdatasync that began after it was written).
 *
 * Long because these steps and what undoes them (a full disk, a truncation, a directory that goes
 * offline) make sense only side by side.
 */

import {
  assert,
  CorruptionError,
  type LeaderEpoch,
  NO_TIMESTAMP,
  OdradekError,
  type Offset,
  type OpenFile,
  type TimestampMs,
  type TopicId,
  type TopicPartition,
  topicPartitionKey,
} from '../../common/index.ts';
import {
  batchEnd,
  ProtocolError,
  RecordBatchView,
  setBaseOffset,
  setLogAppendTime,
  setPartitionLeaderEpoch,
} from '../../protocol/index.ts';
import { refuseBadBatch, refuseStrayBatch } from './batchAdmission.ts';
import { swapSegments } from './cleaner/segmentSwap.ts';
import { isShortage, storageError } from './diskErrors.ts';
import { Durability } from './durability.ts';
import type { GroupCommit, SyncableLog, SyncTask } from './groupCommit.ts';
import type { LeaderEpochCache } from './leaderEpochCache.ts';
import type { LogConfig } from './logConfig.ts';
import { UNLIMITED } from './logConfig.ts';
import type { LogContext } from './logContext.ts';
import type { LogProducers } from './logProducers.ts';
import type { EpochEndOffset, LogRead, ReadOptions, TimestampAndOffset } from './logRead.ts';
import { LogReader } from './logReader.ts';
import { LogSegment, type WrittenBatch } from './logSegment.ts';
import type {
  AppendOptions,
  AppendResult,
  PartitionLogListener,
  PartitionLogState,
} from './partitionLogTypes.ts';
import type { ProducerBatch } from './producerBatch.ts';
import { renameAway, unlinkRenamed } from './segmentRemoval.ts';
import { expiredSegments, isRollDue } from './segmentRules.ts';
import { corruptSegment } from './segmentScan.ts';
import { SideFiles } from './sideFiles.ts';

interface PendingBatch extends WrittenBatch {
  readonly bytes: Uint8Array;
}

/** A hole of so many offsets is not taken into a segment: half of what its indexes can hold. */
const FAR_OFFSETS = 2 ** 30;

export class PartitionLog implements SyncableLog {
  readonly topicPartition: TopicPartition;
  readonly directory: string;
  readonly epochs: LeaderEpochCache;
  readonly #producers: LogProducers;
  readonly #context: LogContext;
  readonly #reader: LogReader;
  readonly #batch = new RecordBatchView();
  #topicId: TopicId | undefined;
  #config: LogConfig;
  #listener: PartitionLogListener | undefined;
  /** Invariant: base offsets rise, never empty. Changed only by roll, truncation and retention. */
  #segments: LogSegment[];
  #rollJitterMs = 0;
  #logStartOffset: number;
  #logEndOffset: number;
  #writtenOffset: number;
  readonly #durability: Durability;
  /** What the checkpoint may say: behind durableOffset until epochs and indexes are on disk too. */
  #recoveryPoint: number;
  #highWatermark: number;
  #pending: PendingBatch[] = [];
  #pendingBytes = 0;
  #notifiedWrittenOffset: number;
  /** A batch came again in this turn: whoever waits for it may have nothing else to wake it. */
  #hasDuplicates = false;
  /** Said once when it begins, not at every append. */
  #isDiskFull = false;
  /** Why appends of this turn were lost; told to the listener at its end. */
  #lostAppends: ProtocolError | undefined;
  /** Set for good: offline, corrupt or deleted. */
  #failure: ProtocolError | undefined;
  #isTruncating = false;
  /** Counts truncations and resets: whoever works on closed segments sees that they were cut. */
  #cutCount = 0;
  /** Below it every key stands once; undefined until the log is compacted. */
  #cleanedOffset: number | undefined;
  /** A compacted segment that is taking the place of others; never rejects. */
  #swapping: Promise<void> | undefined;
  /** Where a log that is being begun anew will start, while that is below where it starts now. */
  #resettingTo: number | undefined;
  /** The last `prepareRecoveryPoint`, done when that is, whatever came of it. */
  #preparing: Promise<void> = Promise.resolve();
  /** Settles with the last truncation. */
  #cut: Promise<void> = Promise.resolve();
  /** Counts what makes a read that is under way worthless: truncations and removed segments. */
  #generation = 0;
  #unflushedRecords = 0;
  #isFlushTimerSet = false;
  readonly #sideFiles: SideFiles;

  constructor(context: LogContext, state: PartitionLogState) {
    this.#context = context;
    this.topicPartition = state.topicPartition;
    this.directory = state.directory;
    this.epochs = state.epochs;
    this.#producers = state.producers;
    this.#topicId = state.topicId;
    this.#config = state.config;
    this.#segments = [...state.segments];
    const endOffset = this.#activeSegment.nextOffset;
    this.#logStartOffset = state.logStartOffset;
    this.#logEndOffset = endOffset;
    this.#writtenOffset = endOffset;
    this.#notifiedWrittenOffset = endOffset;
    // What stands on disk was there before, or recovery has synced it.
    this.#durability = new Durability(endOffset);
    this.#recoveryPoint = state.recoveryPoint;
    this.#highWatermark = state.highWatermark;
    this.#cleanedOffset = state.cleanedOffset;
    this.#sideFiles = new SideFiles(context, state);
    for (const path of state.unsyncedDirectories ?? []) this.#durability.addDirectory(path);
    for (const segment of this.#segments) this.#closeWhenIdle(segment);
    this.#drawRollJitter();
    this.#reader = new LogReader({
      context,
      segments: () => this.#segments,
      generation: () => this.#generation,
      logStartOffset: () => this.#logStartOffset,
      indexIntervalBytes: () => this.#config.indexIntervalBytes,
    });
    this.#checkOrder();
  }

  /** Undefined only for a directory of an old Kafka, until `LogManager.create` gives one. */
  get topicId(): TopicId | undefined {
    return this.#topicId;
  }
  get config(): LogConfig {
    return this.#config;
  }
  /** First offset that can be read. */
  get logStartOffset(): Offset {
    return this.#logStartOffset as Offset;
  }
  /** Offset of the next record: counts what was appended in this turn and is not written yet. */
  get logEndOffset(): Offset {
    return this.#logEndOffset as Offset;
  }
  /** First offset that is not in the file yet; reads end here. */
  get writtenOffset(): Offset {
    return this.#writtenOffset as Offset;
  }
  /** First offset not known to be on disk. */
  get durableOffset(): Offset {
    return this.#durability.durableOffset as Offset;
  }
  /** What `log-start-offset-checkpoint` may say: lower while the log is begun anew further down. */
  get checkpointedLogStart(): Offset {
    return Math.min(this.#logStartOffset, this.#resettingTo ?? this.#logStartOffset) as Offset;
  }
  /** What `recovery-point-offset-checkpoint` may say: recovery scans from here. */
  get recoveryPoint(): Offset {
    return this.#recoveryPoint as Offset;
  }
  /** As found in the checkpoint at start, then as `updateHighWatermark` set it. */
  get highWatermark(): Offset {
    return this.#highWatermark as Offset;
  }
  /** True where acknowledgements wait for `onDurable` (`flush.messages=1`). */
  get acknowledgesDurably(): boolean {
    return this.#config.flushMessages === 1;
  }
  /** Bytes of all segments, those of this turn included. */
  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, this.#pendingBytes);
  }
  get segmentCount(): number {
    return this.#segments.length;
  }
  /** In order; the last is active. */
  get segments(): readonly LogSegment[] {
    return this.#segments;
  }
  /** Where compaction goes on; undefined where it has not begun. For `cleaner-offset-checkpoint`. */
  get cleanedOffset(): number | undefined {
    return this.#cleanedOffset;
  }
  /** Raised by every truncation and reset. */
  get cutCount(): number {
    return this.#cutCount;
  }
  /** The newest batch of each idempotent producer that is remembered. */
  newestOfProducers(): Iterable<ProducerBatch> {
    return this.#producers.newest();
  }
  /** Epoch of the newest batch; -1 while there is none. */
  get latestEpoch(): LeaderEpoch {
    return this.epochs.latestEpoch as LeaderEpoch;
  }
  /** Set for good once the log directory is offline, or the partition deleted. */
  get isOffline(): boolean {
    return this.#failure !== undefined;
  }

  /** While a truncation is on its way to the disk: nothing can be appended. */
  get isTruncating(): boolean {
    return this.#isTruncating;
  }

  setListener(listener: PartitionLogListener): void {
    this.#listener = listener;
  }

  /** Gives an id to a log that has none. The file follows with the next sync. */
  assignTopicId(topicId: TopicId, metadataFile: OpenFile): void {
    assert(this.#topicId === undefined, 'A topic id is given once', { topicId });
    this.#topicId = topicId;
    this.#durability.addFile(metadataFile);
    this.#durability.addDirectory(this.directory);
    this.#durability.closeLater({ close: () => metadataFile.closeSync() });
  }

  reconfigure(config: LogConfig): void {
    const begins = config.flushMessages === 1 && this.#config.flushMessages !== 1;
    this.#config = config;
    this.#drawRollJitter();
    if (begins && this.durableOffset < this.#writtenOffset) {
      this.#startSync(this.#context.commits);
    }
  }

  /**
   * Takes one record batch to the end of the log: gives it offsets and the leader epoch, in place.
   *
   * The bytes are written by the next `flushTurn`; until then the view must not change.
   *
   * @param batch exactly one batch, magic 2: a view on the receive buffer will do.
   * @throws {ProtocolError} CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP,
   *   MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, UNSUPPORTED_FOR_MESSAGE_FORMAT,
   *   UNSUPPORTED_COMPRESSION_TYPE; INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER,
   *   DUPLICATE_SEQUENCE_NUMBER for an idempotent producer; KAFKA_STORAGE_ERROR where the disk is
   *   full or offline. Then nothing was appended.
   */
  append(batch: Uint8Array, options: AppendOptions): AppendResult {
    this.#refuseWhenFailed();
    // Until whoever waits for the lost batches knows, their offsets must not be given again.
    if (this.#lostAppends !== undefined) throw this.#lostAppends;
    // A follower that has just become the leader may still be cutting what it never should have had.
    if (this.#isTruncating) {
      const name = topicPartitionKey(this.topicPartition);
      throw new ProtocolError('LEADER_NOT_AVAILABLE', `"${name}" is being truncated`);
    }
    const { topicPartition } = this;
    const config = this.#config;
    const nowMs = this.#context.environment.clock.wallMs();
    refuseBadBatch(batch, { topicPartition, config, origin: options.origin, nowMs });
    const isLogAppendTime = config.messageTimestampType === 'LogAppendTime';
    const view = this.#batch.at(batch, 0);
    const repeated = this.#producers.check(view, options.origin);
    if (repeated !== undefined) return this.#answerRepeated(repeated);
    if (isLogAppendTime) setLogAppendTime(batch, 0, nowMs);
    const baseOffset = this.#logEndOffset;
    const lastOffset = baseOffset + view.lastOffsetDelta;
    const { maxTimestamp } = view;
    view.release();
    assert(Number.isSafeInteger(lastOffset), 'Offsets are safe integers', { lastOffset });
    const pending = { bytes: batch, baseOffset, lastOffset, maxTimestamp, sizeBytes: batch.length };
    if (this.#mustRollFor(pending, nowMs)) this.#roll();

    setBaseOffset(batch, 0, baseOffset);
    setPartitionLeaderEpoch(batch, 0, options.leaderEpoch);
    this.#addPending(pending, options.leaderEpoch);
    return {
      baseOffset: baseOffset as Offset,
      lastOffset: lastOffset as Offset,
      logAppendTimeMs: isLogAppendTime ? nowMs : NO_TIMESTAMP,
      duplicate: false,
    };
  }

  /** Nothing is appended; whoever waits hears at the end of the turn how far the log is. */
  #answerRepeated(repeated: ProducerBatch): AppendResult {
    this.#batch.release();
    this.#hasDuplicates = true;
    this.#context.onPending(this);
    const isLogAppendTime = this.#config.messageTimestampType === 'LogAppendTime';
    return {
      baseOffset: repeated.baseOffset as Offset,
      lastOffset: repeated.lastOffset as Offset,
      logAppendTimeMs: isLogAppendTime ? (repeated.timestamp as TimestampMs) : NO_TIMESTAMP,
      duplicate: true,
    };
  }

  /**
   * Takes batches to the end of the log as the leader has them: offsets and epochs stay.
   *
   * Written by the next `flushTurn`, as with `append`. Where a batch is refused those before it stay.
   *
   * @param batches one or more whole batches; the first begins where this log ends.
   * @throws {ProtocolError} CORRUPT_MESSAGE, INVALID_RECORD; KAFKA_STORAGE_ERROR.
   */
  appendReplicated(batches: Uint8Array): void {
    const nowMs = this.#context.environment.clock.wallMs();
    for (let position = 0; position < batches.length; ) {
      this.#refuseWhenFailed();
      if (this.#lostAppends !== undefined) throw this.#lostAppends;
      assert(!this.#isTruncating, 'Nothing is appended while the log is being truncated', {
        partition: topicPartitionKey(this.topicPartition),
      });
      const end = batchEnd(batches, position, batches.length) ?? batches.length;
      const batch = batches.subarray(position, end);
      refuseStrayBatch(batch, {
        topicPartition: this.topicPartition,
        config: this.#config,
        logEndOffset: this.#logEndOffset,
        latestEpoch: this.epochs.latestEpoch,
      });
      const { baseOffset, nextOffset, maxTimestamp, partitionLeaderEpoch } = this.#batch.at(
        batch,
        0,
      );
      this.#batch.release();
      const sizeBytes = batch.length;
      const pending = {
        bytes: batch,
        baseOffset,
        lastOffset: nextOffset - 1,
        maxTimestamp,
        sizeBytes,
      };
      // Behind a hole that compaction left, the new segment begins where the batch does: offsets in
      // its indexes have 32 bits.
      if (this.#mustRollFor(pending, nowMs)) this.#roll(baseOffset);
      this.#addPending(pending, partitionLeaderEpoch);
      position = end;
    }
  }

  /** Writes what was appended since the last call: one gathered write. For `flushTurn`. */
  writePending(): void {
    if (this.#pending.length === 0 || this.#failure !== undefined) return;
    const segment = this.#activeSegment;
    try {
      segment.file().writevSync(
        this.#pending.map((batch) => batch.bytes),
        segment.sizeBytes,
      );
    } catch (error) {
      this.#writeFailed(error);
      return;
    }
    this.#noteDiskFull(false);
    const written = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const keepsTail = this.#reader.wantsTail();
    for (const batch of written) {
      segment.noteWritten(batch, this.#config.indexIntervalBytes);
      this.#producers.settle(this.#batch.at(batch.bytes, 0));
      if (keepsTail) this.#reader.appendToTail(batch.bytes, batch.baseOffset, batch.lastOffset + 1);
    }
    this.#batch.release();
    this.#unflushedRecords += this.#logEndOffset - this.#writtenOffset;
    this.#writtenOffset = this.#logEndOffset;
    this.#sideFiles.noteChange();
    this.#checkOrder();
    this.#scheduleSync();
  }

  /** Tells the listener what the turn brought. For `flushTurn`, after all writes of the turn. */
  notifyTurn(): void {
    const lost = this.#lostAppends;
    this.#lostAppends = undefined;
    if (this.#notifiedWrittenOffset < this.#writtenOffset || this.#hasDuplicates) {
      this.#hasDuplicates = false;
      this.#notifiedWrittenOffset = this.#writtenOffset;
      this.#listener?.onWritten(this.writtenOffset);
    }
    if (lost !== undefined) this.#listener?.onFailure(lost, this.logEndOffset);
  }

  /**
   * Whole batches from the one that holds `fetchOffset` on.
   *
   * @returns at once where they are in memory or there is nothing to send, else after a read.
   * @throws {ProtocolError} OFFSET_OUT_OF_RANGE below the log start or beyond its end;
   *   KAFKA_STORAGE_ERROR where the log directory is offline.
   * @throws {CorruptionError} LOG_CORRUPT naming file and position (the promise is rejected).
   */
  read(fetchOffset: Offset, options: ReadOptions): LogRead | Promise<LogRead> {
    this.#refuseWhenFailed();
    if (fetchOffset < this.#logStartOffset || fetchOffset > this.#logEndOffset) {
      throw new ProtocolError(
        'OFFSET_OUT_OF_RANGE',
        `Offset ${fetchOffset} of "${topicPartitionKey(this.topicPartition)}" is out of range: ` +
          `it holds ${this.#logStartOffset} to ${this.#logEndOffset}`,
        {
          details: { logStartOffset: this.#logStartOffset, logEndOffset: this.#logEndOffset },
        },
      );
    }
    const endOffset = Math.min(options.endOffset, this.#writtenOffset) as Offset;
    const read = this.#reader.read(fetchOffset, { ...options, endOffset });
    return read instanceof Promise ? this.#withFailure(read) : read;
  }

  /**
   * The first record at or after a time.
   *
   * @param endOffset exclusive bound, for example the high watermark.
   * @returns undefined where all records below the bound are older.
   * @throws as `read`; {ProtocolError} UNSUPPORTED_COMPRESSION_TYPE for a codec that is not there.
   */
  async findByTimestamp(
    timestamp: TimestampMs,
    endOffset: Offset,
  ): Promise<TimestampAndOffset | undefined> {
    this.#refuseWhenFailed();
    const found = await this.#withFailure(
      this.#reader.findByTimestamp(timestamp, {
        startOffset: this.#logStartOffset,
        endOffset: Math.min(endOffset, this.#writtenOffset),
      }),
    );
    if (found === undefined) return undefined;
    return {
      timestamp: found.timestamp as TimestampMs,
      offset: found.offset as Offset,
      leaderEpoch: (this.epochs.epochFor(found.offset) ?? -1) as LeaderEpoch,
    };
  }

  /** The first record that has the greatest timestamp of the log; undefined for an empty log. */
  async maxTimestamp(): Promise<TimestampAndOffset | undefined> {
    const greatest = Math.max(...this.#segments.map((segment) => segment.maxTimestamp.timestamp));
    if (greatest < 0) return undefined;
    return await this.findByTimestamp(greatest as TimestampMs, this.writtenOffset);
  }

  /** @see LeaderEpochCache.endOffsetFor */
  endOffsetFor(epoch: LeaderEpoch): EpochEndOffset | undefined {
    const end = this.epochs.endOffsetFor(epoch, this.#logEndOffset);
    if (end === undefined) return undefined;
    return { epoch: end.epoch as LeaderEpoch, endOffset: end.endOffset as Offset };
  }

  /** Epoch in which the record was written; undefined where the log does not know it. */
  epochFor(offset: Offset): LeaderEpoch | undefined {
    return this.epochs.epochFor(offset) as LeaderEpoch | undefined;
  }

  /** Remembers the high watermark for its checkpoint; retention stays below it. */
  updateHighWatermark(offset: Offset): void {
    assert(offset >= 0 && offset <= this.#writtenOffset, 'A high watermark is in the file', {
      offset,
      writtenOffset: this.#writtenOffset,
    });
    this.#highWatermark = offset;
  }

  /** Resolves when everything written so far is on disk. @throws {ProtocolError} */
  flush(): Promise<void> {
    return this.#flushWith(this.#context.commits);
  }

  /** As `flush`, in the groups that no acknowledgement waits for. */
  flushInBackground(): Promise<void> {
    return this.#flushWith(this.#context.backgroundCommits);
  }

  /**
   * Removes all batches that reach `offset` or beyond; one that spans it goes whole. Nothing may be
   * appended until it resolves: then the cut is on disk.
   *
   * @throws {ProtocolError} KAFKA_STORAGE_ERROR
   */
  truncateTo(offset: Offset): Promise<void> {
    return this.#cutting(this.#truncateTo(offset));
  }

  #cutting(done: Promise<void>): Promise<void> {
    this.#cut = done.catch(() => undefined);
    return done;
  }

  async #truncateTo(offset: Offset): Promise<void> {
    this.#refuseWhenFailed();
    assert(!this.#isTruncating, 'One truncation at a time');
    assert(offset >= this.#logStartOffset, 'A truncation stays above the log start', {
      offset,
      logStartOffset: this.#logStartOffset,
    });
    this.writePending();
    if (offset >= this.#logEndOffset) return;
    this.#isTruncating = true;
    this.#cutCount += 1;
    try {
      if (this.#isCompactedBeyond(offset)) await this.#lowerCleanedOffset(offset);
      // 1. The checkpoint first. Crash example: it says 1000, the log is cut to 500 and grows to
      //    800 unsynced; after a power loss recovery would believe what lies below 1000.
      //    A batch that spans the offset goes whole, so only its segment's start is certain to stay.
      if (offset < this.#recoveryPoint) {
        const cut = this.#segments.findLast((segment) => segment.baseOffset <= offset);
        this.#recoveryPoint = Math.min(this.#recoveryPoint, cut?.baseOffset ?? 0);
        await this.#context.writeRecoveryPoints();
      }
      const { logStartOffset } = this;
      const cut = this.#cutSegments(offset);
      if (this.#logStartOffset < logStartOffset) await this.#context.writeLogStarts();
      // 2. On disk before the next fetch. Crash example: cut, new batches from the new leader, power
      //    loss: the old bytes would stand behind the new ones.
      await cut.datasync();
      await this.#context.environment.fileSystem.syncDirectory(this.directory);
      await this.#reloadProducers();
    } catch (error) {
      if (error instanceof CorruptionError) throw error;
      if (!isShortage(error)) this.#context.onDiskFailure(error);
      throw this.#failure ?? storageError(this.topicPartition, 'could not be truncated', error);
    } finally {
      this.#isTruncating = false;
    }
    this.#checkOrder();
    this.#durability.settleWaiters();
  }

  /**
   * Removes everything, and begins anew at another offset: for a follower whose leader no longer has
   * what would come next, or whose log shares nothing with the leader's. Nothing may be appended
   * until it resolves: then the new beginning is on disk.
   *
   * A crash at any step leaves a log without holes, which holds what it held, or less, or nothing:
   * all of that is right for a replica that has to fetch anew.
   *
   * @throws {ProtocolError} KAFKA_STORAGE_ERROR; where the disk is full, nothing has changed.
   */
  resetTo(offset: Offset): Promise<void> {
    return this.#cutting(this.#resetTo(offset));
  }

  async #resetTo(offset: Offset): Promise<void> {
    this.#refuseWhenFailed();
    assert(!this.#isTruncating, 'One truncation at a time');
    this.writePending();
    this.#isTruncating = true;
    this.#cutCount += 1;
    try {
      if (this.#isCompactedBeyond(0)) await this.#lowerCleanedOffset(0);
      await this.#prepareReset(offset);
      this.#refuseWhenFailed();
      this.#replaceSegments(offset);
      // 4. On disk before the next fetch. Crash example: the new segment has grown, power loss: its
      //    name was never synced, the old records stand again, and what was acknowledged is gone.
      await this.#context.environment.fileSystem.syncDirectory(this.directory);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      if (!isShortage(error)) this.#context.onDiskFailure(error);
      throw this.#failure ?? storageError(this.topicPartition, 'could not be begun anew', error);
    } finally {
      this.#isTruncating = false;
      this.#resettingTo = undefined;
    }
    this.#recoveryPoint = offset;
    this.#checkOrder();
    this.#durability.settleWaiters();
  }

  /** What must be on disk before the first file of the log is touched. Undone by nothing but time. */
  async #prepareReset(offset: number): Promise<void> {
    await this.#preparing;
    // 1. Nothing vouches for any record. Crash example: the recovery point stays at 1000, the old
    //    segments are gone: the next start would take that for lost data and refuse the partition.
    this.#recoveryPoint = 0;
    await this.#context.writeRecoveryPoints();
    // 2. No epoch either. Crash example: the new segment begins at 5000, the file still says that
    //    epoch 3 began at 10: an empty log would claim epoch 3 up to 5000. While the old records
    //    stand, recovery makes their epochs anew.
    await this.#sideFiles.voidEpochs();
    // 3. A start below the present one, where it is one. Crash example: begun anew at 50, grown to
    //    55, but the checkpoint says 60: the next start would begin an empty log at 60. One above
    //    needs no checkpoint: the name of the first segment tells it.
    if (offset >= this.#logStartOffset) return;
    this.#resettingTo = offset;
    await this.#context.writeLogStarts();
  }

  /** One empty segment in place of all others, on disk and in memory. */
  #replaceSegments(offset: number): void {
    const { fileSystem, clock } = this.#context.environment;
    const { directory } = this;
    const createdMs = clock.wallMs();
    const begun = LogSegment.create({ fileSystem, directory, baseOffset: offset, createdMs });
    this.#generation += 1;
    this.#reader.reset();
    for (const dropped of this.#segments.toReversed()) {
      dropped.removeIndexFiles();
      if (dropped.path !== begun.path) fileSystem.unlinkSync(dropped.path);
      this.#discard(dropped);
    }
    this.#closeWhenIdle(begun);
    this.#segments = [begun];
    this.#sideFiles.reset();
    this.#logStartOffset = offset;
    this.#logEndOffset = offset;
    this.#writtenOffset = offset;
    this.#notifiedWrittenOffset = offset;
    this.#highWatermark = offset;
    this.#durability.lowerTo(offset);
    this.#durability.raiseTo(offset);
    this.#drawRollJitter();
  }

  /**
   * Raises the log start offset; segments wholly below it go.
   *
   * @returns the new log start offset, when it is durable.
   * @throws {ProtocolError} OFFSET_OUT_OF_RANGE beyond the high watermark.
   */
  async deleteRecordsBefore(offset: Offset): Promise<Offset> {
    this.#refuseWhenFailed();
    if (offset > this.#highWatermark) {
      throw new ProtocolError(
        'OFFSET_OUT_OF_RANGE',
        `Offset ${offset} is beyond the high watermark ${this.#highWatermark}`,
      );
    }
    if (offset > this.#logStartOffset) {
      this.#raiseLogStart(offset);
      await this.#context.writeLogStarts();
      this.#raiseRecoveryPoint(offset);
      await this.#removeSegmentsBelowStart();
    }
    return this.logStartOffset;
  }

  /** Removes segments by `retention.ms` and `retention.bytes`. @param nowMs wall clock. */
  async applyRetention(nowMs: number): Promise<void> {
    if (this.#failure !== undefined || this.#isTruncating) return;
    const expired = expiredSegments(this.#segments, {
      config: this.#config,
      nowMs,
      endOffset: Math.min(this.#highWatermark, this.#writtenOffset),
    });
    if (expired === 0) return;
    // Even the active one is too old: a new one takes its place, so that it can go like the rest.
    if (expired === this.#segments.length) {
      if (!this.#tryRoll()) return;
    }
    const startOffset = this.#segments[expired]!.baseOffset;
    this.#raiseLogStart(startOffset);
    try {
      await this.#context.writeLogStarts();
      this.#raiseRecoveryPoint(startOffset);
    } catch (error) {
      // A full disk must not keep files from going, which is what frees it. Without the checkpoint
      // a crash may bring removed segments back for a while; they go again at the next check.
      if (!isShortage(error)) throw error;
    }
    await this.#removeSegmentsBelowStart();
  }

  /**
   * Makes durable what the recovery point needs beside the batches, then moves it.
   *
   * Crash example: the recovery point passes the first batch of epoch 5 while the epoch checkpoint
   * ends at 4. Recovery then does not scan that batch, and the log does not know epoch 5.
   */
  prepareRecoveryPoint(): Promise<void> {
    // One at a time: a second one would find nothing left to sync, and be done before the first is.
    const prepared = this.#preparing.then(() => this.#prepareRecoveryPoint());
    this.#preparing = prepared.catch(() => undefined);
    return prepared;
  }

  async #prepareRecoveryPoint(): Promise<void> {
    if (this.#failure !== undefined || this.#isTruncating) return;
    const target = this.durableOffset;
    const generation = this.#generation;
    try {
      await this.#sideFiles.sync();
    } catch (error) {
      if (!isShortage(error)) this.#context.onDiskFailure(error);
      throw this.#failure ?? error;
    }
    // A truncation meanwhile has set another recovery point, a lower one.
    if (this.#isTruncating || generation !== this.#generation) return;
    this.#recoveryPoint = Math.max(this.#recoveryPoint, target);
    this.#checkOrder();
  }

  /**
   * Moves the recovery point as far as it can go, on disk too: what is compacted lies below it.
   *
   * Crash example: k=1 is on disk, k=2 is not; compaction drops k=1; power loss: both are gone.
   */
  async prepareCompaction(): Promise<void> {
    this.#refuseWhenFailed();
    await this.flushInBackground();
    await this.prepareRecoveryPoint();
    this.#refuseWhenFailed();
    await this.#context.writeRecoveryPoints();
  }

  /**
   * Puts a compacted segment in the place of others. Readers go over to it in one turn.
   *
   * @param removed closed segments that follow each other, all below the recovery point.
   * @param cleaned what is left of them: as `.cleaned`, synced, of the base offset of the first.
   * @returns false where the log has changed meanwhile; then nothing has happened.
   * @throws system errors; the log directory is offline, and a start finishes or undoes the rest.
   */
  async replaceSegments(removed: readonly LogSegment[], cleaned: LogSegment): Promise<boolean> {
    const first = this.#segments.indexOf(removed[0]!);
    const last = first + removed.length - 1;
    const stand = removed.every((segment, index) => this.#segments[first + index] === segment);
    const isBusy =
      this.#failure !== undefined || this.#isTruncating || this.#swapping !== undefined;
    if (isBusy || first < 0 || !stand || last >= this.#segments.length - 1) return false;
    const endOffset = this.#segments[last + 1]!.baseOffset;
    if (endOffset > Math.min(this.#recoveryPoint, this.#highWatermark)) return false;
    cleaned.endAt(endOffset);
    const swapped = this.#swapIn(removed, cleaned);
    this.#swapping = swapped.catch(() => undefined);
    try {
      await swapped;
    } finally {
      this.#swapping = undefined;
    }
    return true;
  }

  async #swapIn(removed: readonly LogSegment[], cleaned: LogSegment): Promise<void> {
    const indexes = cleaned.loadedIndexes;
    assert(indexes !== undefined, 'Compaction makes its indexes in memory');
    const { fileSystem } = this.#context.environment;
    const onDecided = () => {
      this.#segments.splice(this.#segments.indexOf(removed[0]!), removed.length, cleaned);
      this.#generation += 1;
      this.#reader.forgetPositions();
      for (const segment of removed) this.#discard(segment);
    };
    try {
      await swapSegments(fileSystem, { directory: this.directory, removed, cleaned, onDecided });
    } catch (error) {
      // Whatever it was: what a start would make of the files is not what is served now.
      this.#context.onDiskFailure(error);
      throw error;
    }
    this.#closeWhenIdle(cleaned);
    try {
      await cleaned.replaceIndexes(indexes);
    } catch (error) {
      // Without them the segment is as good: they are made anew when they are needed.
      if (!isShortage(error)) throw error;
    }
    this.#context.indexCache.touch(cleaned);
    await this.#producers.removeSnapshotsBetween(cleaned.baseOffset, cleaned.nextOffset);
  }

  /** Compaction has come so far. @throws system errors. */
  async raiseCleanedOffset(offset: number): Promise<void> {
    this.#cleanedOffset = offset;
    await this.#context.writeCleanedOffsets();
  }

  /** Resolves when no compacted segment is being put in place: files may be renamed then. */
  async settleSwap(): Promise<void> {
    await this.#swapping;
  }

  /** Forgets idempotent producers that appended nothing for so long. For a timer. */
  expireProducers(expirationMs: number): void {
    this.#producers.expire(expirationMs);
  }

  /** @returns undefined where everything is on disk or under way. */
  captureSync(): SyncTask | undefined {
    if (this.#failure !== undefined) return undefined;
    this.#unflushedRecords = 0;
    return this.#durability.capture(this.#writtenOffset, () => this.#activeSegment.file());
  }

  completeSync(task: SyncTask): void {
    const hasMoved = this.#durability.complete(task);
    if (this.#failure !== undefined) return;
    this.#checkOrder();
    if (hasMoved) this.#listener?.onDurable(this.durableOffset);
    this.#durability.settleWaiters();
  }

  /** Ends all service for good. The listener hears of it by `notifyFailure`. */
  fail(failure: ProtocolError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#logEndOffset = this.#writtenOffset;
    this.#reader.reset();
    this.#durability.rejectWaiters(failure);
  }

  notifyFailure(): void {
    if (this.#failure !== undefined) {
      this.#listener?.onFailure(this.#failure, this.durableOffset);
    }
  }

  /**
   * Writes and syncs everything, indexes and epochs included, for a clean stop.
   *
   * A leader that has just given its partitions away may be cutting what nobody else has: that ends
   * first, else the recovery point would stay where it was, and the next start recover the log.
   */
  async closeCleanly(): Promise<void> {
    await this.#cut;
    if (this.#failure !== undefined) return;
    this.writePending();
    this.notifyTurn();
    await this.flush();
    await this.#sideFiles.writeAtEnd(this.#activeSegment);
    await this.prepareRecoveryPoint();
    assert(this.#recoveryPoint === this.#logEndOffset, 'A closed log is on disk', {
      partition: topicPartitionKey(this.topicPartition),
      recoveryPoint: this.#recoveryPoint,
      logEndOffset: this.#logEndOffset,
    });
    this.releaseFiles();
  }

  /** Closes all files; what is still being read or synced completes. */
  releaseFiles(): void {
    this.#reader.reset();
    for (const segment of this.#segments) this.#discard(segment);
  }

  #addPending(pending: PendingBatch, epoch: number): void {
    if (epoch >= 0) this.epochs.assign(epoch, pending.baseOffset);
    this.#producers.note(this.#batch.at(pending.bytes, 0));
    this.#batch.release();
    this.#pending.push(pending);
    this.#pendingBytes += pending.sizeBytes;
    this.#logEndOffset = pending.lastOffset + 1;
    this.#context.onPending(this);
  }

  get #activeSegment(): LogSegment {
    return this.#segments.at(-1)!;
  }

  /** A system error of a read becomes what the log says of itself. */
  async #withFailure<T>(result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (error) {
      if (error instanceof OdradekError) throw error;
      throw this.#failure ?? storageError(this.topicPartition, 'could not be read', error);
    }
  }

  #refuseWhenFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #mustRollFor(batch: PendingBatch, nowMs: number): boolean {
    return isRollDue(this.#activeSegment, {
      config: this.#config,
      nowMs,
      rollJitterMs: this.#rollJitterMs,
      pendingBytes: this.#pendingBytes,
      pendingFirstTimestamp: this.#pending[0]?.maxTimestamp,
      batch,
    });
  }

  /**
   * Closes the active segment and begins a new one.
   *
   * @param nextOffset of the batch that comes.
   * @throws {ProtocolError} KAFKA_STORAGE_ERROR
   */
  #roll(nextOffset: number = this.#logEndOffset): void {
    this.writePending();
    if (this.#lostAppends !== undefined) throw this.#lostAppends;
    this.#refuseWhenFailed();
    const { fileSystem, clock } = this.#context.environment;
    const isFar = nextOffset - this.#logEndOffset > FAR_OFFSETS;
    const old = this.#activeSegment;
    let active: LogSegment;
    try {
      active = LogSegment.create({
        fileSystem,
        directory: this.directory,
        baseOffset: isFar ? nextOffset : this.#logEndOffset,
        createdMs: clock.wallMs(),
      });
    } catch (error) {
      if (isShortage(error)) this.#noteDiskFull(true);
      else this.#context.onDiskFailure(error);
      throw this.#failure ?? storageError(this.topicPartition, 'has no room', error);
    }
    this.#sideFiles.segmentClosed(old);
    if (this.#durability.capturedOffset < this.#writtenOffset) this.#durability.addFile(old.file());
    this.#durability.addDirectory(this.directory);
    this.#closeWhenIdle(active);
    this.#segments.push(active);
    this.#drawRollJitter();
    this.#context.indexCache.touch(old);
    this.#startSync(this.acknowledgesDurably ? undefined : this.#context.backgroundCommits);
  }

  #tryRoll(): boolean {
    try {
      this.#roll();
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  #drawRollJitter(): void {
    const { segmentJitterMs, segmentMs } = this.#config;
    const most = Math.min(segmentJitterMs, segmentMs);
    this.#rollJitterMs = most > 0 ? this.#context.environment.random.below(most) : 0;
  }

  /**
   * A full disk: the bytes that did reach the file are cut off, the batches are lost, and later
   * appends try anew, so that the partition serves again as soon as there is space. Where even the
   * cut fails, or the error is another one, what the file holds is unknown: offline.
   */
  #writeFailed(error: unknown): void {
    const segment = this.#activeSegment;
    if (!isShortage(error)) {
      this.#context.onDiskFailure(error);
      return;
    }
    try {
      segment.file().truncateSync(segment.sizeBytes);
    } catch (truncateError) {
      this.#context.onDiskFailure(truncateError);
      return;
    }
    for (const lost of this.#pending.toReversed()) {
      this.#producers.undo(this.#batch.at(lost.bytes, 0));
    }
    this.#batch.release();
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#logEndOffset = this.#writtenOffset;
    this.epochs.truncateFromEnd(this.#logEndOffset);
    this.#noteDiskFull(true);
    this.#lostAppends = storageError(this.topicPartition, 'has no room: the disk is full', error);
    this.#context.onPending(this);
    this.#checkOrder();
  }

  #noteDiskFull(isFull: boolean): void {
    if (isFull === this.#isDiskFull) return;
    this.#isDiskFull = isFull;
    const fields = {
      partition: topicPartitionKey(this.topicPartition),
      directory: this.#context.logDirectory,
    };
    if (isFull) this.#context.logger.error('The disk is full: appends are refused', fields);
    else this.#context.logger.info('There is room again: appends are taken', fields);
  }

  #scheduleSync(): void {
    const { flushMessages, flushMs } = this.#config;
    if (flushMessages === 1) {
      this.#context.commits.add(this);
      return;
    }
    if (this.#unflushedRecords >= flushMessages) {
      this.#startSync(this.#context.backgroundCommits);
    } else if (flushMs < UNLIMITED && !this.#isFlushTimerSet) {
      this.#isFlushTimerSet = true;
      const flush = () => {
        this.#isFlushTimerSet = false;
        if (this.#failure === undefined) this.#startSync(this.#context.backgroundCommits);
      };
      this.#context.environment.timers.set(flushMs, flush, { keepsProcessAlive: false });
    }
  }

  /** @param group undefined where the turn's own commit follows anyway. */
  #startSync(group: GroupCommit | undefined): void {
    if (group === undefined) return;
    group.add(this);
    group.start();
  }

  #flushWith(group: GroupCommit): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const done = this.#durability.wait(this.#writtenOffset);
    if (done === undefined) return Promise.resolve();
    this.#startSync(group);
    return done;
  }

  async #reloadProducers(): Promise<void> {
    const fault = await this.#producers.reload(this.#segments);
    if (fault !== undefined) throw corruptSegment(fault.segment, fault.result);
  }

  /**
   * Before the cut. Crash example: compacted up to 1000, the log is cut to 500 and grows again; the
   * checkpoint says that every key below 1000 stands once, and nobody ever looks there again.
   */
  async #lowerCleanedOffset(offset: number): Promise<void> {
    await this.#swapping;
    if ((this.#cleanedOffset ?? 0) <= offset) return;
    this.#cleanedOffset = offset;
    await this.#context.writeCleanedOffsets();
  }

  #isCompactedBeyond(offset: number): boolean {
    return this.#swapping !== undefined || (this.#cleanedOffset ?? 0) > offset;
  }

  /** Cuts the files, newest first, so that a crash leaves a log without holes. */
  #cutSegments(offset: number): OpenFile {
    this.#generation += 1;
    this.#reader.reset();
    while (this.#segments.length > 1 && this.#activeSegment.baseOffset >= offset) {
      const dropped = this.#segments.pop()!;
      dropped.removeIndexFiles();
      this.#context.environment.fileSystem.unlinkSync(dropped.path);
      this.#discard(dropped);
    }
    const active = this.#activeSegment;
    this.#context.indexCache.remove(active);
    active.truncateTo(offset, this.#config.indexIntervalBytes);
    const endOffset = active.nextOffset;
    this.#logEndOffset = endOffset;
    this.#writtenOffset = endOffset;
    this.#notifiedWrittenOffset = endOffset;
    // The batch that went may have begun below the log start.
    this.#logStartOffset = Math.min(this.#logStartOffset, endOffset);
    this.#recoveryPoint = Math.min(this.#recoveryPoint, endOffset);
    this.#highWatermark = Math.min(this.#highWatermark, endOffset);
    this.#durability.lowerTo(endOffset);
    this.epochs.truncateFromEnd(endOffset);
    this.#producers.removeSnapshotsAbove(endOffset);
    this.#sideFiles.noteChange();
    return active.file();
  }

  #raiseLogStart(offset: number): void {
    this.#logStartOffset = Math.max(this.#logStartOffset, offset);
    this.#durability.raiseTo(this.#logStartOffset);
    this.epochs.truncateFromStart(this.#logStartOffset);
    this.#checkOrder();
  }

  /**
   * What lies below the log start needs no recovery, once the checkpoint of log starts says so.
   *
   * Crash example: the start is raised to 500 over records that no sync covers; another partition
   * has the recovery points written, ours at 500; power loss before the log starts are. The log ends
   * at 400 and starts at 0 again, and the recovery point swears that 500 were on disk.
   */
  #raiseRecoveryPoint(offset: number): void {
    if (this.#isTruncating || offset > this.#logStartOffset) return;
    this.#recoveryPoint = Math.max(this.#recoveryPoint, offset);
    this.#checkOrder();
  }

  async #removeSegmentsBelowStart(): Promise<void> {
    const { fileSystem, timers } = this.#context.environment;
    // A segment that compaction is putting in place has no name yet that could be changed.
    if (this.#swapping !== undefined) await this.#swapping;
    const removed: LogSegment[] = [];
    while (this.#segments.length > 1 && this.#segments[1]!.baseOffset <= this.#logStartOffset) {
      removed.push(this.#segments.shift()!);
    }
    if (removed.length === 0) return;
    this.#generation += 1;
    for (const segment of removed) {
      this.#context.indexCache.remove(segment);
      try {
        await renameAway(fileSystem, segment);
      } catch (error) {
        if (this.#failure === undefined) this.#context.onDiskFailure(error);
        return;
      }
      const remove = () => {
        this.#discard(segment);
        void unlinkRenamed(this.#context, segment);
      };
      timers.set(this.#config.fileDeleteDelayMs, remove, { keepsProcessAlive: false });
    }
    await this.#producers.removeSnapshotsBelow(this.#segments[0]!.baseOffset);
  }

  /** Never the active one: fdatasync runs on the descriptor that wrote. */
  #closeWhenIdle(segment: LogSegment): void {
    const close = () => {
      if (segment !== this.#activeSegment) segment.close();
    };
    segment.onIdle = () => this.#durability.closeLater({ close });
  }

  #discard(segment: LogSegment): void {
    this.#context.indexCache.remove(segment);
    this.#durability.closeLater(segment);
  }

  #checkOrder(): void {
    const { durableOffset, capturedOffset } = this.#durability;
    const isOrdered =
      0 <= this.#logStartOffset &&
      this.#logStartOffset <= durableOffset &&
      this.#recoveryPoint <= durableOffset &&
      durableOffset <= capturedOffset &&
      capturedOffset <= this.#writtenOffset &&
      this.#writtenOffset <= this.#logEndOffset &&
      this.#segments[0]!.baseOffset <= this.#logStartOffset;
    assert(isOrdered, 'The offsets of a log keep their order', {
      partition: topicPartitionKey(this.topicPartition),
      firstSegment: this.#segments[0]!.baseOffset,
      logStartOffset: this.#logStartOffset,
      recoveryPoint: this.#recoveryPoint,
      durableOffset,
      capturedOffset,
      writtenOffset: this.#writtenOffset,
      logEndOffset: this.#logEndOffset,
    });
  }
}
