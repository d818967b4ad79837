/** The columns of a history, and what their numbers mean. */

import { IntList, OffsetList } from './growingList.ts';
import type { RecordName } from './historyLine.ts';

export const OPERATION_KINDS = ['send', 'poll', 'txn'] as const;

/** States of an operation. One that never completed stays OPEN, which is read as INFO. */
export const OPEN = 0;
export const OK = 1;
export const FAIL = 2;
export const INFO = 3;

/** Bits of an operation. */
export const ACKS_ALL = 1;
export const IDEMPOTENT = 2;
export const ORDERED = 4;
/** A retry may have put its records into the log twice. */
export const REPEATABLE = 8;

/** Bits of a value. */
export const SEEN = 1;
/** By a poll that returns only what is committed; any poll, for what no transaction sent. */
export const SEEN_COMMITTED = 2;
export const SEEN_FINAL = 4;

/** Bits of a read. */
export const WITHIN_OPERATION = 1;
export const SUBSCRIBED = 2;
export const UNCOMMITTED_READ = 4;

export interface Partition {
  readonly name: string;
  /** Places by offset. */
  readonly places: Map<number, number>;
  /** Highest offset that any poll returned; -1 where none did. */
  highestRead: number;
  /** The same of the final read; undefined where there was none. */
  highestFinal: number | undefined;
  /** Records before it may be gone. */
  trimmedTo: number;
}

/** What clients began: a number each, from 0. */
export const newOperations = () => ({
  kind: new IntList(),
  process: new IntList(),
  /** Rises with each crash of the process. */
  session: new IntList(),
  state: new IntList(),
  bits: new IntList(),
  invokeLine: new IntList(),
  /** 0 while it is open. */
  endLine: new IntList(),
  /** Index in `sends` of its first one. */
  firstSend: new IntList(),
});

/** Records by their names: a number each, in the order in which the history first named them. */
export const newValues = () => ({
  names: [] as RecordName[],
  /** -1 where nobody sent it (yet). */
  operation: new IntList(),
  /** To which it was sent; -1 where that was left open. */
  partition: new IntList(),
  acknowledgedPartition: new IntList(),
  /** NaN where none was told. */
  acknowledgedOffset: new OffsetList(),
  /** The first of its partition; -1 for none. */
  place: new IntList(),
  bits: new IntList(),
});

/** Offsets that are known to hold a value. */
export const newPlaces = () => ({
  partition: new IntList(),
  offset: new OffsetList(),
  value: new IntList(),
  line: new IntList(),
});

/** What polls returned, in the order of their completion. */
export const newReads = () => ({
  operation: new IntList(),
  value: new IntList(),
  place: new IntList(),
  /** Offset polled before it, by the same process from the same partition; NaN for none. */
  previous: new OffsetList(),
  bits: new IntList(),
});
