/**
 * A fault of the program that is put in on purpose. The simulation must find each of them, within
 * ten CPU-seconds of seeds of its own profile: that is the honest measure of what it can see.
 */

import type { ReplicationProfile } from '../replication/replicationSeed.ts';

export interface Patch {
  /** Path from the root. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  /** What goes wrong with it, step by step. */
  readonly story: string;
  readonly patches: readonly Patch[];
  /** What brings it to light: faults struck often, and a world in which they hurt. */
  readonly profile: ReplicationProfile;
}
