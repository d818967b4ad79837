import { expect } from 'chai';
import {
  DeliveryError,
  type DeliveryResult,
  Odradek,
  OdradekError,
} from '../../../client/index.ts';
import { Child } from '../../harness/childProcess.ts';
import { freePort } from '../../harness/freePort.ts';
import { odradekBin, repository, StartedCluster } from '../../harness/odradek.ts';

describe('The SDK against real brokers', function () {
  this.timeout(60_000);
  let cluster: StartedCluster;
  let odradek: Odradek;
  let topicCount = 0;
  let restarted: Child | undefined;

  before(async () => {
    cluster = await StartedCluster.start({ args: ['--broker-count', '2'] });
    odradek = new Odradek({ brokers: cluster.brokers });
  });
  after(async () => {
    await odradek.close();
    await restarted?.stop(20_000);
    await cluster.stop();
  });

  async function newTopic(partitions: number): Promise<string> {
    const topic = `sdk-${++topicCount}`;
    await odradek.admin().createTopic({ topic, partitions });
    return topic;
  }

  async function readAll(topic: string): Promise<Map<string, string[]>> {
    const byKey = new Map<string, string[]>();
    const consumer = odradek.consumer({ topic, from: 'beginning', stopAtEnd: true });
    for await (const record of consumer) {
      const key = String(record.key);
      byKey.set(key, [...(byKey.get(key) ?? []), record.text()!]);
    }
    return byKey;
  }

  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    it(`gives back what it took, in order within each key (${compression})`, async () => {
      const topic = await newTopic(4);
      const producer = odradek.producer({ compression, batchBytes: 64 * 1024 });
      for (let i = 0; i < 20_000; i++) {
        void producer.send({ topic, key: `key-${i % 10}`, value: `value ${i}` });
      }
      await producer.close();
      const byKey = await readAll(topic);
      expect(byKey.size).to.equal(10);
      for (let key = 0; key < 10; key++) {
        const expected = Array.from({ length: 2_000 }, (_, n) => `value ${n * 10 + key}`);
        expect(byKey.get(`key-${key}`)).to.deep.equal(expected);
      }
    });
  }

  it('wakes a waiting consumer by the append', async () => {
    const topic = await newTopic(1);
    const consumer = odradek.consumer({ topic, fetchWaitMsMax: 60_000 });
    const iterator = consumer[Symbol.asyncIterator]();
    await consumer.ready();
    const next = iterator.next();
    await odradek.producer().send({ topic, key: 'k', value: 'hello' });
    expect((await next).value?.text()).to.equal('hello');
    await consumer.close();
  });

  it('describes topics, configurations and the cluster', async () => {
    const topic = await newTopic(3);
    const admin = odradek.admin();
    await odradek.producer().sendBatch({
      topic,
      records: Array.from({ length: 30 }, () => ({ value: 'v', partition: 1 })),
    });
    const { partitions } = await admin.describeTopic(topic);
    expect(partitions).to.have.length(3);
    expect(partitions[1]).to.include({ partition: 1, highWatermark: 30, logEndOffset: 30 });
    await admin.alterConfigs(topic, { 'retention.ms': 123_000 });
    const entry = (await admin.describeConfigs({ topic })).find(
      ({ name }) => name === 'retention.ms',
    );
    expect(entry).to.include({ value: '123000', source: 'topic' });
    const { brokers, clusterId } = await admin.describeCluster();
    expect(brokers).to.have.length(2);
    expect(clusterId).to.equal(cluster.started.clusterId);
    expect((await admin.listTopics()).map((listed) => listed.topic)).to.include(topic);
    const [, found] = await admin.listOffsets({ topic, at: { time: 0 } });
    expect(found).to.include({ partition: 1, offset: 0 });
  });

  it('neither loses nor duplicates a record when a broker is killed and restarted', async () => {
    const topic = await newTopic(2);
    const client = new Odradek({ brokers: cluster.brokers });
    const producer = client.producer({ batchBytes: 16 * 1024 });
    const broker = cluster.started.brokers[1]!;
    const sent: Promise<DeliveryResult>[] = [];
    for (let i = 0; i < 400; i++) {
      for (let j = 0; j < 25; j++) {
        const value = `${i * 25 + j}`;
        sent.push(producer.send({ topic, partition: j % 2, key: `${j % 2}`, value }));
      }
      await new Promise((resolve) => setImmediate(resolve));
      if (i === 100) process.kill(broker.pid, 'SIGKILL');
    }
    // It serves until the end: the tests after this one need a whole cluster again.
    restarted = new Child(process.execPath, [odradekBin, 'broker', '--config', broker.config]);
    const results = await Promise.all(sent);
    await client.close();
    const byKey = await readAll(topic);
    expect(results.some(({ possiblyDuplicated }) => possiblyDuplicated)).to.equal(false);
    for (const key of ['0', '1']) {
      const values = byKey.get(key)!.map(Number);
      const expected = results.flatMap((_, n) => ((n % 25) % 2 === Number(key) ? n : []));
      expect(values, `partition ${key}`).to.deep.equal(expected);
    }
  });

  it('reads an error for a topic that does not exist, with the nearest name', async () => {
    const topic = await newTopic(1);
    const error = await odradek
      .producer()
      .send({ topic: `${topic}x`, value: 'v' })
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(error).to.be.instanceOf(DeliveryError);
    expect((error as DeliveryError).message).to.include(`odradek topic create ${topic}x`);
  });

  it('lets the process end after close, with work done by every part', async () => {
    const topic = await newTopic(1);
    const program = `
      import { Odradek } from './client/index.ts';
      const odradek = new Odradek({ brokers: '${cluster.brokers}' });
      const producer = odradek.producer({ compression: 'gzip' });
      const topic = '${topic}';
      for (let i = 0; i < 20000; i++) producer.send({ topic, value: 'some text ' + i });
      await producer.flush();
      const reading = (async () => { for await (const record of odradek.consumer({ topic })) record; })();
      await odradek.consumer({ topic, from: 'beginning' }).batches().next();
      await odradek.close();
      await reading;
      console.log('closed');
    `;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
    const child = new Child(process.execPath, args, { cwd: repository });
    const { code } = await child.exited;
    expect(child.stderr).to.equal('');
    expect(code).to.equal(0);
    expect(child.stdout).to.equal('closed\n');
  });

  it('says that nothing listens, and where', async () => {
    const port = await freePort();
    const client = new Odradek({ brokers: `127.0.0.1:${port}` });
    const error = await client
      .admin()
      .listTopics()
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(error).to.be.instanceOf(OdradekError);
    expect((error as OdradekError).code).to.equal('NO_BROKER_AVAILABLE');
    expect((error as Error).message).to.equal(
      `no broker at 127.0.0.1:${port} (connection refused)`,
    );
    await client.close();
  });
});
