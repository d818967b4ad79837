import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Child } from '../harness/childProcess.ts';
import { jsonLines, noneLeft, odradekBin, StartedCluster } from '../harness/odradek.ts';
import { waitFor } from '../harness/waitFor.ts';
import { startZooKeeper, type ZooKeeperServer } from '../harness/zookeeper.ts';

describe('odradek start on a real ZooKeeper', function () {
  this.timeout(120_000);
  let zookeeper: ZooKeeperServer;

  before(async () => {
    zookeeper = await startZooKeeper();
  });
  after(() => zookeeper.stop());

  it('runs the same brokers without an embedded coordinator, and ends them cleanly', async () => {
    const chroot = `${zookeeper.address}/started`;
    const cluster = await StartedCluster.start({
      args: ['--broker-count', '3', '--zookeeper', chroot],
    });
    expect(cluster.started.coordinator).to.deep.equal({ address: chroot, pid: null });
    expect(existsSync(join(cluster.started.dir, 'coordinator'))).to.equal(false);
    expect(await cluster.run(['topic', 'create', 't', '--partitions', '6'])).to.include({
      code: 0,
    });
    await cluster.run(['produce', 't'], { input: 'a\nb\nc\n' });
    const read = await cluster.run(['consume', 't', '--from-beginning', '--exit', '--json']);
    const values = jsonLines(read.stdout).map(({ value }) => value);
    expect(values.toSorted()).to.deep.equal(['a', 'b', 'c']);
    cluster.child.signal('SIGTERM');
    expect(await cluster.child.exited).to.include({ code: 0 });
    for (const id of [1, 2, 3]) {
      const marker = join(cluster.started.dir, `broker-${id}/data/.kafka_cleanshutdown`);
      expect(existsSync(marker), marker).to.equal(true);
    }
    await cluster.stop();
  });
});

describe('a cluster whose coordinator is killed', function () {
  this.timeout(120_000);

  it('serves records meanwhile, and administration again when the coordinator is back', async () => {
    const cluster = await StartedCluster.start({ args: ['--broker-count', '2'] });
    await cluster.run(['topic', 'create', 'before', '--partitions', '2']);
    const { pid } = cluster.started.coordinator;
    process.kill(pid ?? 0, 'SIGKILL');
    const [, command = ''] = await cluster.child.waitForOutput(
      /^the coordinator \(pid \d+\) ended by SIGKILL .* with: npx odradek (.*)$/m,
      { stream: 'stderr' },
    );
    const produced = await cluster.run(['produce', 'before'], { input: 'meanwhile\n' });
    expect(produced, produced.stderr).to.include({ code: 0 });

    const again = new Child(process.execPath, [odradekBin, ...command.split(' ')]);
    await again.waitForOutput(/^ready$/m);
    const created = await waitFor(
      async () => {
        const result = await cluster.run(['topic', 'create', 'after']);
        return result.code === 0 || result.stderr.includes('exists already') ? result : undefined;
      },
      { what: 'a topic created after the coordinator came back', timeoutMs: 60_000 },
    );
    expect(created.code).to.be.oneOf([0, 1]);
    const read = await cluster.run(['consume', 'before', '--from-beginning', '--exit']);
    expect(read).to.include({ code: 0, stdout: 'meanwhile\n' });
    cluster.child.signal('SIGTERM');
    expect(await cluster.child.exited).to.include({ code: 0 });
    expect(await again.stop()).to.include({ code: 0 });
    await cluster.stop();
  });

  it('still ends, and cleanly, while the coordinator is gone', async () => {
    const cluster = await StartedCluster.start({ args: ['--broker-count', '1'] });
    process.kill(cluster.started.coordinator.pid ?? 0, 'SIGKILL');
    await cluster.child.waitForOutput(/^the coordinator .* ended by SIGKILL/m, {
      stream: 'stderr',
    });
    const pids = cluster.started.brokers.map(({ pid }) => pid);
    cluster.child.signal('SIGTERM');
    expect(await cluster.child.exited).to.include({ code: 0 });
    await noneLeft(pids);
    const marker = join(cluster.started.dir, 'broker-1/data/.kafka_cleanshutdown');
    expect(existsSync(marker)).to.equal(true);
    await cluster.stop();
  });
});
