import { spawn } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Child } from '../harness/childProcess.ts';
import { freePort } from '../harness/freePort.ts';
import { jsonLines, odradek, odradekBin, StartedCluster } from '../harness/odradek.ts';
import { removeDirectory, temporaryDirectory } from '../harness/temporaryDirectory.ts';
import { waitFor } from '../harness/waitFor.ts';

interface Consumed {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly unknown[];
}

interface Acknowledged {
  readonly line: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
}

describe('the command line', function () {
  this.timeout(60_000);
  let cluster: StartedCluster;
  let topicCount = 0;

  before(async () => {
    cluster = await StartedCluster.start({ args: ['--broker-count', '2'] });
  });
  after(() => cluster.stop());

  async function createTopic(...flags: readonly string[]): Promise<string> {
    const topic = `topic-${++topicCount}`;
    const created = await cluster.run(['topic', 'create', topic, ...flags]);
    expect(created, created.stderr).to.include({ code: 0 });
    return topic;
  }

  async function consumeAll(
    topic: string,
    ...flags: readonly string[]
  ): Promise<readonly Consumed[]> {
    const args = ['consume', topic, '--json', '--from-beginning', '--exit', ...flags];
    const { code, stdout, stderr } = await cluster.run(args);
    expect(code, stderr).to.equal(0);
    return jsonLines<Consumed>(stdout);
  }

  describe('topic', () => {
    it('creates, lists, describes and deletes', async () => {
      const created = await cluster.run(['topic', 'create', 'made', '--partitions', '3']);
      expect(created).to.include({ code: 0, stdout: 'created topic "made" with 3 partitions\n' });
      const listed = jsonLines((await cluster.run(['topic', 'list', '--json'])).stdout);
      expect(listed.find(({ topic }) => topic === 'made')).to.include({
        partitions: 3,
        replicationFactor: 2,
        internal: false,
      });
      const { stdout } = await cluster.run(['topic', 'describe', 'made', '--json']);
      const partitions = jsonLines(stdout);
      expect(partitions.map((it) => Object.keys(it).join())).to.deep.equal(
        Array.from(
          { length: 3 },
          () =>
            'topic,partition,leader,leaderEpoch,replicas,isr,logStartOffset,highWatermark,logEndOffset,lags',
        ),
      );
      expect(partitions[2]).to.include({ topic: 'made', partition: 2, logEndOffset: 0 });
      const deleted = await cluster.run(['topic', 'delete', 'made']);
      expect(deleted).to.include({ code: 0, stdout: 'deleted topic "made"\n' });
      const after = jsonLines((await cluster.run(['topic', 'list', '--json'])).stdout);
      expect(after.some(({ topic }) => topic === 'made')).to.equal(false);
    });

    it('grows to more partitions', async () => {
      const topic = await createTopic();
      const grown = await cluster.run(['topic', 'alter', topic, '--partitions', '4']);
      expect(grown, grown.stderr).to.include({ code: 0 });
      await waitFor(
        async () =>
          jsonLines((await cluster.run(['topic', 'describe', topic, '--json'])).stdout).length ===
          4,
        { what: 'four partitions' },
      );
    });

    it('sets and resets configuration', async () => {
      const topic = await createTopic('--config', 'retention.ms=1000');
      const shown = async (): Promise<string> =>
        (await cluster.run(['topic', 'describe', topic])).stdout;
      await waitFor(async () => (await shown()).includes('retention.ms=1000'), {
        what: 'the configuration given at creation',
      });
      const altered = await cluster.run(['topic', 'alter', topic, '--property', 'retention.ms=5']);
      expect(altered).to.include({ code: 0 });
      await waitFor(async () => (await shown()).includes('retention.ms=5\n'), {
        what: 'the value',
      });
      await cluster.run(['topic', 'alter', topic, '--reset', 'retention.ms']);
      await waitFor(async () => !(await shown()).includes('retention.ms'), { what: 'the reset' });
      expect(await cluster.run(['topic', 'alter', topic])).to.include({ code: 2 });
    });

    it('passes on what the cluster refuses, as text and as JSON', async () => {
      const topic = await createTopic();
      const twice = await cluster.run(['topic', 'create', topic, '--json']);
      expect(twice.code).to.equal(1);
      const { error } = JSON.parse(twice.stderr) as { readonly error: object };
      expect(error).to.include({ code: 'TOPIC_ALREADY_EXISTS', retriable: false });
      const replicas = ['topic', 'create', 'r', '--replication-factor', '3', '--json'];
      expect((await cluster.run(replicas)).stderr).to.contain('INVALID_REPLICATION_FACTOR');
      expect((await cluster.run(['topic', 'create', 'bad/name'])).code).to.equal(1);
      const absent = await cluster.run(['topic', 'describe', 'topic-0x']);
      expect(absent).to.include({ code: 1, stdout: '' });
      expect(absent.stderr).to.contain('topic-0x');
    });
  });

  describe('produce and consume', () => {
    it('bring every line back, keyed by a field and in order within its key', async () => {
      const topic = await createTopic('--partitions', '4');
      const input = Array.from({ length: 2_000 }, (_, number) => ({
        origin: `airport-${number % 13}`,
        number,
      }));
      const text = input.map((it) => `${JSON.stringify(it)}\n`).join('');
      const produced = await cluster.run(['produce', topic, '--key-field', 'origin'], {
        input: text,
      });
      expect(produced).to.include({ code: 0, stdout: '', stderr: '2000 records acknowledged\n' });

      const records = await consumeAll(topic);
      expect(records).to.have.length(2_000);
      const lastOf = new Map<string, number>();
      for (const { key, value } of records) {
        const { origin, number } = JSON.parse(value ?? '') as (typeof input)[number];
        expect(key).to.equal(origin);
        expect(number).to.be.greaterThan(lastOf.get(origin) ?? -1);
        lastOf.set(origin, number);
      }
      expect(new Set(records.map(({ partition }) => partition)).size).to.be.greaterThan(1);
    });

    it('say for every acknowledged line where it stands', async () => {
      const topic = await createTopic();
      const args = ['produce', topic, '--json', '--key-separator', ':'];
      const { code, stdout } = await cluster.run(args, { input: 'k:a\nb\n:c' });
      expect(code).to.equal(0);
      const acknowledged = jsonLines<Acknowledged>(stdout);
      expect(acknowledged.map((it) => Object.keys(it).join())).to.deep.equal(
        Array.from({ length: 3 }, () => 'line,topic,partition,offset,timestamp'),
      );
      const byLine = acknowledged.toSorted((left, right) => left.line - right.line);
      expect(byLine.map(({ line, offset }) => [line, offset])).to.deep.equal([
        [1, 0],
        [2, 1],
        [3, 2],
      ]);
      const records = await consumeAll(topic);
      expect(records.map(({ key, value }) => [key, value])).to.deep.equal([
        ['k', 'a'],
        [null, 'b'],
        ['', 'c'],
      ]);
      expect(records.map(({ timestamp }) => timestamp)).to.deep.equal(
        byLine.map(({ timestamp }) => timestamp),
      );
      expect(Object.keys(records[0] ?? {}).join()).to.equal(
        'topic,partition,offset,timestamp,key,value,headers',
      );
    });

    it('write acknowledgements as they come, while input is still open', async () => {
      const topic = await createTopic();
      const args = [odradekBin, 'produce', topic, '--json', '--brokers', cluster.brokers];
      const child = spawn(process.execPath, args);
      let stdout = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.stdin.write('first\n');
      await waitFor(() => stdout.includes('"line":1'), { what: 'the first acknowledgement' });
      child.stdin.write('second\n');
      await waitFor(() => stdout.includes('"line":2'), { what: 'the second acknowledgement' });
      child.kill('SIGINT');
      expect(await ended).to.equal(0);
    });

    it('name a line without the field, and have sent the lines before it', async () => {
      const topic = await createTopic();
      const input = '{"id":"a"}\n{"id":"b"}\n{"x":1}\n{"id":"c"}\n';
      const { code, stderr } = await cluster.run(['produce', topic, '--key-field', 'id'], {
        input,
      });
      expect(code).to.equal(1);
      expect(stderr).to.match(/^line 3 cannot be sent: it lacks the field "id"/);
      expect((await consumeAll(topic)).map(({ key }) => key)).to.deep.equal(['a', 'b']);
      const broken = await cluster.run(['produce', topic, '--key-field', 'id'], { input: '{\n' });
      expect(broken.code).to.equal(1);
      expect(broken.stderr).to.match(/^line 1 cannot be sent: it is no JSON/);
    });

    it('count what failed by its code', async () => {
      const topic = await createTopic('--property', 'max.message.bytes=1000');
      const input = `small\n${'x'.repeat(5_000)}\n`;
      const args = ['produce', topic, '--property', 'batch.size=1024', '--json'];
      const { code, stderr, stdout } = await cluster.run(args, { input });
      expect(code).to.equal(1);
      const { error } = JSON.parse(stderr) as { readonly error: { readonly message: string } };
      expect(error).to.include({ code: 'DELIVERIES_FAILED' });
      expect(error.message).to.match(/MESSAGE_TOO_LARGE: [12]/);
      expect(jsonLines(stdout).length).to.be.lessThan(2);
    });

    it('leave bytes alone that are no UTF-8', async () => {
      const topic = await createTopic();
      const bytes = Buffer.from([0x6b, 0x3a, 0xff, 0x00, 0xfe]);
      await cluster.run(['produce', topic, '--key-separator', ':'], { input: bytes });
      const [record] = await consumeAll(topic, '--base64');
      expect(record).to.include({
        key: 'aw==',
        value: Buffer.from([0xff, 0, 0xfe]).toString('base64'),
      });
    });

    it('start where asked: at an offset, a time, in one partition, for so many records', async () => {
      const topic = await createTopic('--partitions', '2');
      const numbers = (count: number): string =>
        Array.from({ length: count }, (_, index) => `${index}\n`).join('');
      await cluster.run(['produce', topic, '--partition', '1'], { input: numbers(10) });
      const [first] = await consumeAll(topic, '--count', '1');
      const read = async (...flags: readonly string[]): Promise<string> => {
        const { code, stdout, stderr } = await cluster.run(['consume', topic, '--exit', ...flags]);
        expect(code, stderr).to.equal(0);
        return stdout.trim().split('\n').join(',');
      };
      expect(await read('--offset', '7', '--partition', '1')).to.equal('7,8,9');
      expect(await read('--offset', 'beginning', '--partition', '0')).to.equal('');
      expect(await read('--offset', '@0')).to.equal('0,1,2,3,4,5,6,7,8,9');
      expect(await read('--offset', `@${(first?.timestamp ?? 0) + 3_600_000}`)).to.equal('');
      expect(await read('--offset', 'end')).to.equal('');
      expect(await read('--from-beginning', '--count', '2', '--partition', '1')).to.equal('0,1');
    });

    it('wait at the end for new records, say so, and end quietly on ctrl-C', async () => {
      const topic = await createTopic();
      await cluster.run(['produce', topic], { input: 'old\n' });
      const args = [odradekBin, 'consume', topic, '--brokers', cluster.brokers];
      const child = new Child(process.execPath, args);
      await child.waitForOutput(/waiting at the end of "topic-\d+"/, { stream: 'stderr' });
      await cluster.run(['produce', topic], { input: 'new\n' });
      await child.waitForOutput(/^new$/m);
      child.signal('SIGINT');
      expect(await child.exited).to.deep.equal({ code: 0, signal: null });
      expect(child.stdout).to.equal('new\n');
    });

    it('end quietly when a pipe closes early', async () => {
      const topic = await createTopic();
      const input = Array.from({ length: 20_000 }, (_, index) => `record ${index}\n`).join('');
      await cluster.run(['produce', topic], { input });
      const consume = `"${process.execPath}" "${odradekBin}" consume ${topic} --from-beginning`;
      const script = `${consume} --brokers ${cluster.brokers} | head -n 1; echo "\${PIPESTATUS[0]}"`;
      const child = new Child('bash', ['-c', script]);
      await child.exited;
      expect({ stdout: child.stdout, stderr: child.stderr }).to.deep.equal({
        stdout: 'record 0\n0\n',
        stderr: '',
      });
    });

    it('compress with every codec', async () => {
      const topic = await createTopic();
      for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
        const args = ['produce', topic, '--compression', codec];
        const { code, stderr } = await cluster.run(args, { input: `${codec}\n`.repeat(100) });
        expect(code, stderr).to.equal(0);
      }
      expect(await consumeAll(topic)).to.have.length(500);
    });

    it('refuse an unknown topic before any input is read', async () => {
      await createTopic();
      for (const command of ['produce', 'consume']) {
        const absent = await cluster.run([command, 'topik-1', '--json'], { openInput: true });
        expect(absent.code).to.equal(1);
        const { error } = JSON.parse(absent.stderr) as { readonly error: { message: string } };
        expect(error).to.include({ code: 'UNKNOWN_TOPIC_OR_PARTITION' });
        expect(error.message).to.contain('topic-1');
      }
    });
  });

  it('describes the cluster', async () => {
    const { stdout } = await cluster.run(['cluster', 'describe', '--json']);
    const described = JSON.parse(stdout) as {
      readonly brokers: readonly { readonly id: number }[];
    };
    expect(described).to.include({
      clusterId: cluster.started.clusterId,
      coordinatorState: 'proven',
    });
    expect(described.brokers.map(({ id }) => id)).to.deep.equal([1, 2]);
    expect((await cluster.run(['cluster', 'describe'])).stdout).to.match(
      /^cluster \S{22}, \d+ topics/,
    );
  });

  it('reads the log of a broker offline', async () => {
    const topic = await createTopic();
    await cluster.run(['produce', topic], { input: 'a\nb\nc\n' });
    const leader = jsonLines<{ leader: number }>(
      (await cluster.run(['topic', 'describe', topic, '--json'])).stdout,
    )[0]?.leader;
    const path = join(cluster.started.dir, `broker-${leader}`, 'data', `${topic}-0`);
    const dumped = jsonLines((await odradek(['log', 'dump', path, '--json', '--records'])).stdout);
    const values = dumped.filter(({ type }) => type === 'record').map(({ value }) => value);
    expect(values).to.deep.equal(['YQ==', 'Yg==', 'Yw==']);
    expect((await odradek(['log', 'dump', path])).stdout).to.match(/batch at 0: offsets 0 to \d/);

    const sound = await odradek(['log', 'verify', path]);
    expect(sound, sound.stderr).to.include({ code: 0 });
    const copy = temporaryDirectory('damaged');
    cpSync(path, join(copy, `${topic}-0`), { recursive: true });
    const file = join(copy, `${topic}-0`, '00000000000000000000.log');
    const bytes = readFileSync(file);
    bytes[70] = (bytes[70] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const damaged = await odradek(['log', 'verify', join(copy, `${topic}-0`), '--quiet']);
    expect(damaged.code).to.equal(1);
    expect(damaged.stdout).to.match(new RegExp(`^${file} at \\d+: DAMAGED: .+\n$`));
    removeDirectory(copy);
    expect(await odradek(['log', 'verify', '/nonexistent'])).to.include({ code: 1 });
  });
});

