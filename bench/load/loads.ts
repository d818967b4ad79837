/** What a load process does: produce, consume and check, or measure latency at a fixed rate. */

import { setImmediate as turn } from 'node:timers/promises';
import { Odradek, type Producer } from '../../client/index.ts';
import { Distribution, type Percentiles } from './distribution.ts';
import { NumberedRecords } from './numberedRecords.ts';

export interface LoadOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly valueBytes: number;
  readonly recordCount: number;
}

export interface ProduceOptions extends LoadOptions {
  readonly acks: 1 | 'all';
  /** `send`: one promise per record, none awaited. `sendBatch`: one per thousand. */
  readonly call: 'send' | 'sendBatch';
}

export interface LatencyOptions extends LoadOptions {
  readonly recordsPerSecond: number;
}

export interface LoadResult {
  readonly seconds: number;
  readonly recordCount: number;
  /** CPU seconds of this process in that time. */
  readonly cpuSeconds: number;
}

export interface LatencyResult extends LoadResult {
  /** From the intended time of sending to the acknowledgement. */
  readonly acknowledged: Percentiles;
  /** From the intended time of sending until the consumer has the record. */
  readonly endToEnd: Percentiles;
}

/** Records handed over before looking whether the producer has room. */
const RECORDS_PER_WAIT = 500;
const RECORDS_PER_BATCH = 1000;
const BATCHES_AT_ONCE = 8;
/** Records sent before the clock starts: compiled code and open connections are then in place. */
const WARM_UP_RECORDS = 20_000;

/** Produces, in order of the sequence, until every record is acknowledged. */
export async function produce(options: ProduceOptions): Promise<LoadResult> {
  await using odradek = new Odradek({ brokers: options.brokers });
  const producer = odradek.producer({ acks: options.acks });
  const records = new NumberedRecords(options.valueBytes);
  const send = options.call === 'send' ? sendEach : sendBatches;
  await send(producer, records, { ...options, first: 0, end: WARM_UP_RECORDS });
  const end = WARM_UP_RECORDS + options.recordCount;
  // Awaited here: the client is closed when this function returns.
  return await measured(options.recordCount, () =>
    send(producer, records, { ...options, first: WARM_UP_RECORDS, end }),
  );
}

interface SendRange {
  readonly topic: string;
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

async function sendEach(
  producer: Producer,
  records: NumberedRecords,
  { topic, first, end }: SendRange,
): Promise<void> {
  const value = Buffer.alloc(records.valueBytes);
  const record = { topic, value };
  for (let sequence = first; sequence < end; sequence += 1) {
    records.write(value, sequence);
    void producer.send(record);
    if (sequence % RECORDS_PER_WAIT === 0) await producer.ready();
  }
  await producer.flush();
}

async function sendBatches(
  producer: Producer,
  records: NumberedRecords,
  { topic, first, end }: SendRange,
): Promise<void> {
  let next = first;
  const pending: Promise<unknown>[] = [];
  const { valueBytes } = records;
  while (next < end) {
    const count = Math.min(RECORDS_PER_BATCH, end - next);
    const memory = Buffer.allocUnsafe(count * valueBytes);
    const batch: { readonly value: Buffer }[] = [];
    for (let index = 0; index < count; index += 1) {
      const value = memory.subarray(index * valueBytes, (index + 1) * valueBytes);
      records.write(value, next++);
      batch.push({ value });
    }
    pending.push(producer.sendBatch({ topic, records: batch }));
    if (pending.length >= BATCHES_AT_ONCE) await pending.shift();
  }
  await Promise.all(pending);
}

export interface ConsumeOptions extends LoadOptions {
  /** Whether records stand in the order of their sequence: not so with concurrent batches. */
  readonly isOrdered: boolean;
}

/**
 * Reads the topic from its beginning to its end and checks every byte, each record once.
 *
 * @throws Error where a record is missing, doubled, out of order or not what was sent.
 */
export async function consume(options: ConsumeOptions): Promise<LoadResult> {
  await using odradek = new Odradek({ brokers: options.brokers });
  const { topic } = options;
  const consumer = odradek.consumer({ topic, from: 'beginning', stopAtEnd: true });
  const records = new NumberedRecords(options.valueBytes);
  const expectedCount = options.recordCount + WARM_UP_RECORDS;
  const isSeen = new Uint8Array(expectedCount);
  let next = 0;
  const result = await measured(expectedCount, async () => {
    for await (const batch of consumer.batches()) {
      for (const record of batch) {
        const sequence = records.read(record.valueBytes);
        const isExpected = options.isOrdered ? sequence === next : isSeen[sequence] === 0;
        if (!isExpected) throw unexpected(record.offset, { expected: next, sequence });
        isSeen[sequence] = 1;
        next += 1;
      }
    }
  });
  if (next !== expectedCount) throw new Error(`Read ${next} of ${expectedCount} records`);
  return result;
}

/** Sends at a fixed rate, whatever the answers do, and reads the same records meanwhile. */
export async function latency(options: LatencyOptions): Promise<LatencyResult> {
  await using odradek = new Odradek({ brokers: options.brokers });
  const { topic, recordCount, recordsPerSecond } = options;
  const producer = odradek.producer({ acks: 'all' });
  const consumer = odradek.consumer({ topic, from: 'beginning' });
  const records = new NumberedRecords(options.valueBytes);
  const warmUp = Math.min(recordsPerSecond, WARM_UP_RECORDS);
  const total = warmUp + recordCount;
  const acknowledged = new Distribution(recordCount);
  const endToEnd = new Distribution(recordCount);
  const value = Buffer.alloc(options.valueBytes);
  const record = { topic, value };
  const intervalMs = 1000 / recordsPerSecond;
  const startMs = performance.now() + 100;
  const intendedMs = (sequence: number): number => startMs + sequence * intervalMs;

  const reading = (async (): Promise<void> => {
    let next = 0;
    for await (const batch of consumer.batches()) {
      for (const received of batch) {
        const sequence = records.read(received.valueBytes);
        if (sequence !== next) throw unexpected(received.offset, { expected: next, sequence });
        if (sequence >= warmUp) endToEnd.addMs(performance.now() - intendedMs(sequence));
        next += 1;
      }
      if (next === total) return;
    }
  })();
  const sending = (async (): Promise<void> => {
    let sequence = 0;
    // Timers of Node are exact to a millisecond only: the loop looks at the clock instead.
    while (sequence < total) {
      while (sequence < total && performance.now() >= intendedMs(sequence)) {
        const mine = sequence;
        records.write(value, mine);
        const sent = producer.send(record);
        sent.then(
          () => {
            if (mine >= warmUp) acknowledged.addMs(performance.now() - intendedMs(mine));
          },
          () => undefined,
        );
        sequence += 1;
      }
      await turn();
    }
    await producer.flush();
  })();
  const result = await measured(total, () => Promise.all([reading, sending]));
  return { ...result, acknowledged: acknowledged.percentiles(), endToEnd: endToEnd.percentiles() };
}

async function measured(recordCount: number, work: () => Promise<unknown>): Promise<LoadResult> {
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { seconds, recordCount, cpuSeconds: (user + system) / 1e6 };
}

function unexpected(
  offset: number,
  found: { readonly expected: number; readonly sequence: number },
): Error {
  const what = found.sequence === -1 ? 'damaged bytes' : `record ${found.sequence}`;
  return new Error(`At offset ${offset}: expected record ${found.expected}, found ${what}`);
}
