import { expect } from 'chai';
import type { DeliveryError, DeliveryResult, ProducerOptions } from '../../../../client/index.ts';
import { type RequestOf, RecordBatchView, type produceApi } from '../../../../protocol/index.ts';
import { errorOf } from '../errorOf.ts';
import { type FakeAction, FakeCluster, type FakeRequest } from '../fakeCluster.ts';

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + index);

/** Half a batch of 1 KiB: two such records fill one. */
const half = (text: string) => text.padEnd(450, '.');
const named = (values: readonly (string | null)[]) => values.map((value) => value?.split('.')[0]);

interface Seen {
  readonly producerId: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly atMs: number;
}

function batchesOf(requests: readonly FakeRequest[]): readonly Seen[] {
  return requests
    .filter(({ api }) => api === 'Produce')
    .flatMap(({ body, atMs }) =>
      (body as RequestOf<typeof produceApi>).topics.flatMap(({ partitions }) =>
        partitions.map(({ records }) => {
          const view = new RecordBatchView().at(records as Uint8Array);
          const { producerId, producerEpoch: epoch, baseSequence: sequence } = view;
          return { producerId, epoch, sequence, atMs };
        }),
      ),
    );
}

async function started(
  intercept: (request: FakeRequest) => FakeAction | undefined = () => undefined,
  brokers = 1,
) {
  const cluster = await FakeCluster.start({ brokers });
  cluster.createTopic('orders');
  cluster.intercept = intercept;
  return cluster;
}

/** The first record alone, so that the partition knows the producer, then full batches. */
async function sendAll(
  cluster: FakeCluster,
  values: readonly string[],
  options: ProducerOptions = {},
) {
  const producer = cluster.client().producer({ batchBytes: 1024, ...options });
  return cluster.run(async () => {
    await producer.send({ topic: 'orders', value: 'first' });
    const sent = values.map((value) => producer.send({ topic: 'orders', value: half(value) }));
    return Promise.allSettled(sent);
  });
}

const produceNumber =
  (...numbers: readonly number[]) =>
  ({ api, number }: FakeRequest) =>
    api === 'Produce' && numbers.includes(number);

