import { expect } from 'chai';
import type { ClientError } from '../../../../client/index.ts';
import { errorOf } from '../errorOf.ts';
import { FakeCluster, hostOf } from '../fakeCluster.ts';

const metadataRequests = (cluster: FakeCluster) =>
  cluster.requests
    .filter(({ api }) => api === 'Metadata')
    .map(({ body }) => (body as { topics: readonly string[] | null }).topics);

describe('The cluster behind a client', () => {
  it('asks only about topics in use', async () => {
    const cluster = await FakeCluster.start();
    for (const name of ['orders', 'other', 'third']) cluster.createTopic(name);
    const producer = cluster.client().producer();
    await cluster.run(() => producer.send({ topic: 'orders', value: 'v' }));
    expect(metadataRequests(cluster)).to.deep.equal([['orders']]);
  });

  it('asks again when what it knows has become old', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const client = cluster.client({ metadataAgeMsMax: 10_000 });
    await cluster.run(async () => {
      await client.producer().send({ topic: 'orders', value: 'v' });
      await cluster.sleep(35_000);
    });
    expect(metadataRequests(cluster)).to.have.length(4);
  });

  it('asks once, however many partitions lose their leader at the same time', async () => {
    const cluster = await FakeCluster.start({ brokers: 2 });
    cluster.createTopic('orders', 50);
    const producer = cluster.client().producer();
    await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'v' });
      const before = cluster.countOf('Metadata');
      for (let partition = 0; partition < 50; partition++) {
        cluster.moveLeader(
          'orders',
          partition,
          (cluster.partition('orders', partition).leader % 2) + 1,
        );
      }
      for (let i = 0; i < 50; i++)
        void producer.send({ topic: 'orders', partition: i, value: 'v' });
      await producer.flush();
      expect(cluster.countOf('Metadata') - before).to.be.within(1, 3);
    });
  });

  it('asks often while a leader is missing, and rarely when that goes on', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer();
    await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'v' });
      cluster.moveLeader('orders', 0, -1);
      const waiting = producer.send({ topic: 'orders', value: 'w' });
      const counts: number[] = [];
      for (const seconds of [10, 30, 10]) {
        const before = cluster.countOf('Metadata');
        await cluster.sleep(seconds * 1_000);
        counts.push((cluster.countOf('Metadata') - before) / seconds);
      }
      expect(counts[0]).to.be.within(8, 14);
      expect(counts[2]).to.be.at.most(2);
      cluster.moveLeader('orders', 0, 1);
      await waiting;
    });
  });

  it('has one connection to a broker, whatever runs over it', async () => {
    const cluster = await FakeCluster.start({ brokers: 2 });
    cluster.createTopic('orders', 4);
    const client = cluster.client();
    await cluster.run(async () => {
      const reading = client.consumer({ topic: 'orders', from: 'beginning' }).batches().next();
      const [one, other] = [client.producer(), client.producer()];
      for (let i = 0; i < 8; i++) {
        await one.send({ topic: 'orders', partition: i % 4, value: 'v' });
        await other.send({ topic: 'orders', partition: i % 4, value: 'v' });
      }
      await reading;
    });
    // Each connection is counted at both of its ends.
    expect(cluster.simulation.network.openSocketCount).to.equal(4);
  });

  it('tries the other addresses where one is silent, without waiting for it', async () => {
    const cluster = await FakeCluster.start({ brokers: 3 });
    cluster.createTopic('orders');
    cluster.moveLeader('orders', 0, 3);
    for (const id of [1, 2]) cluster.simulation.network.cut('client', hostOf(id));
    await cluster.run(() => cluster.client().producer().send({ topic: 'orders', value: 'v' }));
    expect(cluster.simulation.nowMs).to.be.below(2_000);
  });

  it('lists every address that failed, with the reason', async () => {
    const cluster = await FakeCluster.start({ brokers: 2 });
    cluster.stopBroker(1);
    cluster.simulation.network.cut('client', hostOf(2));
    const error = await cluster.run(() =>
      errorOf<ClientError>(cluster.client().producer().send({ topic: 'orders', value: 'v' })),
    );
    expect(error.code).to.equal('NO_BROKER_AVAILABLE');
    expect(error.message).to.include('broker-1:9192 (connection refused)');
    expect(error.message).to.include('broker-2:9192 (timed out)');
    expect(cluster.simulation.nowMs).to.be.below(5_000);
  });

  it('waits a second for a broker that is just starting', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    cluster.stopBroker(1);
    const sent = cluster.client().producer().send({ topic: 'orders', value: 'v' });
    await cluster.run(() => cluster.sleep(500));
    await cluster.startBroker(1);
    expect((await cluster.run(() => sent)).offset).to.equal(0);
  });

  it('refuses options that cannot be', async () => {
    const cluster = await FakeCluster.start();
    expect(() => cluster.client({ brokers: 'a:b' })).to.throw(TypeError, '"a:b"');
    expect(() => cluster.client({ connectTimeoutMs: 0 })).to.throw(TypeError, 'connectTimeoutMs');
    expect(() => cluster.client({ backOffMs: { first: 10, max: 5 } })).to.throw(
      TypeError,
      'backOffMs.max',
    );
    expect(() => cluster.client().producer({ acks: 2 as never })).to.throw(
      TypeError,
      "acks must be one of 'all', -1, 0, 1, not 2",
    );
    expect(() => cluster.client().producer({ compression: 'br' as never })).to.throw(
      TypeError,
      'compression',
    );
    expect(() => cluster.client().producer({ valueFormat: 'xml' as never })).to.throw(
      TypeError,
      'valueFormat',
    );
    expect(() => cluster.client().producer({ partitioner: 'x' as never })).to.throw(
      TypeError,
      'partitioner',
    );
  });

  it('refuses everything after it was closed', async () => {
    const cluster = await FakeCluster.start();
    const client = cluster.client();
    await cluster.run(() => client.close());
    for (const use of [
      () => client.producer(),
      () => client.consumer({ topic: 'orders' }),
      () => client.admin(),
    ]) {
      expect(use).to.throw('the client is closed').with.property('code', 'CLIENT_CLOSED');
    }
  });
});
