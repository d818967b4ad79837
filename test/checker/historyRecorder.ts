/**
 * Writes what clients do and are told, while they do it, as lines of a history.
 *
 *     const checker = new HistoryChecker();
 *     const recorder = new HistoryRecorder((line) => checker.add(line), () => clock.monotonicMs());
 *     const send = recorder.send('producer-1', { partition: 'orders-0', value: 'p1-17' });
 *     producer.send(...).then(({ partition, offset }) => send.ok({ offset }), (e) => send.failed(e));
 */

import type {
  HistoryLine,
  PolledRecords,
  ProcessName,
  ReadMode,
  RecordName,
  SendPromise,
  SendResult,
  Step,
} from './historyLine.ts';

/** What is known of a failure: `DeliveryError` of the SDK fits. */
export interface SendFailure {
  readonly code: string;
  /** False where the record surely does not stand in the log. */
  readonly outcomeUnknown?: boolean;
}

/** A send that has been invoked; told once how it ended, or never. */
export interface RecordedSend {
  /** @param result offset null where none was told; `partition` where it was not known before. */
  ok(result: { readonly offset: number | null; readonly partition?: string } & SendResult): void;
  /** Only where `outcomeUnknown` is false has the send failed; else nobody knows. */
  failed(failure: SendFailure | Error): void;
}

export class HistoryRecorder {
  readonly #write: (line: HistoryLine) => void;
  readonly #now: () => number;
  #operationCount = 0;

  /**
   * @param write takes each line when its event happens: `HistoryChecker.add`, `HistoryFile.write`.
   * @param now any clock; real or virtual.
   */
  constructor(write: (line: HistoryLine) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  /** Call before the record is handed to the producer, in the order of the calls. */
  send(
    process: ProcessName,
    record: { readonly partition: string | null; readonly value: RecordName } & SendPromise,
  ): RecordedSend {
    const { partition, value, ...promise } = record;
    const operation = this.begin(process, 'send', [['send', partition, value]], promise);
    const sent: Step[] = [['send', partition, value]];
    return {
      ok: (result) => {
        const found = result.partition ?? partition;
        if (found === null) throw new Error(`the send of "${value}" was told no partition`);
        const { possiblyDuplicated } = result;
        const told = possiblyDuplicated === undefined ? {} : { possiblyDuplicated };
        operation.end('ok', [['send', found, value, result.offset]], told);
      },
      failed: (failure) => {
        const code = 'code' in failure ? failure.code : failure.name;
        const hasFailed = 'outcomeUnknown' in failure && failure.outcomeUnknown === false;
        operation.end(hasFailed ? 'fail' : 'info', sent, { error: code });
      },
    };
  }

  /** Records that came out of one poll, or one batch of an iterator. Call when they have come. */
  poll(process: ProcessName, records: PolledRecords, mode: ReadMode = {}): void {
    this.#event({ process, type: 'ok', f: 'poll', value: [['poll', records]], ...mode });
  }

  /** Any operation of steps: transactions, polls of which the begin matters. */
  begin(
    process: ProcessName,
    f: 'send' | 'poll' | 'txn',
    value: readonly Step[],
    promise: SendPromise = {},
  ): {
    end(
      type: 'ok' | 'fail' | 'info',
      value: readonly Step[],
      told?: ReadMode & SendResult & { readonly error?: string },
    ): void;
  } {
    const i = this.#event({ process, type: 'invoke', f, value, ...promise });
    return {
      end: (type, result, told = {}) => {
        this.#write({ i, process, type, f, value: result, t: this.#now(), ...told });
      },
    };
  }

  assign(process: ProcessName, partitions: readonly string[]): void {
    this.#event({ process, type: 'ok', f: 'assign', value: partitions });
  }

  subscribe(process: ProcessName, topics: readonly string[]): void {
    this.#event({ process, type: 'ok', f: 'subscribe', value: topics });
  }

  /** @param offsets next offset by partition; null where the position is not known. */
  seek(process: ProcessName, offsets: Readonly<Record<string, number | null>>): void {
    this.#event({ process, type: 'ok', f: 'seek', value: offsets });
  }

  /** The client of the process ended; another goes on under its name. */
  crash(process: ProcessName): void {
    this.#event({ process, type: 'info', f: 'crash' });
  }

  /** @param offsets new log start offset by partition: retention, or records deleted. */
  trim(offsets: Readonly<Record<string, number>>): void {
    this.#event({ process: 'cluster', type: 'info', f: 'trim', value: offsets });
  }

  /** @param names topics or partitions that may lose records: page cache and power loss, unclean election. */
  excuse(names: readonly string[]): void {
    this.#event({ process: 'cluster', type: 'info', f: 'excuse', value: names });
  }

  note(value: unknown): void {
    this.#event({ process: 'cluster', type: 'info', f: 'note', value });
  }

  #event(line: WithoutNumber<HistoryLine>): number {
    const i = this.#operationCount++;
    this.#write({ i, ...line, t: this.#now() } as HistoryLine);
    return i;
  }
}

type WithoutNumber<Line> = Line extends HistoryLine ? Omit<Line, 'i' | 't'> : never;
