/** Disks that run full, for real: what was acknowledged is there when there is room again. */

import { expect } from 'chai';
import { BrokerProcess, TestCluster } from '../harness/cluster.ts';
import { startEmbedded } from '../harness/embedded.ts';
import { SmallDisk } from '../harness/smallDisk.ts';
import { abandonClients, TestClient } from '../harness/zookeeperClient.ts';
import { Odradek } from '../../client/index.ts';
import { Ledger } from './acknowledged.ts';

const MIB = 1024 * 1024;

describe('a full disk', function suite() {
  this.timeout(120_000);
  let disk: SmallDisk;

  afterEach(async () => {
    abandonClients();
    await disk?.unmount();
  });

  it('under a broker refuses records as long as it is full, and nothing acknowledged is missing', async () => {
    disk = await SmallDisk.mount(30 * MIB);
    const cluster = await TestCluster.start({ brokerCount: 0 });
    const broker = new BrokerProcess({
      id: 1,
      coordinatorAddress: cluster.coordinator.address,
      directory: cluster.directoryFor('broker-1'),
      properties: { 'log.dirs': `${disk.directory}/data` },
      disk,
    });
    try {
      await broker.start();
      const client = new Odradek({ brokers: [broker.native] });
      await client.admin().createTopic({ topic: 'events', partitions: 2 });
      const ledger = new Ledger(client, 'events');
      ledger.start();
      await ledger.progress(100);
      // The rest of the room is taken by somebody else, as on a machine with other tenants.
      disk.resize(64 * 1024);
      const impatient = client.producer({ deliveryTimeoutMs: 3_000, requestTimeoutMs: 1_000 });
      const value = Buffer.alloc(100_000);
      const refused = await refusal(impatient.send({ topic: 'events', partition: 0, value }));
      expect(refused.cause).to.include({ code: 'KAFKA_STORAGE_ERROR', retriable: true });
      expect(broker.log).to.match(/The disk is full/);
      expect(broker.log).to.include(`${disk.directory}/data`);
      expect(broker.child.exit).to.equal(undefined);
      disk.resize(60 * MIB);
      await ledger.progress(100);
      await ledger.stop();
      expect([...ledger.failures]).to.deep.equal([]);
      await ledger.expectNothingLost();
      await broker.kill9();
      await broker.start();
      await ledger.expectNothingLost();
      await client.close();
    } finally {
      await broker.kill9().catch(() => undefined);
      await cluster.stop();
    }
  });

  it('under the embedded coordinator ends it, and no answered write is missing', async () => {
    disk = await SmallDisk.mount(2 * MIB);
    const directory = `${disk.directory}/coordinator`;
    const server = await startEmbedded({ directory, disk, snapshotBytes: 256 * 1024 });
    try {
      const client = await TestClient.connect(server.address);
      const answered: string[] = [];
      const data = Buffer.alloc(20_000, 'x');
      await client.create('/full');
      let full = false;
      while (!full) {
        const path = `/full/n${answered.length}`;
        await client.create(path, data).then(
          () => answered.push(path),
          () => {
            full = true;
          },
        );
      }
      expect(answered.length).to.be.greaterThan(10);
      expect(await server.exitCode()).to.equal(1);
      expect(server.log).to.include(directory);
      expect(server.log).to.match(/ENOSPC/);
      client.vanish();
      disk.resize(20 * MIB);
      await server.restart();
      const again = await TestClient.connect(server.address);
      const { children } = await again.getChildren('/full');
      expect(children).to.include.members(answered.map((path) => path.slice('/full/'.length)));
      expect(children.length - answered.length).to.be.within(0, 1);
      for (const path of answered) {
        expect((await again.getData(path)).data.equals(data)).to.equal(true);
      }
      await again.close();
    } finally {
      await server.stop();
    }
  });
});

async function refusal(call: Promise<unknown>): Promise<Error> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  if (outcome === undefined) throw new Error('The record was accepted');
  return outcome;
}
