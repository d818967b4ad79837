import { expect } from 'chai';
import { LogManager } from '../../../../broker/log/index.ts';
import type { LeaderEpoch, Offset, TopicId } from '../../../../common/index.ts';
import { SimFileSystem, SimMachine } from '../../../simulation/kernel/index.ts';
import {
  batchOf,
  LOG_DIR,
  LogFixture,
  PARTITION,
  readAll,
  START_MS,
  settle,
  smallConfig,
  TOPIC_ID,
} from './logFixture.ts';

const PATH = `${LOG_DIR}/flights-0`;
const FIRST_SEGMENT = `${PATH}/00000000000000000000.log`;

function text(fixture: LogFixture, name: string): string {
  return fixture.fileSystem.readFileSync(`${LOG_DIR}/${name}`).toString();
}

async function filled(count = 40, options: ConstructorParameters<typeof LogFixture>[0] = {}) {
  const fixture = new LogFixture(options).start();
  const log = fixture.createLog();
  for (let index = 0; index < count; index += 1) {
    fixture.write(log, batchOf([`value ${index}`.padEnd(100)], START_MS + index));
  }
  log.updateHighWatermark(log.writtenOffset);
  await settle();
  return { fixture, log };
}

function failureOf(work: () => unknown): { code: string; message: string } {
  try {
    work();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('It did not fail');
}

describe('LogManager', () => {
  describe('a clean stop', () => {
    it('waits for a truncation that is under way, and is clean all the same', async () => {
      const { fixture, log } = await filled();
      await fixture.manager.checkpointRecoveryPoints();
      const truncating = log.truncateTo(20 as Offset);
      await fixture.manager.close({ brokerEpoch: 7 });
      await truncating;
      expect(text(fixture, '.kafka_cleanshutdown')).to.equal('{"version":0,"brokerEpoch":7}');
      expect(text(fixture, 'recovery-point-offset-checkpoint')).to.equal('0\n1\nflights 0 20\n');
    });

    it('leaves the files of Kafka, and a start after it scans nothing', async () => {
      const { fixture } = await filled();
      await fixture.manager.close({ brokerEpoch: 4294967358 });
      const names = fixture.fileSystem.readDirectorySync(LOG_DIR);
      expect(names).to.include.members([
        '.kafka_cleanshutdown',
        '.lock',
        'flights-0',
        'log-start-offset-checkpoint',
        'meta.properties',
        'recovery-point-offset-checkpoint',
        'replication-offset-checkpoint',
      ]);
      expect(names.filter((name) => name.startsWith('.lock.'))).to.deep.equal([]);
      expect(text(fixture, '.kafka_cleanshutdown')).to.equal(
        '{"version":0,"brokerEpoch":4294967358}',
      );
      expect(text(fixture, 'meta.properties')).to.match(
        /^version=0\nbroker\.id=1\ncluster\.id=cluster-one\ndirectory\.id=[\w-]{22}\n$/,
      );
      expect(text(fixture, 'recovery-point-offset-checkpoint')).to.equal('0\n1\nflights 0 40\n');
      expect(text(fixture, 'replication-offset-checkpoint')).to.equal('0\n1\nflights 0 40\n');
      expect(text(fixture, 'flights-0/partition.metadata')).to.equal(
        `version: 0\ntopic_id: ${TOPIC_ID}`,
      );
      expect(text(fixture, 'flights-0/leader-epoch-checkpoint')).to.equal('0\n1\n0 0\n');

      // A wrong byte in a closed segment stays unseen: nobody read it.
      fixture.fileSystem.flipBit(FIRST_SEGMENT, 200);
      const again = fixture.restart().start();
      expect(again.log().logEndOffset).to.equal(40);
      expect(again.manager.previousBrokerEpoch).to.equal(4294967358);
    });

    it('takes the marker away before the first append', async () => {
      const { fixture } = await filled();
      await fixture.manager.close();
      const again = fixture.restart().start();
      const crashed = again.fileSystem.afterCrash('loseAllUnsynced');
      expect(crashed.statSync(`${LOG_DIR}/.kafka_cleanshutdown`)).to.equal(undefined);
    });

    it('keeps every segment and offset, and goes on where it ended', async () => {
      const { fixture, log } = await filled();
      const records = await readAll(log);
      await fixture.manager.close();
      const again = fixture.restart().start();
      expect(await readAll(again.log())).to.deep.equal(records);
      expect(again.write(again.log(), batchOf(['next'])).baseOffset).to.equal(40);
      await settle();
      expect(again.log().durableOffset).to.equal(41);
    });

    it('is idempotent', async () => {
      const { fixture } = await filled(1);
      await Promise.all([fixture.manager.close(), fixture.manager.close()]);
      await fixture.manager.close();
    });
  });

  describe('a start after a crash', () => {
    it('reads every segment from the recovery point on and cuts off a torn tail', async () => {
      const { fixture } = await filled();
      const path = [...fixture.fileSystem.snapshot().keys()].filter((name) =>
        name.endsWith('.log'),
      );
      const last = path.sort().at(-1)!;
      const file = fixture.fileSystem.openSync(last, 'readWrite');
      const size = file.sizeSync();
      file.writevSync([batchOf(['torn', 'tail']).subarray(0, 70)], size);
      const again = fixture
        .restart({ fileSystem: fixture.fileSystem.afterCrash('keepAll') })
        .start();
      expect(again.log().logEndOffset).to.equal(40);
      expect(again.fileSystem.statSync(last)?.sizeBytes).to.equal(size);
    });

    it('cuts off zeros, which a file system leaves where it lost the data of a write', async () => {
      const { fixture } = await filled(3);
      const file = fixture.fileSystem.openSync(FIRST_SEGMENT, 'readWrite');
      file.truncateSync(file.sizeSync() + 5000);
      const again = fixture.restart({ fileSystem: fixture.fileSystem.afterCrash('keepAll') });
      expect(again.start().log().logEndOffset).to.equal(3);
    });

    it('makes the indexes anew from the batches', async () => {
      const { fixture } = await filled();
      const fileSystem = fixture.fileSystem.afterCrash('keepAll');
      const index = `${PATH}/00000000000000000000.index`;
      const whole = fileSystem.readFileSync(index);
      expect(whole.length).to.be.above(0);
      fileSystem.replaceFileSync(index, Buffer.alloc(10 * 1024));
      fixture.restart({ fileSystem }).start();
      expect(fileSystem.readFileSync(index)).to.deep.equal(whole);
    });

    it('keeps a partition offline whose synced bytes are wrong, naming file and position', async () => {
      const { fixture } = await filled();
      await fixture.manager.checkpointRecoveryPoints();
      const fileSystem = fixture.fileSystem.afterCrash('loseAllUnsynced');
      const last = [...fileSystem.snapshot().keys()].filter((name) => name.endsWith('.log')).sort();
      fileSystem.flipBit(last.at(-1)!, 100);
      const again = fixture.restart({ fileSystem }).start();
      expect(again.manager.log(PARTITION)).to.equal(undefined);
      const reason = again.manager.offlineReason(PARTITION);
      expect(reason).to.have.property('code', 'LOG_CORRUPT');
      expect(reason?.message).to.include(last.at(-1)).and.include('position 0');
      expect(failureOf(() => again.createLog()).code).to.equal('KAFKA_STORAGE_ERROR');
      // The marker would make the next start believe the bytes.
      await again.manager.close();
      expect(fileSystem.statSync(`${LOG_DIR}/.kafka_cleanshutdown`)).to.equal(undefined);
      expect(again.restart().start().manager.offlineReason(PARTITION)).to.have.property(
        'code',
        'LOG_CORRUPT',
      );
    });

    it('keeps a partition offline that is shorter than what was synced', async () => {
      const { fixture } = await filled(3);
      await fixture.manager.checkpointRecoveryPoints();
      const fileSystem = fixture.fileSystem.afterCrash('loseAllUnsynced');
      fileSystem.openSync(FIRST_SEGMENT, 'readWrite').truncateSync(0);
      const again = fixture.restart({ fileSystem }).start();
      expect(again.manager.offlineReason(PARTITION)?.message).to.include('below 3 was on disk');
    });

    it('refuses a segment of messages that Kafka wrote before 0.11, naming it', async () => {
      const { fixture } = await filled(1);
      const fileSystem = fixture.fileSystem.afterCrash('keepAll');
      // offset 0, size 14, crc 0xc3d35bd5 of: magic 0, attributes 0, no key, no value.
      const old = Buffer.from(
        '00000000000000000000000ea7ec6803 0000ffffffffffffffff'.replace(' ', ''),
        'hex',
      );
      fileSystem.replaceFileSync(FIRST_SEGMENT, Buffer.concat([old, old, old, old]));
      const failure = failureOf(() => fixture.restart({ fileSystem }).start());
      expect(failure.code).to.equal('LOG_FORMAT_UNSUPPORTED');
      expect(failure.message).to.include(FIRST_SEGMENT).and.include('magic 0');
    });

    it('makes leader epochs anew where their checkpoint is unreadable', async () => {
      const fixture = new LogFixture().start();
      const log = fixture.createLog();
      for (const epoch of [0, 0, 2, 5]) fixture.write(log, batchOf(['x'.padEnd(900)]), epoch);
      await settle();
      await fixture.manager.close();
      fixture.fileSystem.replaceFileSync(
        `${PATH}/leader-epoch-checkpoint`,
        Buffer.from('0\nnine\n'),
      );
      const again = fixture.restart().start().log();
      expect(again.epochs.entries).to.deep.equal([
        { epoch: 0, startOffset: 0 },
        { epoch: 2, startOffset: 2 },
        { epoch: 5, startOffset: 3 },
      ]);
      expect(again.endOffsetFor(3 as LeaderEpoch)).to.deep.equal({ epoch: 2, endOffset: 3 });
    });

    it('does not believe the indexes of a segment that was rolled after the checkpoint', async () => {
      const fixture = new LogFixture().start();
      const log = fixture.createLog();
      fixture.write(log, batchOf(['x'.padEnd(900)], START_MS));
      await settle();
      await fixture.manager.checkpointRecoveryPoints();
      fixture.write(log, batchOf(['y'.padEnd(1900)], START_MS));
      await settle();
      expect([log.segmentCount, log.recoveryPoint]).to.deep.equal([2, 1]);
      const fileSystem = fixture.fileSystem.afterCrash('loseAllUnsynced');
      const again = fixture.restart({ fileSystem }).start().log();
      expect(await again.maxTimestamp()).to.include({ offset: 0, timestamp: START_MS });
    });

    it('knows the epochs after a second crash that recovery made anew after the first', async () => {
      const fixture = new LogFixture().start();
      const log = fixture.createLog();
      for (let index = 0; index < 3; index += 1) fixture.write(log, batchOf(['x'.padEnd(900)]), 4);
      await settle();
      const first = fixture.restart({ fileSystem: fixture.fileSystem.afterCrash('keepAll') });
      // The truncation writes recovery points, and no checkpoint has written the epochs yet.
      await first
        .start()
        .log()
        .truncateTo(2 as Offset);
      const second = first.restart({ fileSystem: first.fileSystem.afterCrash('keepAll') });
      expect(second.start().log().epochs.entries).to.deep.equal([{ epoch: 4, startOffset: 0 }]);
    });

    it('does not miss what was deleted before it was ever synced', async () => {
      const fixture = new LogFixture({ config: { ...smallConfig, flushMessages: 1e9 } }).start();
      const log = fixture.createLog();
      await log.flush();
      for (let index = 0; index < 9; index += 1) fixture.write(log, batchOf(['x'.padEnd(50)]));
      log.updateHighWatermark(9 as Offset);
      await log.deleteRecordsBefore(6 as Offset);
      await fixture.time.advance(1);
      await fixture.manager.checkpointRecoveryPoints();
      const fileSystem = fixture.fileSystem.afterCrash('keepAll');
      fileSystem.openSync(FIRST_SEGMENT, 'readWrite').truncateSync(200);
      fileSystem.replaceFileSync(
        `${LOG_DIR}/recovery-point-offset-checkpoint`,
        Buffer.from('0\n1\nflights 0 6\n'),
      );
      const again = fixture.restart({ fileSystem }).start().log();
      expect([again.logStartOffset, again.logEndOffset]).to.deep.equal([6, 6]);
    });

    it('takes the careful side where the recovery points are unreadable', async () => {
      const { fixture } = await filled();
      await fixture.manager.checkpointRecoveryPoints();
      const fileSystem = fixture.fileSystem.afterCrash('loseAllUnsynced');
      fileSystem.replaceFileSync(`${LOG_DIR}/recovery-point-offset-checkpoint`, Buffer.from('?'));
      fileSystem.flipBit(FIRST_SEGMENT, 100);
      const again = fixture.restart({ fileSystem }).start();
      // The wrong byte is in an old segment: nothing behind it is cut off.
      expect(fileSystem.snapshot().size).to.be.above(10);
      expect(again.manager.log(PARTITION)?.logEndOffset).to.equal(40);
    });
  });

  describe('identity', () => {
    for (const [name, options] of [
      ['broker.id', { brokerId: 2 }],
      ['cluster.id', { clusterId: 'cluster-two' }],
    ] as const) {
      it(`refuses a directory with another ${name}, naming both values and the file`, async () => {
        const { fixture } = await filled(1);
        await fixture.manager.close();
        const failure = failureOf(() => fixture.restart(options).start());
        expect(failure.code).to.equal('LOG_DIR_MISMATCH');
        expect(failure.message).to.include(name).and.include(`${LOG_DIR}/meta.properties`);
        expect(failure.message)
          .to.match(/"1"|"cluster-one"/)
          .and.match(/"2"|"cluster-two"/);
        // It did not take the lock with it.
        fixture.restart().start();
      });
    }

    it('tells the cluster id of a directory without starting', async () => {
      const { fixture } = await filled(1);
      const stored = (directories: string[]) =>
        LogManager.storedClusterId({ fileSystem: fixture.fileSystem }, directories);
      expect(stored(['/data/none', LOG_DIR])).to.equal('cluster-one');
      expect(stored(['/data/none'])).to.equal(undefined);
    });

    it('keeps what Kafka wrote into meta.properties beside our keys', () => {
      const fileSystem = new SimFileSystem({ directories: [LOG_DIR] });
      const content = '#\n#Sat Nov 21 2026\nversion=0\nfoo=bar\ncluster.id=cluster-one\n';
      fileSystem.replaceFileSync(`${LOG_DIR}/meta.properties`, Buffer.from(content));
      const fixture = new LogFixture({ fileSystem }).start();
      expect(text(fixture, 'meta.properties')).to.equal(
        'version=0\nfoo=bar\ncluster.id=cluster-one\nbroker.id=1\n' +
          `directory.id=${fixture.manager.directoryId}\n`,
      );
    });

    it('gives a directory an id of its own once, and keeps the one that Kafka gave', async () => {
      const fixture = new LogFixture().start();
      const { directoryId } = fixture.manager;
      expect(directoryId).to.match(/^\w[\w-]{21}$/);
      await fixture.manager.close();
      expect(fixture.restart().start().manager.directoryId).to.equal(directoryId);

      const fileSystem = new SimFileSystem({ directories: [LOG_DIR] });
      const content =
        'version=0\nbroker.id=1\ncluster.id=cluster-one\ndirectory.id=xtzWWN4bTjitpL3kfd9s5g\n';
      fileSystem.replaceFileSync(`${LOG_DIR}/meta.properties`, Buffer.from(content));
      const taken = new LogFixture({ fileSystem }).start();
      expect(taken.manager.directoryId).to.equal('xtzWWN4bTjitpL3kfd9s5g');
      expect(text(taken, 'meta.properties')).to.equal(content);
    });

    it('sets a partition aside under another name, for good', async () => {
      const { fixture } = await filled(20);
      const config = { ...smallConfig, flushMessages: 1_000_000 };
      fixture.log().reconfigure(config);
      fixture.write(fixture.log(), batchOf(['the last, which no sync covers yet']));
      await fixture.manager.setAside(PARTITION);
      expect(fixture.manager.log(PARTITION)).to.equal(undefined);
      const fresh = fixture.createLog();
      expect(fresh.logEndOffset).to.equal(0);
      const fileSystem = fixture.fileSystem.afterCrash('loseAllUnsynced', 1);
      const again = fixture.restart({ fileSystem }).start();
      await again.time.advance(3_600_000);
      const stray = fileSystem
        .readDirectorySync(LOG_DIR)
        .filter((name) => /^flights-0\.[0-9a-f]{32}-stray$/.test(name));
      expect(stray).to.have.length(1);
      const last = fileSystem
        .readDirectorySync(`${LOG_DIR}/${stray[0]}`)
        .filter((name) => name.endsWith('.log'))
        .at(-1);
      expect(fileSystem.readFileSync(`${LOG_DIR}/${stray[0]}/${last}`).toString()).to.include(
        'the last, which no sync covers yet',
      );
      expect(again.manager.logs()).to.have.length(0);
    });

    it('refuses the same directory twice, and a topic id that differs', async () => {
      const { fixture } = await filled(1);
      const second = new LogFixture({ fileSystem: fixture.fileSystem, machine: fixture.machine });
      expect(failureOf(() => second.start()).code).to.equal('LOG_DIR_LOCKED');
      const other = 'BBBBBBBBBBBBBBBBBBBBBQ' as TopicId;
      const create = () => fixture.manager.create(PARTITION, other, smallConfig);
      expect(failureOf(create).code).to.equal('INCONSISTENT_TOPIC_ID');
    });
  });

  describe('several log directories', () => {
    const logDirs = ['/data/a', '/data/b'];

    it('puts a new partition where fewest are', () => {
      const fixture = new LogFixture({ logDirs }).start();
      for (let partition = 0; partition < 4; partition += 1) {
        fixture.createLog({ topic: 'flights', partition });
      }
      const count = (directory: string) =>
        fixture.fileSystem.readDirectorySync(directory).filter((name) => name.startsWith('flights'))
          .length;
      expect(logDirs.map(count)).to.deep.equal([2, 2]);
    });

    it('serves on from the others when one fails', async () => {
      const fixture = new LogFixture({ logDirs }).start();
      const failing = fixture.createLog({ topic: 'flights', partition: 0 });
      const serving = fixture.createLog({ topic: 'flights', partition: 1 });
      const failures: unknown[] = [];
      fixture.manager.onLogDirFailure(({ directory, partitions, allOffline }) =>
        failures.push({ directory, partitions, allOffline }),
      );
      fixture.fileSystem.inject({ operation: 'datasync', path: /^\/data\/a\//, error: 'EIO' });
      fixture.append(failing, batchOf(['a']));
      fixture.append(serving, batchOf(['b']));
      fixture.manager.flushTurn();
      await settle();
      expect(failures).to.deep.equal([
        {
          directory: '/data/a',
          partitions: [{ topic: 'flights', partition: 0 }],
          allOffline: false,
        },
      ]);
      expect([failing.isOffline, serving.isOffline]).to.deep.equal([true, false]);
      expect(serving.durableOffset).to.equal(1);
      fixture.write(serving, batchOf(['c']));
      await settle();
      expect(serving.durableOffset).to.equal(2);
      expect(fixture.manager.logs()).to.deep.equal([serving]);
      expect(fixture.createLog({ topic: 'new', partition: 0 }).directory).to.match(/^\/data\/b/);
    });

    it('starts without one that fails, and not at all without any', () => {
      const fileSystem = new SimFileSystem({ directories: ['/data'] });
      fileSystem.inject({ operation: 'makeDirectory', path: '/data/a', error: 'EIO', times: 9 });
      const fixture = new LogFixture({ logDirs, fileSystem }).start();
      expect(fixture.manager.directories()).to.deep.equal([
        { path: '/data/a', online: false },
        { path: '/data/b', online: true },
      ]);
      fileSystem.inject({ operation: 'stat', path: /^\/data\/b/, error: 'EIO', times: 99 });
      expect(failureOf(() => fixture.restart({ logDirs }).start()).code).to.equal(
        'LOG_DIRS_OFFLINE',
      );
    });
  });

  describe('deleting a partition', () => {
    it('renames the directory, forgets its checkpoints and removes the files later', async () => {
      const { fixture, log } = await filled();
      await fixture.manager.checkpointRecoveryPoints();
      await fixture.manager.delete(PARTITION);
      expect(fixture.manager.log(PARTITION)).to.equal(undefined);
      expect(failureOf(() => fixture.append(log, batchOf(['x']))).code).to.equal(
        'UNKNOWN_TOPIC_OR_PARTITION',
      );
      const names = () =>
        fixture.fileSystem.readDirectorySync(LOG_DIR).filter((name) => name.startsWith('flights'));
      expect(names()).to.have.length(1);
      expect(names()[0]).to.match(/^flights-0\.[0-9a-f]{32}-delete$/);
      expect(text(fixture, 'recovery-point-offset-checkpoint')).to.equal('0\n0\n');
      await fixture.time.advance(60_000);
      expect(names()).to.deep.equal([]);
    });

    it('takes a new one of the same name as a stranger', async () => {
      const { fixture } = await filled();
      await fixture.manager.delete(PARTITION);
      const other = 'BBBBBBBBBBBBBBBBBBBBBQ' as TopicId;
      const log = fixture.manager.create(PARTITION, other, smallConfig);
      expect([log.logStartOffset, log.logEndOffset, log.topicId]).to.deep.equal([0, 0, other]);
    });

    it('finishes with the next start what a crash interrupted', async () => {
      const { fixture } = await filled();
      await fixture.manager.delete(PARTITION);
      const fileSystem = fixture.fileSystem.afterCrash('loseAllUnsynced');
      const again = fixture.restart({ fileSystem }).start();
      await again.time.advance(0);
      const left = fileSystem.readDirectorySync(LOG_DIR).filter((name) => /delete$/.test(name));
      expect(left).to.deep.equal([]);
    });

    it('leaves a group commit under way alone', async () => {
      const { fixture, log } = await filled(2);
      fixture.write(log, batchOf(['in flight']));
      await fixture.manager.delete(PARTITION);
      await fixture.time.advance(60_000);
      expect(fixture.manager.directories()[0]?.online).to.equal(true);
    });
  });

  describe('retention', () => {
    it('removes segments whose newest record is older than retention.ms', async () => {
      const config = { ...smallConfig, retentionMs: 1000, fileDeleteDelayMs: 500 };
      const { fixture, log } = await filled(40, { config });
      await fixture.manager.applyRetention();
      expect(log.logStartOffset).to.equal(0);
      await fixture.time.advance(1020);
      const before = log.segmentCount;
      await fixture.manager.applyRetention();
      expect(log.logStartOffset).to.be.above(0).and.below(40);
      expect(log.segmentCount).to.be.below(before);
      expect(text(fixture, 'log-start-offset-checkpoint')).to.equal(
        `0\n1\nflights 0 ${log.logStartOffset}\n`,
      );
      const deleted = () =>
        fixture.fileSystem.readDirectorySync(PATH).filter((name) => name.endsWith('.deleted'));
      expect(deleted()).to.not.deep.equal([]);
      await fixture.time.advance(500);
      expect(deleted()).to.deep.equal([]);
      expect((await readAll(log))[0]?.[0]).to.equal(log.logStartOffset);
    });

    it('lets even the active segment go when all of it is too old', async () => {
      const config = { ...smallConfig, retentionMs: 1000 };
      const { fixture, log } = await filled(5, { config });
      await fixture.time.advance(3000);
      await fixture.manager.applyRetention();
      expect([log.logStartOffset, log.logEndOffset, log.segmentCount]).to.deep.equal([5, 5, 1]);
      expect(fixture.write(log, batchOf(['x'], START_MS + 9000)).baseOffset).to.equal(5);
    });

    it('keeps at least retention.bytes', async () => {
      const config = { ...smallConfig, retentionBytes: 4500 };
      const { fixture, log } = await filled(60, { config });
      await fixture.manager.applyRetention();
      expect(log.sizeBytes)
        .to.be.at.least(4500)
        .and.below(4500 + 2048);
    });

    it('keeps everything at and above the high watermark', async () => {
      const config = { ...smallConfig, retentionMs: 1000 };
      const fixture = new LogFixture({ config }).start();
      const log = fixture.createLog();
      for (let index = 0; index < 40; index += 1) fixture.write(log, batchOf(['x'.padEnd(100)]));
      log.updateHighWatermark(20 as Offset);
      await settle();
      await fixture.time.advance(5000);
      await fixture.manager.applyRetention();
      expect(log.logStartOffset).to.be.above(0).and.at.most(20);
    });

    it('does not follow a wall clock that jumps ahead', async () => {
      const config = { ...smallConfig, retentionMs: 24 * 3600 * 1000 };
      const { fixture, log } = await filled(40, { config });
      fixture.time.wallAheadMs += 10 * 365 * 24 * 3600 * 1000;
      await fixture.manager.applyRetention();
      expect(log.logStartOffset).to.equal(0);
    });

    it('goes on where the disk is too full for the checkpoint', async () => {
      const config = { ...smallConfig, retentionBytes: 4500 };
      const { fixture, log } = await filled(60, { config });
      fixture.fileSystem.inject({ operation: 'write', path: /checkpoint/, error: 'ENOSPC' });
      await fixture.manager.applyRetention();
      expect(log.logStartOffset).to.be.above(0);
      expect(log.isOffline).to.equal(false);
    });

    it('runs by its timer', async () => {
      const config = { ...smallConfig, retentionMs: 1000 };
      const { fixture, log } = await filled(5, { config });
      await fixture.time.advance(300_000);
      expect(log.logStartOffset).to.equal(5);
    });

    it('keeps a deleted record deleted after a crash', async () => {
      const { fixture, log } = await filled();
      expect(await log.deleteRecordsBefore(17 as Offset)).to.equal(17);
      const fileSystem = fixture.fileSystem.afterCrash('loseAllUnsynced');
      const again = fixture.restart({ fileSystem }).start();
      expect(again.log().logStartOffset).to.equal(17);
    });
  });

  it('does not know a partition that it was never given', () => {
    const fixture = new LogFixture({ machine: new SimMachine('other') }).start();
    expect(fixture.manager.log(PARTITION)).to.equal(undefined);
    expect(fixture.manager.offlineReason(PARTITION)).to.equal(undefined);
  });
});
