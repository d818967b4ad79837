/** The world as a broker process has it. */

import type { Environment } from '../common/index.ts';
import {
  NodeFileSystem,
  NodeHost,
  systemClock,
  systemRandom,
  systemTimers,
  WorkerOffload,
} from '../common/environment/production/index.ts';
import { nodeZookeeperConnector } from '../coordinator/index.ts';
import { nodeTransport } from '../network/index.ts';

export function createProductionEnvironment(): Environment {
  return {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    fileSystem: new NodeFileSystem(),
    transport: nodeTransport,
    offload: new WorkerOffload(),
    host: new NodeHost(),
    coordinator: nodeZookeeperConnector({ timers: systemTimers, random: systemRandom }),
  };
}
