/** The coordinator is killed, stopped and restarted under brokers that serve. */

import { expect } from 'chai';
import { TestCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/waitFor.ts';
import { abandonClients, TestClient } from '../harness/zookeeperClient.ts';
import { Ledger } from './acknowledged.ts';

for (const coordinator of ['embedded', 'zookeeper'] as const) {
  describe(`a coordinator that is killed (${coordinator})`, function suite() {
    this.timeout(120_000);
    let cluster: TestCluster;

    beforeEach(async () => {
      cluster = await TestCluster.start({ coordinator, brokerCount: 2 });
    });
    afterEach(async () => {
      abandonClients();
      await cluster?.stop();
    });

    it('does not stop producing, and everything works again when it is back', async () => {
      const client = cluster.client();
      const admin = client.admin();
      await admin.createTopic({ topic: 'events', partitions: 4 });
      const ledger = new Ledger(client, 'events');
      ledger.start();
      await ledger.progress(200);
      await cluster.coordinator.kill9();
      await ledger.progress(500);
      await cluster.coordinator.restart();
      await ledger.progress(200);
      await createWhenPossible('later');
      await client.producer().send({ topic: 'later', value: 'x' });
      await ledger.stop();
      expect([...ledger.failures]).to.deep.equal([]);
      await ledger.expectNothingLost();
      for (const broker of cluster.brokers) expect(broker.child.exit).to.equal(undefined);
      const { brokers } = await admin.describeCluster();
      expect(brokers.map(({ id }) => id).sort()).to.deep.equal([1, 2]);
    });

    it('is missed by admin operations, which say so and may be repeated', async () => {
      const client = cluster.client();
      await cluster.coordinator.kill9();
      const outcome = await client
        .admin()
        .createTopic({ topic: 'while-away', partitions: 1 }, { timeoutMs: 4_000 })
        .then(
          () => undefined,
          (error: unknown) => error as { code: string; retriable: boolean },
        );
      expect(outcome, 'no topic without a coordinator').not.to.equal(undefined);
      expect(outcome?.retriable, outcome?.code).to.equal(true);
      await cluster.coordinator.restart();
      await createWhenPossible('while-away');
      await waitFor(
        async () => (await client.admin().listTopics()).some(({ topic }) => topic === 'while-away'),
        { what: 'every broker knows the topic' },
      );
    });

    it('finds brokers that were restarted while it was away', async () => {
      const client = cluster.client();
      await client.admin().createTopic({ topic: 'events', partitions: 4 });
      const ledger = new Ledger(client, 'events');
      ledger.start();
      await ledger.progress(200);
      await cluster.coordinator.kill9();
      const second = cluster.brokers[1]!;
      await second.kill9();
      second.launch();
      await cluster.coordinator.restart();
      await second.child.waitForOutput(/"ready":true/);
      await ledger.progress(300);
      await ledger.stop();
      expect([...ledger.failures]).to.deep.equal([]);
      await ledger.expectNothingLost();
    });

    async function createWhenPossible(topic: string): Promise<void> {
      const admin = cluster.client().admin();
      await waitFor(
        async () => {
          try {
            await admin.createTopic({ topic, partitions: 1 }, { timeoutMs: 3_000 });
          } catch (error) {
            if ((error as { code: string }).code !== 'TOPIC_ALREADY_EXISTS') throw error;
          }
          return true;
        },
        { what: `topic ${topic} is created`, timeoutMs: 30_000, intervalMs: 200 },
      );
    }
  });
}

describe('a coordinator that stands still', function suite() {
  this.timeout(120_000);
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await TestCluster.start({ brokerCount: 2 });
  });
  afterEach(async () => {
    abandonClients();
    await cluster?.stop();
  });

  it('goes on with the brokers that it had, though all were silent longer than a session', async () => {
    const client = cluster.client();
    await client.admin().createTopic({ topic: 'events', partitions: 2 });
    const ledger = new Ledger(client, 'events');
    ledger.start();
    // A new producer needs an id, for which its broker may have to ask the coordinator.
    await ledger.progress(100);
    cluster.coordinator.pause();
    const untilMs = performance.now() + 4_000;
    await ledger.progress(100);
    await waitFor(() => performance.now() > untilMs, { what: 'more than a session has passed' });
    cluster.coordinator.resume();
    await ledger.progress(300);
    const observer = await TestClient.connect(cluster.coordinator.address);
    await waitFor(async () => (await observer.getChildren('/brokers/ids')).children.length === 2, {
      what: 'both brokers are registered',
    });
    await observer.close();
    await ledger.stop();
    expect([...ledger.failures]).to.deep.equal([]);
    await ledger.expectNothingLost();
    for (const broker of cluster.brokers) expect(broker.child.exit).to.equal(undefined);
  });
});
