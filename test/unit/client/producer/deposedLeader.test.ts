import { expect } from 'chai';
import { FakeCluster, hostOf } from '../fakeCluster.ts';

describe('A producer of which the leader was deposed and does not know it', () => {
  it('looks for the new leader when its request was not completed in time', async () => {
    const cluster = await FakeCluster.start({ brokers: 2 });
    cluster.createTopic('orders');
    const producer = cluster.client().producer();
    const result = await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'a' });
      cluster.moveLeader('orders', 0, 2);
      // The old leader, cut off from everybody else, never tells that it leads no more.
      cluster.intercept = ({ broker, api }) =>
        broker === 1 && api === 'Produce'
          ? { kind: 'error', error: 'REQUEST_TIMED_OUT' }
          : undefined;
      return producer.send({ topic: 'orders', value: 'b' });
    });
    expect(result.offset).to.equal(1);
    const last = cluster.requests.filter(({ api }) => api === 'Produce').at(-1);
    expect(last?.broker).to.equal(2);
  });

  it('asks another broker, though it knows the old leader alone', async () => {
    const cluster = await FakeCluster.start({ brokers: 2 });
    cluster.createTopic('orders');
    const client = cluster.client({ brokers: [`${hostOf(1)}:9192`] });
    const producer = client.producer();
    const result = await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'a' });
      cluster.isolate(1);
      cluster.moveLeader('orders', 0, 2);
      cluster.intercept = ({ broker, api }) =>
        broker === 1 && api === 'Produce'
          ? { kind: 'error', error: 'REQUEST_TIMED_OUT' }
          : undefined;
      return producer.send({ topic: 'orders', value: 'b' });
    }, 10_000);
    expect(result.offset).to.equal(1);
  });
});

describe('A producer of which the leader is dead', () => {
  it('hears of the next one within the pause of the metadata, however long that took', async () => {
    const cluster = await FakeCluster.start({ brokers: 2 });
    cluster.createTopic('orders');
    const producer = cluster.client().producer();
    const waitedMs = await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'a' });
      cluster.stopBroker(1);
      const sent = producer.send({ topic: 'orders', value: 'b' });
      // The session of the dead broker lives on for a while; its address refuses all the time.
      await cluster.sleep(7_300);
      cluster.moveLeader('orders', 0, 2);
      const movedMs = cluster.simulation.nowMs;
      await sent;
      return cluster.simulation.nowMs - movedMs;
    });
    expect(waitedMs).to.be.below(150);
  });
});
