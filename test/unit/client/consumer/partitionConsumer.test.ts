import { expect } from 'chai';
import type {
  ClientError,
  ConsumedRecord,
  Consumer,
  ConsumerOptions,
  ProtocolError,
} from '../../../../client/index.ts';
import { RecordBatchBuilder } from '../../../../protocol/index.ts';
import { errorOf } from '../errorOf.ts';
import { FakeCluster } from '../fakeCluster.ts';

type Compression = 'none' | 'gzip' | 'zstd';

/** Appends the values to the log, `perBatch` records a batch; the timestamp is 1000 x number. */
function write(
  cluster: FakeCluster,
  values: readonly string[],
  options: { partition?: number; perBatch?: number; compression?: Compression } = {},
): void {
  const { partition = 0, perBatch = 10, compression = 'none' } = options;
  for (let at = 0; at < values.length; at += perBatch) {
    const builder = new RecordBatchBuilder({ compression });
    for (const value of values.slice(at, at + perBatch)) {
      builder.append(`k${value}`, value, [['h', value]], Number(value) * 1000);
    }
    cluster.append('orders', partition, builder.build());
  }
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `${from + index}`);

async function started(options: { brokers?: number; partitions?: number } = {}) {
  const cluster = await FakeCluster.start({ brokers: options.brokers ?? 1 });
  cluster.createTopic('orders', options.partitions ?? 1);
  return cluster;
}

/** The text of the next `count` records, or of all until the end. */
async function take(consumer: Consumer, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const values: string[] = [];
  for await (const record of consumer) {
    values.push(record.text()!);
    if (values.length === count) break;
  }
  return values;
}

