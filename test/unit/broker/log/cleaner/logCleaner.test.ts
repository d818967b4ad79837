import { expect } from 'chai';
import type { Offset } from '../../../../../common/index.ts';
import { buildControlBatch } from '../../../../../protocol/index.ts';
import type { SimFileSystem } from '../../../../simulation/kernel/index.ts';
import { LOG_DIR, PARTITION, readFrom, START_MS, settle } from '../logFixture.ts';
import {
  type CompactionFixtureOptions,
  compactConfig,
  compactingFixture,
  contentOf,
  fillSegment,
  inlineOffload,
  keyedBatch,
  linesOf,
  restarted,
  writeTurns,
} from './compactionFixture.ts';

const PATH = `${LOG_DIR}/flights-0`;

function started(options: CompactionFixtureOptions = {}) {
  const fixture = compactingFixture(options).start();
  return { fixture, log: fixture.createLog() };
}

const names = (fileSystem: SimFileSystem) => fileSystem.readDirectorySync(PATH);

describe('LogCleaner', () => {
  it('keeps the last record of each key, in order and with its offset', async () => {
    const { fixture, log } = started();
    await writeTurns(fixture, [
      keyedBatch([
        ['a', '1'],
        ['b', '1'],
        ['a', '2'],
      ]),
      keyedBatch([['c', '1']]),
      keyedBatch([
        ['b', '2'],
        ['d', '1'],
      ]),
    ]);
    await fillSegment(fixture);
    await fillSegment(fixture);
    await fixture.manager.compact();
    expect(await linesOf(log)).to.deep.equal([
      '2 a=2',
      '3 c=1',
      '4 b=2',
      '5 d=1',
      '6 filler=ffffffff',
      '7 filler=ffffffff',
    ]);
    expect(log.logStartOffset).to.equal(0);
    expect(log.cleanedOffset).to.equal(7);
    expect((await readFrom(log, 0, { maxBytes: 10 })).nextOffset).to.equal(3);
  });

  it('puts small neighbours into one segment and removes what they leave', async () => {
    const { fixture, log } = started();
    for (let turn = 0; turn < 5; turn += 1) await fillSegment(fixture, `key ${turn % 2}`);
    await fixture.manager.compact();
    expect(log.segmentCount, 'they were large when the run began').to.equal(5);
    await fillSegment(fixture, 'key 2');
    await fixture.manager.compact();
    expect(log.segmentCount).to.equal(4);
    expect(names(fixture.fileSystem).filter((name) => name.endsWith('.log'))).to.have.length(
      log.segmentCount,
    );
    expect(names(fixture.fileSystem).join()).not.to.match(/cleaned|swap|deleted|tmp/);
    expect(await linesOf(log)).to.deep.equal([
      '3 key 1=ffffffff',
      '4 key 0=ffffffff',
      '5 key 2=ffffffff',
    ]);
  });

  it('does not touch the active segment, nor what is above the high watermark', async () => {
    const { fixture, log } = started();
    await writeTurns(fixture, [keyedBatch([['a', '1']]), keyedBatch([['a', '2']])]);
    await fixture.manager.compact();
    expect(await linesOf(log)).to.have.length(2);
    await fillSegment(fixture);
    await fillSegment(fixture);
    log.updateHighWatermark(1 as Offset);
    await fixture.manager.compact();
    expect(await linesOf(log)).to.have.length(4);
    expect(log.cleanedOffset).to.equal(undefined);
    log.updateHighWatermark(log.writtenOffset);
    await fixture.manager.compact();
    expect(await linesOf(log)).to.have.length(3);
  });

  it('begins with a sync where acknowledgements do not wait for one', async () => {
    const config = { ...compactConfig, flushMessages: 1_000_000 };
    const { fixture, log } = started({ config });
    await writeTurns(fixture, [keyedBatch([['a', '1']]), keyedBatch([['a', '2']])]);
    await fillSegment(fixture);
    await fillSegment(fixture);
    await fixture.manager.compact();
    expect(log.cleanedOffset).to.equal(3);
    expect(log.recoveryPoint).to.be.at.least(3);
  });

  it('waits for the dirty share, and for max.compaction.lag.ms no longer', async () => {
    const config = {
      ...compactConfig,
      minCleanableDirtyRatio: 0.9,
      maxCompactionLagMs: 60_000,
    };
    const { fixture, log } = started({ config });
    for (let turn = 0; turn < 3; turn += 1) await fillSegment(fixture, 'a');
    await fixture.manager.compact();
    expect(log.cleanedOffset).to.equal(2);
    for (let turn = 0; turn < 2; turn += 1) await fillSegment(fixture, 'b');
    await fixture.manager.compact();
    expect(log.cleanedOffset, 'two of three segments are dirty').to.equal(2);
    await fixture.time.advance(80_000);
    expect(log.cleanedOffset).to.equal(4);
  });

  it('leaves records alone for min.compaction.lag.ms', async () => {
    const config = { ...compactConfig, minCompactionLagMs: 50_000 };
    const { fixture, log } = started({ config });
    await fillSegment(fixture, 'a');
    await fillSegment(fixture, 'a');
    await fillSegment(fixture, 'a');
    await fixture.manager.compact();
    expect(log.cleanedOffset).to.equal(undefined);
    await fixture.time.advance(65_000);
    expect(log.cleanedOffset).to.equal(2);
  });

  it('looks by itself every log.cleaner.backoff.ms, once there is a compacted log', async () => {
    const config = { ...compactConfig, cleanupPolicy: ['delete' as const] };
    const { fixture, log } = started({ config, cleanerOptions: { backoffMs: 1_000 } });
    for (let turn = 0; turn < 3; turn += 1) await fillSegment(fixture, 'a');
    await fixture.time.advance(5_000);
    expect(log.cleanedOffset).to.equal(undefined);
    fixture.manager.reconfigure('flights', compactConfig);
    await fixture.time.advance(1_100);
    expect(log.cleanedOffset).to.equal(2);
    await fillSegment(fixture, 'a');
    await fixture.time.advance(1_100);
    expect(log.cleanedOffset).to.equal(3);
  });

  describe('tombstones', () => {
    it('stay for delete.retention.ms after they were first compacted, then go', async () => {
      const config = { ...compactConfig, deleteRetentionMs: 30_000 };
      const { fixture, log } = started({ config });
      await writeTurns(fixture, [
        keyedBatch(
          [
            ['a', '1'],
            ['b', '1'],
          ],
          { timestamp: START_MS - 5_000 },
        ),
        keyedBatch(
          [
            ['a', null],
            ['c', '1'],
          ],
          { timestamp: START_MS - 4_000 },
        ),
      ]);
      await fillSegment(fixture);
      await fillSegment(fixture);
      await fixture.manager.compact();
      const first = await contentOf(log);
      expect(await linesOf(log)).to.include.members(['1 b=1', '2 a=null', '3 c=1']);
      expect(first.records.some(({ key, value }) => key === 'a' && value === '1')).to.equal(false);
      expect(first.batches.map(({ horizonMs }) => horizonMs)).to.deep.equal([
        undefined,
        START_MS + 30_000,
        undefined,
        undefined,
      ]);
      // The horizon stands where the base timestamp was; the times of the records are the same.
      expect(first.records.slice(0, 3).map(({ timestamp }) => timestamp)).to.deep.equal([
        START_MS - 5_000,
        START_MS - 4_000,
        START_MS - 4_000,
      ]);
      await fixture.time.advance(29_000);
      await fillSegment(fixture);
      await fixture.manager.compact();
      expect(await linesOf(log)).to.include('2 a=null');
      await fixture.time.advance(2_000);
      await fillSegment(fixture);
      await fixture.manager.compact();
      expect((await linesOf(log)).slice(0, 2)).to.deep.equal(['1 b=1', '3 c=1']);
    });
  });

  describe('producers', () => {
    it('keeps the last batch of each as a header, so that a new replica knows what comes', async () => {
      const { fixture, log } = started();
      const produced = (value: string, baseSequence: number) =>
        keyedBatch(
          [
            ['a', value],
            ['b', value],
          ],
          { producerId: 7, baseSequence },
        );
      await writeTurns(fixture, [produced('1', 0), produced('2', 2), produced('3', 4)]);
      await writeTurns(fixture, [
        keyedBatch([
          ['a', 'last'],
          ['b', 'last'],
        ]),
      ]);
      await fillSegment(fixture);
      await fillSegment(fixture);
      await fixture.manager.compact();
      const { batches } = await contentOf(log);
      expect(batches.filter(({ producerId }) => producerId === 7)).to.deep.equal([
        {
          baseOffset: 4,
          lastOffset: 5,
          recordsCount: 0,
          producerId: 7,
          horizonMs: undefined,
          maxTimestamp: START_MS,
        },
      ]);
      // After a crash without snapshots the state is made anew from what compaction left.
      const fileSystem = fixture.fileSystem.afterCrash('keepAll');
      for (const name of names(fileSystem)) {
        if (name.endsWith('.snapshot')) fileSystem.unlinkSync(`${PATH}/${name}`);
      }
      const again = restarted(fixture, { fileSystem }).start();
      expect(() => again.append(again.log(), produced('5', 8))).to.throw('6 is due');
      expect(again.append(again.log(), produced('4', 6)).duplicate).to.equal(false);
    });

    it('removes the snapshots of segments that begin no more', async () => {
      const { fixture } = started();
      for (let turn = 0; turn < 5; turn += 1) await fillSegment(fixture, 'a');
      await fixture.manager.compact();
      await fixture.manager.compact();
      const stems = (suffix: string) =>
        names(fixture.fileSystem)
          .filter((name) => name.endsWith(suffix))
          .map((name) => name.slice(0, 20));
      for (const stem of stems('.snapshot')) expect(stems('.log')).to.include(stem);
    });
  });

  it('drops records without a key, which an uncompacted time may have left', async () => {
    const config = { ...compactConfig, cleanupPolicy: ['delete' as const] };
    const { fixture, log } = started({ config });
    await writeTurns(fixture, [
      keyedBatch([
        [null, 'x'],
        ['a', '1'],
      ]),
    ]);
    await fillSegment(fixture);
    await fillSegment(fixture);
    fixture.manager.reconfigure('flights', compactConfig);
    expect(() =>
      fixture.append(
        log,
        keyedBatch([
          ['a', '1'],
          [null, 'x'],
        ]),
      ),
    ).to.throw('a record without a key is not taken');
    await fixture.manager.compact();
    expect((await linesOf(log))[0]).to.equal('1 a=1');
  });

  it('refuses records without a key in batches of every codec, and says INVALID_RECORD', () => {
    const { fixture, log } = started();
    for (const compression of ['none', 'gzip'] as const) {
      const append = (key: string | null) => () =>
        fixture.append(
          log,
          keyedBatch(
            [
              ['a', '1'],
              [key, '2'],
            ],
            { compression },
          ),
        );
      expect(append(null)).to.throw().with.property('code', 'INVALID_RECORD');
      expect(append('')).not.to.throw();
    }
    expect(log.logEndOffset).to.equal(4);
  });

  it('writes compressed batches anew with their codec', async () => {
    const { fixture, log } = started();
    const options = { compression: 'gzip' as const };
    await writeTurns(fixture, [
      keyedBatch(
        [
          ['a', '1'],
          ['b', '1'],
        ],
        options,
      ),
      keyedBatch(
        [
          ['a', '2'],
          ['c', null],
        ],
        options,
      ),
    ]);
    await fillSegment(fixture);
    await fillSegment(fixture);
    await fixture.manager.compact();
    expect((await linesOf(log)).slice(0, 3)).to.deep.equal(['1 b=1', '2 a=2', '3 c=null']);
    const { slices } = await readFrom(log, 0);
    expect(slices[0]!.subarray(21, 23)).to.deep.equal(Buffer.from([0, 1]));
  });

  it('stops at a transaction, whose outcome nobody knows yet', async () => {
    const { fixture, log } = started();
    await writeTurns(fixture, [
      keyedBatch([['a', '1']]),
      keyedBatch([['a', '2']]),
      keyedBatch([['a', 'aborted']], { producerId: 3, transactional: true }),
    ]);
    const marker = buildControlBatch({
      type: 'abort',
      producerId: 3,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestamp: START_MS,
    });
    log.append(marker, { leaderEpoch: 0 as never, origin: 'coordinator' });
    fixture.manager.flushTurn();
    await fillSegment(fixture);
    await fillSegment(fixture);
    await fixture.manager.compact();
    expect(log.cleanedOffset).to.equal(2);
    expect((await linesOf(log)).slice(0, 2)).to.deep.equal(['1 a=2', '2 a=aborted']);
  });

  it('goes on where the map was full, run after run', async () => {
    const { fixture, log } = started({
      cleanerOptions: { mapBytesMax: 24 * 6, mapLoadFactor: 0.7 },
    });
    for (let round = 0; round < 6; round += 1) {
      const pairs = Array.from({ length: 4 }, (_, i) => [`k${i}`, `${round}`] as const);
      await writeTurns(fixture, [keyedBatch(pairs)]);
    }
    await fillSegment(fixture);
    await fillSegment(fixture);
    await fixture.manager.compact();
    expect(log.cleanedOffset).to.equal(25);
    expect((await linesOf(log)).slice(0, 4)).to.deep.equal([
      '20 k0=5',
      '21 k1=5',
      '22 k2=5',
      '23 k3=5',
    ]);
    expect(fixture.manager.cleanerStats?.runsTotal).to.be.above(3);
  });

  it('gives up a log with a batch that no map can hold, and says so', async () => {
    const { fixture, log } = started({
      cleanerOptions: { mapBytesMax: 24 * 4, mapLoadFactor: 0.7 },
    });
    await writeTurns(fixture, [keyedBatch(Array.from({ length: 9 }, (_, i) => [`k${i}`, 'v']))]);
    await fillSegment(fixture);
    await fillSegment(fixture);
    await fixture.manager.compact();
    expect(log.cleanedOffset).to.equal(undefined);
    expect(fixture.manager.cleanerStats).to.include({ uncleanablePartitions: 1 });
    expect(fixture.manager.cleanerStats?.uncleanableBytes).to.equal(log.sizeBytes);
  });

  it('gives up a log with a batch whose bytes are wrong, which stays as it is', async () => {
    const { fixture, log } = started();
    for (let turn = 0; turn < 3; turn += 1) await fillSegment(fixture, 'a');
    fixture.fileSystem.flipBit(`${PATH}/00000000000000000000.log`, 300);
    await fixture.manager.compact();
    expect(fixture.manager.cleanerStats).to.include({ uncleanablePartitions: 1, runsTotal: 0 });
    expect(log.isOffline).to.equal(false);
    expect(names(fixture.fileSystem).join()).not.to.include('cleaned');
  });

  it('tells how dirty the dirtiest log is', async () => {
    const { fixture } = started();
    for (let turn = 0; turn < 3; turn += 1) await fillSegment(fixture, 'a');
    expect(fixture.manager.cleanerStats?.maxDirtyRatio).to.equal(1);
    await fixture.manager.compact();
    const stats = fixture.manager.cleanerStats;
    expect(stats).to.include({
      maxDirtyRatio: 0,
      runsTotal: 1,
      recordsReadTotal: 2,
      recordsKeptTotal: 1,
    });
    expect(stats?.bytesWrittenTotal).to.be.above(1_900);
  });

  it('applies retention, too, where the policy asks for both', async () => {
    const policy = ['compact', 'delete'] as const;
    const config = { ...compactConfig, cleanupPolicy: policy, retentionBytes: 4_500 };
    const { fixture, log } = started({ config });
    for (let turn = 0; turn < 6; turn += 1) await fillSegment(fixture, `key ${turn}`);
    await fixture.manager.compact();
    expect(log.logStartOffset).to.equal(0);
    await fixture.manager.applyRetention();
    expect(log.logStartOffset).to.equal(3);
    expect(await linesOf(log)).to.have.length(3);
    // A closed segment that compaction left without a byte does not stop retention behind it.
    await fillSegment(fixture, 'key 5');
    await fillSegment(fixture, 'key 5');
    await fixture.manager.compact();
    fixture.manager.reconfigure('flights', { ...config, retentionBytes: 0 });
    await fixture.manager.applyRetention();
    expect(log.logStartOffset).to.equal(7);
  });

  describe('beside other things', () => {
    it('lets readers go on over the swap, with what they read before', async () => {
      const { fixture, log } = started();
      for (let turn = 0; turn < 6; turn += 1) await fillSegment(fixture, `key ${turn % 3}`);
      const seen: number[] = [];
      const compacted = fixture.manager.compact();
      for (let offset = 0; offset < log.writtenOffset; ) {
        const read = await readFrom(log, offset, { maxBytes: 100 });
        expect(read.nextOffset).to.be.above(offset);
        seen.push(read.nextOffset - 1);
        offset = read.nextOffset;
        await settle();
      }
      await compacted;
      // Whoever began before sees all, or the last of each key.
      expect(seen).to.include.members([3, 4, 5]);
      expect((await linesOf(log)).map((line) => Number.parseInt(line, 10))).to.deep.equal([
        2, 3, 4, 5,
      ]);
    });

    it('ends a run that a truncation overtakes, and begins again below it', async () => {
      let truncated: Promise<void> | undefined;
      const offload = {
        ...inlineOffload,
        run: (...args: Parameters<typeof inlineOffload.run>) => {
          truncated ??= log.truncateTo(2 as Offset);
          return inlineOffload.run(...args);
        },
      };
      const { fixture, log } = started({ cleanerOptions: { offload } });
      for (let turn = 0; turn < 5; turn += 1) await fillSegment(fixture, 'a');
      await fixture.manager.compact();
      await truncated;
      expect(fixture.manager.cleanerStats?.runsTotal).to.equal(0);
      expect(await linesOf(log)).to.deep.equal(['0 a=ffffffff', '1 a=ffffffff']);
      for (let turn = 0; turn < 3; turn += 1) await fillSegment(fixture, 'a');
      await fixture.manager.compact();
      expect(log.cleanedOffset).to.equal(4);
    });

    it('forgets how far it came when the log is cut below that, before the cut', async () => {
      const { fixture, log } = started();
      for (let turn = 0; turn < 5; turn += 1) await fillSegment(fixture, `key ${turn}`);
      await fixture.manager.compact();
      expect(log.cleanedOffset).to.equal(4);
      await log.truncateTo(2 as Offset);
      expect(log.cleanedOffset).to.equal(2);
      const checkpoint = () =>
        fixture.fileSystem.readFileSync(`${LOG_DIR}/cleaner-offset-checkpoint`).toString();
      expect(checkpoint()).to.equal('0\n1\nflights 0 2\n');
      await log.resetTo(50 as Offset);
      expect(checkpoint()).to.equal('0\n1\nflights 0 0\n');
    });

    it('says nothing of a log that is deleted meanwhile', async () => {
      let deleted: Promise<void> | undefined;
      const offload = {
        ...inlineOffload,
        run: (...args: Parameters<typeof inlineOffload.run>) => {
          deleted ??= fixture.manager.delete(PARTITION);
          return inlineOffload.run(...args);
        },
      };
      const { fixture } = started({ cleanerOptions: { offload } });
      for (let turn = 0; turn < 4; turn += 1) await fillSegment(fixture, 'a');
      await fixture.manager.compact();
      await deleted;
      expect(fixture.manager.log(PARTITION)).to.equal(undefined);
      expect(fixture.manager.directories()[0]).to.include({ online: true });
      expect(fixture.manager.cleanerStats).to.include({ runsTotal: 0, uncleanablePartitions: 0 });
    });

    it('waits for room where the disk is full, and leaves nothing behind', async () => {
      const { fixture, log } = started();
      await writeTurns(fixture, [
        keyedBatch([
          ['a', '1'],
          ['b', 'b'.repeat(1_800)],
        ]),
      ]);
      for (let turn = 0; turn < 3; turn += 1) await fillSegment(fixture, 'a');
      const used = [...fixture.fileSystem.snapshot().values()].reduce(
        (sum, b) => sum + b.length,
        0,
      );
      fixture.fileSystem.capacityBytes = used + 1_000;
      await fixture.manager.compact();
      expect(log.cleanedOffset).to.equal(undefined);
      expect(names(fixture.fileSystem).join()).not.to.match(/cleaned|swap/);
      fixture.fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
      await fixture.manager.compact();
      expect(log.cleanedOffset).to.equal(4);
      expect((await linesOf(log))[0]).to.equal('1 b=bbbbbbbb');
    });

    it('stops at once with the broker, though its rate is held down', async () => {
      const { fixture } = started({ cleanerOptions: { bytesPerSecondMax: 10 } });
      for (let turn = 0; turn < 5; turn += 1) await fillSegment(fixture, 'a');
      const compacted = fixture.manager.compact();
      await settle();
      await fixture.manager.close();
      await compacted;
      expect(names(fixture.fileSystem).join()).not.to.match(/cleaned|swap/);
      expect(await linesOf(restarted(fixture).start().log())).to.have.length(5);
    });

    it('keeps to its rate', async () => {
      const { fixture, log } = started({ cleanerOptions: { bytesPerSecondMax: 1_000 } });
      for (let turn = 0; turn < 3; turn += 1) await fillSegment(fixture, 'a');
      const compacted = fixture.manager.compact();
      await fixture.time.advance(4_000);
      expect(log.cleanedOffset).to.equal(undefined);
      await fixture.time.advance(30_000);
      await compacted;
      expect(log.cleanedOffset).to.equal(2);
    });
  });

  describe('over a restart', () => {
    it('goes on where it was, and serves what it left', async () => {
      const { fixture } = started();
      for (let turn = 0; turn < 7; turn += 1) await fillSegment(fixture, `key ${turn % 2}`);
      await fixture.manager.compact();
      const lines = await linesOf(fixture.log());
      await fixture.manager.close();
      const again = restarted(fixture).start();
      expect(again.log().cleanedOffset).to.equal(6);
      expect(await linesOf(again.log())).to.deep.equal(lines);
      again.log().updateHighWatermark(again.log().writtenOffset);
      await fillSegment(again, 'key 1');
      await again.manager.compact();
      expect(again.log().cleanedOffset).to.equal(7);
    });

    it('begins anew where the checkpoint tells of offsets that the log does not have', async () => {
      const { fixture } = started();
      for (let turn = 0; turn < 3; turn += 1) await fillSegment(fixture, 'a');
      await fixture.manager.close();
      const path = `${LOG_DIR}/cleaner-offset-checkpoint`;
      fixture.fileSystem.replaceFileSync(path, Buffer.from('0\n1\nflights 0 900\n'));
      expect(restarted(fixture).start().log().cleanedOffset).to.equal(0);
    });
  });
});
