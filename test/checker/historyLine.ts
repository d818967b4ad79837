/**
 * One line of a history: an event of a client, as plain JSON, so that a client in any language can
 * write it. docs/checker.md describes the format; the lines of one file stand in the order in which
 * their events happened.
 */

/** Names one record, the same in its send and its reads; never sent twice in a history. */
export type RecordName = string | number;

/** `["send", partition, value]` when invoked, with the offset when acknowledged. */
export type SendStep =
  /** The partition is null where it is not chosen yet. */
  | readonly ['send', partition: string | null, value: RecordName]
  /** The offset is null where the client was told none. */
  | readonly ['send', partition: string, value: RecordName, offset: number | null];

/** What one poll returned: for each partition the records in the order in which they came. */
export type PolledRecords = Readonly<
  Record<string, readonly (readonly [offset: number, value: RecordName])[]>
>;

/** `["poll"]` when invoked, with what it returned when completed. */
export type PollStep = readonly ['poll'] | readonly ['poll', PolledRecords];

export type Step = SendStep | PollStep;

/**
 * invoke: begun. ok: done. fail: surely not done. info: nobody knows. What never completes, or fails
 * with an error that leaves the outcome open (`isOutcomeUnknown`), is as info.
 */
export type LineType = 'invoke' | 'ok' | 'fail' | 'info';

export type ProcessName = string | number;

interface LineBase {
  /** Number of the operation: the same when it is invoked and when it completes. */
  readonly i: number;
  /** A client session: its sends have an order, and so have its polls. */
  readonly process: ProcessName;
  readonly type: LineType;
  /** Any clock, any unit; for people alone. */
  readonly t?: number;
  /** Name of the error, where one was met. */
  readonly error?: string;
}

/** What a send promises. Stands in the line that invokes; what is left out is the stricter. */
export interface SendPromise {
  /** Default "all". Only "all" promises that an acknowledged record stays. */
  readonly acks?: 'all' | 1 | 0;
  /** Default true. Without, a retry may put the record into the log twice. */
  readonly idempotent?: boolean;
  /** Default true. False for a client without idempotence that has several requests in flight. */
  readonly ordered?: boolean;
}

/** What a producer without idempotence tells. Stands in the line that completes. */
export interface SendResult {
  /** Default: not `idempotent`. False: the record was sent once, and must stand once. */
  readonly possiblyDuplicated?: boolean;
}

/** How was read. Stands in the line that completes. */
export interface ReadMode {
  /** Default read_committed. */
  readonly isolation?: 'read_committed' | 'read_uncommitted';
  /** Part of the read of everything, after healing, by which `unseen` is judged. Default false. */
  readonly final?: boolean;
  /** Partitions that came or went during the operation: their order is not judged. */
  readonly rebalance?: readonly string[];
}

/** Records sent, each on its own; or polls; or both together in one transaction. */
export interface StepsLine extends LineBase, SendPromise, SendResult, ReadMode {
  readonly f: 'send' | 'poll' | 'txn';
  readonly value: readonly Step[];
}

/**
 * Changes of what is judged from here on. One line each, of type ok or info.
 *
 *   assign     the process reads these partitions now; positions in others are forgotten
 *   subscribe  it reads as member of a group: its positions are forgotten, and from now on polls
 *              may go back or skip where an operation begins
 *   excuse     these topics or partitions may lose or change records: only order within a poll is
 *              judged, and whose the values are
 */
export interface ListLine extends LineBase {
  readonly f: 'assign' | 'subscribe' | 'excuse';
  readonly value: readonly string[];
}

/**
 *   seek   the next record that the process polls from each partition is the first at or behind
 *          this offset; null: at any
 *   trim   the log starts here: records before may be gone
 */
export interface OffsetsLine extends LineBase {
  readonly f: 'seek' | 'trim';
  readonly value: Readonly<Record<string, number | null>>;
}

/**
 *   crash  the client of the process is gone, a new one begins: order is judged anew, and what is
 *          not completed stays unknown
 *   note   for people: a fault, a phase
 */
export interface PlainLine extends LineBase {
  readonly f: 'crash' | 'note';
  readonly value?: unknown;
}

export type HistoryLine = StepsLine | ListLine | OffsetsLine | PlainLine;

/** `orders-0`, as Kafka names the directory of a partition. */
export function partitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}
