/** The real world, put together when the first client asks for it and shared by all of a process. */

import {
  systemClock,
  systemRandom,
  systemTimers,
  WorkerOffload,
} from '../../common/environment/production/index.ts';
import type { ClientEnvironment } from '../../common/index.ts';
import { nodeTransport } from '../../network/index.ts';

let shared: ClientEnvironment | undefined;

/** Threads start with the first task that is offloaded; until then this costs nothing. */
export function productionEnvironment(): ClientEnvironment {
  shared ??= {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    transport: nodeTransport,
    offload: new WorkerOffload(),
  };
  return shared;
}
