/** A broker on two log directories of which one cannot be read when it starts. */

import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Child } from '../harness/childProcess.ts';
import { type EmbeddedServer, startEmbedded } from '../harness/embedded.ts';
import { jsonLines, odradek, odradekBin, type StartedJson } from '../harness/odradek.ts';
import { removeDirectory, temporaryDirectory } from '../harness/temporaryDirectory.ts';
import { waitFor } from '../harness/waitFor.ts';
import { TestClient } from '../harness/zookeeperClient.ts';

interface Described {
  readonly partition: number;
  readonly leader: number;
  readonly isr: readonly number[];
}

interface Running {
  readonly child: Child;
  readonly native: string;
  readonly admin: string;
}

describe('a log directory that cannot be read when its broker starts', function () {
  this.timeout(180_000);
  let coordinator: EmbeddedServer;
  let directory: string;
  const running = new Map<number, Running>();

  before(async () => {
    coordinator = await startEmbedded();
    directory = temporaryDirectory('directories');
  });
  after(async () => {
    for (const { child } of running.values()) await child.kill9();
    await coordinator.stop();
    removeDirectory(directory);
  });

  const logDirectory = (id: number, name: string): string => join(directory, `${id}`, name);

  async function start(id: number): Promise<void> {
    mkdirSync(join(directory, `${id}`), { recursive: true });
    const properties = {
      'broker.id': `${id}`,
      'log.dirs': `${logDirectory(id, 'a')},${logDirectory(id, 'b')}`,
      'native.listeners': '127.0.0.1:0',
      'admin.listeners': '127.0.0.1:0',
      'zookeeper.connect': coordinator.address,
      'zookeeper.session.timeout.ms': '2000',
    };
    const file = join(directory, `${id}`, 'server.properties');
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(file, lines.join(''));
    const args = [odradekBin, 'broker', '--config', file, '--json'];
    const child = new Child(process.execPath, args);
    const [line] = await child.waitForOutput(/^\{.*\}\n/);
    const [broker] = (JSON.parse(line) as StartedJson).brokers;
    running.set(id, { child, native: broker!.native, admin: broker!.admin! });
  }

  const run = (args: readonly string[], input = '') => {
    const brokers = [...running.values()].map(({ native }) => native).join();
    return odradek([...args, '--brokers', brokers], { input });
  };
  const describeTopic = async (topic: string): Promise<readonly Described[]> =>
    jsonLines<Described>((await run(['topic', 'describe', topic, '--json'])).stdout);
  const inSync = async (topic: string, ids: string): Promise<boolean> =>
    (await describeTopic(topic)).every(({ isr }) => isr.toSorted().join() === ids);
  const partitionsIn = (name: string): readonly number[] =>
    readdirSync(logDirectory(1, name))
      .filter((entry) => entry.startsWith('pairs-'))
      .map((entry) => Number(entry.slice('pairs-'.length)))
      .toSorted();

  it('costs the replicas in it their leadership, loses nothing, and comes back', async () => {
    await start(1);
    await start(2);
    const flags = ['--partitions', '4', '--replication-factor', '2'];
    await run(['topic', 'create', 'pairs', ...flags]);
    const input = Array.from({ length: 200 }, (_, number) => `${number}\n`).join('');
    expect((await run(['produce', 'pairs'], input)).code).to.equal(0);
    const lost = partitionsIn('b');
    const kept = partitionsIn('a');
    expect([lost.length, kept.length], 'partitions in each directory').to.deep.equal([2, 2]);

    // Both are in sync and go at once: whoever comes back first would lead everything.
    const both = [...running.values()];
    running.clear();
    await Promise.all(both.map(({ child }) => child.kill9()));
    // Dead but registered, broker 2 would be elected for everything.
    const observer = await TestClient.connect(coordinator.address);
    await waitFor(async () => (await observer.getChildren('/brokers/ids')).children.length === 0, {
      what: 'the end of both sessions',
      timeoutMs: 20_000,
    });
    await observer.close();
    renameSync(logDirectory(1, 'b'), logDirectory(1, 'away'));
    writeFileSync(logDirectory(1, 'b'), 'no directory');
    await start(1);
    await waitFor(
      async () => {
        const described = await describeTopic('pairs');
        return described.every(({ leader, partition }) =>
          lost.includes(partition) ? leader === -1 : leader === 1,
        );
      },
      { what: 'broker 1 to lead what it can read, and nothing else', timeoutMs: 40_000 },
    );
    const health = await run(['cluster', 'health', '--json']);
    expect(health.code).to.equal(1);
    expect(JSON.parse(health.stdout)).to.deep.include({ healthy: false, leaderless: lost.length });
    const metrics = await (await fetch(`http://${running.get(1)!.admin}/metrics`)).text();
    expect(metrics).to.match(/^odradek_offline_log_directories 1$/m);

    await start(2);
    await waitFor(
      async () => {
        const described = await describeTopic('pairs');
        return described.every(({ leader, isr, partition }) =>
          lost.includes(partition) ? leader === 2 : isr.length === 2,
        );
      },
      { what: 'broker 2 to lead what broker 1 cannot read', timeoutMs: 40_000 },
    );
    const read = await run(['consume', 'pairs', '--from-beginning', '--exit']);
    expect(
      read.stdout
        .trim()
        .split('\n')
        .map(Number)
        .toSorted((a, b) => a - b),
    ).to.deep.equal(Array.from({ length: 200 }, (_, number) => number));
    expect(partitionsIn('a'), 'none begun anew').to.deep.equal(kept);

    await running.get(1)!.child.stop();
    running.delete(1);
    rmSync(logDirectory(1, 'b'));
    renameSync(logDirectory(1, 'away'), logDirectory(1, 'b'));
    await start(1);
    await waitFor(() => inSync('pairs', '1,2'), {
      what: 'all replicas in sync',
      timeoutMs: 20_000,
    });
    expect((await run(['cluster', 'health'])).code).to.equal(0);
  });
});
