/** Kafka's own DumpLogSegments judges what compaction wrote, in real worker threads, on a real disk. */

import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { defaultLogConfig, type LogConfig, LogManager } from '../../broker/log/index.ts';
import {
  NodeFileSystem,
  NodeHost,
  systemClock,
  systemRandom,
  systemTimers,
  WorkerOffload,
} from '../../common/environment/production/index.ts';
import { type LeaderEpoch, silentLogger, type TopicId } from '../../common/index.ts';
import {
  type CompressionName,
  isCodecAvailable,
  RecordBatchBuilder,
  setBatchProducer,
} from '../../protocol/index.ts';
import { dumpLogSegments } from '../harness/dumpLogSegments.ts';
import { temporaryDirectory } from '../harness/temporaryDirectory.ts';

const CODECS = (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).filter(isCodecAvailable);
const PARTITION = { topic: 'flights', partition: 0 };
const BATCHES = 300;
const RECORDS = 30;

const config: LogConfig = {
  ...defaultLogConfig,
  segmentBytes: 60_000,
  indexIntervalBytes: 256,
  cleanupPolicy: ['compact'],
  minCleanableDirtyRatio: 0,
};

/** Every key comes in every third batch, as a tombstone in some of the last; five keys stay alone. */
function batch(index: number, compression: CompressionName): Buffer {
  const builder = new RecordBatchBuilder({ compression });
  for (let record = 0; record < RECORDS; record += 1) {
    const key = record === 0 && index % 60 === 0 ? `once ${index}` : `key ${record} ${index % 3}`;
    const value = index > 240 && record % 10 === 9 ? null : `value ${index} ${record} `.repeat(8);
    const timestamp = 1_700_000_000_000 + index * 1000 - (index % 7) * 3000 + record;
    builder.append(Buffer.from(key), value, record % 5 === 0 ? [['h', 'x']] : [], timestamp);
  }
  const bytes = Buffer.from(builder.build());
  setBatchProducer(bytes, 0, {
    producerId: 4000 + (index % 3),
    producerEpoch: 0,
    baseSequence: Math.floor(index / 3) * RECORDS,
  });
  return bytes;
}

describe("Kafka's DumpLogSegments on a log that we compacted", function () {
  this.timeout(60_000);
  const offload = new WorkerOffload();
  let root: string;
  let manager: LogManager;
  let files: readonly string[];
  let keptOffsets: readonly number[];

  before(async () => {
    root = temporaryDirectory('compacted-log');
    const directory = path.join(root, 'log');
    const environment = {
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      fileSystem: new NodeFileSystem(),
      host: new NodeHost(),
    };
    const options = { logDirs: [directory], brokerId: 1, clusterId: 'compat' };
    manager = new LogManager(
      environment,
      { ...options, configFor: () => config, cleaner: { offload, chunkBytes: 10_000 } },
      silentLogger,
    );
    manager.start();
    const log = manager.create(PARTITION, 'AAAAAAAAAAAAAAAAAAAAAQ' as TopicId, config);
    const offsets = new Map<string, number>();
    for (let index = 0; index < BATCHES; index += 1) {
      const leaderEpoch = Math.floor(index / 100) as LeaderEpoch;
      log.append(batch(index, CODECS[index % CODECS.length]!), { leaderEpoch, origin: 'client' });
      for (let record = 0; record < RECORDS; record += 1) {
        const key = record === 0 && index % 60 === 0 ? `once ${index}` : `${record} ${index % 3}`;
        offsets.set(key, index * RECORDS + record);
      }
      manager.flushTurn();
      if (index % 100 === 99) {
        log.updateHighWatermark(log.writtenOffset);
        await manager.compact();
      }
    }
    await manager.close();
    const cleanedOffset = log.cleanedOffset!;
    keptOffsets = [...offsets.values()].filter((offset) => offset < cleanedOffset);
    const partition = path.join(directory, 'flights-0');
    files = fs
      .readdirSync(partition)
      .filter((name) => /\.(log|index|timeindex)$/.test(name))
      .map((name) => path.join(partition, name));
  });

  after(async () => {
    await offload.close();
    fs.rmSync(root, { recursive: true, force: true });
  });

  it('finds every batch valid, every index entry true, and the records that had to stay', async () => {
    const logs = files.filter((file) => file.endsWith('.log'));
    expect(manager.cleanerStats?.recordsKeptTotal).to.be.below(
      (manager.cleanerStats?.recordsReadTotal ?? 0) / 2,
    );
    expect(files).to.have.length(logs.length * 3);
    const output = await dumpLogSegments(files, ['--deep-iteration']);
    expect(output).not.to.match(/[Mm]ismatch|not found|invalid|out of order/);
    expect(output).not.to.include('isvalid: false');
    const offsets = [...output.matchAll(/^\| offset: (\d+) /gm)].map((match) => Number(match[1]));
    expect(offsets).to.deep.equal([...new Set(offsets)].sort((a, b) => a - b));
    expect(offsets).to.include.members([...keptOffsets]);
    expect(offsets.length).to.be.below((BATCHES * RECORDS) / 4);
    for (const codec of CODECS) expect(output).to.include(`compresscodec: ${codec} `);
    expect(output, 'tombstones have a delete horizon').to.match(
      /deleteHorizonMs: OptionalLong\[\d{13}\]/,
    );
  });

  it('passes its sanity check of the indexes', async () => {
    const indexes = files.filter((file) => !file.endsWith('.log'));
    const output = await dumpLogSegments(indexes, ['--index-sanity-check']);
    expect([...output.matchAll(/passed sanity check|is empty/g)]).to.have.length(indexes.length);
  });
});