describe('The idempotent producer', function () {
  // Seconds of the processor in some cases, and the machine may be busy.
  this.timeout(60_000);

  it('asks for one id and counts the records of each partition from 0', async () => {
    const cluster = await started();
    cluster.createTopic('other');
    const producer = cluster.client().producer();
    await cluster.run(async () => {
      await producer.sendBatch({ topic: 'orders', records: [{ value: 'a' }, { value: 'b' }] });
      await producer.send({ topic: 'orders', value: 'c' });
      await producer.send({ topic: 'other', value: 'd' });
    });
    const numbers = batchesOf(cluster.requests).map(({ producerId, epoch, sequence }) => {
      return [producerId, epoch, sequence];
    });
    expect(numbers).to.deep.equal([
      [1000, 0, 0],
      [1000, 0, 2],
      [1000, 0, 0],
    ]);
    expect(cluster.countOf('InitProducerId')).to.equal(1);
  });

  it('writes a record once although the answer was lost, and tells its first offset', async () => {
    const isFirst = produceNumber(1);
    const cluster = await started((request) =>
      isFirst(request) ? { kind: 'loseAnswer' } : undefined,
    );
    const result = await cluster.run(() =>
      cluster.client().producer().send({ topic: 'orders', value: 'v' }),
    );
    expect(result).to.include({ retried: true, possiblyDuplicated: false, offset: 0 });
    expect(cluster.values('orders')).to.deep.equal(['v']);
  });

  it('has up to five full batches of a partition under way', async () => {
    const cluster = await started(({ api, number }) =>
      api === 'Produce' && number > 1 ? { kind: 'delay', ms: 50 } : undefined,
    );
    await sendAll(cluster, range(0, 20).map(String), { inFlightMax: 20 });
    const times = batchesOf(cluster.requests)
      .slice(1)
      .map(({ atMs }) => atMs);
    const underWay = (now: number) => times.filter((t) => t <= now && t > now - 50).length;
    const together = Math.max(...times.map(underWay));
    expect(together).to.equal(5);
    expect(named(cluster.values('orders'))).to.deep.equal(['first', ...range(0, 20).map(String)]);
  });

  it('sends the first batch of a partition alone', async () => {
    const cluster = await started(({ api }) =>
      api === 'Produce' ? { kind: 'delay', ms: 50 } : undefined,
    );
    const producer = cluster.client().producer({ batchBytes: 1024 });
    await cluster.run(() =>
      Promise.all(range(0, 8).map((i) => producer.send({ topic: 'orders', value: half(`${i}`) }))),
    );
    const times = batchesOf(cluster.requests).map(({ atMs }) => atMs);
    expect(times[1]! - times[0]!).to.be.at.least(50);
    expect(times[2]! - times[1]!).to.be.below(50);
  });

  it('does not send a sixth batch while the answer to the first is outstanding', async () => {
    const isSecond = produceNumber(2);
    // The broker remembers five batches: with a sixth behind it this one would be a stranger.
    const cluster = await started((request) =>
      isSecond(request) ? { kind: 'loseAnswer', afterMs: 500 } : undefined,
    );
    const results = await sendAll(cluster, range(0, 40).map(String), { inFlightMax: 20 });
    const offsets = results.map((result) => result.status === 'fulfilled' && result.value.offset);
    expect(offsets).to.deep.equal(range(1, 41));
    expect(named(cluster.values('orders'))).to.deep.equal(['first', ...range(0, 40).map(String)]);
  });

  it('begins again with the first batch, in order, where one of five was refused', async () => {
    const isThird = produceNumber(3);
    const cluster = await started((request) =>
      isThird(request) ? { kind: 'error', error: 'NOT_ENOUGH_REPLICAS' } : undefined,
    );
    const results = await sendAll(cluster, range(0, 10).map(String));
    expect(results.every(({ status }) => status === 'fulfilled')).to.equal(true);
    expect(named(cluster.values('orders'))).to.deep.equal(['first', ...range(0, 10).map(String)]);
    expect(batchesOf(cluster.requests).every(({ epoch }) => epoch === 0)).to.equal(true);
  });

  it('goes on under the next epoch where a batch failed for good', async () => {
    const isThird = produceNumber(3);
    const cluster = await started((request) =>
      isThird(request) ? { kind: 'error', error: 'INVALID_TIMESTAMP' } : undefined,
    );
    const results = await sendAll(cluster, range(0, 10).map(String));
    const failed = results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []));
    expect(failed).to.deep.equal([2, 3]);
    const left = range(0, 10).filter((i) => !failed.includes(i));
    expect(named(cluster.values('orders'))).to.deep.equal(['first', ...left.map(String)]);
    expect(batchesOf(cluster.requests).at(-1)).to.include({ epoch: 1, producerId: 1000 });
  });

  it('reports what may stand in the log as unknown where the leader lost the state', async () => {
    const isThird = produceNumber(3);
    const cluster = await started((request) => {
      if (!isThird(request)) return undefined;
      // The leader comes back without the last acknowledged batch, and knows one before it.
      const state = cluster.partition('orders').producers.get(1000)!;
      state.recent.pop();
      return { kind: 'loseRequest' };
    });
    const producer = cluster.client().producer();
    const results = await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'a' });
      await producer.send({ topic: 'orders', value: 'b' });
      const unknown = producer.send({ topic: 'orders', value: 'c' });
      const error = await errorOf<DeliveryError>(unknown);
      return { error, after: await producer.send({ topic: 'orders', value: 'd' }) };
    });
    expect(results.error).to.include({
      code: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
      outcomeUnknown: true,
    });
    expect(results.after).to.include({ possiblyDuplicated: false });
    expect(batchesOf(cluster.requests).at(-1)).to.include({ epoch: 1, sequence: 0 });
  });

  it('divides a numbered batch, and those behind it keep their numbers', async () => {
    const cluster = await started();
    cluster.batchBytesMax = 800;
    const results = await sendAll(cluster, range(0, 10).map(String));
    expect(results.every(({ status }) => status === 'fulfilled')).to.equal(true);
    expect(named(cluster.values('orders'))).to.deep.equal(['first', ...range(0, 10).map(String)]);
    expect(batchesOf(cluster.requests).every(({ epoch }) => epoch === 0)).to.equal(true);
  });

  it('keeps compressed batches in order although another thread compresses the large ones', async () => {
    const cluster = await started();
    const producer = cluster.client().producer({ compression: 'gzip', batchBytes: 64 * 1024 });
    const values = range(0, 60).map((i) => `${i}.`.padEnd(i % 2 === 0 ? 60_000 : 6_000, 'x'));
    await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'first' });
      await Promise.all(values.map((value) => producer.send({ topic: 'orders', value })));
    });
    expect(named(cluster.values('orders'))).to.deep.equal(['first', ...range(0, 60).map(String)]);
    const refused = batchesOf(cluster.requests).length - cluster.partition('orders').batches.length;
    expect(refused).to.equal(0);
  });

  it('fails records that got no id, and sends later ones once there is one', async () => {
    const cluster = await started();
    cluster.initProducerIdError = 'CLUSTER_AUTHORIZATION_FAILED';
    const producer = cluster.client().producer();
    const error = await cluster.run(() =>
      errorOf<DeliveryError>(producer.send({ topic: 'orders', value: 'a' })),
    );
    expect(error).to.include({ code: 'CLUSTER_AUTHORIZATION_FAILED', outcomeUnknown: false });
    cluster.initProducerIdError = undefined;
    await cluster.run(() => cluster.sleep(5_000));
    const result = await cluster.run(() => producer.send({ topic: 'orders', value: 'b' }));
    expect(result.offset).to.equal(0);
  });

  it('asks again for an id while the cluster cannot give one', async () => {
    const cluster = await started();
    cluster.initProducerIdError = 'REQUEST_TIMED_OUT';
    const producer = cluster.client().producer();
    const result = await cluster.run(async () => {
      const sent = producer.send({ topic: 'orders', value: 'a' });
      await cluster.sleep(2_000);
      cluster.initProducerIdError = undefined;
      return sent;
    });
    expect(result).to.include({ offset: 0, retried: false });
  });

  it('sends without numbers where it is switched off, and with acks 1', async () => {
    for (const options of [{ idempotent: false }, { acks: 1 }] as const) {
      const cluster = await started();
      const producer = cluster.client().producer(options);
      await cluster.run(() => producer.send({ topic: 'orders', value: 'a' }));
      expect(batchesOf(cluster.requests)[0]?.producerId).to.equal(-1);
      expect(cluster.countOf('InitProducerId')).to.equal(0);
    }
    const cluster = await started();
    const wrong = () => cluster.client().producer({ idempotent: true, acks: 1 });
    expect(wrong).to.throw(TypeError, /idempotent: true needs acks: 'all'/);
  });

  it('neither duplicates nor reorders through lost requests, lost answers and leader moves', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const cluster = await FakeCluster.start({ brokers: 2, seed });
      cluster.createTopic('orders', 3);
      cluster.intercept = ({ api, number }) => {
        if (api !== 'Produce') return undefined;
        const lot = (number * 7 + seed) % 11;
        if (lot === 2) return { kind: 'loseAnswer' };
        if (lot === 4) return { kind: 'loseRequest' };
        if (lot === 5) return { kind: 'delay', ms: 30 };
        return lot === 6 ? { kind: 'error', error: 'NOT_LEADER_OR_FOLLOWER' } : undefined;
      };
      const producer = cluster.client().producer({ batchBytes: 1024, inFlightMax: 10 });
      const results = await cluster.run(async () => {
        const sent: Promise<DeliveryResult>[] = [];
        for (let i = 0; i < 600; i++) {
          sent.push(producer.send({ topic: 'orders', partition: i % 3, value: half(`${i}`) }));
          if (i % 20 === 0) await cluster.sleep(3);
          if (i % 150 === 149)
            cluster.moveLeader('orders', 1, cluster.partition('orders', 1).leader === 1 ? 2 : 1);
        }
        return Promise.all(sent);
      });
      for (const partition of [0, 1, 2]) {
        const numbers = named(cluster.values('orders', partition)).map(Number);
        expect(numbers).to.deep.equal(range(0, 200).map((i) => i * 3 + partition));
      }
      expect(results.map(({ offset }) => offset)).to.deep.equal(
        range(0, 600).map((i) => Math.floor(i / 3)),
      );
      expect(results.some(({ possiblyDuplicated }) => possiblyDuplicated)).to.equal(false);
    }
  });

  it('keeps its word through late copies, timeouts and refusals, whatever the seed', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const cluster = await FakeCluster.start({ brokers: 2, seed });
      cluster.createTopic('orders', 2);
      const random = cluster.clientEnvironment.random;
      cluster.intercept = ({ api }) => (api === 'Produce' ? faultOf(random.below(100)) : undefined);
      const producer = cluster.client().producer({
        batchBytes: 1024,
        inFlightMax: 8,
        requestTimeoutMs: 400,
        deliveryTimeoutMs: 1_500,
      });
      const fates = await cluster.run(async () => {
        const sent: Promise<DeliveryResult>[] = [];
        for (let i = 0; i < 400; i++) {
          sent.push(producer.send({ topic: 'orders', partition: i % 2, value: half(`${i}`) }));
          if (random.below(10) === 0) await cluster.sleep(random.below(60));
          if (random.below(80) === 0) cluster.moveLeader('orders', 0, 1 + random.below(2));
        }
        const settled = await Promise.allSettled(sent);
        // Late copies arrive.
        await cluster.sleep(5_000);
        return settled;
      });
      for (const partition of [0, 1]) {
        const numbers = named(cluster.values('orders', partition)).map(Number);
        const inOrder = numbers.toSorted((a, b) => a - b);
        expect(numbers, `order and once, seed ${seed}`).to.deep.equal([...new Set(inOrder)]);
        const standing = new Set(numbers);
        for (const [i, fate] of fates.entries()) {
          if (i % 2 !== partition) continue;
          const what = `record ${i}, seed ${seed}`;
          if (fate.status === 'fulfilled') {
            expect(standing.has(i), what).to.equal(true);
            expect(fate.value.possiblyDuplicated).to.equal(false);
          } else if (!(fate.reason as DeliveryError).outcomeUnknown) {
            expect(standing.has(i), what).to.equal(false);
          }
        }
      }
      expect(fates.some(({ status }) => status === 'fulfilled')).to.equal(true);
    }
  });
});

/** One request in three meets trouble, a copy that is served late among it. */
function faultOf(lot: number): FakeAction | undefined {
  if (lot < 5) return { kind: 'loseAnswer' };
  if (lot < 10) return { kind: 'loseRequest' };
  if (lot < 15) return { kind: 'delay', ms: lot * 20 };
  if (lot < 20) return { kind: 'delay', ms: lot * 100 };
  if (lot < 23) return { kind: 'ignore' };
  if (lot < 27) return { kind: 'error', error: 'NOT_LEADER_OR_FOLLOWER' };
  if (lot < 31) return { kind: 'error', error: 'NOT_ENOUGH_REPLICAS' };
  return lot < 32 ? { kind: 'error', error: 'INVALID_TIMESTAMP' } : undefined;
}
