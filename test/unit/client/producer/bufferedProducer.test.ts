import { expect } from 'chai';
import {
  DeliveriesFailedError,
  DeliveryError,
  type DeliveryResult,
  type Producer,
} from '../../../../client/index.ts';
import { errorOf as anyErrorOf } from '../errorOf.ts';
import { FakeCluster } from '../fakeCluster.ts';

const errorOf = (promise: Promise<unknown>) => anyErrorOf<DeliveryError>(promise);

describe('The producer', () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => {
    unhandled.push(reason);
  };

  before(() => process.on('unhandledRejection', onUnhandled));
  after(() => process.off('unhandledRejection', onUnhandled));
  afterEach(() => expect(unhandled.splice(0)).to.deep.equal([]));

  it('tells partition, offset and timestamp of an awaited record', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer();
    const result = await cluster.run(() =>
      producer.send({ topic: 'orders', key: 'k', value: 'v', timestamp: 1234 }),
    );
    expect(result).to.deep.equal({
      topic: 'orders',
      partition: 0,
      offset: 0,
      timestamp: 1234,
      retried: false,
      possiblyDuplicated: false,
    });
    expect(cluster.values('orders')).to.deep.equal(['v']);
  });

  it('tells the time that the broker gave under LogAppendTime', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    cluster.logAppendTimeMs = 99_000;
    const result = await cluster.run(() =>
      cluster.client().producer().send({ topic: 'orders', value: 'v', timestamp: 5 }),
    );
    expect(result.timestamp).to.equal(99_000);
  });

  it('sends what one turn brings in one request, in order', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer();
    await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'first' });
      for (let i = 0; i < 500; i++) void producer.send({ topic: 'orders', value: `v${i}` });
      await producer.flush();
    });
    expect(cluster.countOf('Produce')).to.equal(2);
    const expected = ['first', ...Array.from({ length: 500 }, (_, i) => `v${i}`)];
    expect(cluster.values('orders')).to.deep.equal(expected);
  });

  it('copies what it is given before send returns', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer();
    const value = Buffer.from('before');
    await cluster.run(async () => {
      // The topic is not known yet: the record waits.
      const waiting = producer.send({ topic: 'orders', value });
      value.write('after!');
      await waiting;
      value.write('second');
      const placed = producer.send({ topic: 'orders', value });
      value.write('after!');
      await placed;
    });
    expect(cluster.values('orders')).to.deep.equal(['before', 'second']);
  });

  it('takes strings, bytes, null and JSON-able objects, and keeps headers in order', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer();
    await cluster.run(async () => {
      await producer.sendBatch({
        topic: 'orders',
        records: [
          { value: 'text' },
          { value: Buffer.from([1, 2]) },
          { value: null, key: 'gone' },
          { value: { amount: 3, items: [1] } },
          {
            value: [1, 2],
            headers: [
              ['h', 'a'],
              ['h', null],
              ['h', Buffer.from('b')],
            ],
          },
        ],
      });
    });
    expect(cluster.values('orders')).to.deep.equal([
      'text',
      '\u0001\u0002',
      null,
      '{"amount":3,"items":[1]}',
      '[1,2]',
    ]);
    const { headers } = cluster.records('orders')[4]!;
    const shown = headers.map(([name, value]) => [name, value && Buffer.from(value).toString()]);
    expect(shown).to.deep.equal([
      ['h', 'a'],
      ['h', null],
      ['h', 'b'],
    ]);
  });

  const wrong: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    ['an undefined value', { value: undefined }, /value is undefined.*tombstone/],
    ['a number as value', { value: 7 }, /value must be a string.*a number/],
    ['a Map as value', { value: new Map() }, /class Map/],
    ['a promise as value', { value: Promise.resolve() }, /await it first/],
    ['an object that contains itself', { value: circular() }, /no JSON form/],
    ['a bigint inside of an object', { value: { n: 1n } }, /no JSON form/],
    ['an object as key', { key: {}, value: '' }, /key must be a string.*keyFormat/],
    ['a fractional timestamp', { value: '', timestamp: 1.5 }, /timestamp must be whole/],
    ['a header that is a number', { value: '', headers: [['h', 1]] }, /header "h" must be/],
    ['a fractional partition', { value: '', partition: 0.5 }, /partition must be a whole number/],
    ['a topic that is no string', { topic: 7, value: '' }, /topic must be a string, not number/],
  ];
  for (const [what, fields, message] of wrong) {
    it(`rejects ${what} with a TypeError that says so`, async () => {
      const cluster = await FakeCluster.start();
      cluster.createTopic('orders');
      const producer = cluster.client().producer();
      await cluster.run(async () => {
        await producer.send({ topic: 'orders', value: 'makes the topic known' });
        const record = { topic: 'orders', value: 'v', ...fields } as {
          topic: string;
          value: unknown;
        };
        const error = await errorOf(producer.send(record));
        expect(error).to.be.instanceOf(TypeError);
        expect(error.message).to.match(message);
      });
    });
  }

  it('refuses a record above recordBytesMax alone', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer({ recordBytesMax: 1000 });
    await cluster.run(async () => {
      const good = producer.send({ topic: 'orders', value: 'good' });
      const error = await errorOf(producer.send({ topic: 'orders', value: 'x'.repeat(1000) }));
      expect(error).to.include({
        code: 'MESSAGE_TOO_LARGE',
        retriable: false,
        outcomeUnknown: false,
      });
      expect((await good).offset).to.equal(0);
    });
  });

  it('divides a batch that the topic does not allow, and keeps every result right', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    cluster.batchBytesMax = 400;
    const producer = cluster.client().producer();
    await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'first' });
      const sent = Array.from({ length: 16 }, (_, i) =>
        producer.send({ topic: 'orders', value: `${i}`.padStart(60, '.') }),
      );
      const batch = producer.sendBatch({
        topic: 'orders',
        records: Array.from({ length: 16 }, (_, i) => ({ value: `b${i}`.padStart(60, '.') })),
      });
      const results = await Promise.all(sent);
      expect(results.map(({ offset }) => offset)).to.deep.equal(range(1, 17));
      const inBatch = await batch;
      expect(inBatch.length).to.equal(16);
      expect([...inBatch].map(({ offset }) => offset)).to.deep.equal(range(17, 33));
      expect(inBatch.at(5)?.offset).to.equal(22);
      expect(inBatch.at(16)).to.equal(undefined);
    });
    const values = cluster.values('orders').map((value) => value?.replaceAll('.', ''));
    const expected = [...range(0, 16).map(String), ...range(0, 16).map((i) => `b${i}`)];
    expect(values.slice(1)).to.deep.equal(expected);
  });

  it('flushes both parts of a divided batch', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    cluster.batchBytesMax = 400;
    cluster.intercept = ({ api }) => (api === 'Produce' ? { kind: 'delay', ms: 50 } : undefined);
    const producer = cluster.client().producer();
    await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'first' });
      for (let i = 0; i < 8; i++) void producer.send({ topic: 'orders', value: 'x'.repeat(60) });
      await producer.flush();
      expect(cluster.values('orders')).to.have.length(9);
      expect(producer.bufferedBytes).to.equal(0);
    });
  });

  it('fails a single record that the topic does not allow', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    cluster.batchBytesMax = 400;
    const producer = cluster.client().producer();
    await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'first' });
      const small = producer.send({ topic: 'orders', value: 'small' });
      const large = producer.send({ topic: 'orders', value: 'x'.repeat(500) });
      const last = producer.send({ topic: 'orders', value: 'last' });
      expect((await errorOf(large)).code).to.equal('MESSAGE_TOO_LARGE');
      expect([(await small).offset, (await last).offset]).to.deep.equal([1, 2]);
    });
  });

  it('follows a partition to its new leader without an error', async () => {
    const cluster = await FakeCluster.start({ brokers: 2 });
    cluster.createTopic('orders');
    const producer = cluster.client().producer();
    const results = await cluster.run(async () => {
      const first = await producer.send({ topic: 'orders', value: 'a' });
      cluster.moveLeader('orders', 0, 2);
      return [first, await producer.send({ topic: 'orders', value: 'b' })];
    });
    expect(results.map(({ offset }) => offset)).to.deep.equal([0, 1]);
    expect(results[1]?.retried).to.equal(true);
    const produces = cluster.requests.filter(({ api }) => api === 'Produce');
    expect(produces.map(({ broker }) => broker)).to.deep.equal([1, 1, 2]);
  });

  it('without idempotence says after a lost answer that the record may stand there twice', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    cluster.intercept = ({ api, number }) =>
      api === 'Produce' && number === 1 ? { kind: 'loseAnswer' } : undefined;
    const result = await cluster.run(() =>
      cluster.client().producer({ idempotent: false }).send({ topic: 'orders', value: 'v' }),
    );
    expect(result).to.include({ retried: true, possiblyDuplicated: true, offset: 1 });
    expect(cluster.values('orders')).to.deep.equal(['v', 'v']);
  });

  it('does not claim a duplicate where the broker said that it wrote nothing', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    cluster.intercept = ({ api, number }) =>
      api === 'Produce' && number === 1
        ? { kind: 'error', error: 'NOT_ENOUGH_REPLICAS' }
        : undefined;
    const result = await cluster.run(() =>
      cluster.client().producer().send({ topic: 'orders', value: 'v' }),
    );
    expect(result).to.include({ retried: true, possiblyDuplicated: false, offset: 0 });
  });

  it('reports an unknown outcome as unknown when the deadline comes', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    cluster.intercept = ({ api }) => (api === 'Produce' ? { kind: 'ignore' } : undefined);
    const producer = cluster
      .client()
      .producer({ deliveryTimeoutMs: 5_000, requestTimeoutMs: 2_000 });
    const error = await cluster.run(() => errorOf(producer.send({ topic: 'orders', value: 'v' })));
    expect(error).to.be.instanceOf(DeliveryError);
    expect(error).to.include({
      code: 'DELIVERY_TIMED_OUT',
      retriable: true,
      outcomeUnknown: true,
      topic: 'orders',
      partition: 0,
    });
    expect(error.message).to.match(/may not have been written.*within 5000 ms/);
    expect(cluster.simulation.nowMs).to.be.within(5_000, 6_000);
  });

  it('reports a record that never left as surely not written', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer({ deliveryTimeoutMs: 5_000 });
    const error = await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'a' });
      cluster.stopBroker(1);
      await cluster.sleep(100);
      return errorOf(producer.send({ topic: 'orders', value: 'b' }));
    });
    expect(error).to.include({ code: 'DELIVERY_TIMED_OUT', outcomeUnknown: false });
    expect(error.message).to.match(
      /not written.*no broker at broker-1:9192 \(connection refused\)/,
    );
  });

  it('fails at once on an error that no retry heals', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    cluster.intercept = ({ api }) =>
      api === 'Produce'
        ? { kind: 'error', error: 'TOPIC_AUTHORIZATION_FAILED', message: 'not yours' }
        : undefined;
    const producer = cluster.client().producer();
    const error = await cluster.run(() => errorOf(producer.send({ topic: 'orders', value: 'v' })));
    expect(error).to.include({ code: 'TOPIC_AUTHORIZATION_FAILED', outcomeUnknown: false });
    expect(error.message).to.include('not yours');
    expect(cluster.countOf('Produce')).to.equal(1);
  });

  it('without idempotence keeps the order of a partition, but for repeats, through failures', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const cluster = await FakeCluster.start({ brokers: 2, seed });
      cluster.createTopic('orders', 3);
      cluster.intercept = ({ api, number }) => {
        if (api !== 'Produce') return undefined;
        if (number % 7 === 2) return { kind: 'loseAnswer' };
        if (number % 7 === 4) return { kind: 'loseRequest' };
        return number % 7 === 6 ? { kind: 'error', error: 'NOT_LEADER_OR_FOLLOWER' } : undefined;
      };
      const producer = cluster.client().producer({
        idempotent: false,
        batchBytes: 1024,
        inFlightMax: 3,
      });
      await cluster.run(async () => {
        const sent: Promise<DeliveryResult>[] = [];
        for (let i = 0; i < 600; i++) {
          sent.push(producer.send({ topic: 'orders', partition: i % 3, value: `${i}` }));
          if (i % 20 === 0) await cluster.sleep(3);
          if (i % 150 === 149)
            cluster.moveLeader('orders', 1, cluster.partition('orders', 1).leader === 1 ? 2 : 1);
        }
        await Promise.all(sent);
      });
      for (const partition of [0, 1, 2]) {
        const numbers = cluster.values('orders', partition).map(Number);
        const first = numbers.filter((value, at) => numbers.indexOf(value) === at);
        expect(first).to.deep.equal(range(0, 200).map((i) => i * 3 + partition));
        expectRepeatsOfWholeBatches(numbers);
      }
    }
  });

  it('lets a batch that is not full wait while one is under way, and puts partitions together', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders', 4);
    cluster.intercept = ({ api }) => (api === 'Produce' ? { kind: 'delay', ms: 20 } : undefined);
    const producer = cluster.client().producer();
    await cluster.run(async () => {
      for (let i = 0; i < 40; i++) {
        void producer.send({ topic: 'orders', partition: i % 4, value: `${i}` });
        await cluster.sleep(2);
      }
      await producer.flush();
    });
    const produces = cluster.requests.filter(({ api }) => api === 'Produce');
    const partitionsOf = ({ body }: { body: unknown }) =>
      (body as { topics: { partitions: { index: number }[] }[] }).topics.flatMap(({ partitions }) =>
        partitions.map(({ index }) => index),
      );
    expect(produces.some((request) => partitionsOf(request).length > 1)).to.equal(true);
    for (const partition of range(0, 4)) {
      const times = produces
        .filter((request) => partitionsOf(request).includes(partition))
        .map(({ atMs }) => atMs);
      for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!).to.be.at.least(20);
    }
  });

  it('waits lingerMs for more records, but not longer', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer({ lingerMs: 50 });
    await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'makes the topic known' });
      const startMs = cluster.simulation.nowMs;
      const sent = [producer.send({ topic: 'orders', value: 'a' })];
      await cluster.sleep(30);
      sent.push(producer.send({ topic: 'orders', value: 'b' }));
      await Promise.all(sent);
      expect(cluster.simulation.nowMs - startMs).to.be.within(50, 70);
    });
    expect(cluster.countOf('Produce')).to.equal(2);
  });

  it('does not linger with a full batch or a flush', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer({ lingerMs: 60_000, batchBytes: 1024 });
    await cluster.run(async () => {
      for (let i = 0; i < 5; i++) void producer.send({ topic: 'orders', value: 'x'.repeat(400) });
      await cluster.sleep(1_000);
      expect(cluster.values('orders')).to.have.length(4);
      await producer.flush();
      expect(cluster.values('orders')).to.have.length(5);
    });
    expect(cluster.simulation.nowMs).to.be.below(10_000);
  });

  describe('with a full buffer', () => {
    async function stuck(blockMsMax: number): Promise<[FakeCluster, Producer]> {
      const cluster = await FakeCluster.start();
      cluster.createTopic('orders');
      let open = false;
      cluster.intercept = ({ api, number }) =>
        api === 'Produce' && number > 1 && !open ? { kind: 'delay', ms: 1_000 } : undefined;
      const producer = cluster
        .client()
        .producer({ bufferBytes: 4_096, batchBytes: 1024, blockMsMax });
      await cluster.run(() => producer.send({ topic: 'orders', value: 'makes the topic known' }));
      cluster.simulation.scheduler.after(3_000, 'opens', () => {
        open = true;
      });
      return [cluster, producer];
    }

    it('holds later records back, in order, and ready() waits', async () => {
      const [cluster, producer] = await stuck(60_000);
      await cluster.run(async () => {
        for (let i = 0; i < 40; i++)
          void producer.send({ topic: 'orders', value: `${i}`.padEnd(300) });
        expect(producer.bufferedBytes).to.be.within(3_700, 4_096);
        const startMs = cluster.simulation.nowMs;
        await producer.ready();
        expect(cluster.simulation.nowMs - startMs).to.be.at.least(1_000);
        await producer.flush();
        expect(producer.bufferedBytes).to.equal(0);
      });
      const values = cluster.values('orders').slice(1).map(Number);
      expect(values).to.deep.equal(range(0, 40));
    });

    it('refuses what waits longer than blockMsMax with BUFFER_FULL, surely unwritten', async () => {
      const [cluster, producer] = await stuck(500);
      await cluster.run(async () => {
        const sent = range(0, 40).map((i) =>
          producer.send({ topic: 'orders', value: `${i}`.padEnd(300) }),
        );
        const results = await Promise.allSettled(sent);
        const refused = results.filter(({ status }) => status === 'rejected');
        expect(refused).to.have.length.within(20, 35);
        for (const result of refused as PromiseRejectedResult[]) {
          expect(result.reason).to.include({
            code: 'BUFFER_FULL',
            retriable: true,
            outcomeUnknown: false,
          });
        }
        expect(cluster.values('orders').length - 1 + refused.length).to.equal(40);
      });
    });

    it('sendBatch waits for room as it goes', async () => {
      const [cluster, producer] = await stuck(60_000);
      await cluster.run(async () => {
        const records = range(0, 60).map((i) => ({ value: `${i}`.padEnd(300) }));
        const results = [...(await producer.sendBatch({ topic: 'orders', records }))];
        expect(results.map(({ offset }) => offset)).to.deep.equal(range(1, 61));
      });
      expect(cluster.values('orders').slice(1).map(Number)).to.deep.equal(range(0, 60));
    });

    it('lets an AbortSignal end the wait of a record that was not sent', async () => {
      const [cluster, producer] = await stuck(60_000);
      await cluster.run(async () => {
        for (let i = 0; i < 20; i++)
          void producer.send({ topic: 'orders', value: ' '.repeat(300) });
        const abort = new AbortController();
        const waiting = errorOf(
          producer.send({ topic: 'orders', value: 'never' }, { signal: abort.signal }),
        );
        await cluster.sleep(10);
        abort.abort();
        expect(await waiting).to.include({ code: 'ABORTED', outcomeUnknown: false });
        await producer.flush();
      });
      expect(cluster.values('orders')).to.not.include('never');
    });
  });

  describe('whose failures nobody awaits', () => {
    it('reports them by flush, once, and raises no unhandled rejection', async () => {
      const cluster = await FakeCluster.start();
      cluster.createTopic('orders');
      cluster.intercept = ({ api }) =>
        api === 'Produce' ? { kind: 'error', error: 'INVALID_RECORD' } : undefined;
      const producer = cluster.client().producer();
      const error = await cluster.run(async () => {
        for (let i = 0; i < 3; i++) void producer.send({ topic: 'orders', value: `${i}` });
        void producer.send({ topic: 'orders', value: undefined });
        const awaited = errorOf(producer.send({ topic: 'orders', value: 'awaited' }));
        const flushed = await errorOf(producer.flush());
        expect((await awaited).code).to.equal('INVALID_RECORD');
        await producer.flush();
        return flushed as unknown as DeliveriesFailedError;
      });
      expect(error).to.be.instanceOf(DeliveriesFailedError);
      expect(error.failedCount).to.equal(4);
      const codes = error.errors.map((one) => (one instanceof DeliveryError ? one.code : one.name));
      expect(codes.sort()).to.deep.equal([
        'INVALID_RECORD',
        'INVALID_RECORD',
        'INVALID_RECORD',
        'TypeError',
      ]);
      await new Promise((resolve) => setImmediate(resolve));
    });

    it('reports those of a sendBatch too, and waits for one that is under way', async () => {
      const cluster = await FakeCluster.start();
      cluster.createTopic('orders');
      const producer = cluster.client().producer({ bufferBytes: 2_000, batchBytes: 1024 });
      await cluster.run(async () => {
        const records = range(0, 20).map((i) => ({
          value: i === 13 ? undefined : `${i}`.padEnd(300),
        }));
        void producer.sendBatch({ topic: 'orders', records });
        const error = (await errorOf(producer.flush())) as unknown as DeliveriesFailedError;
        expect(error.failedCount).to.equal(1);
        expect(error.errors[0]).to.be.instanceOf(TypeError);
        expect(error.errors[0]?.message).to.match(/^record 13: value is undefined/);
        expect(cluster.values('orders')).to.have.length(19);
        await producer.flush();
      });
    });

    it('does not report what somebody awaited, be it late', async () => {
      const cluster = await FakeCluster.start();
      cluster.createTopic('orders');
      cluster.intercept = ({ api }) =>
        api === 'Produce' ? { kind: 'error', error: 'INVALID_RECORD' } : undefined;
      const producer = cluster.client().producer();
      await cluster.run(async () => {
        const refused = producer.send({ topic: 'orders', value: undefined });
        const failed = producer.send({ topic: 'orders', value: 'v' });
        await cluster.sleep(1_000);
        expect(await errorOf(refused)).to.be.instanceOf(TypeError);
        expect((await errorOf(failed)).code).to.equal('INVALID_RECORD');
        await producer.flush();
      });
    });

    it('reports them by close, once', async () => {
      const cluster = await FakeCluster.start();
      cluster.createTopic('orders');
      cluster.intercept = ({ api }) =>
        api === 'Produce' ? { kind: 'error', error: 'INVALID_RECORD' } : undefined;
      const client = cluster.client();
      const producer = client.producer();
      await cluster.run(async () => {
        void producer.send({ topic: 'orders', value: 'v' });
        const error = (await errorOf(producer.close())) as unknown as DeliveriesFailedError;
        expect(error.failedCount).to.equal(1);
        await producer.close();
        await client.close();
      });
    });
  });

  it('names the nearest topic and the command for a topic that does not exist', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer();
    const error = await cluster.run(() => errorOf(producer.send({ topic: 'ordesr', value: 'v' })));
    expect(error).to.include({ code: 'UNKNOWN_TOPIC_OR_PARTITION', outcomeUnknown: false });
    expect(error.message).to.match(
      /"ordesr" does not exist; did you mean "orders"\?.*odradek topic create ordesr/,
    );
    expect(cluster.topics.has('ordesr')).to.equal(false);
    expect(cluster.simulation.nowMs).to.be.below(3_000);
  });

  it('waits a moment for a topic that was created just now', async () => {
    const cluster = await FakeCluster.start();
    const producer = cluster.client().producer();
    await cluster.run(async () => {
      const sent = producer.send({ topic: 'orders', value: 'v' });
      await Promise.race([sent.catch(() => undefined), cluster.sleep(400)]);
      cluster.createTopic('orders');
      expect((await sent).offset).to.equal(0);
    });
  });

  it('survives a broker that restarts', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer();
    await cluster.run(() => producer.send({ topic: 'orders', value: 'a' }));
    cluster.stopBroker(1);
    const sent = producer.send({ topic: 'orders', value: 'b' });
    await cluster.run(() => cluster.sleep(5_000));
    await cluster.startBroker(1);
    const result = await cluster.run(() => sent);
    expect(result.offset).to.equal(1);
  });

  it('gives a connection up on which nothing is answered', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    cluster.intercept = ({ api, connection }) =>
      api === 'Produce' && connection === 1 ? { kind: 'ignore' } : undefined;
    const producer = cluster.client().producer({ idempotent: false, requestTimeoutMs: 3_000 });
    const sent = producer.send({ topic: 'orders', value: 'v' });
    expect(await cluster.run(() => sent)).to.include({ retried: true, possiblyDuplicated: true });
    expect(cluster.simulation.nowMs).to.be.within(3_000, 4_000);
  });

  it('with acks 0 tells no offset and sends without waiting', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer({ acks: 0 });
    await cluster.run(async () => {
      const result = await producer.send({ topic: 'orders', value: 'v' });
      expect(result.offset).to.equal(-1);
      await producer.close();
      await cluster.sleep(1_000);
    });
    expect(cluster.values('orders')).to.deep.equal(['v']);
  });

  it('compresses, also on another thread', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const producer = cluster.client().producer({ compression: 'gzip' });
    const records = range(0, 2_000).map((i) => ({ value: `record number ${i} of two thousand` }));
    await cluster.run(() => producer.sendBatch({ topic: 'orders', records }));
    expect(cluster.values('orders')).to.deep.equal(records.map(({ value }) => value));
    const bytes = cluster.partition('orders').batches.reduce((sum, { length }) => sum + length, 0);
    expect(bytes).to.be.below(30_000);
  });

  it('goes where an own partitioner says, and rejects what is no partition', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders', 3);
    const partitioner = ({ key }: { key: Uint8Array | null }) =>
      Number(Buffer.from(key!).toString());
    const producer = cluster.client().producer({ partitioner });
    await cluster.run(async () => {
      const { partition } = await producer.send({ topic: 'orders', key: '2', value: 'v' });
      expect(partition).to.equal(2);
      const error = await errorOf(producer.send({ topic: 'orders', key: '3', value: 'v' }));
      expect(error.code).to.equal('UNKNOWN_TOPIC_OR_PARTITION');
      expect(error.message).to.match(/has 3 partitions, from 0 to 2/);
    });
  });

  it('without key spreads batches over partitions and keeps a batch together', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders', 4);
    const producer = cluster.client().producer({ batchBytes: 1024 });
    await cluster.run(async () => {
      await producer.send({ topic: 'orders', value: 'v' });
      for (let i = 0; i < 400; i++) void producer.send({ topic: 'orders', value: ' '.repeat(90) });
      await producer.flush();
    });
    for (const partition of range(0, 4)) {
      const { batches } = cluster.partition('orders', partition);
      expect(batches.length).to.be.within(4, 20);
    }
    const all = range(0, 4).flatMap((partition) => cluster.partition('orders', partition).batches);
    expect(all.length).to.be.below(50);
  });

  it('closes with what is undecided reported as CLIENT_CLOSED when its time is over', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    cluster.intercept = ({ api }) => (api === 'Produce' ? { kind: 'ignore' } : undefined);
    const producer = cluster.client().producer();
    await cluster.run(async () => {
      const sent = errorOf(producer.send({ topic: 'orders', value: 'v' }));
      await cluster.sleep(500);
      await producer.close({ timeoutMs: 1_000 });
      expect(await sent).to.include({ code: 'CLIENT_CLOSED', outcomeUnknown: true });
      const after = await errorOf(producer.send({ topic: 'orders', value: 'w' }));
      expect(after).to.include({ code: 'CLIENT_CLOSED', outcomeUnknown: false });
    });
  });

  it('is closed by await using', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    await cluster.run(async () => {
      await using client = cluster.client();
      await using producer = client.producer();
      void producer.send({ topic: 'orders', value: 'v' });
    });
    expect(cluster.values('orders')).to.deep.equal(['v']);
    await cluster.run(() => cluster.sleep(1_000));
    expect(cluster.simulation.network.openSocketCount).to.equal(0);
  });

  it('leaves nothing scheduled after the client is closed', async () => {
    const cluster = await FakeCluster.start();
    cluster.createTopic('orders');
    const client = cluster.client();
    await cluster.run(async () => {
      await client.producer().send({ topic: 'orders', value: 'v' });
      await client.close();
    });
    const { process } = cluster.simulation.node('client');
    cluster.stopBroker(1);
    const { reason } = await cluster.simulation.run({ forMs: 1_000_000 });
    expect(reason).to.equal('idle');
    expect(process.isDead).to.equal(false);
  });
});

function circular(): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  value['self'] = value;
  return value;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** A retry repeats what directly preceded it, never something older: order is kept. */
function expectRepeatsOfWholeBatches(numbers: readonly number[]): void {
  let highest = -1;
  for (const [at, value] of numbers.entries()) {
    if (value > highest) highest = value;
    else if (at > 0 && numbers[at - 1]! < highest) expect(value).to.be.above(numbers[at - 1]!);
  }
}
