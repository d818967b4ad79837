/**
 * `npm run demo`: the whole story with real input. Flights go in, keyed by origin, and every one
 * must come back, in order within its key; with `--kill` each broker is killed once meanwhile.
 */

import { parseArgs } from 'node:util';
import { brokerAddresses, listenForStop, Progress } from '../cli/index.ts';
import { Odradek } from '../client/index.ts';
import { DemoCheck, type DemoResult, isSound } from './demoCheck.ts';
import { type DemoCluster, runningCluster, startCluster } from './demoCluster.ts';
import { FLIGHT_COUNT, type Flight, readFlights } from './flightRows.ts';

const RECORD_COUNT = 250_000;
const PARTITION_COUNT = 6;
/** A killed broker is missed until its session is over and it has checked its log. */
const DELIVERY_TIMEOUT_MS = 300_000;
/** Records handed to the producer before the demo waits for room. */
const SENDS_PER_WAIT = 500;

interface DemoOptions {
  readonly recordCount: number;
  readonly brokers: readonly string[] | undefined;
  readonly kill: boolean;
}

/** Ends with exit code 0 only if nothing was lost, repeated or out of order. */
export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options === undefined) {
    process.exitCode = 2;
    return;
  }
  say(options.brokers === undefined ? 'starting a coordinator and three brokers' : 'connecting');
  const cluster =
    options.brokers === undefined ? await startCluster() : runningCluster(options.brokers);
  const abort = new AbortController();
  const stopListening = listenForStop({
    onStop: () => abort.abort(),
    onAbort: () => process.exit(1),
  });
  try {
    const result = await tellStory(cluster, options, abort.signal);
    for (const line of verdict(result)) say(line);
    say(JSON.stringify(result));
    process.exitCode = isSound(result) ? 0 : 1;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${abort.signal.aborted ? 'interrupted' : message}\n`);
    process.exitCode = 1;
  } finally {
    await cluster.close();
    stopListening();
  }
}

async function tellStory(
  cluster: DemoCluster,
  options: DemoOptions,
  signal: AbortSignal,
): Promise<DemoResult> {
  await using odradek = new Odradek({ brokers: cluster.brokers, clientId: 'odradek-demo' });
  const topic = `demo-${process.pid}-${Date.now().toString(36)}`;
  const { replicationFactor } = await odradek
    .admin()
    .createTopic({ topic, partitions: PARTITION_COUNT });
  const replicas =
    replicationFactor === 1 ? 'not replicated' : `on ${replicationFactor} brokers each`;
  say(`created topic "${topic}" with ${PARTITION_COUNT} partitions, ${replicas}`);
  const check = new DemoCheck(options.recordCount);
  const killing = new Killing(cluster, options);

  const startedMs = performance.now();
  const input = await produce({ odradek, topic, check, killing, options, signal });
  await killing.done();
  say(
    `${check.acknowledgedCount} of ${input} records acknowledged in ${secondsSince(startedMs)} s`,
  );
  if (killing.count > 0) say(`killed and restarted ${killing.count} brokers meanwhile`);

  const readMs = performance.now();
  await consume({ odradek, topic, check, options, signal });
  say(`${check.readCount} records read in ${secondsSince(readMs)} s`);
  await odradek.admin().deleteTopic(topic);
  return check.result(input, killing.count);
}

interface Act {
  readonly odradek: Odradek;
  readonly topic: string;
  readonly check: DemoCheck;
  readonly options: DemoOptions;
  readonly signal: AbortSignal;
}

/** @returns how many records were handed to the producer. */
async function produce(act: Act & { readonly killing: Killing }): Promise<number> {
  const { odradek, topic, check, killing, options, signal } = act;
  const producer = odradek.producer({ deliveryTimeoutMs: DELIVERY_TIMEOUT_MS });
  const progress = new Progress('producing');
  let number = 0;
  const send = (flight: Flight): void => {
    const mine = number++;
    producer.send({ topic, key: flight.origin, value: { number: mine, ...flight } }).then(
      () => check.acknowledge(mine),
      // Not acknowledged: flush reports it, and nothing is claimed about such a record.
      () => undefined,
    );
  };
  const draw = (): void =>
    progress.update({ done: check.acknowledgedCount, total: options.recordCount });
  for await (const flights of readFlights(options.recordCount)) {
    for (const [index, flight] of flights.entries()) {
      send(flight);
      if (index % SENDS_PER_WAIT !== 0) continue;
      await producer.ready({ signal });
      killing.considerAt(number);
      draw();
    }
  }
  const drawing = setInterval(draw, 200);
  try {
    await producer.flush({ signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      say(error instanceof Error ? error.message : String(error));
    });
  } finally {
    clearInterval(drawing);
    progress.end();
  }
  return number;
}

async function consume({ odradek, topic, check, options, signal }: Act): Promise<void> {
  const consumer = odradek.consumer({ topic, from: 'beginning', stopAtEnd: true });
  const progress = new Progress('reading');
  signal.addEventListener('abort', () => void consumer.close());
  for await (const batch of consumer.batches()) {
    for (const record of batch) {
      const { number, origin } = record.json<Flight & { readonly number: number }>();
      check.read(number, origin);
    }
    progress.update({ done: check.readCount, total: options.recordCount });
  }
  progress.end();
  signal.throwIfAborted();
}

/** Kills one broker after the other while records are being sent, evenly over the whole input. */
class Killing {
  readonly #cluster: DemoCluster;
  readonly #numbers: number[];
  #running: Promise<void> = Promise.resolve();
  #count = 0;

  constructor(cluster: DemoCluster, { kill, recordCount }: DemoOptions) {
    this.#cluster = cluster;
    const brokers = kill ? cluster.brokerCount : 0;
    this.#numbers = Array.from({ length: brokers }, (_, index) =>
      Math.floor((recordCount * (index + 1)) / (brokers + 1)),
    );
  }

  get count(): number {
    return this.#count;
  }

  /** Called with the number of records sent so far. */
  considerAt(number: number): void {
    while (this.#numbers[0] !== undefined && number >= this.#numbers[0]) {
      this.#numbers.shift();
      const index = this.#cluster.brokerCount - this.#numbers.length - 1;
      // One at a time: the next broker is killed when this one serves again.
      this.#running = this.#running.then(async () => {
        await this.#cluster.killAndRestart?.(index);
        this.#count++;
      });
      // The failure is met by done(); until then it is nobody's.
      this.#running.catch(() => undefined);
    }
  }

  /** @throws what kept a broker from coming back. */
  async done(): Promise<void> {
    await this.#running;
  }
}

function verdict(result: DemoResult): readonly string[] {
  const mark = (holds: boolean): string => (holds ? 'ok    ' : 'FAILED');
  return [
    `${mark(result.lost === 0)} every acknowledged record came back (${result.lost} lost)`,
    `${mark(result.outOfOrder === 0)} in order within its key (${result.outOfOrder} out of order)`,
    `${mark(isSound({ ...result, lost: 0, outOfOrder: 0 }))} ` +
      `once (${result.duplicates} repeated, ${result.input - result.acknowledged} unacknowledged)`,
  ];
}

function readOptions(args: readonly string[]): DemoOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        all: { type: 'boolean', default: false },
        kill: { type: 'boolean', default: false },
        brokers: { type: 'string' },
        limit: { type: 'string' },
      },
    });
    const wanted = values.limit === undefined ? RECORD_COUNT : Number(values.limit);
    const recordCount = values.all ? FLIGHT_COUNT : Math.min(wanted, FLIGHT_COUNT);
    if (!Number.isSafeInteger(recordCount) || recordCount < 1) {
      throw new Error(`--limit takes a whole number from 1, not "${values.limit}"`);
    }
    const brokers = values.brokers === undefined ? undefined : brokerAddresses(values.brokers);
    if (values.kill && brokers !== undefined) {
      throw new Error('--kill is for the cluster that the demo starts, not for --brokers');
    }
    return { recordCount, brokers, kill: values.kill };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function secondsSince(startedMs: number): string {
  return ((performance.now() - startedMs) / 1000).toFixed(1);
}
