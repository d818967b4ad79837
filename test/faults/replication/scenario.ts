/** One named fault: how it is done, and what must hold beside what must always hold. */

import type { ProxiedClusterOptions } from '../../harness/proxiedCluster.ts';
import { FaultWorld } from './faultWorld.ts';

/** How late followers get what leaders send, where a leader is taken away. */
export const FOLLOWER_DELAY_MS = 60;

/** How often a fault is repeated. */
export type Effort = 'short' | 'full';

export interface Scenario {
  /** As in the list of faults: F01. */
  readonly id: string;
  /** A sentence about behaviour, after "replication". */
  readonly name: string;
  readonly options?: ProxiedClusterOptions;
  /** Leaves the cluster as it is: it is healed and judged afterwards. @throws what did not hold. */
  run(world: FaultWorld, effort: Effort): Promise<void>;
}

/**
 * Runs a scenario on a cluster of its own.
 *
 * @returns what was measured, in words.
 * @throws what did not hold.
 */
export async function runScenario(scenario: Scenario, effort: Effort): Promise<string> {
  const world = await FaultWorld.start(scenario.options);
  try {
    await scenario.run(world, effort);
    await world.conclude();
    const { acknowledgedCount, longestSilenceMs, failures } = world.load;
    const failed = [...failures].map(([code, count]) => `${count} ${code}`);
    return (
      `${acknowledgedCount} acknowledged, longest silence ${longestSilenceMs} ms` +
      (failed.length === 0 ? '' : `, refused: ${failed.join(', ')}`)
    );
  } catch (error) {
    const logs = world.cluster.brokers.map(({ id, process }) => `--- broker ${id}\n${process.log}`);
    if (process.env['ODRADEK_FAULT_LOGS'] !== undefined) process.stderr.write(logs.join('\n'));
    throw error;
  } finally {
    await world.stop();
  }
}
