/** Reads of what must not be read: failed, aborted, or not yet committed. */

import type { Findings } from '../findings.ts';
import { FAIL, UNCOMMITTED_READ } from '../historyColumns.ts';
import type { HistoryModel } from '../historyModel.ts';

export function checkReads(model: HistoryModel, findings: Findings): void {
  const { reads, values, places, operations } = model;
  for (let read = 0; read < reads.value.length; read += 1) {
    const value = reads.value.at(read);
    const sender = values.operation.at(value);
    if (sender < 0) continue;
    const reader = reads.operation.at(read);
    const isFailed = operations.state.at(sender) === FAIL;
    if (!isFailed && sender !== reader) continue;
    const isTransactional = model.isTransactional(sender);
    // Who reads uncommitted sees open and aborted transactions; that is what it asked for.
    if (isTransactional && reads.bits.has(read, UNCOMMITTED_READ)) continue;
    const place = reads.place.at(read);
    const kind = isTransactional
      ? sender === reader
        ? 'precommitted-read'
        : 'aborted-read'
      : 'G1a';
    findings.add(kind, {
      lines: [...model.sendLines(value), ...model.operationLines(reader)],
      partition: model.partitions[places.partition.at(place)]!.name,
      offset: places.offset.at(place),
      values: [values.names[value]!],
    });
  }
}
