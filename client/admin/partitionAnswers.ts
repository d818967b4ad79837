/** Requests and answers about single partitions: grouped by topic on the wire, flat for callers. */

import { errorName, ProtocolError } from '../../protocol/index.ts';
import { groupBy } from '../cluster/groupBy.ts';
import type { PartitionName, PartitionResult } from './admin.ts';

interface TopicAnswer {
  readonly name: string;
  readonly partitions: readonly {
    readonly index: number;
    readonly errorCode: number;
    readonly errorMessage: string | null;
  }[];
}

/** @param entry makes what stands for a partition in the request. */
export function byTopic<Named extends PartitionName, Entry>(
  wanted: readonly Named[],
  entry: (partition: Named) => Entry,
): { name: string; partitions: Entry[] }[] {
  return [...groupBy(wanted, ({ topic }) => topic)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map(entry),
  }));
}

export function resultsOf(topics: readonly TopicAnswer[]): readonly PartitionResult[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ index, errorCode, errorMessage }): PartitionResult => {
      const partition = { topic: name, partition: index };
      if (errorCode === 0) return partition;
      return {
        ...partition,
        error: new ProtocolError(errorName(errorCode), errorMessage ?? undefined),
      };
    }),
  );
}

/**
 * @throws {ProtocolError} every partition was refused with the same retriable error: nothing was done,
 *   so the whole request may be made again.
 */
export function resultsOrRefusal(topics: readonly TopicAnswer[]): readonly PartitionResult[] {
  const results = resultsOf(topics);
  const [first] = results;
  const isRefusal =
    first?.error?.retriable === true &&
    first.error.code !== 'ELECTION_NOT_NEEDED' &&
    results.every(({ error }) => error?.code === first.error?.code);
  if (isRefusal && first.error !== undefined) throw first.error;
  return results;
}
