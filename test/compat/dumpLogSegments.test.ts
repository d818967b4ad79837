/** Kafka's own DumpLogSegments judges what we wrote: batches, records, and both indexes. */

import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  NodeFileSystem,
  NodeHost,
  systemClock,
  systemRandom,
  systemTimers,
} from '../../common/environment/production/index.ts';
import { type LeaderEpoch, silentLogger, type TopicId } from '../../common/index.ts';
import { defaultLogConfig, type LogConfig, LogManager } from '../../broker/log/index.ts';
import {
  type CompressionName,
  isCodecAvailable,
  RecordBatchBuilder,
  setBatchProducer,
} from '../../protocol/index.ts';
import { dumpLogSegments as dump } from '../harness/dumpLogSegments.ts';
import { temporaryDirectory } from '../harness/temporaryDirectory.ts';

const CODECS: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const PARTITION = { topic: 'flights', partition: 3 };

const config: LogConfig = {
  ...defaultLogConfig,
  segmentBytes: 60_000,
  indexIntervalBytes: 4096,
  messageTimestampType: 'CreateTime',
};

function managerOn(directory: string): LogManager {
  const environment = {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    fileSystem: new NodeFileSystem(),
    host: new NodeHost(),
  };
  return new LogManager(
    environment,
    { logDirs: [directory], brokerId: 1, clusterId: 'compat', configFor: () => config },
    silentLogger,
  );
}

/** Batches of every codec, with keys, headers, tombstones, three epochs and rising times. */
async function writeLog(directory: string): Promise<number> {
  const manager = managerOn(directory);
  manager.start();
  const log = manager.create(PARTITION, 'AAAAAAAAAAAAAAAAAAAAAQ' as TopicId, config);
  const codecs = CODECS.filter((name) => isCodecAvailable(name));
  for (let index = 0; index < 300; index += 1) {
    const compression = codecs[index % codecs.length]!;
    const builder = new RecordBatchBuilder({ compression });
    for (let record = 0; record < 30; record += 1) {
      const value = record % 10 === 9 ? null : Buffer.from(`value ${index} ${record} `.repeat(8));
      const headers = [['codec', Buffer.from(compression)]] as const;
      // Times go back now and then: the time index holds the newest so far.
      const timestamp = 1_700_000_000_000 + index * 1000 - (index % 7) * 3000 + record;
      builder.append(
        Buffer.from(`key ${record}`),
        value,
        record % 5 === 0 ? headers : [],
        timestamp,
      );
    }
    const leaderEpoch = Math.floor(index / 100) as LeaderEpoch;
    const batch = Buffer.from(builder.build());
    // Three idempotent producers in turn, each of them with batches of 30 records.
    setBatchProducer(batch, 0, {
      producerId: 4000 + (index % 3),
      producerEpoch: index % 3,
      baseSequence: Math.floor(index / 3) * 30,
    });
    log.append(batch, { leaderEpoch, origin: 'client' });
    if (index % 5 === 0) manager.flushTurn();
  }
  manager.flushTurn();
  await manager.close();
  return log.logEndOffset;
}

describe("Kafka's DumpLogSegments on a log that we wrote", function () {
  this.timeout(60_000);
  let root: string;
  let files: readonly string[];
  let logEndOffset: number;

  before(async () => {
    root = temporaryDirectory('dump-log-segments');
    const directory = path.join(root, 'log');
    logEndOffset = await writeLog(directory);
    const partition = path.join(directory, 'flights-3');
    files = fs
      .readdirSync(partition)
      .filter((name) => /\.(log|index|timeindex)$/.test(name))
      .map((name) => path.join(partition, name));
  });

  after(() => fs.rmSync(root, { recursive: true, force: true }));

  it('finds several segments, each with both indexes', () => {
    expect(files.length).to.be.at.least(9);
    expect(files.length % 3).to.equal(0);
  });

  it('reads every record, finds every batch valid and every index entry true', async () => {
    const output = await dump(files, ['--deep-iteration']);
    expect(output).not.to.match(
      /Mismatch|mismatch|not found|Non-consecutive|invalid|out of order/i,
    );
    expect(output).not.to.include('isvalid: false');
    const offsets = [...output.matchAll(/^\| offset: (\d+) /gm)].map((match) => Number(match[1]));
    expect(offsets).to.deep.equal(Array.from({ length: logEndOffset }, (_, offset) => offset));
    for (const codec of CODECS.filter((name) => isCodecAvailable(name))) {
      expect(output).to.include(`compresscodec: ${codec} `);
    }
    expect(output).to.match(/^offset: \d+ position: \d+$/m);
    expect(output).to.match(/^timestamp: \d+ offset: \d+$/m);
    expect(output).to.include('partitionLeaderEpoch: 2 ');
  });

  it('passes its sanity check of the indexes', async () => {
    const indexes = files.filter((file) => !file.endsWith('.log'));
    const output = await dump(indexes, ['--index-sanity-check']);
    expect([...output.matchAll(/passed sanity check/g)]).to.have.length(indexes.length);
  });

  it("reads the snapshots of the producers as Kafka's", async () => {
    const partition = path.dirname(files[0]!);
    const snapshots = fs.readdirSync(partition).filter((name) => name.endsWith('.snapshot'));
    // One for each segment but the first, and the one of the clean stop.
    expect(snapshots).to.have.length(files.length / 3);
    for (const name of snapshots) {
      const output = await dump([path.join(partition, name)], []);
      const endOffset = Number(name.slice(0, 20));
      const producers = [
        ...output.matchAll(
          /^producerId: (\d+) producerEpoch: (\d+) .*lastSequence: (\d+) lastOffset: (\d+) /gm,
        ),
      ].map((match) => match.slice(1).map(Number));
      const batchCount = endOffset / 30;
      const wanted = [0, 1, 2].map((producer) => {
        const last = batchCount - 1 - ((batchCount - 1 - producer) % 3);
        return [4000 + producer, producer, (Math.floor(last / 3) + 1) * 30 - 1, last * 30 + 29];
      });
      expect(producers.sort(), name).to.deep.equal(wanted);
    }
  });

  it('still does after a crash, when the indexes were made anew', async () => {
    const directory = path.join(root, 'log');
    fs.rmSync(path.join(directory, '.kafka_cleanshutdown'));
    fs.writeFileSync(path.join(directory, 'recovery-point-offset-checkpoint'), '0\n0\n');
    for (const file of files) if (!file.endsWith('.log')) fs.rmSync(file);
    const manager = managerOn(directory);
    manager.start();
    expect(manager.log(PARTITION)?.logEndOffset).to.equal(logEndOffset);
    await manager.close();
    const output = await dump(files, ['--deep-iteration']);
    expect(output).not.to.match(
      /Mismatch|mismatch|not found|Non-consecutive|invalid|out of order/i,
    );
    expect([...output.matchAll(/^\| offset: /gm)]).to.have.length(logEndOffset);
  });
});
