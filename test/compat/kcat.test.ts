/** kcat, which is librdkafka: the client behind most languages but Java and JavaScript. */

import { spawn } from 'node:child_process';
import { expect } from 'chai';
import { TestCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/waitFor.ts';

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 30_000;

/** Runs kcat to its end. @throws where it cannot be started, or ends with an error. */
async function kcat(args: readonly string[], input = ''): Promise<Outcome> {
  const child = spawn('kcat', args);
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
  const text = async (stream: NodeJS.ReadableStream): Promise<string> => {
    let whole = '';
    for await (const chunk of stream.setEncoding('utf8')) whole += String(chunk);
    return whole;
  };
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const outputs = Promise.all([text(child.stdout), text(child.stderr)]);
  const code = await ended;
  clearTimeout(timer);
  const [stdout, stderr] = await outputs;
  if (code !== 0) throw new Error(`kcat ${args.join(' ')} ended with ${code}: ${stderr}`);
  return { code, stdout, stderr };
}

describe('kcat', function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  let brokers: string;
  let topicCount = 0;
  const newTopic = (): string => `kcat-${++topicCount}`;
  const lines = (count: number): string =>
    Array.from({ length: count }, (_, n) => `line ${n}\n`).join('');
  const produce = (topic: string, text: string, more: readonly string[] = []): Promise<Outcome> =>
    kcat(['-b', brokers, '-P', '-t', topic, ...more], text);
  const consume = async (topic: string, more: readonly string[] = []): Promise<string> =>
    (await kcat(['-b', brokers, '-C', '-t', topic, '-o', 'beginning', '-e', '-q', ...more])).stdout;

  before(async () => {
    cluster = await TestCluster.start({
      brokerCount: 3,
      tickMs: 500,
      properties: {
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'zookeeper.session.timeout.ms': '6000',
        'default.replication.factor': '3',
        'min.insync.replicas': '2',
        'offsets.topic.num.partitions': '3',
        'group.initial.rebalance.delay.ms': '0',
      },
    });
    brokers = cluster.brokers.map(({ kafka }) => kafka).join(',');
  });
  after(() => cluster.stop());

  it('switches on every feature that Kafka 3.9 gives it', async () => {
    const { stderr } = await kcat(['-b', brokers, '-L', '-X', 'debug=feature']);
    const features = new Set(
      [...stderr.matchAll(/Enabling feature (\w+)/g)].map(([, name]) => name),
    );
    expect([...features]).to.include.members([
      'MsgVer2',
      'BrokerBalancedConsumer',
      'LZ4',
      'OffsetTime',
      'IdempotentProducer',
      'ZSTD',
    ]);
  });

  it('lists the brokers at their Kafka addresses', async () => {
    const { stdout } = await kcat(['-b', brokers, '-L']);
    for (const { id, kafka } of cluster.brokers) {
      expect(stdout).to.include(`broker ${id} at ${kafka}`);
    }
  });

  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    it(`gets back what it produced with ${codec}`, async () => {
      const topic = newTopic();
      await produce(topic, lines(2_000), ['-z', codec]);
      expect(await consume(topic, ['-X', 'check.crcs=true'])).to.equal(lines(2_000));
    });
  }

  it('keeps keys and headers', async () => {
    const topic = newTopic();
    await produce(topic, 'k1:v1\nk2:v2\n', ['-K', ':', '-H', 'h=x']);
    expect(await consume(topic, ['-f', '%k=%s %h\n'])).to.equal('k1=v1 h=x\nk2=v2 h=x\n');
  });

  it('finds offsets by time', async () => {
    const topic = newTopic();
    await produce(topic, lines(10));
    const { stdout } = await kcat(['-b', brokers, '-Q', '-t', `${topic}:0:1`]);
    expect(stdout).to.equal(`${topic} [0] offset 0\n`);
  });

  it('resumes a group where it has committed', async () => {
    const topic = newTopic();
    const group = ['-b', brokers, '-X', 'auto.offset.reset=earliest', '-G', `g-${topic}`, topic];
    await produce(topic, lines(5));
    expect((await kcat([...group, '-e', '-q'])).stdout).to.equal(lines(5));
    await produce(topic, 'more\n');
    expect((await kcat([...group, '-e', '-q'])).stdout).to.equal('more\n');
  });

  it('produces each line once, in order, while the leader is killed', async () => {
    const topic = newTopic();
    await produce(topic, 'first\n');
    const { stdout } = await kcat(['-b', brokers, '-L', '-t', topic]);
    const leaderId = Number(/partition 0, leader (\d+)/.exec(stdout)?.[1]);
    const leader = cluster.brokers.find(({ id }) => id === leaderId)!;
    const producing = spawn('kcat', [
      ...['-b', brokers, '-P', '-t', topic, '-X', 'enable.idempotence=true'],
      ...['-X', 'linger.ms=5', '-X', 'batch.num.messages=100'],
    ]);
    const ended = new Promise<number | null>((resolve) => producing.once('close', resolve));
    const half = Array.from({ length: 5_000 }, (_, n) => `line ${n}\n`);
    producing.stdin.write(half.join(''));
    await waitFor(async () => (await consume(topic)).includes('line 100\n'), {
      what: 'lines are produced',
    });
    await leader.kill9();
    producing.stdin.end(half.map((_, n) => `line ${n + 5_000}\n`).join(''));
    expect(await ended).to.equal(0);
    const others = cluster.brokers.filter(({ id }) => id !== leaderId);
    brokers = others.map(({ kafka }) => kafka).join(',');
    expect(await consume(topic)).to.equal(`first\n${lines(10_000)}`);
  });
});
