/**
 * Judges a history, line by line as it comes or read from a file.
 *
 *     const checker = new HistoryChecker();
 *     const recorder = new HistoryRecorder((line) => checker.add(line), now);
 *     ...
 *     expect(checker.report().anomalies).to.deep.equal([]);
 */

import type { Anomaly, AnomalyKind } from './anomaly.ts';
import { Findings, type Statistics } from './findings.ts';
import { FAIL, OK } from './historyColumns.ts';
import type { HistoryLine } from './historyLine.ts';
import { HistoryModel } from './historyModel.ts';
import { PlaceIndex } from './placeIndex.ts';
import { checkCycles } from './rules/cycles.ts';
import { checkLosses } from './rules/losses.ts';
import { checkPlaces } from './rules/places.ts';
import { checkPolls } from './rules/polls.ts';
import { checkReads } from './rules/reads.ts';
import { checkSends } from './rules/sends.ts';

export interface ReportOptions {
  /**
   * Whether lines of several processes stand in the order in which they happened. False for a file
   * that was put together from several machines' clocks. Default true.
   */
  readonly realtime?: boolean;
}

export interface Report {
  /** Of each kind up to a thousand. */
  readonly anomalies: readonly Anomaly[];
  readonly counts: ReadonlyMap<AnomalyKind, number>;
  readonly statistics: Statistics;
}

export class HistoryChecker {
  readonly #model = new HistoryModel();

  /** @throws {HistoryError} where the line contradicts those before it. */
  add(line: HistoryLine): void {
    this.#model.add(line);
  }

  /** Judges all lines so far; more may follow. Time n log n, about 200 bytes per record. */
  report({ realtime = true }: ReportOptions = {}): Report {
    const model = this.#model;
    const findings = new Findings();
    const index = new PlaceIndex(model);
    checkPlaces(model, findings);
    checkLosses(model, findings);
    checkReads(model, findings);
    checkPolls(model, index, findings);
    checkSends(model, findings);
    checkCycles(model, index, { findings, realtime });
    const { anomalies, counts } = findings;
    return { anomalies, counts, statistics: this.#statistics(findings) };
  }

  #statistics({ retryDuplicates, allowedUnderSubscribe }: Findings): Statistics {
    const { sends, values, operations, reads, lineCount } = this.#model;
    let acknowledged = 0;
    let failed = 0;
    for (const value of sends.items()) {
      const state = operations.state.at(values.operation.at(value));
      if (state === OK) acknowledged += 1;
      if (state === FAIL) failed += 1;
    }
    return {
      lines: lineCount,
      operations: operations.kind.length,
      acknowledged,
      failed,
      unknown: sends.length - acknowledged - failed,
      reads: reads.value.length,
      retryDuplicates,
      allowedUnderSubscribe,
    };
  }
}

/** Judges a whole history at once. */
export function checkHistory(lines: Iterable<HistoryLine>, options: ReportOptions = {}): Report {
  const checker = new HistoryChecker();
  for (const line of lines) checker.add(line);
  return checker.report(options);
}
