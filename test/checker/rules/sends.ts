/**
 * Records of one process and partition stand in the order in which they were sent. A record that
 * stands twice has its first place. Judged is what the promise holds for:
 *
 *   - acknowledged with acks "all": it was appended before the answer, and stays
 *   - idempotent and of unknown outcome, where it stands: no late request of its session can
 *     overtake
 */

import type { Findings } from '../findings.ts';
import { ACKS_ALL, FAIL, IDEMPOTENT, OK, ORDERED } from '../historyColumns.ts';
import type { HistoryModel } from '../historyModel.ts';

interface Last {
  readonly value: number;
  readonly session: number;
  readonly offset: number;
}

export function checkSends(model: HistoryModel, findings: Findings): void {
  const { sends, values, operations, places } = model;
  const lasts = new Map<number, Map<number, Last>>();
  for (const value of sends.items()) {
    const operation = values.operation.at(value);
    const place = values.place.at(value);
    if (place < 0 || !isOrdered(model, operation)) continue;
    const partition = places.partition.at(place);
    if (model.isExcused(partition)) continue;
    const process = operations.process.at(operation);
    const session = operations.session.at(operation);
    const offset = places.offset.at(place);
    const ofProcess = lasts.get(process) ?? new Map<number, Last>();
    lasts.set(process, ofProcess);
    const last = ofProcess.get(partition);
    ofProcess.set(partition, { value, session, offset });
    if (last === undefined || last.session !== session || last.offset < offset) continue;
    const isWithin = values.operation.at(last.value) === operation;
    findings.add(isWithin ? 'int-nonmonotonic-send' : 'nonmonotonic-send', {
      lines: [...model.sendLines(last.value), ...model.sendLines(value)],
      partition: model.partitions[partition]!.name,
      offset,
      values: [values.names[last.value]!, values.names[value]!],
    });
  }
}

function isOrdered({ operations }: HistoryModel, operation: number): boolean {
  const state = operations.state.at(operation);
  if (state === FAIL || !operations.bits.has(operation, ORDERED)) return false;
  const promise = state === OK ? ACKS_ALL : IDEMPOTENT;
  return operations.bits.has(operation, promise);
}
