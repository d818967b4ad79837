/** A real ZooKeeper (Debian's package `zookeeper`) of one's own: a process, a port, a directory. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const JAR = '/usr/share/java/zookeeper.jar';
const START_MS_MAX = 30_000;

export class ZooKeeperProcess {
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.#child = child;
  }

  /** Whether there is one on this machine. */
  static get installed(): boolean {
    return existsSync(JAR);
  }

  /**
   * Starts it and waits until it takes sessions.
   *
   * @param directory is made; its owner removes it.
   * @param tickMs sessions last from 2 to 20 of these.
   */
  static async start(directory: string, tickMs: number): Promise<ZooKeeperProcess> {
    const port = await freePort();
    const configuration = join(directory, 'zoo.cfg');
    mkdirSync(join(directory, 'data'), { recursive: true });
    const lines = [
      `dataDir=${join(directory, 'data')}`,
      `tickTime=${tickMs}`,
      'clientPortAddress=127.0.0.1',
      `clientPort=${port}`,
      'admin.enableServer=false',
      'maxClientCnxns=0',
      '4lw.commands.whitelist=*',
    ];
    writeFileSync(configuration, `${lines.join('\n')}\n`);
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
    const options = ['-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const child = spawn('java', [...options, '-cp', JAR, main, configuration], { stdio: 'ignore' });
    const zookeeper = new ZooKeeperProcess(`127.0.0.1:${port}`, child);
    const endMs = performance.now() + START_MS_MAX;
    while (!(await takesSessions(port))) {
      if (child.exitCode !== null || performance.now() > endMs) {
        await zookeeper.stop();
        throw new Error('ZooKeeper does not start');
      }
      await wait(50);
    }
    return zookeeper;
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** `srvr` names the mode once sessions are served. */
function takesSessions(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write('srvr'));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (bytes) => {
      answer += bytes.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer.includes('Mode: ')));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}
