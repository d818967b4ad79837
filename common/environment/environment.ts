/**
 * Everything through which a broker, a client or the coordinator reaches the world.
 *
 * Production and simulation run the same classes and differ only in this object: whoever finds
 * themselves wanting `Date`, `setTimeout` or `node:fs` takes it from here instead. The interfaces
 * live beside this file, one noun each.
 */

import type { Clock } from './clock.ts';
import type { CoordinatorConnector } from './coordinatorConnection.ts';
import type { FileSystem } from './fileSystem.ts';
import type { Host } from './host.ts';
import type { Offload } from './offload.ts';
import type { Random } from './random.ts';
import type { Timers } from './timers.ts';
import type { Transport } from './transport.ts';

export interface Environment {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly fileSystem: FileSystem;
  readonly transport: Transport;
  readonly offload: Offload;
  readonly host: Host;
  readonly coordinator: CoordinatorConnector;
}

/** What the SDK needs: no files, no coordinator. */
export type ClientEnvironment = Pick<
  Environment,
  'clock' | 'timers' | 'random' | 'transport' | 'offload'
>;
