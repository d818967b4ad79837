/** All mutants, in the order in which they are hunted. */

import { controllerMutants } from './controllerMutants.ts';
import { logMutants } from './logMutants.ts';
import type { Mutant } from './mutant.ts';
import { producerMutants } from './producerMutants.ts';
import { replicationMutants } from './replicationMutants.ts';

export type { Mutant, Patch } from './mutant.ts';

export const mutants: readonly Mutant[] = [
  ...logMutants,
  ...replicationMutants,
  ...producerMutants,
  ...controllerMutants,
];
