/** The life of a server process: start, say ready, serve until somebody wants it to end. */

import { reportFailure } from './failure.ts';
import { type BrokerReady, type CoordinatorReady, joinStarter } from './start/supervision.ts';
import { listenForStop } from './stopSignals.ts';

export interface Server<Ready extends BrokerReady | CoordinatorReady> {
  /** Resolves when it serves. */
  start(): Promise<Ready>;
  /** Ends cleanly. */
  stop(): Promise<void>;
  /** Called with what ends the server from within. */
  onFatal(listener: (error: unknown) => void): void;
}

/**
 * Runs the server; the process ends by itself afterwards, with 0 after a clean stop.
 *
 * A second signal, later than half a second after the first, ends the process at once: then no
 * clean-shutdown marker is written, and the next start checks the log.
 *
 * @param announce prints where the server is and, last, `ready`.
 */
export async function runServer<Ready extends BrokerReady | CoordinatorReady>(
  server: Server<Ready>,
  announce: (ready: Ready) => void,
  options: { readonly json: boolean },
): Promise<void> {
  // A terminal that is gone must not stop a server that is shutting down cleanly.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const fail = (error: unknown): never => {
    reportFailure(error, options);
    return process.exit(1);
  };
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= server.stop().then(() => process.exit(0), fail);
  };
  listenForStop({ onStop: stop, onAbort: () => process.exit(1) });
  const supervision = joinStarter(stop);
  server.onFatal(fail);
  let ready: Ready;
  try {
    ready = await server.start();
  } catch (error) {
    // A start that was broken off by a stop is no failure of its own.
    if (stopping === undefined) fail(error);
    return;
  }
  if (stopping !== undefined) return;
  supervision.tell(ready);
  if (!supervision.supervised) announce(ready);
}
