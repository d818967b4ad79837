/** Collects what the rules find, and counts what they cannot hold against anybody. */

import type { Anomaly, AnomalyKind, AnomalyPlace } from './anomaly.ts';

/** A log that is wrong from top to bottom says so in a screen, not in a gigabyte. */
const LISTED_PER_KIND = 1000;

export interface Statistics {
  readonly lines: number;
  readonly operations: number;
  /** Records of operations that ended ok, failed, or that nobody knows about. */
  readonly acknowledged: number;
  readonly failed: number;
  readonly unknown: number;
  readonly reads: number;
  /** Further places of records that were sent without idempotence. */
  readonly retryDuplicates: number;
  /** Polls that went back or skipped between operations of a subscribed process. */
  readonly allowedUnderSubscribe: number;
}

export class Findings {
  readonly anomalies: Anomaly[] = [];
  /** All that were found, listed or not. */
  readonly counts = new Map<AnomalyKind, number>();
  retryDuplicates = 0;
  allowedUnderSubscribe = 0;

  add(kind: AnomalyKind, at: AnomalyPlace): void {
    const count = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, count);
    if (count > LISTED_PER_KIND) return;
    const lines = at.lines === undefined ? {} : { lines: [...new Set(at.lines)] };
    this.anomalies.push({ kind, at: { ...at, ...lines } });
  }
}
