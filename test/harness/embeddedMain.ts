/**
 * The embedded coordinator as a process of its own, for tests: `node embeddedMain.ts OPTIONS`,
 * where OPTIONS is the JSON of `EmbeddedCoordinatorOptions`. Prints its address once it serves.
 */

import {
  NodeFileSystem,
  NodeHost,
  systemClock,
  systemRandom,
  systemTimers,
} from '../../common/environment/production/index.ts';
import type { LogFields, Logger } from '../../common/index.ts';
import {
  EmbeddedCoordinator,
  type EmbeddedCoordinatorOptions,
} from '../../coordinator/embedded/index.ts';
import { nodeTransport } from '../../network/index.ts';

function write(level: string, message: string, fields: LogFields = {}): void {
  process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`);
}

const logger: Logger = {
  error: (message, fields) => write('error', message, fields),
  warn: (message, fields) => write('warn', message, fields),
  info: (message, fields) => write('info', message, fields),
  debug: () => undefined,
  child: () => logger,
};

const options = JSON.parse(process.argv[2] ?? '{}') as EmbeddedCoordinatorOptions;
const coordinator = new EmbeddedCoordinator(
  {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    fileSystem: new NodeFileSystem(),
    transport: nodeTransport,
    host: new NodeHost(),
  },
  options,
  logger,
);
coordinator.onFailure(() => process.exit(1));
process.once('SIGTERM', () => void coordinator.close().then(() => process.exit(0)));
try {
  const { host, port } = await coordinator.start();
  process.stdout.write(`${host}:${port}\n`);
} catch (error) {
  const { code, message } = error as Error & { code?: string };
  write('error', message, { code });
  process.exit(1);
}
