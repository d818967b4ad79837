/** Brokers that must not start: somebody else's id, directory or lock. */

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { BrokerProcess, TestCluster } from '../harness/cluster.ts';
import { startEmbedded } from '../harness/embedded.ts';

describe('a broker that must not start', function suite() {
  this.timeout(120_000);
  let cluster: TestCluster;
  const others: BrokerProcess[] = [];

  beforeEach(async () => {
    cluster = await TestCluster.start();
    const client = cluster.client();
    await client.admin().createTopic({ topic: 'events', partitions: 1 });
    await client.producer().send({ topic: 'events', value: 'kept' });
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.kill9().catch(() => undefined);
    await cluster?.stop();
  });

  function broker(id: number, name: string, properties: Record<string, string> = {}) {
    const other = new BrokerProcess({
      id,
      coordinatorAddress: cluster.coordinator.address,
      directory: cluster.directoryFor(name),
      properties,
    });
    others.push(other);
    return other;
  }

  /** The first broker has noticed nothing. */
  async function expectFirstServes(): Promise<void> {
    expect(cluster.broker.child.exit).to.equal(undefined);
    const { offset } = await cluster.client().producer().send({ topic: 'events', value: 'x' });
    expect(offset).to.be.at.least(1);
  }

  it('with the id of one that runs: it says so, and the other serves on', async () => {
    const { exit, stderr } = await broker(1, 'twin').startInVain();
    expect(exit.code).to.equal(1);
    expect(stderr).to.match(/BROKER_ID_IN_USE.*\/brokers\/ids\/1/);
    await expectFirstServes();
  });

  it('on the directory of a broker that runs: it names the directory and the process', async () => {
    const { dataDirectory } = cluster.broker;
    const { exit, stderr } = await broker(1, 'thief', { 'log.dirs': dataDirectory }).startInVain();
    expect(exit.code).to.equal(1);
    expect(stderr).to.include('LOG_DIR_LOCKED');
    expect(stderr).to.include(dataDirectory);
    expect(stderr).to.include(String(cluster.broker.child.pid));
    await expectFirstServes();
  });

  it('on the directory of another broker: it names both ids and changes nothing', async () => {
    const { dataDirectory } = cluster.broker;
    await cluster.broker.stop();
    const before = readFileSync(join(dataDirectory, 'meta.properties'), 'utf8');
    const { exit, stderr } = await broker(7, 'other', { 'log.dirs': dataDirectory }).startInVain();
    expect(exit.code).to.equal(1);
    expect(stderr).to.include(dataDirectory);
    expect(stderr).to.match(/broker\.id.*1|1.*broker\.id/);
    expect(stderr).to.include('7');
    expect(readFileSync(join(dataDirectory, 'meta.properties'), 'utf8')).to.equal(before);
    await cluster.broker.start();
    await expectFirstServes();
  });

  it('on the directory of another cluster: it names both clusters and keeps the data', async () => {
    const { dataDirectory, clusterId } = cluster.broker;
    await cluster.broker.stop();
    const elsewhere = await startEmbedded();
    try {
      const native = new BrokerProcess({
        id: 2,
        coordinatorAddress: elsewhere.address,
        directory: cluster.directoryFor('elsewhere'),
      });
      others.push(native);
      await native.start();
      const stray = new BrokerProcess({
        id: 1,
        coordinatorAddress: elsewhere.address,
        directory: cluster.directoryFor('stray'),
        properties: { 'log.dirs': dataDirectory },
      });
      others.push(stray);
      const { exit, stderr } = await stray.startInVain();
      expect(exit.code).to.equal(1);
      expect(stderr).to.include(clusterId);
      expect(stderr).to.include(native.clusterId);
      expect(stderr).to.include(dataDirectory);
    } finally {
      await elsewhere.stop();
    }
    await cluster.broker.start();
    await expectFirstServes();
  });

  it('whose partitions stand in two of its directories: it names them', async () => {
    const { dataDirectory } = cluster.broker;
    await cluster.broker.stop();
    const second = cluster.directoryFor('second');
    mkdirSync(second);
    cpSync(join(dataDirectory, 'events-0'), join(second, 'events-0'), { recursive: true });
    cpSync(join(dataDirectory, 'meta.properties'), join(second, 'meta.properties'));
    const twice = broker(1, 'twice', { 'log.dirs': `${dataDirectory},${second}` });
    const { exit, stderr } = await twice.startInVain();
    expect(exit.code).to.equal(1);
    expect(stderr).to.include('events-0');
    expect(existsSync(join(dataDirectory, 'events-0'))).to.equal(true);
    expect(existsSync(join(second, 'events-0'))).to.equal(true);
  });

  it('on a directory whose lock was left by kill -9: it starts all the same', async () => {
    const { dataDirectory } = cluster.broker;
    await cluster.broker.kill9();
    const locks = () => readdirSync(dataDirectory).filter((name) => name.startsWith('.lock'));
    expect(locks()).not.to.deep.equal([]);
    await cluster.broker.start();
    await expectFirstServes();
  });

  it('on a directory whose lock names a pid that another program has now: it starts', async () => {
    const { dataDirectory } = cluster.broker;
    await cluster.broker.kill9();
    const [own] = readdirSync(dataDirectory).filter((name) => name.startsWith('.lock.odradek-'));
    const [, boot] = /-\d+-\d+-(.*)$/.exec(own!)!;
    writeFileSync(join(dataDirectory, `.lock.odradek-${process.pid}-1-${boot}`), '');
    await cluster.broker.start();
    await expectFirstServes();
  });

  it('with a damaged meta.properties: it names the file', async () => {
    const { dataDirectory } = cluster.broker;
    await cluster.broker.stop();
    const file = join(dataDirectory, 'meta.properties');
    const before = readFileSync(file);
    writeFileSync(file, 'broker.id=garbage\n');
    const { exit, stderr } = await cluster.broker.startInVain();
    expect(exit.code).to.equal(1);
    expect(stderr).to.include(file);
    writeFileSync(file, before);
    await cluster.broker.start();
    await expectFirstServes();
  });
});
