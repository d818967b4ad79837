/** Asks the leaders of partitions for offsets: the start, the end, or by time. */

import { errorName, listOffsetsApi, ProtocolError } from '../../protocol/index.ts';
import { ClientError } from '../errors.ts';
import { backOffMs } from './backOff.ts';
import type { Cluster } from './cluster.ts';
import type { Deadline } from './deadline.ts';
import { groupBy } from './groupBy.ts';

/** Special timestamps of ListOffsets. */
export const AT_EARLIEST = -2;
export const AT_LATEST = -1;

export interface WantedOffset {
  readonly topic: string;
  readonly partition: number;
  /** Milliseconds, or a special timestamp. */
  readonly timestamp: number;
}

export interface FoundOffset {
  readonly topic: string;
  readonly partition: number;
  /** -1 where there is none. */
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

interface Query {
  readonly wanted: readonly WantedOffset[];
  readonly isolation: 'uncommitted' | 'committed';
  readonly deadline: Deadline;
}

/**
 * Follows leader changes and lost connections until every partition has answered. The topics are
 * retained by the caller.
 *
 * @returns one entry for each wanted, in any order.
 * @throws {ProtocolError} what cannot be healed by trying again.
 * @throws {ClientError} TIMED_OUT, ABORTED, NO_BROKER_AVAILABLE where none was ever reached.
 */
export async function queryOffsets(
  cluster: Cluster,
  { wanted, isolation, deadline }: Query,
): Promise<readonly FoundOffset[]> {
  const found: FoundOffset[] = [];
  let missing = wanted;
  for (let round = 1; ; round++) {
    const failures: { readonly wanted: WantedOffset; readonly error: Error }[] = [];
    const byLeader = groupBy(missing, ({ topic, partition }) => {
      return cluster.metadata.topic(topic)?.partitions[partition]?.leader ?? -1;
    });
    const asked = [...byLeader].map(async ([leader, group]) => {
      try {
        const answers = await askLeader(cluster, leader, { wanted: group, isolation, deadline });
        for (const [index, answer] of answers.entries()) {
          if (answer instanceof Error) failures.push({ wanted: group[index]!, error: answer });
          else found.push(answer);
        }
      } catch (error) {
        if (!(error instanceof Error) || !isTransient(error)) throw error;
        for (const one of group) failures.push({ wanted: one, error });
      }
    });
    await Promise.all(asked);
    if (failures.length === 0) return found;
    const final = failures.find(({ error }) => !isTransient(error));
    if (final !== undefined) throw final.error;
    for (const { topic } of failures.map((failure) => failure.wanted)) {
      cluster.metadata.refresh(topic);
      const gone = cluster.metadata.goneError(topic);
      if (gone !== undefined) throw gone;
    }
    const pauseMs = backOffMs(cluster.context.backOff, round, cluster.environment.random);
    await deadline.sleep(pauseMs, failures[0]!.error);
    missing = failures.map((failure) => failure.wanted);
  }
}

async function askLeader(
  cluster: Cluster,
  leader: number,
  { wanted, isolation, deadline }: Query,
): Promise<readonly (FoundOffset | Error)[]> {
  if (leader < 0) return wanted.map((one) => noLeader(cluster, one));
  const connection = await deadline.race(cluster.pool.broker(leader));
  const topics = [...groupBy(wanted, ({ topic }) => topic)].map(([name, group]) => ({
    name,
    partitions: group.map(({ partition, timestamp }) => ({
      index: partition,
      leaderEpoch: -1,
      timestamp,
    })),
  }));
  const timeoutMs = Math.max(Math.min(deadline.remainingMs, cluster.context.requestTimeoutMs), 1);
  const response = await connection.call(
    listOffsetsApi,
    { isolationLevel: isolation === 'committed' ? 1 : 0, topics },
    { timeoutMs, signal: deadline.signal },
  );
  const answers = new Map<string, FoundOffset | Error>();
  for (const { name, partitions } of response.topics) {
    for (const { index, errorCode, offset, timestamp, leaderEpoch } of partitions) {
      const place = { topic: name, partition: index };
      const answer =
        errorCode === 0
          ? { ...place, offset, timestamp, leaderEpoch }
          : new ProtocolError(errorName(errorCode), undefined, { details: place });
      answers.set(`${index} ${name}`, answer);
    }
  }
  return wanted.map(({ topic, partition }) => {
    const answer = answers.get(`${partition} ${topic}`);
    return answer ?? new ProtocolError('UNKNOWN_SERVER_ERROR', 'the broker left out a partition');
  });
}

/** A partition that the topic does not have is final; one without a leader may get one. */
function noLeader(cluster: Cluster, { topic, partition }: WantedOffset): ProtocolError {
  const count = cluster.metadata.topic(topic)?.partitions.length;
  if (count !== undefined && partition >= count) {
    const message = `topic "${topic}" has ${count} partitions, and ${partition} is none of them`;
    return new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION', message, { retriable: false });
  }
  const message = `partition ${partition} of topic "${topic}" has no leader`;
  return new ProtocolError('LEADER_NOT_AVAILABLE', message);
}

function isTransient(error: Error): boolean {
  if (error instanceof ClientError) return error.code === 'NO_BROKER_AVAILABLE';
  return error instanceof ProtocolError && error.retriable;
}
