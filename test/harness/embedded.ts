/** The embedded coordinator in a process of its own, for tests; the twin of `zookeeper.ts`. */

import { Child } from './childProcess.ts';
import { removeDirectory, temporaryDirectory } from './temporaryDirectory.ts';
import type { SmallDisk } from './smallDisk.ts';
import type { ZooKeeperServer } from './zookeeper.ts';

export interface EmbeddedOptions {
  /** Default 100. */
  readonly tickMs?: number;
  /** Default: a temporary one, which `stop` removes. */
  readonly directory?: string;
  readonly snapshotBytes?: number;
  /** Added to the environment of the process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Runs the process on this disk. */
  readonly disk?: SmallDisk;
}

export interface EmbeddedServer extends ZooKeeperServer {
  readonly directory: string;
  /** Waits until the process is gone. @returns its exit code. */
  exitCode(): Promise<number | null>;
  /** SIGTERM: an orderly end. @returns the exit code. */
  terminate(): Promise<number | null>;
}

const MAIN = new URL('./embeddedMain.ts', import.meta.url).pathname;

/**
 * Starts a server and waits until it serves. Takes about half a second.
 *
 * @throws with what the process has printed when it ends instead.
 */
export async function startEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedServer> {
  const directory = options.directory ?? temporaryDirectory('coordinator');
  const { tickMs = 100, snapshotBytes, env = {} } = options;
  const snapshots = snapshotBytes === undefined ? {} : { snapshotBytes };
  let port = 0;
  const launch = async () => {
    const address = { host: '127.0.0.1', port };
    const text = JSON.stringify({ directory, address, tickMs, ...snapshots });
    const args = ['--import', 'tsx', MAIN, text];
    const [command, commandArgs] = options.disk?.within(process.execPath, args) ?? [
      process.execPath,
      args,
    ];
    const started = new Child(command, commandArgs, { env });
    const [, found] = await started.waitForOutput(/:(\d+)\n/);
    port = Number(found);
    return started;
  };
  let child = await launch();
  return {
    directory,
    address: `127.0.0.1:${port}`,
    get pid() {
      return child.pid;
    },
    get log() {
      return child.stdout + child.stderr;
    },
    kill9: () => child.kill9(),
    async restart() {
      await child.kill9();
      child = await launch();
    },
    pause: () => child.signal('SIGSTOP'),
    resume: () => child.signal('SIGCONT'),
    exitCode: async () => (await child.exited).code,
    terminate: async () => (await child.stop()).code,
    async stop() {
      await child.kill9();
      if (options.directory === undefined) removeDirectory(directory);
    },
  };
}
