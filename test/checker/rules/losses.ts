/** Records that must be there and are not: passed over by readers, or missing at the end. */

import type { Findings } from '../findings.ts';
import { ACKS_ALL, INFO, OK, SEEN, SEEN_COMMITTED, SEEN_FINAL } from '../historyColumns.ts';
import type { HistoryModel } from '../historyModel.ts';

export function checkLosses(model: HistoryModel, findings: Findings): void {
  const committed = committedByEvidence(model);
  for (let value = 0; value < model.values.names.length; value += 1) {
    if (mustStand(model, value, committed)) checkValue(model, value, findings);
  }
}

/** Transactions of unknown end of which a committed read returned something: they are whole. */
function committedByEvidence(model: HistoryModel): ReadonlySet<number> {
  const { values, operations } = model;
  const committed = new Set<number>();
  for (let value = 0; value < values.names.length; value += 1) {
    const operation = values.operation.at(value);
    if (operation < 0 || !model.isTransactional(operation)) continue;
    if (operations.state.at(operation) !== INFO && operations.endLine.at(operation) !== 0) continue;
    if (values.bits.has(value, SEEN_COMMITTED)) committed.add(operation);
  }
  return committed;
}

function mustStand(model: HistoryModel, value: number, committed: ReadonlySet<number>): boolean {
  const { values, operations } = model;
  const operation = values.operation.at(value);
  if (operation < 0) return false;
  const hasPromise = operations.bits.has(operation, ACKS_ALL);
  if (operations.state.at(operation) === OK && hasPromise) return true;
  if (committed.has(operation)) return true;
  // Readers see nothing above the high watermark: what one saw must stay, whoever sent it.
  return values.bits.has(value, SEEN_COMMITTED) && !model.isUncommitted(value);
}

function checkValue(model: HistoryModel, value: number, findings: Findings): void {
  const { values, places } = model;
  const place = values.place.at(value);
  const partition = place >= 0 ? places.partition.at(place) : acknowledgedOrSent(model, value);
  if (partition < 0 || model.isExcused(partition)) return;
  const { name, trimmedTo, highestRead, highestFinal } = model.partitions[partition]!;
  const told = values.acknowledgedOffset.at(value);
  const offset = place >= 0 ? places.offset.at(place) : told;
  if (offset < trimmedTo || (Number.isNaN(offset) && trimmedTo > 0)) return;
  const isSeen = values.bits.has(value, SEEN);
  const isMissing = highestFinal === undefined ? !isSeen : !values.bits.has(value, SEEN_FINAL);
  if (!isMissing) return;
  const isPassed = (!isSeen && offset <= highestRead) || offset <= (highestFinal ?? -1);
  // Without a final read nobody can say that what comes late does not come.
  if (!isPassed && highestFinal === undefined) return;
  findings.add(isPassed ? 'lost-write' : 'unseen', {
    lines: model.sendLines(value),
    partition: name,
    ...(Number.isNaN(offset) ? {} : { offset }),
    values: [values.names[value]!],
  });
}

function acknowledgedOrSent({ values }: HistoryModel, value: number): number {
  const acknowledged = values.acknowledgedPartition.at(value);
  return acknowledged >= 0 ? acknowledged : values.partition.at(value);
}
