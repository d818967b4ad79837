/** What a seed of `npm run simulate` is: even ones are mixed clusters, odd ones replication alone. */

import { runSeed } from '../cluster/runSeed.ts';
import { runReplicationSeed } from '../replication/replicationSeed.ts';

export interface WorldOutcome {
  readonly seed: number;
  readonly traceHash: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly cpuSeconds: number;
  /** Empty where every promise was kept. */
  readonly anomalies: readonly string[];
}

const NOTHING = { traceHash: '', events: 0, virtualMs: 0 };

/** @returns never rejects: what was broken stands in `anomalies`, with the last log lines. */
export async function runWorldSeed(seed: number): Promise<WorldOutcome> {
  const before = process.cpuUsage();
  const cpuSeconds = (): number => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
  try {
    const run = seed % 2 === 0 ? runSeed : runReplicationSeed;
    const { hash, events, virtualMs } = await run(seed);
    return { seed, traceHash: hash, events, virtualMs, cpuSeconds: cpuSeconds(), anomalies: [] };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ...NOTHING, seed, cpuSeconds: cpuSeconds(), anomalies: [message] };
  }
}
