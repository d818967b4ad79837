/** Partitions that move, leaders that go home and brokers that stop in order, under load. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { TestCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/waitFor.ts';
import { Ledger } from './acknowledged.ts';

describe('A cluster that changes while records are produced', function suite() {
  this.timeout(120_000);
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await TestCluster.start({
      brokerCount: 4,
      properties: { 'auto.leader.rebalance.enable': 'false' },
    });
  });
  afterEach(async () => {
    await cluster?.stop();
  });

  it('moves a partition, stops and starts a broker, and loses nothing', async () => {
    const client = cluster.client();
    const admin = client.admin();
    await admin.createTopic({
      topic: 'events',
      assignments: [
        [1, 2],
        [2, 3],
      ],
    });
    const ledger = new Ledger(client, 'events');
    ledger.start();
    await ledger.progress(200);

    const moves = [{ topic: 'events', partition: 0, replicas: [3, 4] }];
    const begun = await admin.alterReassignments(moves);
    expect(begun[0]?.error).to.equal(undefined);
    await waitFor(async () => (await admin.listReassignments()).length === 0, {
      what: 'the partition has moved',
      timeoutMs: 30_000,
    });
    // The controller knows it first, the broker that is asked here a moment later.
    const moved = await waitFor(
      async () => {
        const [partition] = (await admin.describeTopic('events')).partitions;
        return partition?.replicas.length === 2 ? partition : undefined;
      },
      { what: 'everybody knows it' },
    );
    expect(moved).to.deep.include({ leader: 3, replicas: [3, 4] });
    expect(moved.isr).to.have.members([3, 4]);
    for (const broker of cluster.brokers.slice(0, 2)) {
      const files = join(broker.dataDirectory, 'events-0');
      await waitFor(() => !existsSync(files), { what: `the files on ${broker.id} are gone` });
    }
    await ledger.progress(200);

    const stopped = cluster.brokers[2];
    await stopped?.stop();
    await waitFor(
      async () => {
        const { partitions } = await admin.describeTopic('events');
        return partitions.map(({ leader }) => leader).join() === '4,2';
      },
      { what: 'the other replica leads' },
    );
    await ledger.progress(200);
    await stopped?.start();
    await waitFor(
      async () => (await admin.describeTopic('events')).partitions[0]?.isr.length === 2,
      { what: 'it is in sync again', timeoutMs: 30_000 },
    );
    const elected = await admin.electLeaders({ election: 'preferred' });
    expect(elected.filter(({ error }) => error !== undefined)).to.deep.equal([]);
    await waitFor(async () => (await admin.describeTopic('events')).partitions[0]?.leader === 3, {
      what: 'the preferred leader leads',
    });
    await ledger.progress(200);

    await ledger.stop();
    expect([...ledger.failures]).to.deep.equal([]);
    await ledger.expectNothingLost();
  });
});
