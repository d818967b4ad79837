import { expect } from 'chai';
import type { ClientError, ProtocolError } from '../../../../client/index.ts';
import { errorOf } from '../errorOf.ts';
import { FakeCluster } from '../fakeCluster.ts';

describe('The admin client', () => {
  it('creates, lists and deletes topics', async () => {
    const cluster = await FakeCluster.start();
    const admin = cluster.client().admin();
    await cluster.run(async () => {
      expect(await admin.createTopic({ topic: 'orders', partitions: 6 })).to.deep.equal({
        topic: 'orders',
        topicId: 'id-of-orders',
        partitions: 6,
        replicationFactor: 1,
      });
      await admin.createTopic({ topic: 'flights' });
      const listed = await admin.listTopics();
      expect(listed.map(({ topic, partitions }) => [topic, partitions])).to.deep.equal([
        ['flights', 1],
        ['orders', 6],
      ]);
      await admin.deleteTopic('orders');
      expect([...cluster.topics.keys()]).to.deep.equal(['flights']);
    });
  });

  it("passes the broker's refusal on, with its words", async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const admin = cluster.client().admin();
    const error = await cluster.run(() =>
      errorOf<ProtocolError>(admin.createTopic({ topic: 'orders' })),
    );
    expect(error).to.include({
      code: 'TOPIC_ALREADY_EXISTS',
      message: 'topic "orders" exists already',
    });
  });

  it('tries again where the answer says that nothing was done, for a while', async () => {
    const cluster = await FakeCluster.start();
    const admin = cluster.client().admin();
    await cluster.run(async () => {
      cluster.createTopicsError = 'NOT_CONTROLLER';
      const created = admin.createTopic({ topic: 'orders' });
      await cluster.sleep(1_000);
      cluster.createTopicsError = undefined;
      expect((await created).topic).to.equal('orders');
      cluster.createTopicsError = 'COORDINATOR_UNAVAILABLE';
      const error = await errorOf<ProtocolError>(admin.createTopic({ topic: 'other' }));
      expect(error.code).to.equal('COORDINATOR_UNAVAILABLE');
    });
  });

  it('names the nearest topic when one does not exist', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const admin = cluster.client().admin();
    await cluster.run(async () => {
      for (const call of [admin.deleteTopic('order'), admin.describeTopic('order')]) {
        const error = await errorOf<ProtocolError>(call);
        expect(error.code).to.equal('UNKNOWN_TOPIC_OR_PARTITION');
        expect(error.message).to.include('did you mean "orders"?');
      }
    });
  });

  it('finds offsets of all partitions, and of one whose leader moves meanwhile', async () => {
    const cluster = await FakeCluster.start({ brokers: 2 });
    cluster.createTopic('orders', 3);
    for (const partition of [0, 1, 2])
      cluster.partition('orders', partition).endOffset = partition * 10;
    const client = cluster.client();
    await cluster.run(async () => {
      const query = { topic: 'orders', at: 'latest' } as const;
      const found = await client.admin().listOffsets(query);
      expect(found.map(({ partition, offset }) => [partition, offset])).to.deep.equal([
        [0, 0],
        [1, 10],
        [2, 20],
      ]);
      await client.consumer({ topic: 'orders' }).ready();
      cluster.moveLeader('orders', 2, 2);
      const [moved] = await client.admin().listOffsets({ ...query, partitions: [2] });
      expect(moved?.offset).to.equal(20);
      const unknown = await errorOf<ProtocolError>(
        client.admin().listOffsets({ ...query, partitions: [7] }),
      );
      expect(unknown.code).to.equal('UNKNOWN_TOPIC_OR_PARTITION');
    });
  });

  it('ends a call that takes too long, or that its caller aborts', async () => {
    const cluster = await FakeCluster.start();
    cluster.intercept = ({ api }) => (api === 'CreateTopics' ? { kind: 'ignore' } : undefined);
    const admin = cluster.client().admin();
    await cluster.run(async () => {
      const late = await errorOf<ClientError>(
        admin.createTopic({ topic: 'a' }, { timeoutMs: 2_000 }),
      );
      expect(late.code).to.be.oneOf(['TIMED_OUT', 'REQUEST_TIMED_OUT']);
      expect(late.retriable).to.equal(true);
      const abort = new AbortController();
      const aborted = errorOf<ClientError>(
        admin.createTopic({ topic: 'a' }, { signal: abort.signal }),
      );
      await cluster.sleep(100);
      abort.abort();
      expect((await aborted).code).to.equal('ABORTED');
    });
  });

  it('does not create a topic twice when the answer is lost', async () => {
    const cluster = await FakeCluster.start();
    cluster.intercept = ({ api, number }) =>
      api === 'CreateTopics' && number === 1 ? { kind: 'loseAnswer' } : undefined;
    const admin = cluster.client().admin();
    const error = await cluster.run(() =>
      errorOf<ProtocolError>(admin.createTopic({ topic: 'orders' })),
    );
    expect(error).to.include({ code: 'NETWORK_EXCEPTION', retriable: true });
    expect(error.details['sent']).to.equal(true);
    expect(cluster.countOf('CreateTopics')).to.equal(1);
  });
});
