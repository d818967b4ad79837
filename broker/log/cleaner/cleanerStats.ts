/** What the cleaner counts. */

export interface CleanerStats {
  /** Runs that came to their end. */
  readonly runsTotal: number;
  readonly bytesReadTotal: number;
  readonly bytesWrittenTotal: number;
  readonly recordsReadTotal: number;
  readonly recordsKeptTotal: number;
  readonly lastRunSeconds: number;
  /** Share of its offset map that the last run filled, 0 to 1. */
  readonly lastMapFill: number;
  /** The greatest dirty share of a log that can be compacted, 0 to 1. */
  readonly maxDirtyRatio: number;
  /** Logs that were given up, see the log of the broker. */
  readonly uncleanablePartitions: number;
  readonly uncleanableBytes: number;
  /** undefined before the first. */
  readonly secondsSinceLastLook: number | undefined;
}