describe('The consumer', () => {
  const start = (cluster: FakeCluster, options: Partial<ConsumerOptions> = {}) =>
    cluster.client().consumer({ topic: 'orders', ...options });

  it('reads everything from the beginning, with all that a record has', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 25));
    const records = await cluster.run(async () => {
      const found: ConsumedRecord[] = [];
      for await (const record of start(cluster, { from: 'beginning', stopAtEnd: true })) {
        found.push(record);
      }
      return found;
    });
    expect(records.map((record) => record.offset)).to.deep.equal(numbers(0, 25).map(Number));
    const record = records[13]!;
    expect(JSON.parse(JSON.stringify(record))).to.include({ partition: 0, offset: 13 });
    const { topic, partition, offset, timestamp, key, value, headers } = record;
    expect({ topic, partition, offset, timestamp, key, value, headers }).to.deep.equal({
      topic: 'orders',
      partition: 0,
      offset: 13,
      timestamp: 13_000,
      key: Buffer.from('k13'),
      value: Buffer.from('13'),
      headers: [['h', Buffer.from('13')]],
    });
    expect(record.text()).to.equal('13');
    expect(record.json()).to.equal(13);
  });

  it("starts at the end by default, and reads what is written once it is 'ready'", async () => {
    const cluster = await started();
    write(cluster, numbers(0, 20));
    await cluster.run(async () => {
      const consumer = start(cluster);
      await consumer.ready();
      expect(consumer.positions()).to.deep.equal([
        { topic: 'orders', partition: 0, offset: 20, paused: false },
      ]);
      write(cluster, numbers(20, 23));
      expect(await take(consumer, 3)).to.deep.equal(numbers(20, 23));
    });
  });

  it('starts at an offset in the middle of a batch, and at a time', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 30));
    await cluster.run(async () => {
      const options = { stopAtEnd: true } as const;
      const byOffset = await take(start(cluster, { ...options, from: { offset: 17 } }));
      expect(byOffset).to.deep.equal(numbers(17, 30));
      const byTime = await take(start(cluster, { ...options, from: { time: new Date(21_500) } }));
      expect(byTime).to.deep.equal(numbers(22, 30));
      const tooLate = await take(start(cluster, { ...options, from: { time: 1e12 } }));
      expect(tooLate).to.deep.equal([]);
    });
  });

  it('starts each partition where a function says', async () => {
    const cluster = await started({ partitions: 3 });
    for (const partition of [0, 1, 2]) write(cluster, numbers(0, 10), { partition });
    await cluster.run(async () => {
      const consumer = start(cluster, {
        from: ({ partition }) => (partition === 0 ? 'end' : { offset: partition * 3 }),
        stopAtEnd: true,
      });
      const values = await take(consumer);
      expect(values.sort()).to.deep.equal([...numbers(3, 10), ...numbers(6, 10)].sort());
    });
  });

  it('reads only the partitions that it is told', async () => {
    const cluster = await started({ partitions: 3 });
    for (const partition of [0, 1, 2]) write(cluster, [`${partition}`], { partition });
    const options = { from: 'beginning', stopAtEnd: true, partitions: [2] } as const;
    const values = await cluster.run(() => take(start(cluster, options)));
    expect(values).to.deep.equal(['2']);
  });

  it('ends under stopAtEnd at the end that the log had, though more is written', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 15));
    await cluster.run(async () => {
      const consumer = start(cluster, { from: 'beginning', stopAtEnd: true });
      await consumer.ready();
      write(cluster, numbers(15, 40));
      expect(await take(consumer)).to.deep.equal(numbers(0, 15));
    });
  });

  it('hands out batches whose length and offsets are those of their records', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 30));
    await cluster.run(async () => {
      const consumer = start(cluster, { from: { offset: 4 }, stopAtEnd: true });
      let expected = 4;
      for await (const batch of consumer.batches()) {
        const records = [...batch];
        expect(records).to.have.length(batch.length);
        expect(records[0]?.offset).to.equal(batch.firstOffset).and.to.equal(expected);
        expect(records.at(-1)?.offset).to.equal(batch.lastOffset);
        expect(batch.highWatermark).to.equal(30);
        expected = batch.lastOffset + 1;
      }
      expect(expected).to.equal(30);
      expect(consumer.positions()[0]?.offset).to.equal(30);
    });
  });

  it('reads compressed batches', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 500), { perBatch: 100, compression: 'gzip' });
    const options = { from: { offset: 250 }, stopAtEnd: true } as const;
    const values = await cluster.run(() => take(start(cluster, options)));
    expect(values).to.deep.equal(numbers(250, 500));
  });

  it('stops fetching when the loop is left, and goes on where it stood', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 100));
    await cluster.run(async () => {
      const consumer = start(cluster, { from: 'beginning' });
      expect(await take(consumer, 7)).to.deep.equal(numbers(0, 7));
      expect(consumer.positions()[0]?.offset).to.equal(7);
      const fetches = cluster.countOf('Fetch');
      await cluster.sleep(5_000);
      expect(cluster.countOf('Fetch')).to.be.at.most(fetches + 1);
      expect(await take(consumer, 50)).to.deep.equal(numbers(7, 57));
      await consumer.close();
      await consumer.close();
    });
  });

  it('refuses a second iteration beside the first', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 10));
    await cluster.run(async () => {
      const consumer = start(cluster, { from: 'beginning' });
      const iterator = consumer.batches();
      await iterator.next();
      const error = await errorOf(take(consumer));
      expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('already');
      await iterator.return?.();
    });
  });

  it('fetches the next records while the application works on the first', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 100));
    await cluster.run(async () => {
      const consumer = start(cluster, { from: 'beginning', partitionBytesMax: 300 });
      const iterator = consumer.batches();
      await iterator.next();
      await cluster.sleep(200);
      const fetches = cluster.countOf('Fetch');
      expect(fetches).to.be.at.least(5);
      const first = await iterator.next();
      expect(first.done).to.equal(false);
      await iterator.return?.();
    });
  });

  it('holds no more than prefetchBytes ahead of the application', async () => {
    const cluster = await started({ partitions: 3 });
    for (const partition of [0, 1, 2]) {
      write(cluster, numbers(0, 3_000), { partition, perBatch: 100 });
    }
    await cluster.run(async () => {
      const consumer = start(cluster, {
        from: 'beginning',
        prefetchBytes: 200_000,
        partitionBytesMax: 5_000,
        stopAtEnd: true,
      });
      const iterator = consumer.batches();
      let handedOut = (await iterator.next()).value?.length ?? 0;
      await cluster.sleep(5_000);
      const asked = cluster.requests.filter(({ api }) => api === 'Fetch');
      const last = asked.at(-1)!.body as { topics: { partitions: { fetchOffset: number }[] }[] };
      const offsets = last.topics.flatMap(({ partitions }) => partitions);
      const ahead = offsets.reduce((sum, { fetchOffset }) => sum + fetchOffset, 0);
      // A record takes about 25 bytes here.
      expect(ahead * 25).to.be.within(50_000, 200_000);
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        handedOut += next.value.length;
      }
      expect(handedOut).to.equal(9_000);
    });
  });

  it('hands out nothing of a paused partition until it is resumed, and loses nothing', async () => {
    const cluster = await started({ partitions: 2 });
    write(cluster, numbers(0, 100), { partition: 0 });
    write(cluster, numbers(100, 200), { partition: 1 });
    await cluster.run(async () => {
      const consumer = start(cluster, { from: 'beginning', stopAtEnd: true });
      const seen: string[] = [];
      let pausedAt = -1;
      for await (const record of consumer) {
        seen.push(record.text()!);
        if (record.partition === 0 && record.offset === 4) {
          consumer.pause({ topic: 'orders', partition: 0 });
          pausedAt = seen.length;
          cluster.simulation.scheduler.after(500, 'test resumes', () => consumer.resume());
          expect(consumer.positions()[0]).to.include({ offset: 5, paused: true });
        } else if (pausedAt >= 0 && consumer.positions()[0]?.paused) {
          expect(record.partition).to.equal(1);
        }
      }
      expect(pausedAt).to.be.at.least(5);
      const own = (low: number, high: number) =>
        seen.filter((v) => Number(v) >= low && Number(v) < high);
      expect(own(0, 100)).to.deep.equal(numbers(0, 100));
      expect(own(100, 200)).to.deep.equal(numbers(100, 200));
    });
  });

  it('takes a pause from before its partitions were known', async () => {
    const cluster = await started({ partitions: 2 });
    write(cluster, ['0'], { partition: 0 });
    write(cluster, ['1'], { partition: 1 });
    await cluster.run(async () => {
      const consumer = start(cluster, { from: 'beginning' });
      consumer.pause({ topic: 'orders', partition: 0 });
      const iterator = consumer[Symbol.asyncIterator]();
      expect((await iterator.next()).value?.text()).to.equal('1');
      consumer.resume({ topic: 'orders' });
      expect((await iterator.next()).value?.text()).to.equal('0');
      await iterator.return?.();
    });
  });

  it('seeks back and forth in the middle of an iteration', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 50));
    await cluster.run(async () => {
      const consumer = start(cluster, { from: 'beginning' });
      const iterator = consumer[Symbol.asyncIterator]();
      const next = async () => (await iterator.next()).value?.text();
      const place = { topic: 'orders', partition: 0 };
      expect(await next()).to.equal('0');
      await consumer.seek(place, { offset: 40 });
      expect(await next()).to.equal('40');
      await consumer.seek(place, 'beginning');
      expect([await next(), await next()]).to.deep.equal(['0', '1']);
      await consumer.seek(place, { time: 30_000 });
      expect(await next()).to.equal('30');
      await consumer.seek(place, 'end');
      write(cluster, ['50']);
      expect(await next()).to.equal('50');
      const error = await errorOf(consumer.seek({ topic: 'orders', partition: 1 }, 'end'));
      expect(error).to.be.instanceOf(RangeError);
      await iterator.return?.();
    });
  });

  it('tells its lag', async () => {
    const cluster = await started({ partitions: 2 });
    write(cluster, numbers(0, 30), { partition: 1 });
    await cluster.run(async () => {
      const consumer = start(cluster, { from: 'beginning' });
      await take(consumer, 12);
      expect(await consumer.lag()).to.deep.equal([
        { topic: 'orders', partition: 0, offset: 0, endOffset: 0, lag: 0 },
        { topic: 'orders', partition: 1, offset: 12, endOffset: 30, lag: 18 },
      ]);
    });
  });

  it('follows leaders that move and brokers that restart, without a gap or a repeat', async () => {
    const cluster = await started({ brokers: 2, partitions: 2 });
    await cluster.run(() => cluster.sleep(0));
    const consumer = start(cluster, { from: 'beginning' });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const record of consumer) {
        if (record.partition === 0) seen.push(record.text()!);
        if (seen.length === 60) break;
      }
    })();
    await cluster.run(async () => {
      write(cluster, numbers(0, 20));
      await cluster.sleep(100);
      cluster.moveLeader('orders', 0, 2);
      write(cluster, numbers(20, 40));
      await cluster.sleep(1_000);
    });
    cluster.stopBroker(2);
    await cluster.run(() => cluster.sleep(4_000));
    await cluster.startBroker(2);
    write(cluster, numbers(40, 60));
    await cluster.run(() => reading);
    expect(seen).to.deep.equal(numbers(0, 60));
  });

  it('gives a connection up on which nothing is answered', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 10));
    cluster.intercept = ({ api, connection }) =>
      api === 'Fetch' && connection === 1 ? { kind: 'ignore' } : undefined;
    const client = cluster.client({ requestTimeoutMs: 2_000 });
    const consumer = client.consumer({ topic: 'orders', from: 'beginning' });
    expect(await cluster.run(() => take(consumer, 10))).to.deep.equal(numbers(0, 10));
    expect(cluster.simulation.nowMs).to.be.within(2_000, 4_000);
  });

  it('ignores the answer to a fetch from before a seek', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 50));
    cluster.intercept = ({ api, number }) =>
      api === 'Fetch' && number === 1 ? { kind: 'delay', ms: 100 } : undefined;
    await cluster.run(async () => {
      const consumer = start(cluster, { from: { offset: 5 }, partitionBytesMax: 300 });
      const iterator = consumer[Symbol.asyncIterator]();
      const next = iterator.next();
      await cluster.sleep(50);
      await consumer.seek({ topic: 'orders', partition: 0 }, { offset: 30 });
      expect((await next).value?.offset).to.equal(30);
      const seen: (number | undefined)[] = [];
      for (let i = 0; i < 19; i++) seen.push((await iterator.next()).value?.offset);
      expect(seen).to.deep.equal(numbers(31, 50).map(Number));
      await cluster.sleep(200);
      write(cluster, ['50']);
      expect((await iterator.next()).value?.offset).to.equal(50);
      await iterator.return?.();
    });
  });

  it('does not count the time in which the application asked for nothing', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 20));
    await cluster.run(async () => {
      const consumer = start(cluster, { from: 'beginning', unreachableMsMax: 10_000 });
      consumer.pause();
      const iterator = consumer[Symbol.asyncIterator]();
      const next = iterator.next();
      await cluster.sleep(60_000);
      cluster.intercept = ({ api, number }) =>
        api === 'Fetch' && number < 4
          ? { kind: 'error', error: 'OFFSET_NOT_AVAILABLE' }
          : undefined;
      consumer.resume();
      expect((await next).value?.offset).to.equal(0);
      await iterator.return?.();
    });
  });

  it('throws after unreachableMsMax without any answer', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 10));
    const consumer = start(cluster, { from: 'beginning', unreachableMsMax: 10_000 });
    await cluster.run(() => take(consumer, 5));
    cluster.stopBroker(1);
    const error = await cluster.run(() => errorOf<ClientError>(take(consumer)));
    expect(error).to.include({ code: 'NO_BROKER_AVAILABLE', retriable: true });
    expect(cluster.simulation.nowMs).to.be.within(9_000, 16_000);
  });

  it('throws OFFSET_OUT_OF_RANGE with the range that the log holds', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 20));
    cluster.partition('orders').startOffset = 10;
    await cluster.run(async () => {
      const error = await errorOf<ProtocolError>(take(start(cluster, { from: { offset: 3 } })));
      expect(error.code).to.equal('OFFSET_OUT_OF_RANGE');
      expect(error.message).to.match(
        /offset 3 of partition 0.*from 10 and ends before 20.*onOffsetOutOfRange/,
      );
    });
  });

  it("goes to the start or the end of the log under 'earliest' and 'latest'", async () => {
    const cluster = await started();
    write(cluster, numbers(0, 20));
    cluster.partition('orders').startOffset = 10;
    await cluster.run(async () => {
      const from = { offset: 3 };
      const earliest = start(cluster, { from, onOffsetOutOfRange: 'earliest' });
      expect(await take(earliest, 2)).to.deep.equal(['10', '11']);
      const latest = start(cluster, { from: { offset: 99 }, onOffsetOutOfRange: 'latest' });
      const first = take(latest, 1);
      await cluster.sleep(1_000);
      write(cluster, ['20']);
      expect(await first).to.deep.equal(['20']);
    });
  });

  it('says that a topic was created anew instead of reading the other one', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 20));
    await cluster.run(async () => {
      const consumer = start(cluster, { from: 'beginning' });
      await take(consumer, 5);
      cluster.createTopic('orders').topicId = 'another-id';
      write(cluster, numbers(0, 20));
      const error = await errorOf<ProtocolError>(take(consumer));
      expect(error.code).to.equal('INCONSISTENT_TOPIC_ID');
      expect(error.message).to.include('created anew');
    });
  });

  it('names place and checksums of a corrupt batch, and reads on without the check', async () => {
    const cluster = await started();
    write(cluster, numbers(0, 20));
    const [, second] = cluster.partition('orders').batches;
    // The last byte is a header's value: the structure stays whole.
    second![second!.length - 1]! ^= 0xff;
    await cluster.run(async () => {
      const error = await errorOf<ProtocolError>(take(start(cluster, { from: 'beginning' })));
      expect(error.code).to.equal('CORRUPT_MESSAGE');
      expect(error.message).to.match(/CRC-32C.*partition 0 of topic "orders"/);
      const options = { from: 'beginning', stopAtEnd: true, checkCrc: false } as const;
      expect(await take(start(cluster, options))).to.have.length(20);
    });
  });

  it('notices partitions that are added, and reads them from their beginning', async () => {
    const cluster = await started();
    const consumer = cluster.client({ metadataAgeMsMax: 1_000 }).consumer({ topic: 'orders' });
    await cluster.run(async () => {
      const first = take(consumer, 1);
      await cluster.sleep(100);
      cluster.topics.get('orders')!.partitions.push({
        leader: 1,
        leaderEpoch: 0,
        startOffset: 0,
        endOffset: 0,
        batches: [],
        producers: new Map(),
      });
      write(cluster, ['7'], { partition: 1 });
      expect(await first).to.deep.equal(['7']);
      expect(consumer.positions()).to.have.length(2);
    });
  });

  it('deserialises as declared, and names the record that cannot be read', async () => {
    const cluster = await started();
    write(cluster, ['1', '2']);
    await cluster.run(async () => {
      const options = { topic: 'orders', from: 'beginning', stopAtEnd: true } as const;
      const client = cluster.client();
      const values: (number | null)[] = [];
      for await (const record of client.consumer<string, number>({
        ...options,
        keyFormat: 'string',
        valueFormat: 'json',
      })) {
        expect(record.key).to.equal(`k${record.value}`);
        values.push(record.value);
      }
      expect(values).to.deep.equal([1, 2]);
      for await (const record of client.consumer({ ...options, keyFormat: 'json' })) {
        expect(() => record.key).to.throw(/key at offset \d of partition 0 of topic "orders"/);
        expect(record.keyBytes?.toString()).to.match(/^k/);
      }
    });
  });

  it('ends a waiting iteration when it is closed', async () => {
    const cluster = await started();
    await cluster.run(async () => {
      const client = cluster.client();
      const consumer = client.consumer({ topic: 'orders' });
      const all = take(consumer);
      await cluster.sleep(1_000);
      await client.close();
      expect(await all).to.deep.equal([]);
    });
    const { reason } = await cluster.simulation.run({ forMs: 1_000, condition: () => false });
    expect(reason).to.be.oneOf(['idle', 'time']);
    expect(cluster.simulation.network.openSocketCount).to.equal(0);
  });

  it('says at once that a topic or a partition does not exist', async () => {
    const cluster = await started({ partitions: 2 });
    await cluster.run(async () => {
      const client = cluster.client();
      const unknown = await errorOf<ProtocolError>(client.consumer({ topic: 'oders' }).ready());
      expect(unknown.code).to.equal('UNKNOWN_TOPIC_OR_PARTITION');
      expect(unknown.message).to.include('did you mean "orders"?');
      const options = { topic: 'orders', partitions: [2] } as const;
      const error = await errorOf<ProtocolError>(client.consumer(options).ready());
      expect(error.message).to.match(/has 2 partitions, from 0 to 1, and 2 is none of them/);
    });
  });

  it('says within five seconds that nothing listens', async () => {
    const cluster = await started();
    cluster.stopBroker(1);
    const error = await cluster.run(() => errorOf<ClientError>(take(start(cluster))));
    expect(error).to.include({ code: 'NO_BROKER_AVAILABLE', retriable: true });
    expect(error.message).to.equal('no broker at broker-1:9192 (connection refused)');
    expect(cluster.simulation.nowMs).to.be.below(5_000);
  });

  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ['no topic', {}, /either topic or topics/],
    ['topic and topics', { topic: 'a', topics: ['b'] }, /either topic or topics/],
    ['no topics', { topics: [] }, /at least one topic/],
    ['partitions of two topics', { topics: ['a', 'b'], partitions: [0] }, /single topic/],
    ['a negative partition', { topic: 'a', partitions: [-1] }, /partition numbers from 0/],
    ['an unknown start', { topic: 'a', from: 'start' }, /'beginning', 'end'.*not "start"/],
    ['a negative offset', { topic: 'a', from: { offset: -1 } }, /a start position is/],
    ['a bad time', { topic: 'a', from: { time: Number.NaN } }, /a start position is/],
    [
      'a bad policy',
      { topic: 'a', onOffsetOutOfRange: 'none' },
      /onOffsetOutOfRange must be one of/,
    ],
    ['a bad size', { topic: 'a', prefetchBytes: 0 }, /prefetchBytes must be a whole number/],
    ['an unknown format', { topic: 'a', valueFormat: 'xml' }, /valueFormat must be.*"xml"/],
  ];
  for (const [what, options, message] of wrong) {
    it(`refuses ${what} by name`, async () => {
      const cluster = await started();
      expect(() => cluster.client().consumer(options as ConsumerOptions)).to.throw(
        TypeError,
        message,
      );
    });
  }
});
