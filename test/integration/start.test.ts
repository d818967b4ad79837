import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { Child } from '../harness/childProcess.ts';
import {
  anyPorts,
  isRunning,
  noneLeft,
  odradek,
  odradekBin,
  parentOf,
  processIds,
  repository,
  StartedCluster,
  type StartedJson,
} from '../harness/odradek.ts';
import { removeDirectory, temporaryDirectory } from '../harness/temporaryDirectory.ts';
import { waitFor } from '../harness/waitFor.ts';

const MARKER = '.kafka_cleanshutdown';

/** `npm start` on a pseudo-terminal, as somebody at a keyboard has it. */
class Terminal {
  readonly process: ChildProcess;
  readonly exited: Promise<void>;
  output = '';

  constructor(directory: string) {
    const args = ['start', '--', '--json', '--broker-count', '2', '--dir', directory, ...anyPorts];
    const command = `npm --silent ${args.join(' ')}`;
    this.process = spawn('script', ['-qfec', command, '/dev/null'], { cwd: repository });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    this.exited = new Promise((resolve) => this.process.once('close', () => resolve()));
  }

  async ready(): Promise<StartedJson> {
    const found = await waitFor(() => /^\{"ready":true.*\}\r?$/m.exec(this.output)?.[0], {
      what: 'the line of a cluster that is ready',
      timeoutMs: 60_000,
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.output}`);
    });
    return JSON.parse(found) as StartedJson;
  }

  press(keys: string): void {
    this.process.stdin?.write(keys);
  }
}

describe('npm start on a terminal', function () {
  this.timeout(120_000);
  let directory: string;
  let terminal: Terminal;
  let started: StartedJson;
  let starter: number;
  let npm: number;

  beforeEach(async () => {
    directory = temporaryDirectory('terminal');
    terminal = new Terminal(directory);
    started = await terminal.ready();
    starter = parentOf(started.brokers[0]?.pid ?? 0);
    npm = parentOf(starter);
  });

  afterEach(() => {
    terminal.process.kill('SIGKILL');
    for (const pid of [npm, starter, ...processIds(started)]) {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    }
    removeDirectory(directory);
  });

  function markers(): readonly boolean[] {
    return [1, 2].map((id) => existsSync(join(directory, `broker-${id}/data`, MARKER)));
  }

  async function nothingLeft(): Promise<void> {
    await noneLeft([npm, starter, ...processIds(started)]);
  }

  it('runs every broker and the coordinator as a process of its own', () => {
    const pids = [starter, ...processIds(started)];
    expect(new Set(pids).size).to.equal(4);
    expect(pids.every(isRunning)).to.equal(true);
    expect(markers()).to.deep.equal([false, false]);
  });

  it('ends all of it cleanly on ctrl-C', async () => {
    terminal.press('\x03');
    await nothingLeft();
    expect(markers()).to.deep.equal([true, true]);
  });

  it('takes ctrl-C pressed twice in a hurry for one wish', async () => {
    terminal.press('\x03\x03');
    await nothingLeft();
    expect(markers()).to.deep.equal([true, true]);
  });

  it('ends all of it cleanly when npm gets SIGTERM', async () => {
    process.kill(npm, 'SIGTERM');
    await nothingLeft();
    expect(markers()).to.deep.equal([true, true]);
  });

  it('ends all of it cleanly when the terminal is closed (SIGHUP)', async () => {
    terminal.process.kill('SIGKILL');
    await nothingLeft();
    expect(markers()).to.deep.equal([true, true]);
  });

  it('leaves no process when the starter is killed with kill -9', async () => {
    process.kill(starter, 'SIGKILL');
    await nothingLeft();
  });
});

describe('odradek start', function () {
  this.timeout(60_000);

  it('prints a table of endpoints and, last of all, ready', async () => {
    const directory = temporaryDirectory('table');
    const args = ['start', '--broker-count', '2', '--dir', directory, ...anyPorts];
    const child = new Child(process.execPath, [odradekBin, ...args]);
    await child.waitForOutput(/^ready$/m);
    const lines = child.stdout.split('\n');
    expect(lines.slice(-2)).to.deep.equal(['ready', '']);
    expect(lines[0]).to.match(new RegExp(`^cluster \\S{22} in ${directory}$`));
    expect(lines[1]).to.match(/^PROCESS +PID +ADDRESS +KAFKA +ADMIN$/);
    expect(lines[2]).to.match(/^coordinator +\d+ +127\.0\.0\.1:\d+ +- +-$/);
    const addresses = '127\\.0\\.0\\.1:\\d+ +127\\.0\\.0\\.1:\\d+ +http://127\\.0\\.0\\.1:\\d+';
    expect(lines[4]).to.match(new RegExp(`^broker 2 +\\d+ +${addresses}$`));
    expect(await child.stop()).to.include({ code: 0 });
    removeDirectory(directory);
  });

  it('refuses a taken port before anything runs, naming port, flag and 0', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const directory = temporaryDirectory('taken');
    const others = ['--admin-port', '0', '--coordinator-port', '0', '--kafka-port', '0'];
    const flags = [...others, '--native-port', `${port}`];
    const path = join(directory, 'data');
    const args = ['start', '--broker-count', '1', '--dir', path, ...flags];
    const { code, stdout, stderr } = await odradek(args);
    await new Promise((resolve) => server.close(resolve));
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
    expect(stderr).to.equal(
      `port ${port} is taken; choose another with --native-port, ` +
        'or --native-port 0 for any free port\n',
    );
    expect(existsSync(path)).to.equal(false);
    removeDirectory(directory);
  });

  it('keeps data and the lines of the owner over a restart', async () => {
    const directory = temporaryDirectory('again');
    const flags = ['--json', '--broker-count', '1', '--dir', directory, ...anyPorts];
    const run = async (): Promise<{ child: Child; started: StartedJson }> => {
      const child = new Child(process.execPath, [odradekBin, 'start', ...flags]);
      const [line] = await child.waitForOutput(/^\{.*\}\n/);
      return { child, started: JSON.parse(line) as StartedJson };
    };
    const first = await run();
    const [broker] = first.started.brokers;
    const env = { ODRADEK_BROKERS: broker?.native ?? '' };
    expect(await odradek(['topic', 'create', 'kept'], { env })).to.include({ code: 0 });
    await odradek(['produce', 'kept'], { env, input: 'a\nb\n' });
    await first.child.stop();
    const config = broker?.config ?? '';
    writeFileSync(config, `${readFileSync(config, 'utf8')}log.retention.ms=-1\n`);

    const second = await run();
    expect(second.started.clusterId).to.equal(first.started.clusterId);
    const again = { ODRADEK_BROKERS: second.started.brokers[0]?.native ?? '' };
    const read = await odradek(['consume', 'kept', '--from-beginning', '--exit'], { env: again });
    expect(read).to.include({ code: 0, stdout: 'a\nb\n' });
    await second.child.stop();
    expect(readFileSync(config, 'utf8')).to.contain('\nlog.retention.ms=-1\n');
    removeDirectory(directory);
  });

  it('says that a broker died, and the command it names brings the broker back', async () => {
    const cluster = await StartedCluster.start({ args: ['--broker-count', '2'] });
    const [broker] = cluster.started.brokers;
    process.kill(broker?.pid ?? 0, 'SIGKILL');
    const [, command = ''] = await cluster.child.waitForOutput(
      new RegExp(
        `^broker 1 \\(pid ${broker?.pid}\\) ended by SIGKILL and is not restarted; ` +
          'start it again with: npx odradek (.*)$',
        'm',
      ),
      { stream: 'stderr' },
    );
    const again = new Child(process.execPath, [odradekBin, ...command.split(' '), '--json']);
    const [line] = await again.waitForOutput(/^\{.*\}\n/, { timeoutMs: 30_000 });
    const restarted = JSON.parse(line) as StartedJson;
    expect(restarted.clusterId).to.equal(cluster.started.clusterId);
    expect(restarted.brokers[0]).to.include({ id: 1, native: broker?.native });
    const { stdout } = await cluster.run(['cluster', 'describe', '--json']);
    const { brokers } = JSON.parse(stdout) as { readonly brokers: readonly unknown[] };
    expect(brokers).to.have.length(2);
    expect(await again.stop()).to.include({ code: 0 });
    await cluster.stop();
  });

  it('ends everything at once on a second signal, later than half a second', async () => {
    const cluster = await StartedCluster.start({ args: ['--broker-count', '1'] });
    const pids = processIds(cluster.started);
    // A stopped broker cannot end by itself, so that the starter waits for it.
    const broker = cluster.started.brokers[0]?.pid ?? 0;
    process.kill(broker, 'SIGSTOP');
    const begun = performance.now();
    cluster.child.signal('SIGTERM');
    await cluster.child.waitForOutput(/SIGTERM: stopping/, { stream: 'stderr' });
    await waitFor(() => performance.now() - begun > 700, { what: 'more than half a second' });
    expect(cluster.child.exit).to.equal(undefined);
    cluster.child.signal('SIGTERM');
    expect(await cluster.child.exited).to.include({ code: 1 });
    await noneLeft(pids);
    await cluster.stop();
  });

  it('refuses flags that make no sense with exit code 2', async () => {
    for (const flags of [
      ['--broker-count', '0'],
      ['--native-port', '70000'],
      ['--zookeeper', 'nowhere'],
      ['--native-port', '9292', '--admin-port', '9292'],
    ]) {
      const { code, stdout } = await odradek(['start', ...flags]);
      expect({ code, stdout, flags }).to.deep.equal({ code: 2, stdout: '', flags });
    }
  });
});
