/**
 * The catalogue of what a checker can find. The names are those of Jepsen's Kafka workload where it
 * has the rule too. docs/checker.md prints this table, and a test compares both.
 */

import type { RecordName } from './historyLine.ts';

interface AnomalyDefinition {
  /** What is judged, in a sentence that can be checked by hand. */
  readonly rule: string;
}

export const anomalyCatalogue = {
  'inconsistent-offsets': {
    rule: 'One offset of a partition holds two values, over all polls and all acknowledged sends with acks "all".',
  },
  duplicate: {
    rule: 'One value stands at two places, and its send was idempotent or its client was told that it was sent once. Else it counts as `retryDuplicates`, which is no anomaly.',
  },
  'wrong-partition': {
    rule: 'A value is read from, or acknowledged at, another partition than the one to which it was sent.',
  },
  'phantom-read': { rule: 'A value is read that no operation of the history sent.' },
  'lost-write': {
    rule: 'A value that was acknowledged (acks "all") or already read is passed over: it was never read although a later offset of its partition was, or the final read lacks it and goes beyond it.',
  },
  unseen: {
    rule: 'A value that was acknowledged (acks "all") or already read is missing at the end of the final read of its partition.',
  },
  G1a: { rule: 'A value is read whose send failed for certain.' },
  'aborted-read': { rule: 'A committed read returns a value of a transaction that was aborted.' },
  'precommitted-read': {
    rule: 'A transaction reads, as committed, a value that it sends itself.',
  },
  'int-poll-skip': {
    rule: 'Within one operation a poll passes over a record that stands between two records that it returned.',
  },
  'int-nonmonotonic-poll': {
    rule: 'Within one operation the offsets polled from a partition do not ascend.',
  },
  'poll-skip': {
    rule: 'Between two polls of a process a record is passed over. Allowed while it is subscribed.',
  },
  'nonmonotonic-poll': {
    rule: 'A process polls an offset at or before the one that it polled last. Allowed while it is subscribed.',
  },
  'int-nonmonotonic-send': {
    rule: 'Within one operation, records sent to one partition stand in another order than they were sent.',
  },
  'nonmonotonic-send': {
    rule: 'Records that a process sent to one partition in several operations stand in another order than they were sent.',
  },
  'G0-process': {
    rule: 'The order of writes in the logs and the order of operations of each process form a cycle.',
  },
  'G0-realtime': {
    rule: 'The order of writes in the logs and real time (one ended before the other began) form a cycle.',
  },
  G1c: { rule: 'Transactions read from each other in a circle.' },
  'G1c-process': {
    rule: 'What was read from whom and the order of operations of each process form a cycle, with or without the order of writes.',
  },
  'G1c-realtime': {
    rule: 'What was read from whom and real time form a cycle, with or without the order of writes: for example a read of what is not sent yet.',
  },
  'replica-divergence': {
    rule: 'Below the high watermark the logs of two replicas differ in a byte, or one ends before it. Found by `compareReplicas`, not in a history.',
  },
} as const satisfies Readonly<Record<string, AnomalyDefinition>>;

export type AnomalyKind = keyof typeof anomalyCatalogue;

/** Where the evidence is. Everything that is known stands here, the rest is left out. */
export interface AnomalyPlace {
  /** Numbers of lines in the history, from 1; the earlier evidence first. */
  readonly lines?: readonly number[];
  readonly partition?: string;
  readonly offset?: number;
  /** Of the records concerned. */
  readonly values?: readonly RecordName[];
  /** Of a cycle: what leads from each operation in `lines` to the next, and back to the first. */
  readonly steps?: readonly string[];
  /** Directories of two replicas. */
  readonly directories?: readonly string[];
}

export interface Anomaly {
  readonly kind: AnomalyKind;
  readonly at: AnomalyPlace;
}
