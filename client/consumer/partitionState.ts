/** One partition of a consumer: where it stands, and what is under way for it. */

import type { RecordSource } from './lazyRecord.ts';

const QUIET_MS_FIRST = 3_000;
const QUIET_MS_LAST = 60_000;

export interface NearerReplica {
  readonly broker: number;
  /** The leader that named it: the word of another one counts no longer. */
  readonly leaderEpoch: number;
  /** When the leader is asked again, by the monotonic clock. */
  readonly untilMs: number;
}

export class PartitionState<Key, Value> {
  readonly topic: string;
  readonly partition: number;
  /** Shared by all records of the partition. */
  readonly source: RecordSource<Key, Value>;
  /** The topic's incarnation that the positions belong to. */
  topicId: string | null;
  /** Offset of the next record that the application gets; undefined until it is known. */
  position: number | undefined;
  /**
   * Offset of the next record to fetch. Invariant: everything between `position` and this is
   * buffered, or is being walked by the application.
   */
  fetchOffset = 0;
  /** Where the iteration ends under `stopAtEnd`; else Infinity. */
  endOffset = Number.POSITIVE_INFINITY;
  paused = false;
  /** Counts the moves of the position: what was fetched under another count is void. */
  generation = 0;
  /** Whether a fetch of this generation is under way. */
  fetching = false;
  /** Whether a new start offset is being looked up. */
  seeking = false;
  /** A replica in the consumer's rack that the leader named: fetched from instead of the leader. */
  nearer: NearerReplica | undefined;
  /** After a failure of that replica the leader is asked to serve itself, until then. */
  leaderOnlyUntilMs = 0;
  /** After a failure nothing is fetched until then, by the monotonic clock. */
  retryAtMs = 0;
  /** Attempts that failed in a row. */
  failures = 0;
  /** Since when all answers were empty, or since the last doubt; by the monotonic clock. */
  quietSinceMs: number | undefined;
  /** After how long without records the broker's word is doubted; longer with each doubt. */
  quietMsMax = QUIET_MS_FIRST;
  /** When a broker last answered for it, by the monotonic clock. */
  answeredMs: number;

  constructor(source: RecordSource<Key, Value>, topicId: string | null, nowMs: number) {
    this.source = source;
    this.topic = source.topic;
    this.partition = source.partition;
    this.topicId = topicId;
    this.answeredMs = nowMs;
  }

  /** Whether the application has everything that it wants of it. */
  get finished(): boolean {
    return this.position !== undefined && this.position >= this.endOffset;
  }

  /** Records have come. */
  heard(): void {
    this.quietSinceMs = undefined;
    this.quietMsMax = QUIET_MS_FIRST;
  }

  /**
   * An answer without records. A leader that was deposed while it was cut off does not know it, and
   * answers so until the cut is healed.
   *
   * @returns whether it is time to ask another broker who leads: after 3 s, then after twice as long
   *   each time up to a minute, since most partitions without records simply have none.
   */
  quiet(nowMs: number): boolean {
    this.quietSinceMs ??= nowMs;
    if (nowMs - this.quietSinceMs < this.quietMsMax) return false;
    this.quietSinceMs = nowMs;
    this.quietMsMax = Math.min(this.quietMsMax * 2, QUIET_MS_LAST);
    return true;
  }

  /** Goes elsewhere: what is under way or buffered is void. */
  moveTo(position: number | undefined): void {
    this.position = position;
    if (position !== undefined) this.fetchOffset = position;
    this.generation += 1;
    this.fetching = false;
  }
}
