import { expect } from 'chai';
import type { Consumer } from '../../../../client/index.ts';
import { RecordBatchBuilder } from '../../../../protocol/index.ts';
import { FakeCluster } from '../fakeCluster.ts';

function write(cluster: FakeCluster, value: string): void {
  const builder = new RecordBatchBuilder();
  builder.append(null, value, [], 0);
  cluster.append('orders', 0, builder.build());
}

async function started() {
  const cluster = await FakeCluster.start({ brokers: 2 });
  cluster.createTopic('orders');
  cluster.nearerReplica = 2;
  return cluster;
}

async function take(consumer: Consumer, count: number): Promise<string[]> {
  const values: string[] = [];
  for await (const record of consumer) {
    values.push(record.text()!);
    if (values.length === count) break;
  }
  return values;
}

const fetches = ({ requests }: FakeCluster) =>
  requests
    .filter(({ api }) => api === 'Fetch')
    .map(({ broker, body }) => ({ broker, rack: (body as { rack: string | null }).rack }));

describe('A consumer with a rack', () => {
  it('reads from the replica that the leader names, and stays there', async () => {
    const cluster = await started();
    for (const value of ['a', 'b']) write(cluster, value);
    const consumer = cluster.client().consumer({ topic: 'orders', from: 'beginning', rack: 'r2' });
    const values = await cluster.run(async () => {
      const first = await take(consumer, 2);
      write(cluster, 'c');
      return [...first, ...(await take(consumer, 1))];
    });
    expect(values).to.deep.equal(['a', 'b', 'c']);
    expect(fetches(cluster)[0]).to.deep.equal({ broker: 1, rack: 'r2' });
    expect(
      new Set(
        fetches(cluster)
          .slice(1)
          .map(({ broker }) => broker),
      ),
    ).to.deep.equal(new Set([2]));
  });

  it('reads from the leader without a rack', async () => {
    const cluster = await started();
    write(cluster, 'a');
    const consumer = cluster.client().consumer({ topic: 'orders', from: 'beginning' });
    expect(await cluster.run(() => take(consumer, 1))).to.deep.equal(['a']);
    expect(fetches(cluster).every(({ broker, rack }) => broker === 1 && rack === null)).to.equal(
      true,
    );
  });

  for (const error of ['OFFSET_OUT_OF_RANGE', 'NOT_LEADER_OR_FOLLOWER'] as const) {
    it(`comes back to the leader, at the same offset, after ${error} of the replica`, async () => {
      const cluster = await started();
      for (const value of ['a', 'b']) write(cluster, value);
      cluster.intercept = ({ api, broker }) =>
        api === 'Fetch' && broker === 2 ? { kind: 'error', error } : undefined;
      const options = { topic: 'orders', from: 'beginning', rack: 'r2' } as const;
      const values = await cluster.run(() => take(cluster.client().consumer(options), 2));
      expect(values).to.deep.equal(['a', 'b']);
      const seen = fetches(cluster);
      expect(seen.slice(0, 3).map(({ broker }) => broker)).to.deep.equal([1, 2, 1]);
      expect(seen[2]?.rack).to.equal(null);
    });
  }

  it('comes back to the leader when the replica is away', async () => {
    const cluster = await started();
    write(cluster, 'a');
    const consumer = cluster.client().consumer({ topic: 'orders', from: 'beginning', rack: 'r2' });
    const values = await cluster.run(async () => {
      const first = await take(consumer, 1);
      cluster.stopBroker(2);
      write(cluster, 'b');
      return [...first, ...(await take(consumer, 1))];
    });
    expect(values).to.deep.equal(['a', 'b']);
  });

  it('asks the leader again after metadataAgeMsMax', async () => {
    const cluster = await started();
    write(cluster, 'a');
    const client = cluster.client({ metadataAgeMsMax: 5_000 });
    const consumer = client.consumer({ topic: 'orders', from: 'beginning', rack: 'r2' });
    await cluster.run(async () => {
      const reading = take(consumer, 2);
      await cluster.sleep(6_000);
      cluster.nearerReplica = undefined;
      await cluster.sleep(6_000);
      write(cluster, 'b');
      return reading;
    });
    expect(fetches(cluster).at(-1)?.broker).to.equal(1);
  });

  it('refuses a rack that is no name', async () => {
    const cluster = await started();
    const wrong = () => cluster.client().consumer({ topic: 'orders', rack: '' });
    expect(wrong).to.throw(TypeError, /rack must be/);
  });
});
