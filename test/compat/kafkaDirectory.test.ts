/** A log directory goes from a real Kafka 3.9 to us and back, and neither misses a record. */

import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  defaultLogConfig,
  LogManager,
  type PartitionLog,
  type VerifyEntry,
  verifyLog,
} from '../../broker/log/index.ts';
import {
  NodeFileSystem,
  NodeHost,
  systemClock,
  systemRandom,
  systemTimers,
} from '../../common/environment/production/index.ts';
import { type LeaderEpoch, type Offset, silentLogger } from '../../common/index.ts';
import { RecordBatchBuilder, RecordBatchView } from '../../protocol/index.ts';
import { Child } from '../harness/childProcess.ts';
import { freePort } from '../harness/freePort.ts';
import { removeDirectory, temporaryDirectory } from '../harness/temporaryDirectory.ts';

const RECORDS = 20_000;
const PARTITIONS = [0, 1].map((partition) => ({ topic: 'flights', partition }));

class Kafka {
  readonly root = temporaryDirectory('kafka');
  readonly logDirectory = path.join(this.root, 'log');
  #zooKeeper: Child | undefined;
  #broker: Child | undefined;
  #address = '';
  #zooKeeperAddress = '';

  run(command: string, args: readonly string[]): Child {
    const libs = process.env['ODRADEK_KAFKA_LIBS'];
    if (libs === undefined) throw new Error('ODRADEK_KAFKA_LIBS names no directory of Kafka jars');
    const log4j = this.#write('log4j.properties', [
      'log4j.rootLogger=INFO, out',
      'log4j.appender.out=org.apache.log4j.ConsoleAppender',
      'log4j.appender.out.layout=org.apache.log4j.PatternLayout',
      'log4j.appender.out.layout.ConversionPattern=%p %m%n',
    ]);
    const options = ['-Xmx384M', `-Dlog4j.configuration=file:${log4j}`];
    return new Child('java', [...options, '-cp', path.join(libs, '*'), command, ...args]);
  }

  async startZooKeeper(): Promise<void> {
    const port = await freePort();
    this.#zooKeeperAddress = `127.0.0.1:${port}`;
    const config = this.#write('zoo.cfg', [
      `dataDir=${this.root}/zookeeper`,
      `clientPort=${port}`,
      'admin.enableServer=false',
      'tickTime=1000',
    ]);
    this.#zooKeeper = this.run('org.apache.zookeeper.server.quorum.QuorumPeerMain', [config]);
    await this.#zooKeeper.waitForOutput(/binding to port/, { timeoutMs: 30_000 });
  }

  async start(): Promise<void> {
    const port = await freePort();
    this.#address = `127.0.0.1:${port}`;
    const config = this.#write('server.properties', [
      'broker.id=1',
      `listeners=PLAINTEXT://${this.#address}`,
      `log.dirs=${this.logDirectory}`,
      `zookeeper.connect=${this.#zooKeeperAddress}`,
      'num.partitions=2',
      'log.segment.bytes=300000',
      'offsets.topic.replication.factor=1',
      'offsets.topic.num.partitions=1',
    ]);
    this.#broker = this.run('kafka.Kafka', [config]);
    await this.#broker.waitForOutput(/\[KafkaServer id=1\] started/, { timeoutMs: 60_000 });
  }

  async stop(): Promise<void> {
    this.#broker?.signal('SIGTERM');
    await this.#broker?.exited;
  }

  async produce(): Promise<void> {
    const size = ['--num-records', String(RECORDS), '--record-size', '100', '--throughput', '-1'];
    const server = ['--producer-props', `bootstrap.servers=${this.#address}`, 'batch.size=2000'];
    await this.#tool('ProducerPerformance', ['--topic', 'flights', ...size, ...server]);
  }

  /** End offset of each partition, as a client sees it. */
  async endOffsets(): Promise<readonly number[]> {
    const args = ['--bootstrap-server', this.#address, '--topic', 'flights'];
    const output = await this.#tool('GetOffsetShell', args);
    return [...output.matchAll(/^flights:\d+:(\d+)$/gm)].map((match) => Number(match[1]));
  }

  async end(): Promise<void> {
    await this.#broker?.kill9();
    await this.#zooKeeper?.kill9();
    removeDirectory(this.root);
  }

  async #tool(name: string, args: readonly string[]): Promise<string> {
    const child = this.run(`org.apache.kafka.tools.${name}`, args);
    const { code } = await child.exited;
    expect(code, child.stdout + child.stderr).to.equal(0);
    return child.stdout;
  }

  #write(name: string, lines: readonly string[]): string {
    const file = path.join(this.root, name);
    fs.writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  }
}

