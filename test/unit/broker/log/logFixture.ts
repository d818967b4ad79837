/** A log manager on a simulated disk, with a clock and timers that the test moves. */

import {
  defaultLogConfig,
  type LogConfig,
  LogManager,
  type LogManagerOptions,
  type LogRead,
  type PartitionLog,
} from '../../../../broker/log/index.ts';
import type {
  Clock,
  LeaderEpoch,
  Offset,
  Timer,
  Timers,
  TimestampMs,
  TopicId,
  TopicPartition,
} from '../../../../common/index.ts';
import { silentLogger } from '../../../../common/index.ts';
import {
  RecordBatchBuilder,
  readRecords,
  setBaseOffset,
  setBatchProducer,
  setPartitionLeaderEpoch,
} from '../../../../protocol/index.ts';
import { SimFileSystem, SimHost, SimMachine, SimRandom } from '../../../simulation/kernel/index.ts';

export const LOG_DIR = '/data/log';
export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ' as TopicId;
export const PARTITION: TopicPartition = { topic: 'flights', partition: 0 };
export const START_MS = 1_700_000_000_000;

/** Small enough that a test rolls often. */
export const smallConfig: LogConfig = {
  ...defaultLogConfig,
  segmentBytes: 2048,
  indexIntervalBytes: 256,
};

export class ManualTime implements Clock, Timers {
  #nowMs = 0;
  /** What the wall clock shows beyond the monotonic one. */
  wallAheadMs = START_MS;
  #timers: { dueMs: number; callback: () => void }[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }
  wallMs(): TimestampMs {
    return (this.#nowMs + this.wallAheadMs) as TimestampMs;
  }
  set(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }
  afterTurn(callback: () => void): void {
    queueMicrotask(callback);
  }
  /** Runs what falls due, in order, and lets everything that follows settle. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const due = this.#timers.filter(({ dueMs }) => dueMs <= untilMs);
      const next = due.sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
      await settle();
    }
    this.#nowMs = untilMs;
  }
}

/** Lets all microtasks of the simulated disk run. */
export async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

export interface FixtureOptions extends Partial<LogManagerOptions> {
  readonly fileSystem?: SimFileSystem;
  readonly config?: LogConfig;
  readonly machine?: SimMachine;
  readonly time?: ManualTime;
}

export class LogFixture {
  readonly time: ManualTime;
  readonly fileSystem: SimFileSystem;
  readonly machine: SimMachine;
  readonly manager: LogManager;
  readonly config: LogConfig;
  readonly host: SimHost;

  constructor(options: FixtureOptions = {}) {
    this.time = options.time ?? new ManualTime();
    this.machine = options.machine ?? new SimMachine('host');
    this.host = new SimHost(this.machine);
    this.fileSystem = options.fileSystem ?? new SimFileSystem({ directories: ['/data'] });
    this.config = options.config ?? smallConfig;
    this.manager = new LogManager(
      {
        clock: this.time,
        timers: this.time,
        random: new SimRandom(7),
        fileSystem: this.fileSystem,
        host: this.host,
      },
      {
        logDirs: [LOG_DIR],
        brokerId: 1,
        clusterId: 'cluster-one',
        configFor: () => this.config,
        ...options,
      },
      silentLogger,
    );
  }

  /** Another process of the same machine on the same disk, or on what a crash left of it. */
  restart(options: FixtureOptions = {}): LogFixture {
    this.machine.exit(this.host.self);
    return new LogFixture({
      fileSystem: this.fileSystem,
      machine: this.machine,
      time: this.time,
      config: this.config,
      ...options,
    });
  }

  start(): this {
    this.manager.start();
    return this;
  }

  createLog(topicPartition: TopicPartition = PARTITION): PartitionLog {
    return this.manager.create(topicPartition, TOPIC_ID, this.config);
  }

  /** The log that was found on disk. */
  log(topicPartition: TopicPartition = PARTITION): PartitionLog {
    const log = this.manager.log(topicPartition);
    if (log === undefined) throw new Error('There is no such log');
    return log;
  }

  append(log: PartitionLog, batch: Uint8Array, leaderEpoch = 0) {
    return log.append(batch, { leaderEpoch: leaderEpoch as LeaderEpoch, origin: 'client' });
  }

  /** Appends and ends the turn. */
  write(log: PartitionLog, batch: Uint8Array, leaderEpoch = 0) {
    const result = this.append(log, batch, leaderEpoch);
    this.manager.flushTurn();
    return result;
  }
}

/** @returns a batch of its own memory, one record for each value. */
export function batchOf(values: readonly string[], timestamp: number = START_MS): Buffer {
  const builder = new RecordBatchBuilder();
  for (const value of values) builder.append(null, Buffer.from(value), [], timestamp);
  return Buffer.from(builder.build());
}

export interface ProducerOfBatch {
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence: number;
}

/** As an idempotent producer sends it; by default of producer 7, epoch 0. */
export function producedBatchOf(
  values: readonly string[],
  { producerId = 7, producerEpoch = 0, baseSequence }: ProducerOfBatch,
): Buffer {
  const batch = batchOf(values);
  setBatchProducer(batch, 0, { producerId, producerEpoch, baseSequence });
  return batch;
}

/** As a leader sends it: with its offset and epoch. */
export function replicatedBatchOf(
  values: readonly string[],
  at: { readonly offset: number; readonly epoch: number },
): Buffer {
  const batch = batchOf(values);
  setBaseOffset(batch, 0, at.offset);
  setPartitionLeaderEpoch(batch, 0, at.epoch);
  return batch;
}

export async function readFrom(
  log: PartitionLog,
  fetchOffset: number,
  options: { maxBytes?: number; endOffset?: number; atLeastOneBatch?: boolean } = {},
): Promise<LogRead> {
  return await log.read(fetchOffset as Offset, {
    maxBytes: options.maxBytes ?? 1_000_000,
    endOffset: (options.endOffset ?? log.logEndOffset) as Offset,
    atLeastOneBatch: options.atLeastOneBatch ?? true,
  });
}

/** Every record of the log, as [offset, value]. */
export async function readAll(log: PartitionLog): Promise<[number, string][]> {
  const records: [number, string][] = [];
  let offset: number = log.logStartOffset;
  while (offset < log.writtenOffset) {
    const read = await readFrom(log, offset);
    if (read.nextOffset <= offset) throw new Error(`No progress at offset ${offset}`);
    for (const { offset: at, value } of recordsOf(read)) {
      if (at >= log.logStartOffset) records.push([at, value]);
    }
    offset = read.nextOffset;
  }
  return records;
}

export function recordsOf(read: LogRead): { offset: number; value: string; timestamp: number }[] {
  const records: { offset: number; value: string; timestamp: number }[] = [];
  for (const slice of read.slices) {
    const bytes = Buffer.from(slice);
    let position = 0;
    while (position < bytes.length) {
      for (const record of readRecords(bytes, position)) {
        const value = Buffer.from(record.value ?? []).toString();
        records.push({ offset: record.offset, value, timestamp: record.timestamp });
      }
      position += 12 + bytes.readInt32BE(position + 8);
    }
  }
  return records;
}
