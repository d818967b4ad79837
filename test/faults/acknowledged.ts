/** A producer that never stops, and the book it keeps of what was acknowledged to it. */

import { expect } from 'chai';
import type { Odradek, Producer } from '../../client/index.ts';
import { waitFor } from '../harness/waitFor.ts';

interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
}

export interface Findings {
  readonly read: number;
  readonly acknowledged: number;
  /** Acknowledged records that are not where they were acknowledged, or with other bytes. */
  readonly lost: readonly string[];
  /** Records that stand in the log more often than once. */
  readonly duplicates: number;
}

export class Ledger {
  readonly #topic: string;
  readonly #client: Odradek;
  readonly #producer: Producer;
  readonly #acknowledged = new Map<number, Acknowledged>();
  /** Failures by code. */
  readonly failures = new Map<string, number>();
  #sent = 0;
  #stopped = false;
  #loop: Promise<void> | undefined;

  constructor(client: Odradek, topic: string) {
    this.#client = client;
    this.#topic = topic;
    this.#producer = client.producer({ deliveryTimeoutMs: 20_000, requestTimeoutMs: 5_000 });
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }

  /** Begins to send, some records at a time and without an end. */
  start(): void {
    this.#loop = this.#sendUntilStopped();
  }

  /** Waits until `count` more records have been acknowledged. @throws when a record fails. */
  async progress(count: number, timeoutMs = 30_000): Promise<void> {
    const goal = this.#acknowledged.size + count;
    await waitFor(() => this.#acknowledged.size >= goal || this.failures.size > 0, {
      what: `${count} more acknowledged records`,
      timeoutMs,
    });
    expect([...this.failures], 'failed records, by code').to.deep.equal([]);
  }

  /** Sends no more and waits until every record is decided. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    await this.#producer.close();
  }

  /** Reads the whole topic and compares. */
  async check(): Promise<Findings> {
    const found = new Map<string, Buffer>();
    const timesByNumber = new Map<number, number>();
    let read = 0;
    const consumer = this.#client.consumer({
      topic: this.#topic,
      from: 'beginning',
      stopAtEnd: true,
    });
    for await (const { partition, offset, valueBytes } of consumer) {
      const bytes = Buffer.from(valueBytes ?? []);
      found.set(`${partition}@${offset}`, bytes);
      const number = bytes.readUInt32BE(0);
      timesByNumber.set(number, (timesByNumber.get(number) ?? 0) + 1);
      read += 1;
    }
    const lost: string[] = [];
    for (const [number, { partition, offset }] of this.#acknowledged) {
      const place = `${partition}@${offset}`;
      if (found.get(place)?.equals(bytesOf(number)) !== true) lost.push(`${number} at ${place}`);
    }
    const duplicates = [...timesByNumber.values()].filter((times) => times > 1).length;
    return { read, acknowledged: this.#acknowledged.size, lost, duplicates };
  }

  /** Fails the test where an acknowledged record is not where it was acknowledged. */
  async expectNothingLost(): Promise<Findings> {
    const findings = await this.check();
    expect(findings.lost.slice(0, 10), `of ${findings.acknowledged} acknowledged`).to.deep.equal(
      [],
    );
    expect(findings.read).to.be.at.least(findings.acknowledged);
    return findings;
  }

  async #sendUntilStopped(): Promise<void> {
    while (!this.#stopped) {
      for (let count = 0; count < 50; count += 1) void this.#send();
      await this.#producer.ready();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async #send(): Promise<void> {
    const number = this.#sent;
    this.#sent += 1;
    try {
      const value = bytesOf(number);
      const { partition, offset } = await this.#producer.send({ topic: this.#topic, value });
      this.#acknowledged.set(number, { partition, offset });
    } catch (error) {
      const { code } = error as { code: string };
      // A test that failed has closed the client.
      if (code === 'CLIENT_CLOSED') this.#stopped = true;
      this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
    }
  }
}

/** Bytes that tell one number from every other, in length too. */
function bytesOf(number: number): Buffer {
  const bytes = Buffer.alloc(4 + ((number * 37) % 300), number & 0xff);
  bytes.writeUInt32BE(number);
  for (let at = 4; at < bytes.length; at += 7) bytes[at] = (number * 31 + at) & 0xff;
  return bytes;
}
