/** A real ZooKeeper (Debian's package `zookeeper`) for tests, on a port and directory of its own. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Child } from './childProcess.ts';
import { freePort } from './freePort.ts';
import { removeDirectory, temporaryDirectory } from './temporaryDirectory.ts';
import { waitFor } from './waitFor.ts';

export interface ZooKeeperOptions {
  /** ZooKeeper's tickTime: sessions live from 2 to 20 ticks. Default 100. */
  readonly tickMs?: number;
}

export interface ZooKeeperServer {
  /** `127.0.0.1:port`; the same after a restart. */
  readonly address: string;
  readonly pid: number;
  /** What the server has printed since its last start. */
  readonly log: string;
  /** Ends the process without warning; its data stays. */
  kill9(): Promise<void>;
  /** Starts it again on its data, port and directory, ending it first (kill -9) where it runs. */
  restart(): Promise<void>;
  /** Stops the process (SIGSTOP): it holds its connections but answers nothing. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

const JAR = '/usr/share/java/zookeeper.jar';

/** Starts a server and waits until it answers. Takes about a second. */
export async function startZooKeeper(options: ZooKeeperOptions = {}): Promise<ZooKeeperServer> {
  const directory = temporaryDirectory('zookeeper');
  const port = await freePort();
  const configuration = join(directory, 'zoo.cfg');
  mkdirSync(join(directory, 'data'));
  writeFileSync(
    configuration,
    `${[
      `dataDir=${join(directory, 'data')}`,
      `tickTime=${options.tickMs ?? 100}`,
      'clientPortAddress=127.0.0.1',
      `clientPort=${port}`,
      'admin.enableServer=false',
      'maxClientCnxns=0',
      '4lw.commands.whitelist=*',
    ].join('\n')}\n`,
  );
  let child = await launch(configuration, port);
  const server: ZooKeeperServer = {
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
      child = await launch(configuration, port);
    },
    pause: () => child.signal('SIGSTOP'),
    resume: () => child.signal('SIGCONT'),
    async stop() {
      await child.kill9();
      removeDirectory(directory);
    },
  };
  return server;
}

async function launch(configuration: string, port: number): Promise<Child> {
  const child = new Child('java', [
    '-Xmx192m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Djava.awt.headless=true',
    '-cp',
    JAR,
    'org.apache.zookeeper.server.quorum.QuorumPeerMain',
    configuration,
  ]);
  try {
    await waitFor(() => child.exit !== undefined || answers(port), {
      what: `ZooKeeper on port ${port} answers`,
      timeoutMs: 30_000,
      intervalMs: 50,
    });
    if (child.exit !== undefined) throw new Error('ZooKeeper exited at once');
    return child;
  } catch (error) {
    await child.kill9();
    throw new Error(`ZooKeeper did not start:\n${child.stdout}${child.stderr}`, { cause: error });
  }
}

/** Whether the server takes sessions. (`ruok` is answered before it does.) */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write('srvr'));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (bytes) => {
      answer += bytes.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer.includes('Mode: ')));
  });
}
