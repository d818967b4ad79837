import { expect } from 'chai';
import { RecordBatchBuilder } from '../../../../protocol/index.ts';
import { FakeCluster, hostOf } from '../fakeCluster.ts';

function write(cluster: FakeCluster, value: string): void {
  const builder = new RecordBatchBuilder();
  builder.append(null, value, [], 0);
  cluster.append('orders', 0, builder.build());
}

describe('A consumer of which the leader answers, and has nothing', () => {
  it('asks another broker who leads, and reads on at the new leader', async () => {
    const cluster = await FakeCluster.start({ brokers: 2 });
    cluster.createTopic('orders');
    write(cluster, 'a');
    const client = cluster.client({ brokers: [`${hostOf(1)}:9192`] });
    const values: string[] = [];
    await cluster.run(async () => {
      for await (const record of client.consumer({ topic: 'orders', from: 'beginning' })) {
        values.push(record.text()!);
        if (values.length === 2) return;
        // Deposed and cut off: it goes on as the leader that it was.
        cluster.isolate(1);
        cluster.moveLeader('orders', 0, 2);
        write(cluster, 'b');
      }
    }, 10_000);
    expect(values).to.deep.equal(['a', 'b']);
    expect(cluster.requests.at(-1)).to.include({ api: 'Fetch', broker: 2 });
  });

  it('asks ever more rarely while nothing comes, and soon again once something came', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    write(cluster, 'a');
    const consumer = cluster.client().consumer({ topic: 'orders', from: 'beginning' });
    const asked = () => cluster.countOf('Metadata');
    const counts = await cluster.run(async () => {
      const records = consumer[Symbol.asyncIterator]();
      await records.next();
      const next = records.next();
      const before = asked();
      await cluster.sleep(4_000);
      const early = asked() - before;
      await cluster.sleep(596_000);
      const inTenMinutes = asked() - before;
      write(cluster, 'b');
      await next;
      void records.next().catch(() => undefined);
      const later = asked();
      await cluster.sleep(4_000);
      return { early, inTenMinutes, again: asked() - later };
    }, 700_000);
    // Two more by age.
    expect(counts.inTenMinutes).to.be.within(10, 18);
    expect(counts).to.include({ early: 1, again: 1 });
  });
});
