/** Errors of positions that lead nowhere, with what a person needs to choose a better one. */

import { ProtocolError } from '../../protocol/index.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Deadline } from '../cluster/deadline.ts';
import { AT_EARLIEST, AT_LATEST, queryOffsets } from '../cluster/offsetQuery.ts';

const ADVICE = "seek elsewhere, or set onOffsetOutOfRange to 'earliest' or 'latest'";

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly fetchOffset: number;
}

/** @returns OFFSET_OUT_OF_RANGE with the range that the log holds. */
export async function outOfRangeError(
  cluster: Cluster,
  { topic, partition, fetchOffset }: Place,
  options: { readonly isolation: 'uncommitted' | 'committed'; readonly deadline: Deadline },
): Promise<ProtocolError> {
  const [start, end] = await Promise.all(
    [AT_EARLIEST, AT_LATEST].map(async (timestamp) => {
      const wanted = [{ topic, partition, timestamp }];
      const [found] = await queryOffsets(cluster, { wanted, ...options });
      return found?.offset ?? -1;
    }),
  );
  return new ProtocolError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${fetchOffset} of partition ${partition} of topic "${topic}" is not in the log, ` +
      `which holds offsets from ${start} and ends before ${end}: ${ADVICE}`,
    { details: { topic, partition, offset: fetchOffset, logStartOffset: start, endOffset: end } },
  );
}

/** @returns INCONSISTENT_TOPIC_ID: offsets of the old topic say nothing about the new one. */
export function recreatedError({ topic, partition, fetchOffset }: Place): ProtocolError {
  return new ProtocolError(
    'INCONSISTENT_TOPIC_ID',
    `topic "${topic}" was deleted and created anew, so offset ${fetchOffset} of partition ` +
      `${partition} means nothing any more: ${ADVICE}`,
    { retriable: false, details: { topic, partition, offset: fetchOffset } },
  );
}
