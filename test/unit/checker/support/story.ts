/** Hand-made histories, an event after the other. */

import {
  checkHistory,
  type HistoryLine,
  HistoryRecorder,
  type PolledRecords,
  type ReadMode,
  type ReportOptions,
  type SendPromise,
  type Step,
} from '../../../checker/index.ts';

type EndOperation = ReturnType<HistoryRecorder['begin']>['end'];

export class Story {
  readonly lines: HistoryLine[] = [];
  readonly recorder: HistoryRecorder;
  readonly #open = new Map<string, EndOperation>();

  constructor() {
    this.recorder = new HistoryRecorder(
      (line) => this.lines.push(line),
      () => this.lines.length,
    );
  }

  /** Begins to send records, named by their values, to one partition. */
  sends(process: string, partition: string | null, values: string, promise?: SendPromise): this {
    const steps = values.split(' ').map((value): Step => ['send', partition, value]);
    return this.#begin({ process, f: 'send', key: values }, steps, promise);
  }

  /** Ends it; the records stand at the offset and those after it. */
  acked(partition: string, values: string, offset: number | null): this {
    return this.#end(
      values,
      'ok',
      values
        .split(' ')
        .map((value, n): Step => ['send', partition, value, offset === null ? null : offset + n]),
    );
  }

  failed(values: string, error?: string): this {
    return this.#endUnplaced(values, 'fail', error);
  }

  unknown(values: string, error?: string): this {
    return this.#endUnplaced(values, 'info', error);
  }

  /** Sent and acknowledged with nothing between. */
  sent(
    process: string,
    record: readonly [partition: string, offset: number, values: string],
    promise?: SendPromise,
  ): this {
    const [partition, offset, values] = record;
    return this.sends(process, partition, values, promise).acked(partition, values, offset);
  }

  polls(process: string, records: PolledRecords, mode?: ReadMode): this {
    this.recorder.poll(process, records, mode);
    return this;
  }

  /** The read of everything at the end. */
  finally(records: PolledRecords): this {
    return this.polls('final', records, { final: true });
  }

  begins(process: string, name: string, steps: readonly Step[]): this {
    return this.#begin({ process, f: 'txn', key: name }, steps);
  }

  ends(
    name: string,
    type: 'ok' | 'fail' | 'info',
    steps: readonly Step[],
    mode?: ReadMode & { readonly error?: string },
  ): this {
    return this.#end(name, type, steps, mode);
  }

  /** Anything that the recorder can tell. */
  tells(tell: (recorder: HistoryRecorder) => void): this {
    tell(this.recorder);
    return this;
  }

  report(options?: ReportOptions) {
    return checkHistory(this.lines, options);
  }

  /** What is found, each kind once. */
  kinds(options?: ReportOptions): readonly string[] {
    return [...this.report(options).counts.keys()].toSorted();
  }

  #begin(
    operation: { readonly process: string; readonly f: 'send' | 'txn'; readonly key: string },
    steps: readonly Step[],
    promise?: SendPromise,
  ): this {
    const { process, f, key } = operation;
    const { end } = this.recorder.begin(process, f, steps, promise);
    this.#open.set(key, end);
    return this;
  }

  #endUnplaced(values: string, type: 'fail' | 'info', error?: string): this {
    const mode = error === undefined ? {} : { error };
    return this.#end(values, type, [], mode);
  }

  #end(
    key: string,
    type: 'ok' | 'fail' | 'info',
    steps: readonly Step[],
    mode?: ReadMode & { readonly error?: string },
  ): this {
    this.#open.get(key)?.(type, steps, mode);
    return this;
  }
}
