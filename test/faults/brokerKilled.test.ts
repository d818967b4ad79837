/** Brokers that are killed, stopped and restarted while records are produced. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { TestCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/waitFor.ts';
import { abandonClients, TestClient } from '../harness/zookeeperClient.ts';
import { Ledger } from './acknowledged.ts';

/** Bytes of all segments of a partition, in the order of their offsets. */
function logBytes(dataDirectory: string, partition: string): Buffer {
  const directory = join(dataDirectory, partition);
  const names = readdirSync(directory).filter((name) => name.endsWith('.log'));
  return Buffer.concat(names.sort().map((name) => readFileSync(join(directory, name))));
}

for (const coordinator of ['embedded', 'zookeeper'] as const) {
  describe(`a broker that is killed (coordinator: ${coordinator})`, function suite() {
    this.timeout(120_000);
    let cluster: TestCluster;

    beforeEach(async () => {
      cluster = await TestCluster.start({ coordinator });
    });
    afterEach(async () => {
      await cluster?.stop();
    });

    it('has every acknowledged record after each of three kills, byte for byte', async () => {
      const client = cluster.client();
      await client.admin().createTopic({ topic: 'events', partitions: 3 });
      const ledger = new Ledger(client, 'events');
      ledger.start();
      for (let round = 0; round < 3; round += 1) {
        await ledger.progress(300);
        await cluster.broker.kill9();
        expect(existsSync(join(cluster.broker.dataDirectory, '.kafka_cleanshutdown'))).to.equal(
          false,
        );
        const before = [0, 1, 2].map((p) => logBytes(cluster.broker.dataDirectory, `events-${p}`));
        await cluster.broker.start();
        await ledger.progress(100);
        // Recovery may cut off a torn tail; whole batches stay as they were written.
        for (const [partition, old] of before.entries()) {
          const now = logBytes(cluster.broker.dataDirectory, `events-${partition}`);
          const end = wholeBatchesEnd(old);
          expect(now.subarray(0, end).equals(old.subarray(0, end))).to.equal(true);
        }
      }
      await ledger.stop();
      expect([...ledger.failures]).to.deep.equal([]);
      const findings = await ledger.expectNothingLost();
      expect(findings.acknowledged).to.be.at.least(1200);
    });

    it('is taken over by nobody, and serves the same records when it returns', async () => {
      const client = cluster.client();
      await client.admin().createTopic({ topic: 'events', partitions: 1 });
      const ledger = new Ledger(client, 'events');
      ledger.start();
      await ledger.progress(200);
      await ledger.stop();
      const before = await ledger.check();
      await cluster.broker.kill9();
      await cluster.broker.start();
      expect(await ledger.check()).to.deep.equal(before);
      const { partitions } = await client.admin().describeTopic('events');
      expect(partitions[0]).to.include({ leader: 1, highWatermark: before.read });
    });
  });
}

describe('a broker that is killed and comes back at once', function suite() {
  this.timeout(120_000);
  let cluster: TestCluster;

  before(async () => {
    // Sessions of a minute: longer than anything here waits.
    const properties = { 'zookeeper.session.timeout.ms': '60000' };
    cluster = await TestCluster.start({ brokerCount: 2, tickMs: 3_000, properties });
  });
  after(async () => {
    await cluster?.stop();
  });

  it('takes its own registration over, long before the old session expires', async () => {
    const second = cluster.brokers[1]!;
    await second.kill9();
    await second.start({ timeoutMs: 30_000 });
    expect(second.log).to.include('Removing the registration of a dead predecessor');
  });
});

/** Position after the last batch that is there as a whole, by the length in its header. */
function wholeBatchesEnd(log: Buffer): number {
  let end = 0;
  while (end + 12 <= log.length) {
    const next = end + 12 + log.readInt32BE(end + 8);
    if (next > log.length) break;
    end = next;
  }
  return end;
}

describe('a broker that stands still', function suite() {
  this.timeout(120_000);
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(async () => {
    abandonClients();
    await cluster?.stop();
  });

  it('joins anew after a pause longer than its session, and has lost nothing', async () => {
    const client = cluster.client();
    await client.admin().createTopic({ topic: 'events', partitions: 2 });
    const ledger = new Ledger(client, 'events');
    ledger.start();
    await ledger.progress(200);
    const observer = await TestClient.connect(cluster.coordinator.address);
    const registered = await observer.exists('/brokers/ids/1');
    cluster.broker.pause();
    await waitFor(async () => (await observer.exists('/brokers/ids/1')) === undefined, {
      what: 'the registration is gone',
    });
    cluster.broker.resume();
    const again = await waitFor(() => observer.exists('/brokers/ids/1'), {
      what: 'the broker registers anew',
    });
    expect(again.czxid).to.be.greaterThan(registered?.czxid ?? Infinity);
    await observer.close();
    await ledger.progress(500);
    await ledger.stop();
    expect(cluster.broker.child.exit).to.equal(undefined);
    await ledger.expectNothingLost();
  });

  it('leaves a clean-shutdown marker and every record when it is told to stop', async () => {
    const client = cluster.client();
    await client.admin().createTopic({ topic: 'events', partitions: 2 });
    const ledger = new Ledger(client, 'events');
    ledger.start();
    await ledger.progress(300);
    const exit = await cluster.broker.stop();
    expect(exit.code).to.equal(0);
    expect(existsSync(join(cluster.broker.dataDirectory, '.kafka_cleanshutdown'))).to.equal(true);
    await cluster.broker.start();
    await ledger.progress(100);
    await ledger.stop();
    expect([...ledger.failures]).to.deep.equal([]);
    await ledger.expectNothingLost();
  });
});
