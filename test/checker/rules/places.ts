/** What stands where: one value a place, one place a value, and both of the right partition. */

import type { Findings } from '../findings.ts';
import { REPEATABLE } from '../historyColumns.ts';
import type { HistoryModel } from '../historyModel.ts';

export function checkPlaces(model: HistoryModel, findings: Findings): void {
  checkConflicts(model, findings);
  checkRepeated(model, findings);
  checkOrigins(model, findings);
}

function checkConflicts(model: HistoryModel, findings: Findings): void {
  const { places, values } = model;
  for (const [place, others] of model.conflicts) {
    const partition = places.partition.at(place);
    if (model.isExcused(partition)) continue;
    findings.add('inconsistent-offsets', {
      lines: [places.line.at(place), ...[...others.values()].map(({ line }) => line)],
      partition: model.partitions[partition]!.name,
      offset: places.offset.at(place),
      values: [places.value.at(place), ...others.keys()].map((value) => values.names[value]!),
    });
  }
}

function checkRepeated(model: HistoryModel, findings: Findings): void {
  const { places, values, operations } = model;
  for (const { value, place, line } of model.repeated) {
    const partition = places.partition.at(place);
    if (model.isExcused(partition)) continue;
    const operation = values.operation.at(value);
    if (operation >= 0 && operations.bits.has(operation, REPEATABLE)) {
      findings.retryDuplicates += 1;
      continue;
    }
    findings.add('duplicate', {
      lines: [...model.sendLines(value), line],
      partition: model.partitions[partition]!.name,
      offset: places.offset.at(place),
      values: [values.names[value]!],
    });
  }
}

function checkOrigins(model: HistoryModel, findings: Findings): void {
  const { places, values } = model;
  const check = (value: number, place: number, line: number): void => {
    const wanted = values.partition.at(value);
    const partition = places.partition.at(place);
    const isSent = values.operation.at(value) >= 0;
    if (isSent && (wanted < 0 || wanted === partition)) return;
    findings.add(isSent ? 'wrong-partition' : 'phantom-read', {
      lines: [...model.sendLines(value), line],
      partition: model.partitions[partition]!.name,
      offset: places.offset.at(place),
      values: [values.names[value]!],
    });
  };
  for (let place = 0; place < places.value.length; place += 1) {
    check(places.value.at(place), place, places.line.at(place));
  }
  for (const [place, others] of model.conflicts) {
    for (const [value, { line }] of others) check(value, place, line);
  }
}
