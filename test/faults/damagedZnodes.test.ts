/** Znodes that hold garbage: named in the error, and no reason to lose or to restart anything. */

import { expect } from 'chai';
import { TestCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/waitFor.ts';
import { abandonClients, TestClient } from '../harness/zookeeperClient.ts';

/** What people, old tools and half writes leave behind. */
const GARBAGE: readonly Buffer[] = [
  Buffer.from('garbage'),
  Buffer.from(''),
  Buffer.from('{"version":'),
  Buffer.from('[]'),
  Buffer.from('{"version":"three"}'),
  Buffer.from([0xff, 0xfe, 0x00, 0x01]),
];

describe('a znode with garbage', function suite() {
  this.timeout(120_000);
  let cluster: TestCluster;
  let zookeeper: TestClient;

  beforeEach(async () => {
    cluster = await TestCluster.start();
    zookeeper = await TestClient.connect(cluster.coordinator.address);
    const client = cluster.client();
    await client.admin().createTopic({ topic: 'good', partitions: 1 });
    await client.admin().createTopic({ topic: 'victim', partitions: 1 });
    await client.producer().send({ topic: 'victim', value: 'kept' });
  });
  afterEach(async () => {
    abandonClients();
    await cluster?.stop();
  });

  /** Puts garbage in place of the data. @returns what puts the data back. */
  async function damage(path: string, garbage: Buffer): Promise<() => Promise<void>> {
    const { data } = await zookeeper.getData(path);
    await zookeeper.setData(path, garbage);
    return async () => {
      await zookeeper.setData(path, data);
    };
  }

  /** The good topic serves, and the broker is still the process that was started. */
  async function expectGoodServes(): Promise<void> {
    const client = cluster.client();
    const { offset } = await client.producer().send({ topic: 'good', value: 'x' });
    expect(offset).to.be.at.least(0);
    expect(cluster.broker.child.exit).to.equal(undefined);
  }

  async function expectVictimIsBack(): Promise<void> {
    await cluster.broker.stop();
    await cluster.broker.start();
    const values = [];
    const consumer = cluster.client().consumer({
      topic: 'victim',
      from: 'beginning',
      stopAtEnd: true,
    });
    for await (const record of consumer) values.push(record.text());
    expect(values).to.deep.equal(['kept']);
  }

  for (const path of [
    '/brokers/topics/victim',
    '/brokers/topics/victim/partitions/0/state',
    '/config/topics/victim',
  ]) {
    it(`at ${path} puts one topic out of use until it is repaired`, async () => {
      for (const garbage of GARBAGE) {
        const repair = await damage(path, garbage);
        await cluster.broker.stop();
        await cluster.broker.start();
        const named = await waitFor(
          () => new RegExp(`error .*${path}.*cannot be understood`).exec(cluster.broker.log),
          { what: `the log names ${path} with ${JSON.stringify(garbage.toString('latin1'))}` },
        ).catch((error: unknown) => {
          throw new Error(`${String(error)}\n${cluster.broker.log}`);
        });
        expect(named).not.to.equal(null);
        await expectGoodServes();
        await repair();
      }
      await expectVictimIsBack();
    });
  }

  it('at /brokers/topics/NAME that nobody created is passed over', async () => {
    await zookeeper.create('/brokers/topics/strange', 'garbage');
    await cluster.broker.stop();
    await cluster.broker.start();
    await waitFor(() => cluster.broker.log.includes('/brokers/topics/strange'), {
      what: 'the log names the znode',
    });
    await expectGoodServes();
    const topics = await cluster.client().admin().listTopics();
    expect(topics.map(({ topic }) => topic)).to.deep.equal(['good', 'victim']);
  });

  it('at /brokers/ids/N does not disturb a running broker, and stops one that starts', async () => {
    await zookeeper.create('/brokers/ids/99', 'garbage');
    await waitFor(() => cluster.broker.log.includes('/brokers/ids/99'), {
      what: 'the log names the znode',
    });
    await expectGoodServes();
    await cluster.broker.stop();
    const { exit, stderr } = await cluster.broker.startInVain();
    expect(exit.code).to.equal(1);
    expect(stderr).to.include('/brokers/ids/99');
    await zookeeper.remove('/brokers/ids/99');
    await expectVictimIsBack();
  });

  it('at /cluster/id stops a broker at start, which names it', async () => {
    for (const garbage of GARBAGE) {
      const repair = await damage('/cluster/id', garbage);
      await cluster.broker.stop();
      const { exit, stderr } = await cluster.broker.startInVain();
      expect(exit.code, garbage.toString('latin1')).to.equal(1);
      expect(stderr).to.match(/ZNODE_DAMAGED.*\/cluster\/id/);
      await repair();
    }
    await expectVictimIsBack();
  });

  it('at /controller_epoch leaves the cluster without a controller until it is repaired', async () => {
    const repair = await damage('/controller_epoch', Buffer.from('garbage'));
    await cluster.broker.stop();
    const child = cluster.broker.launch();
    await waitFor(() => cluster.broker.log.includes('/controller_epoch'), {
      what: 'the log names the znode',
    });
    await repair();
    await child.waitForOutput(/"ready":true/);
    await expectGoodServes();
    const warnings = cluster.broker.log.split('/controller_epoch').length - 1;
    expect(warnings, 'attempts before the repair').to.be.lessThan(30);
  });

  it('at /controller stops a broker at start, which names it, as long as it stands', async () => {
    await cluster.broker.stop();
    await zookeeper.create('/controller', 'garbage', 'ephemeral');
    const { exit, stderr } = await cluster.broker.startInVain();
    expect(exit.code).to.equal(1);
    expect(stderr).to.match(/ZNODE_DAMAGED.*\/controller/);
    await zookeeper.remove('/controller');
    await expectVictimIsBack();
  });
});
