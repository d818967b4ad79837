/** Each reader goes forward through each partition and passes over nothing. */

import type { Findings } from '../findings.ts';
import { SUBSCRIBED, WITHIN_OPERATION } from '../historyColumns.ts';
import type { HistoryModel } from '../historyModel.ts';
import type { PlaceIndex } from '../placeIndex.ts';

export function checkPolls(model: HistoryModel, index: PlaceIndex, findings: Findings): void {
  const { reads, places, values } = model;
  for (let read = 0; read < reads.place.length; read += 1) {
    const previous = reads.previous.at(read);
    if (Number.isNaN(previous)) continue;
    const place = reads.place.at(read);
    const partition = places.partition.at(place);
    const offset = places.offset.at(place);
    const isBack = offset <= previous;
    const isWithin = reads.bits.has(read, WITHIN_OPERATION);
    // Where records may change, their readers are sent back; within one answer they are not.
    if (model.isExcused(partition) && !(isBack && isWithin)) continue;
    const skipped = isBack ? undefined : index.firstSkipped(partition, previous, offset);
    if (!isBack && skipped === undefined) continue;
    if (!isWithin && reads.bits.has(read, SUBSCRIBED)) {
      findings.allowedUnderSubscribe += 1;
      continue;
    }
    const within = isWithin ? 'int-' : '';
    const shown = skipped ?? place;
    findings.add(isBack ? `${within}nonmonotonic-poll` : `${within}poll-skip`, {
      lines: model.operationLines(reads.operation.at(read)),
      partition: model.partitions[partition]!.name,
      offset: places.offset.at(shown),
      values: [values.names[places.value.at(shown)]!],
    });
  }
}
