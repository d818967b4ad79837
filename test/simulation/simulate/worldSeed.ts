/** What a seed of `npm run simulate` is: even ones are mixed clusters, odd ones replication alone. */

import { runSeed } from '../cluster/runSeed.ts';
import { runReplicationSeed } from '../replication/replicationSeed.ts';

export interface WorldOutcome {
  readonly seed: number;
  readonly traceHash: string;
  readonly events: number;
  readonly virtualMs: number;
  /** Empty where every promise was kept. */
  readonly anomalies: readonly string[];
}

/** @returns never rejects: what was broken stands in `anomalies`, with the last log lines. */
export async function runWorldSeed(seed: number): Promise<WorldOutcome> {
  try {
    const run = seed % 2 === 0 ? runSeed : runReplicationSeed;
    const { hash, events, virtualMs } = await run(seed);
    return { seed, traceHash: hash, events, virtualMs, anomalies: [] };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { seed, traceHash: '', events: 0, virtualMs: 0, anomalies: [message] };
  }
}
