/** Histories of a log that keeps all its promises, made from random choices. */

import fc from 'fast-check';
import { type HistoryLine, HistoryRecorder, type RecordedSend } from '../../checker/index.ts';

const PARTITIONS = ['o-0', 'o-1'];
const PRODUCERS = 3;
const READERS = 2;

/** One thing that happens: numbers choose who, where and what. */
export interface Choice {
  readonly what: 'send' | 'append' | 'acknowledge' | 'lose' | 'refuse' | 'poll' | 'crash' | 'seek';
  readonly who: number;
  readonly where: number;
  readonly count: number;
}

export const choices: fc.Arbitrary<readonly Choice[]> = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...(['send', 'send', 'send', 'append', 'append', 'append', 'poll', 'poll'] as const),
      ...(['acknowledge', 'acknowledge', 'acknowledge', 'acknowledge'] as const),
      ...(['lose', 'refuse', 'crash', 'seek'] as const),
    ),
    who: fc.nat(5),
    where: fc.nat(PARTITIONS.length - 1),
    count: fc.integer({ min: 1, max: 8 }),
  }),
  { minLength: 20, maxLength: 200, size: 'max' },
);

interface Sent {
  readonly producer: number;
  readonly partition: number;
  readonly value: string;
  readonly told: RecordedSend;
  offset?: number;
}

/** A cluster without faults, and clients that do what the choices say. */
class Model {
  readonly lines: HistoryLine[] = [];
  readonly #recorder = new HistoryRecorder(
    (line) => this.lines.push(line),
    () => this.lines.length,
  );
  /** Offsets are the indexes. */
  readonly #logs: string[][] = PARTITIONS.map(() => []);
  /** Not yet appended, in the order in which they were sent. */
  #waiting: Sent[] = [];
  /** Appended and not yet answered. */
  #appended: Sent[] = [];
  readonly #positions = Array.from({ length: READERS }, () => PARTITIONS.map(() => 0));
  #sentCount = 0;

  constructor() {
    for (let reader = 0; reader < READERS; reader += 1) this.#seek(`reader-${reader}`);
  }

  follow({ what, who, where, count }: Choice): void {
    switch (what) {
      case 'send':
        this.#send(who % PRODUCERS, where);
        return;
      case 'append':
        this.#append(this.#next(this.#waiting, who));
        return;
      case 'acknowledge':
        this.#answer(who, ({ told, offset }) => told.ok({ offset: offset! }));
        return;
      case 'lose':
        this.#answer(who, ({ told }) => told.failed({ code: 'NETWORK_EXCEPTION' }));
        return;
      case 'refuse': {
        const refused = this.#next(this.#waiting, who);
        this.#waiting = this.#waiting.filter((sent) => sent !== refused);
        refused?.told.failed({ code: 'MESSAGE_TOO_LARGE', outcomeUnknown: false });
        return;
      }
      case 'poll':
        this.#poll(who % READERS, where, count);
        return;
      case 'crash':
        this.#crash(who % PRODUCERS);
        return;
      case 'seek':
        this.#positions[who % READERS]!.fill(0);
        this.#seek(`reader-${who % READERS}`);
        return;
    }
  }

  finish(): void {
    while (this.#waiting.length > 0) this.#append(this.#waiting[0]);
    this.#seek('final');
    const everything = PARTITIONS.map((name, partition) => [
      name,
      this.#logs[partition]!.map((value, offset) => [offset, value] as const),
    ]);
    this.#recorder.poll('final', Object.fromEntries(everything), { final: true });
  }

  #send(producer: number, partition: number): void {
    const value = `v${this.#sentCount++}`;
    const record = { partition: PARTITIONS[partition]!, value };
    const told = this.#recorder.send(`producer-${producer}`, record);
    this.#waiting.push({ producer, partition, value, told });
  }

  /** @returns the first of a producer and partition, since none overtakes. */
  #next(list: readonly Sent[], who: number): Sent | undefined {
    const chosen = list[who % Math.max(1, list.length)];
    return list.find(
      (sent) => sent.producer === chosen?.producer && sent.partition === chosen.partition,
    );
  }

  #append(sent: Sent | undefined): void {
    if (sent === undefined) return;
    sent.offset = this.#logs[sent.partition]!.push(sent.value) - 1;
    this.#waiting = this.#waiting.filter((other) => other !== sent);
    this.#appended.push(sent);
  }

  #answer(who: number, tell: (sent: Sent) => void): void {
    const sent = this.#appended[who % Math.max(1, this.#appended.length)];
    if (sent === undefined) return;
    this.#appended = this.#appended.filter((other) => other !== sent);
    tell(sent);
  }

  /** What was under way ends with it, though some of it may be appended yet. */
  #crash(producer: number): void {
    this.#recorder.crash(`producer-${producer}`);
    this.#appended = this.#appended.filter((sent) => sent.producer !== producer);
    this.#waiting = this.#waiting.filter((sent) => sent.producer !== producer);
  }

  #poll(reader: number, partition: number, count: number): void {
    const positions = this.#positions[reader]!;
    const start = positions[partition]!;
    const values = this.#logs[partition]!.slice(start, start + count);
    positions[partition] = start + values.length;
    const records = values.map((value, n) => [start + n, value] as const);
    this.#recorder.poll(`reader-${reader}`, { [PARTITIONS[partition]!]: records });
  }

  #seek(process: string): void {
    this.#recorder.seek(process, Object.fromEntries(PARTITIONS.map((name) => [name, 0])));
  }
}

/** @returns lines in which every promise is kept. */
export function legalHistory(list: readonly Choice[]): readonly HistoryLine[] {
  const model = new Model();
  for (const choice of list) model.follow(choice);
  model.finish();
  return model.lines;
}
