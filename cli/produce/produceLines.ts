/** Sends lines as they come, tells what became of them, and never holds more than the buffer takes. */

import { fstatSync } from 'node:fs';
import type {
  DeliveryResult,
  Producer,
  ProducerOptions,
  TopicDescription,
} from '../../client/index.ts';
import { OdradekError } from '../../common/index.ts';
import type { ClientSession } from '../clientSession.ts';
import { readLines } from '../lines.ts';
import { Progress } from '../progress.ts';
import { listenForStop } from '../stopSignals.ts';
import { DeliveryTally } from './deliveryTally.ts';
import type { LineParser } from './lineRecord.ts';

export interface ProduceTask {
  readonly topic: string;
  readonly parse: LineParser;
  readonly options: ProducerOptions;
  readonly partition: number | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/**
 * @throws {OdradekError} DELIVERIES_FAILED with counts by code; INVALID_LINE for a line that has no
 *   key where one is wanted, after the lines before it have been sent.
 */
export async function produceLines(session: ClientSession, task: ProduceTask): Promise<void> {
  const { odradek, output } = session;
  // Fails at once where no broker answers or the topic is absent, before stdin is waited for.
  assertPartition(await odradek.admin().describeTopic(task.topic), task.partition);

  const producer = odradek.producer(task.options);
  const tally = new DeliveryTally();
  const stop = new AbortController();
  const stopListening = listenForStop({
    onStop: () => stop.abort(),
    onAbort: () => process.exit(1),
  });
  output.closed.addEventListener('abort', () => stop.abort());
  let invalidLine: unknown;
  try {
    await sendAll(producer, { ...task, session, tally, stop: stop.signal });
  } catch (error) {
    if (!stop.signal.aborted) invalidLine = error;
  } finally {
    process.stdin.destroy();
  }
  // Every failure is in the tally already, record by record.
  await producer.close().catch(() => undefined);
  stopListening();
  output.flush();
  const failure = tally.failure();
  if (failure !== undefined) throw failure;
  if (invalidLine !== undefined) throw invalidLine;
  if (!task.json) output.note(`${tally.acknowledged} records acknowledged`);
}

/** The producer would wait for a partition that may yet be added; a person has mistyped it. */
function assertPartition({ topic, partitions }: TopicDescription, partition = 0): void {
  if (partition < partitions.length) return;
  throw new OdradekError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `topic "${topic}" has no partition ${partition}; its last one is ${partitions.length - 1}`,
  );
}

interface Sending extends ProduceTask {
  readonly session: ClientSession;
  readonly tally: DeliveryTally;
  readonly stop: AbortSignal;
}

async function sendAll(producer: Producer, sending: Sending): Promise<void> {
  const { topic, parse, partition, tally, stop, session } = sending;
  const progress = new Progress(`producing to ${topic}`, { enabled: !sending.quiet });
  const totalBytes = inputBytes();
  let lineNumber = 0;
  let readBytes = 0;
  try {
    for await (const lines of readLines(interruptible(stop))) {
      for (const line of lines) {
        lineNumber++;
        readBytes += line.length + 1;
        const record = { topic, ...parse(line, lineNumber) };
        const sent = producer.send(partition === undefined ? record : { ...record, partition });
        settle(sent, lineNumber, sending);
      }
      const note =
        totalBytes === undefined ? undefined : `${Math.floor((readBytes / totalBytes) * 100)} %`;
      progress.update({ done: tally.acknowledged, ...(note === undefined ? {} : { note }) });
      await producer.ready({ signal: stop });
      await session.output.drained();
    }
  } finally {
    progress.end();
  }
}

function settle(sent: Promise<DeliveryResult>, line: number, sending: Sending): void {
  const { tally, json, session } = sending;
  sent.then(
    ({ topic, partition, offset, timestamp }) => {
      tally.acknowledge();
      if (json) session.output.json({ line, topic, partition, offset, timestamp });
    },
    (error: unknown) => tally.fail(error),
  );
}

/** stdin, until somebody wants the command to stop. */
async function* interruptible(stop: AbortSignal): AsyncGenerator<Uint8Array> {
  const end = (): void => {
    process.stdin.destroy();
  };
  stop.addEventListener('abort', end);
  try {
    for await (const chunk of process.stdin) {
      if (stop.aborted) return;
      yield chunk as Uint8Array;
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    stop.removeEventListener('abort', end);
  }
}

/** Size of stdin where it is a file. */
function inputBytes(): number | undefined {
  try {
    const stat = fstatSync(0);
    return stat.isFile() && stat.size > 0 ? stat.size : undefined;
  } catch {
    return undefined;
  }
}