function openDirectory(directory: string): LogManager {
  const environment = {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    fileSystem: new NodeFileSystem(),
    host: new NodeHost(),
  };
  const clusterId = LogManager.storedClusterId(environment, [directory]) ?? 'none';
  const options = {
    logDirs: [directory],
    brokerId: 1,
    clusterId,
    configFor: () => ({ ...defaultLogConfig, segmentBytes: 300_000 }),
  };
  return new LogManager(environment, options, silentLogger);
}

async function countRecords(log: PartitionLog): Promise<number> {
  const view = new RecordBatchView();
  let count = 0;
  let offset: Offset = log.logStartOffset;
  while (offset < log.logEndOffset) {
    const options = { maxBytes: 1e6, endOffset: log.logEndOffset, atLeastOneBatch: true };
    const read = await log.read(offset, options);
    for (const slice of read.slices) {
      for (let at = 0; at < slice.length; at = view.end) count += view.at(slice, at).recordsCount;
    }
    offset = read.nextOffset;
  }
  return count;
}

describe('a log directory between Kafka 3.9 and us', function () {
  this.timeout(180_000);
  const kafka = new Kafka();
  after(() => kafka.end());

  it('loses nothing on the way here, nor on the way back', async () => {
    await kafka.startZooKeeper();
    await kafka.start();
    await kafka.produce();
    const held = openDirectory(kafka.logDirectory);
    expect(() => held.start())
      .to.throw('holds a lock on its .lock file')
      .with.property('code', 'LOG_DIR_LOCKED');
    await kafka.stop();

    const verdict: VerifyEntry[] = [];
    for await (const entry of verifyLog(new NodeFileSystem(), kafka.logDirectory)) {
      if (entry.type !== 'segment') verdict.push(entry);
    }
    expect(verdict.filter(({ type }) => type === 'fault')).to.deep.equal([]);
    expect(verdict.at(-1)).to.include({ isSound: true, recordCount: RECORDS });

    const manager = openDirectory(kafka.logDirectory);
    manager.start();
    const ends: number[] = [];
    for (const topicPartition of PARTITIONS) {
      const log = manager.log(topicPartition)!;
      expect(log.topicId).to.have.length(22);
      expect(log.segmentCount).to.be.above(2);
      expect(await countRecords(log)).to.equal(log.logEndOffset);
      for (let index = 0; index < 2000; index += 1) {
        const builder = new RecordBatchBuilder();
        builder.append(null, Buffer.from(`ours ${index}`.padEnd(200)), [], systemClock.wallMs());
        const leaderEpoch = Math.max(log.latestEpoch, 0) as LeaderEpoch;
        log.append(Buffer.from(builder.build()), { leaderEpoch, origin: 'client' });
        manager.flushTurn();
      }
      ends.push(log.logEndOffset);
    }
    expect(ends.reduce((sum, end) => sum + end, 0)).to.equal(RECORDS + 4000);
    await manager.close();

    await kafka.start();
    expect(await kafka.endOffsets()).to.deep.equal(ends);
    await kafka.stop();
    const again = openDirectory(kafka.logDirectory);
    again.start();
    const counts = await Promise.all(PARTITIONS.map((tp) => countRecords(again.log(tp)!)));
    expect(counts).to.deep.equal(ends);
    await again.close();
  });
});
