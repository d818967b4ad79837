/** Clients that never stop: producers with acks all, a reader, and the history of what they saw. */

import type { Consumer, Odradek, Producer } from '../../../client/index.ts';
import {
  type Anomaly,
  HistoryChecker,
  type HistoryLine,
  HistoryRecorder,
  type SendFailure,
} from '../../checker/index.ts';
import { waitFor } from '../../harness/waitFor.ts';

export interface LoadOptions {
  readonly topic: string;
  readonly partitionCount: number;
  /** Default 2. */
  readonly producerCount?: number;
}

const RECORDS_PER_TURN = 3;
const TURN_MS = 10;
/** Records of one producer that may be undecided. */
const UNDECIDED_MAX = 500;

export class HistoryLoad {
  /** Failures of sends by code. */
  readonly failures = new Map<string, number>();
  /** All that happened, for whoever wants to keep it. */
  readonly lines: HistoryLine[] = [];
  readonly #client: () => Odradek;
  readonly #options: LoadOptions;
  readonly #recorder: HistoryRecorder;
  readonly #acknowledged: number[];
  readonly #read: number[];
  readonly #loops: Promise<void>[] = [];
  #consumer: Consumer | undefined;
  #stopped = false;
  /** Why the reader gave up; a record that it had read may be gone. */
  #readError: unknown;
  #lastAcknowledgedMs = 0;
  #longestSilenceMs = 0;

  /** @param client makes a client: producers, the reader and the last reading have one each. */
  constructor(client: () => Odradek, options: LoadOptions) {
    this.#client = client;
    this.#options = options;
    this.#acknowledged = Array.from({ length: options.partitionCount }, () => 0);
    this.#read = [...this.#acknowledged];
    const write = (line: HistoryLine): void => void this.lines.push(line);
    this.#recorder = new HistoryRecorder(write, () => Math.round(performance.now()));
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.reduce((sum, count) => sum + count, 0);
  }

  /** Longest time between two acknowledgements so far, in milliseconds. */
  get longestSilenceMs(): number {
    return Math.round(this.#longestSilenceMs);
  }

  acknowledgedOf(partition: number): number {
    return this.#acknowledged[partition] ?? 0;
  }

  /** Where the reader is: it has everything before this offset. */
  readOf(partition: number): number {
    return this.#read[partition] ?? 0;
  }

  start(): void {
    this.#lastAcknowledgedMs = performance.now();
    for (let number = 0; number < (this.#options.producerCount ?? 2); number += 1) {
      const producer = this.#client().producer({
        acks: 'all',
        deliveryTimeoutMs: 60_000,
        requestTimeoutMs: 5_000,
      });
      this.#loops.push(this.#produce(`p${number}`, producer));
    }
    const reading = this.#readOn().catch((error: unknown) => {
      this.#readError = error;
    });
    this.#loops.push(reading);
  }

  /** Writes what is done to the cluster into the history. */
  note(what: string): void {
    this.#recorder.note(what);
  }

  /** Waits until every partition has acknowledged `count` more records. */
  async progress(count: number, timeoutMs = 30_000): Promise<void> {
    const goals = this.#acknowledged.map((acknowledged) => acknowledged + count);
    await waitFor(() => goals.every((goal, partition) => this.acknowledgedOf(partition) >= goal), {
      what:
        `${count} more acknowledged records in each partition, ${goals.join()} in all` +
        ` (failures: ${JSON.stringify([...this.failures])})`,
      timeoutMs,
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; acknowledged: ${this.#acknowledged.join()}`);
    });
  }

  /** Sends no more, whatever becomes of what was sent. */
  abandon(): void {
    this.#stopped = true;
  }

  /** Sends no more and waits until every record is decided. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const reading = this.#loops.pop();
    await Promise.all(this.#loops);
    await this.#consumer?.close();
    await reading;
  }

  /**
   * Reads everything with a fresh client and judges the history.
   *
   * @throws the error with which the reader ended before it was told to.
   */
  async judge(): Promise<readonly Anomaly[]> {
    if (this.#readError !== undefined) throw this.#readError;
    await this.#readFinally();
    const checker = new HistoryChecker();
    for (const line of this.lines) checker.add(line);
    return checker.report().anomalies;
  }

  async #produce(process: string, producer: Producer): Promise<void> {
    let [sent, undecided] = [0, 0];
    while (!this.#stopped) {
      for (let count = 0; count < RECORDS_PER_TURN && undecided < UNDECIDED_MAX; count += 1) {
        const partition = sent % this.#options.partitionCount;
        undecided += 1;
        void this.#send(producer, { process, partition, value: `${process}-${sent}` }).then(() => {
          undecided -= 1;
        });
        sent += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    }
    await producer.close().catch(() => undefined);
  }

  async #send(
    producer: Producer,
    record: { readonly process: string; readonly partition: number; readonly value: string },
  ): Promise<void> {
    const { process, partition, value } = record;
    const { topic } = this.#options;
    const name = `${topic}-${partition}`;
    const recorded = this.#recorder.send(process, { partition: name, value });
    try {
      const result = await producer.send({ topic, partition, value });
      // Nothing is said of duplicates: producers are idempotent, so there must be none.
      recorded.ok({ offset: result.offset });
      this.#acknowledged[partition] = this.acknowledgedOf(partition) + 1;
      const nowMs = performance.now();
      const silenceMs = nowMs - this.#lastAcknowledgedMs;
      this.#longestSilenceMs = Math.max(this.#longestSilenceMs, silenceMs);
      this.#lastAcknowledgedMs = nowMs;
    } catch (error) {
      const failure = error as SendFailure;
      recorded.failed(failure);
      this.failures.set(failure.code, (this.failures.get(failure.code) ?? 0) + 1);
    }
  }

  async #readOn(): Promise<void> {
    const { topic } = this.#options;
    const consumer = this.#client().consumer({
      topic,
      from: 'beginning',
      unreachableMsMax: 120_000,
    });
    this.#consumer = consumer;
    for await (const batch of consumer.batches()) {
      this.#read[batch.partition] = batch.lastOffset + 1;
      this.#recorder.poll('reader', {
        [`${topic}-${batch.partition}`]: [...batch].map(
          (record) => [record.offset, record.text() ?? ''] as const,
        ),
      });
    }
  }

  async #readFinally(): Promise<void> {
    const { topic, partitionCount } = this.#options;
    const found: Record<string, (readonly [number, string])[]> = {};
    for (let partition = 0; partition < partitionCount; partition += 1) {
      found[`${topic}-${partition}`] = [];
    }
    const consumer = this.#client().consumer({ topic, from: 'beginning', stopAtEnd: true });
    for await (const record of consumer) {
      found[`${topic}-${record.partition}`]?.push([record.offset, record.text() ?? '']);
    }
    this.#recorder.poll('final', found, { final: true });
  }
}
