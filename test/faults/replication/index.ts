/** The faults of replication, by their names in the list of faults. */

import { coordinatorFaults } from './coordinatorFaults.ts';
import { cuts } from './cuts.ts';
import { kills } from './kills.ts';
import { pauses } from './pauses.ts';
import type { Scenario } from './scenario.ts';

export { type Effort, runScenario, type Scenario } from './scenario.ts';

export const scenarios: readonly Scenario[] = [...kills, ...pauses, ...cuts, ...coordinatorFaults];