describe('the command line without a broker', function () {
  this.timeout(60_000);

  for (const args of [
    ['produce', 't'],
    ['consume', 't'],
    ['topic', 'list'],
    ['cluster', 'describe'],
  ]) {
    it(`says within five seconds that nobody listens: ${args.join(' ')}`, async () => {
      const port = await freePort();
      const begun = performance.now();
      const flags = ['--brokers', `127.0.0.1:${port}`];
      const { code, stdout, stderr } = await odradek([...args, ...flags], { openInput: true });
      expect({ code, stdout, stderr }).to.deep.equal({
        code: 1,
        stdout: '',
        stderr: `no broker at 127.0.0.1:${port} (connection refused); start one with npm start\n`,
      });
      expect(performance.now() - begun).to.be.lessThan(5_000);
    });
  }

  it('says so in JSON where that is asked for, and takes brokers from the environment', async () => {
    const port = await freePort();
    const env = { ODRADEK_BROKERS: `127.0.0.1:${port}` };
    const { code, stderr } = await odradek(['topic', 'list', '--json'], { env });
    expect(code).to.equal(1);
    expect(JSON.parse(stderr)).to.deep.equal({
      error: {
        code: 'NO_BROKER_AVAILABLE',
        message: `no broker at 127.0.0.1:${port} (connection refused); start one with npm start`,
        retriable: true,
      },
    });
  });

  it('ends with 2 where it was called wrongly', async () => {
    for (const args of [
      [],
      ['nonsense'],
      ['topic'],
      ['topic', 'create'],
      ['consume', 't', '--offset', 'x'],
      ['consume', 't', '--offset', '1', '--from-beginning'],
      ['consume', 't', '--base64'],
      ['produce', 't', '--key-field', 'a', '--key-separator', 'b'],
      ['produce', 't', '--acks', '2'],
      ['produce', 't', '--brokers', ','],
      ['topic', 'create', 't', '--partitions', '0'],
    ]) {
      const { code, stdout, stderr } = await odradek(args);
      expect({ args, code, stdout }).to.deep.equal({ args, code: 2, stdout: '' });
      expect(stderr).to.not.equal('');
    }
  });

  it('prints its version', async () => {
    const { code, stdout } = await odradek(['version', '--json']);
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ node: process.version });
    expect((await odradek(['version'])).stdout).to.match(/^odradek \d+\.\d+\.\d+ \(Node\.js v/);
  });
});
