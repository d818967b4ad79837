import { expect } from 'chai';
import type { LeaderEpoch, Offset, TimestampMs } from '../../../../common/index.ts';
import { ManualCompletion, SimFileSystem } from '../../../simulation/kernel/index.ts';
import {
  batchOf,
  LOG_DIR,
  LogFixture,
  PARTITION,
  readAll,
  readFrom,
  recordsOf,
  START_MS,
  settle,
  smallConfig,
} from './logFixture.ts';

const PATH = `${LOG_DIR}/flights-0`;

function values(count: number, width = 100): string[] {
  return Array.from({ length: count }, (_, index) => `value ${index}`.padEnd(width, '.'));
}

/** One batch of one record a turn. */
function fill(fixture: LogFixture, count: number, width = 100) {
  const log = fixture.log();
  for (const value of values(count, width)) fixture.write(log, batchOf([value]));
  return log;
}

function started(options: ConstructorParameters<typeof LogFixture>[0] = {}) {
  const fixture = new LogFixture(options).start();
  return { fixture, log: fixture.createLog() };
}

describe('PartitionLog', () => {
  describe('append', () => {
    it('gives offsets and the leader epoch, and returns them', async () => {
      const { fixture, log } = started();
      expect(fixture.append(log, batchOf(['a', 'b']), 4)).to.include({
        baseOffset: 0,
        lastOffset: 1,
        logAppendTimeMs: -1,
      });
      expect(fixture.append(log, batchOf(['c']), 4)).to.include({ baseOffset: 2, lastOffset: 2 });
      fixture.manager.flushTurn();
      const { slices } = await readFrom(log, 2);
      const bytes = Buffer.concat(slices);
      expect(bytes.readBigInt64BE(0)).to.equal(2n);
      expect(bytes.readInt32BE(12)).to.equal(4);
      expect(log.latestEpoch).to.equal(4);
      expect(log.epochFor(0 as Offset)).to.equal(4);
    });

    it('reads nothing before the turn has ended', async () => {
      const { fixture, log } = started();
      fixture.append(log, batchOf(['a']));
      expect([log.logEndOffset, log.writtenOffset]).to.deep.equal([1, 0]);
      expect((await readFrom(log, 0)).sizeBytes).to.equal(0);
      fixture.manager.flushTurn();
      expect(log.writtenOffset).to.equal(1);
      expect(recordsOf(await readFrom(log, 0))).to.have.length(1);
    });

    it('writes what many appends of one turn brought with one call', () => {
      const { fixture, log } = started();
      for (const value of values(5)) fixture.append(log, batchOf([value]));
      const before = fixture.fileSystem.operationCount;
      fixture.manager.flushTurn();
      expect(fixture.fileSystem.operationCount - before).to.equal(1);
    });

    it('does not keep the view: its bytes may change after the turn', async () => {
      const { fixture, log } = started();
      await readFrom(log, 0); // Somebody waits at the end: the tail is kept in memory.
      const batch = batchOf(['precious']);
      fixture.write(log, batch);
      batch.fill(0);
      expect(recordsOf(await readFrom(log, 0))).to.deep.equal([
        { offset: 0, value: 'precious', timestamp: START_MS },
      ]);
    });

    it('refuses a batch whose checksum is wrong, and keeps nothing of it', () => {
      const { fixture, log } = started();
      const batch = batchOf(['a']);
      batch[batch.length - 1]! ^= 1;
      expect(() => fixture.append(log, batch))
        .to.throw('CRC')
        .with.property('code', 'CORRUPT_MESSAGE');
      expect(log.logEndOffset).to.equal(0);
    });

    it('refuses a batch of another magic, with lying counts, too large, or followed by bytes', () => {
      const { fixture, log } = started({ config: { ...smallConfig, maxMessageBytes: 500 } });
      const magic1 = batchOf(['a']);
      magic1[16] = 1;
      const counts = batchOf(['a', 'b']);
      counts.writeInt32BE(7, 57);
      const attempt = (batch: Buffer) => () => fixture.append(log, batch);
      expect(attempt(magic1)).to.throw().with.property('code', 'UNSUPPORTED_FOR_MESSAGE_FORMAT');
      expect(attempt(counts)).to.throw().with.property('code', 'CORRUPT_MESSAGE');
      expect(attempt(batchOf(['x'.repeat(600)])))
        .to.throw()
        .with.property('code', 'MESSAGE_TOO_LARGE');
      expect(attempt(Buffer.concat([batchOf(['a']), Buffer.from('more')])))
        .to.throw()
        .with.property('code', 'INVALID_RECORD');
      expect(log.logEndOffset).to.equal(0);
    });

    it('refuses a batch that no segment can hold', () => {
      const { fixture, log } = started();
      expect(() => fixture.append(log, batchOf(['x'.repeat(3000)])))
        .to.throw('segment.bytes')
        .with.property('code', 'RECORD_LIST_TOO_LARGE');
    });

    it('refuses timestamps too far from now', () => {
      const config = { ...smallConfig, timestampBeforeMaxMs: 1000, timestampAfterMaxMs: 500 };
      const { fixture, log } = started({ config });
      for (const timestamp of [START_MS - 1001, START_MS + 501]) {
        expect(() => fixture.append(log, batchOf(['a'], timestamp)))
          .to.throw(String(timestamp))
          .with.property('code', 'INVALID_TIMESTAMP');
      }
      fixture.append(log, batchOf(['a'], START_MS - 1000));
    });

    it('gives its own time under LogAppendTime, with a checksum that holds', async () => {
      const config = { ...smallConfig, messageTimestampType: 'LogAppendTime' as const };
      const { fixture, log } = started({ config });
      const { logAppendTimeMs } = fixture.write(log, batchOf(['a', 'b'], 5));
      expect(logAppendTimeMs).to.equal(START_MS);
      const records = recordsOf(await readFrom(log, 0));
      expect(records.map(({ timestamp }) => timestamp)).to.deep.equal([START_MS, START_MS]);
      await settle();
      const again = fixture.restart({ fileSystem: fixture.fileSystem.afterCrash('keepAll') });
      expect(again.start().log().logEndOffset).to.equal(2);
    });
  });

  describe('rolling', () => {
    it('begins a new segment before one grows past segment.bytes', () => {
      const { fixture, log } = started();
      fill(fixture, 40);
      expect(log.segmentCount).to.be.above(3);
      for (const [path, content] of fixture.fileSystem.snapshot()) {
        if (path.endsWith('.log')) expect(content.length).to.be.at.most(2048);
      }
    });

    it('begins one when the records span more than segment.ms', () => {
      const { fixture, log } = started({ config: { ...smallConfig, segmentMs: 1000 } });
      fixture.write(log, batchOf(['a'], START_MS));
      fixture.write(log, batchOf(['b'], START_MS + 1000));
      expect(log.segmentCount).to.equal(1);
      fixture.write(log, batchOf(['c'], START_MS + 1001));
      expect(log.segmentCount).to.equal(2);
    });

    it('judges segment.ms also within one turn', () => {
      const { fixture, log } = started({ config: { ...smallConfig, segmentMs: 1000 } });
      fixture.append(log, batchOf(['a'], START_MS));
      fixture.append(log, batchOf(['b'], START_MS + 1001));
      fixture.manager.flushTurn();
      expect(log.segmentCount).to.equal(2);
    });

    it('begins one when an index is full', () => {
      const config = { ...smallConfig, segmentBytes: 1e6, segmentIndexBytes: 48 };
      const { fixture, log } = started({ config });
      fill(fixture, 60);
      expect(log.segmentCount).to.be.above(2);
      for (const [path, content] of fixture.fileSystem.snapshot()) {
        if (/index$/.test(path)) expect(content.length).to.be.at.most(48);
      }
    });
  });

  describe('reading', () => {
    it('returns every record from the file and from memory alike', async () => {
      const { fixture, log } = started();
      fill(fixture, 30);
      const cold = await readAll(log);
      expect(cold.map(([offset]) => offset)).to.deep.equal(values(30).map((_, offset) => offset));
      fixture.log();
      const more = values(30).map((value) => `more ${value}`);
      for (const value of more) fixture.write(log, batchOf([value]));
      const fromMemory = log.read(31 as Offset, {
        maxBytes: 1e6,
        endOffset: log.logEndOffset,
        atLeastOneBatch: true,
      });
      expect(fromMemory).not.to.be.instanceOf(Promise);
      expect((await readAll(log)).map(([, value]) => value)).to.deep.equal([
        ...values(30),
        ...more,
      ]);
    });

    it('gives the whole batch that holds the offset', async () => {
      const { fixture, log } = started();
      fixture.write(log, batchOf(['a', 'b', 'c']));
      const read = await readFrom(log, 1);
      expect(recordsOf(read).map(({ value }) => value)).to.deep.equal(['a', 'b', 'c']);
      expect(read.nextOffset).to.equal(3);
    });

    for (const place of ['the file', 'memory'] as const) {
      const prepare = async () => {
        const { fixture, log } = started({ config: { ...smallConfig, segmentBytes: 100_000 } });
        if (place === 'memory') await readFrom(log, 0);
        for (const value of values(20)) fixture.append(log, batchOf([value, value]));
        fixture.manager.flushTurn();
        return log;
      };

      it(`keeps within maxBytes, reading from ${place}`, async () => {
        const log = await prepare();
        const one = (await readFrom(log, 0, { maxBytes: 1 })).sizeBytes;
        const read = await readFrom(log, 0, { maxBytes: 3 * one + 1 });
        expect(read.sizeBytes).to.equal(3 * one);
        expect(read.nextOffset).to.equal(6);
        expect(
          (await readFrom(log, 0, { maxBytes: 1, atLeastOneBatch: false })).sizeBytes,
        ).to.equal(0);
      });

      it(`never returns a batch that reaches past endOffset, reading from ${place}`, async () => {
        const log = await prepare();
        expect((await readFrom(log, 0, { endOffset: 7 })).nextOffset).to.equal(6);
        expect((await readFrom(log, 0, { endOffset: 1 })).sizeBytes).to.equal(0);
        expect((await readFrom(log, 4, { endOffset: 4 })).sizeBytes).to.equal(0);
      });
    }

    it('refuses offsets outside of the log, and answers nothing at its end', async () => {
      const { fixture, log } = started();
      fill(fixture, 3);
      const read = (at: number) => () =>
        log.read(at as Offset, { maxBytes: 1, endOffset: 9 as Offset, atLeastOneBatch: true });
      expect(read(4)).to.throw('holds 0 to 3').with.property('code', 'OFFSET_OUT_OF_RANGE');
      expect(await readFrom(log, 3)).to.deep.include({ sizeBytes: 0, nextOffset: 3 });
    });

    it('reports bytes that cannot be a batch, with file and position', async () => {
      const { fixture, log } = started();
      fill(fixture, 5);
      const first = (await readFrom(log, 0, { maxBytes: 1 })).sizeBytes;
      fixture.fileSystem.flipBit(`${PATH}/00000000000000000000.log`, first + 16);
      let reason: unknown;
      await readFrom(log, 1).catch((error: unknown) => {
        reason = error;
      });
      expect(reason).to.include({ code: 'LOG_CORRUPT', name: 'CorruptionError' });
      expect(String(reason)).to.include(`${PATH}/00000000000000000000.log`);
      expect(String(reason)).to.include(`position ${first}`);
    });

    it('closes the files of segments that nobody has read for long', async () => {
      const { fixture, log } = started({ openSegmentsMax: 1 });
      fill(fixture, 100);
      await settle();
      expect(log.segmentCount).to.be.above(8);
      for (let round = 0; round < 3; round += 1) {
        await Promise.all([readAll(log), readFrom(log, 50), readAll(log)]);
        fixture.write(log, batchOf(['more']));
        await settle();
      }
      // The active segment and the one that was read last.
      expect(fixture.fileSystem.openFileCount).to.be.at.most(2);
      expect(log.durableOffset).to.equal(103);
    });

    it('never believes an index that lies: it is made anew', async () => {
      const { fixture, log } = started();
      fill(fixture, 60);
      await settle();
      await fixture.manager.close();
      const index = `${PATH}/00000000000000000000.index`;
      const content = fixture.fileSystem.readFileSync(index);
      content.writeInt32BE(content.readInt32BE(4) + 8, 4);
      fixture.fileSystem.replaceFileSync(index, content);
      const again = fixture.restart().start().log();
      for (let offset = 0; offset < 60; offset += 1) {
        expect(recordsOf(await readFrom(again, offset, { maxBytes: 1 }))[0]?.offset).to.equal(
          offset,
        );
      }
      expect(log.logEndOffset).to.equal(again.logEndOffset);
    });

    it('does not mix old and new bytes when a truncation overtakes a read', async () => {
      const completion = new ManualCompletion();
      const { fixture, log } = started({
        fileSystem: new SimFileSystem({ directories: ['/data'], completion }),
      });
      for (const value of values(8)) fixture.write(log, batchOf([value]));
      await completion.completeAll();
      const reading = readFrom(log, 2);
      await settle();
      expect(completion.pending).to.have.length(1);
      // The bytes are read; before the reader sees them, the log is cut.
      completion.completeNext();
      const truncating = log.truncateTo(4 as Offset);
      await completion.completeAll();
      await truncating;
      await completion.completeAll();
      const records = recordsOf(await reading);
      expect(records.map(({ offset }) => offset)).to.deep.equal([2, 3]);
    });
  });

  describe('searching by time', () => {
    it('finds the first record at or after a time, across segments', async () => {
      const { fixture, log } = started();
      for (let index = 0; index < 50; index += 1) {
        const time = START_MS + index * 10;
        fixture.write(log, batchOf([`a${index}`.padEnd(60), `b${index}`], time));
      }
      const find = (time: number) => log.findByTimestamp(time as TimestampMs, log.writtenOffset);
      expect(await find(0)).to.include({ offset: 0, timestamp: START_MS });
      expect(await find(START_MS + 123)).to.include({ offset: 26, timestamp: START_MS + 130 });
      expect(await find(START_MS + 490)).to.include({ offset: 98, leaderEpoch: 0 });
      expect(await find(START_MS + 491)).to.equal(undefined);
      expect(await log.findByTimestamp((START_MS + 130) as TimestampMs, 26 as Offset)).to.equal(
        undefined,
      );
      expect(await log.maxTimestamp()).to.include({ offset: 98, timestamp: START_MS + 490 });
    });

    it('finds it where times go back and forth', async () => {
      const { fixture, log } = started();
      const times = [5, 3, 9, 1, 9, 2, 12, 4];
      for (const time of times) fixture.write(log, batchOf(['x'.padEnd(700, '.')], time));
      for (let time = 0; time <= 13; time += 1) {
        const expected = times.findIndex((candidate) => candidate >= time);
        const found = await log.findByTimestamp(time as TimestampMs, log.writtenOffset);
        expect(found?.offset, `time ${time}`).to.equal(expected < 0 ? undefined : expected);
      }
    });

    it('knows the same after a clean restart', async () => {
      const { fixture, log } = started();
      for (let index = 0; index < 50; index += 1) {
        fixture.write(log, batchOf(['x'.padEnd(60)], START_MS + index));
      }
      await settle();
      const before = await log.maxTimestamp();
      await fixture.manager.close();
      const again = fixture.restart().start().log();
      expect(await again.maxTimestamp()).to.deep.equal(before);
      const found = await again.findByTimestamp((START_MS + 7) as TimestampMs, again.writtenOffset);
      expect(found?.offset).to.equal(7);
    });
  });

  describe('durability', () => {
    it('tells what is written in the turn, and what is durable after the fdatasync', async () => {
      const completion = new ManualCompletion();
      const { fixture, log } = started({
        fileSystem: new SimFileSystem({ directories: ['/data'], completion }),
      });
      const told: string[] = [];
      log.setListener({
        onWritten: (offset) => told.push(`written ${offset}`),
        onDurable: (offset) => told.push(`durable ${offset}`),
        onFailure: () => told.push('failed'),
      });
      fixture.write(log, batchOf(['a']));
      expect(told).to.deep.equal(['written 1']);
      // Written while the first group is under way: it is not covered by it.
      fixture.write(log, batchOf(['b']));
      while (!told.includes('durable 1')) {
        expect(completion.completeNext()).to.equal(true);
        await settle();
      }
      expect(told).to.deep.equal(['written 1', 'written 2', 'durable 1']);
      await completion.completeAll();
      expect(told.at(-1)).to.equal('durable 2');
    });

    it('syncs by flush.messages, flush.ms and the checkpoint where a topic relaxed it', async () => {
      const config = { ...smallConfig, flushMessages: 3, flushMs: 1000 };
      const { fixture, log } = started({ config });
      expect(log.acknowledgesDurably).to.equal(false);
      fixture.write(log, batchOf(['a', 'b']));
      await settle();
      expect(log.durableOffset).to.equal(0);
      fixture.write(log, batchOf(['c']));
      await settle();
      expect(log.durableOffset).to.equal(3);
      fixture.write(log, batchOf(['d']));
      await fixture.time.advance(999);
      expect(log.durableOffset).to.equal(3);
      await fixture.time.advance(1);
      expect(log.durableOffset).to.equal(4);
    });

    it('syncs at the checkpoint what nothing else synced', async () => {
      const { fixture, log } = started({ config: { ...smallConfig, flushMessages: 1e9 } });
      fixture.write(log, batchOf(['a']));
      await fixture.time.advance(60_000);
      expect(log.durableOffset).to.equal(1);
      expect(log.recoveryPoint).to.equal(1);
      const checkpoint = fixture.fileSystem.readFileSync(
        `${LOG_DIR}/recovery-point-offset-checkpoint`,
      );
      expect(checkpoint.toString()).to.equal('0\n1\nflights 0 1\n');
    });

    it('takes the log directory offline for good when an fdatasync fails', async () => {
      const { fixture, log } = started();
      const failures: string[] = [];
      const lost: string[] = [];
      fixture.manager.onLogDirFailure(({ directory, allOffline }) =>
        failures.push(`${directory} ${allOffline}`),
      );
      log.setListener({
        onWritten: () => undefined,
        onDurable: (offset) => lost.push(`durable ${offset}`),
        onFailure: (error) => lost.push(error.code),
      });
      // The kernel marks the pages clean: a second fdatasync would report success.
      fixture.fileSystem.inject({ operation: 'datasync', error: 'EIO', dropDirty: true });
      fixture.write(log, batchOf(['a']));
      await settle();
      expect(lost).to.deep.equal(['KAFKA_STORAGE_ERROR']);
      expect(failures).to.deep.equal([`${LOG_DIR} true`]);
      expect(() => fixture.append(log, batchOf(['b'])))
        .to.throw()
        .with.property('code', 'KAFKA_STORAGE_ERROR');
      expect(() =>
        log.read(0 as Offset, { maxBytes: 1, endOffset: 1 as Offset, atLeastOneBatch: true }),
      )
        .to.throw()
        .with.property('code', 'KAFKA_STORAGE_ERROR');
      fixture.manager.flushTurn();
      await fixture.time.advance(600_000);
      expect(lost).to.deep.equal(['KAFKA_STORAGE_ERROR']);
      expect(fixture.manager.log(PARTITION)).to.equal(undefined);
      expect(fixture.manager.offlineReason(PARTITION)).to.have.property('code', 'EIO');
    });

    it('takes it offline when a write fails', async () => {
      const { fixture, log } = started();
      const lost: string[] = [];
      log.setListener({
        onWritten: () => lost.push('written'),
        onDurable: () => lost.push('durable'),
        onFailure: (error) => lost.push(error.code),
      });
      fixture.fileSystem.inject({
        operation: 'write',
        path: /\.log$/,
        error: 'EIO',
        writtenBytes: 9,
      });
      fixture.write(log, batchOf(['a']));
      await settle();
      expect(lost).to.deep.equal(['KAFKA_STORAGE_ERROR']);
      expect(log.isOffline).to.equal(true);
    });
  });

  describe('a full disk', () => {
    it('loses the appends of the turn, keeps the log, and serves again when there is space', async () => {
      const { fixture, log } = started();
      const told: string[] = [];
      log.setListener({
        onWritten: (offset) => told.push(`written ${offset}`),
        onDurable: () => undefined,
        onFailure: (error, kept) => told.push(`${error.code} ${kept}`),
      });
      fixture.write(log, batchOf(['first']));
      await settle();
      fixture.fileSystem.inject({
        operation: 'write',
        path: /\.log$/,
        error: 'ENOSPC',
        writtenBytes: 40,
        times: 2,
      });
      fixture.append(log, batchOf(['lost']), 1);
      fixture.append(log, batchOf(['lost too']), 1);
      fixture.manager.flushTurn();
      expect(told).to.deep.equal(['written 1', 'KAFKA_STORAGE_ERROR 1']);
      expect([log.logEndOffset, log.latestEpoch]).to.deep.equal([1, 0]);
      fixture.write(log, batchOf(['lost again']));
      expect(told.at(-1)).to.equal('KAFKA_STORAGE_ERROR 1');
      expect(fixture.write(log, batchOf(['second']), 1).baseOffset).to.equal(1);
      await settle();
      expect(await readAll(log)).to.deep.equal([
        [0, 'first'],
        [1, 'second'],
      ]);
      expect(log.durableOffset).to.equal(2);
      const again = fixture.restart({ fileSystem: fixture.fileSystem.afterCrash('keepAll') });
      expect(await readAll(again.start().log())).to.have.length(2);
    });

    it('gives no offset of a lost batch again before its producer knows', () => {
      const { fixture, log } = started();
      fill(fixture, 5);
      fixture.fileSystem.inject({ operation: 'write', path: /\.log$/, error: 'ENOSPC' });
      fixture.append(log, batchOf(['lost']));
      // The roll that this one needs writes the one before, which fails.
      expect(() => fixture.append(log, batchOf(['x'.repeat(1900)])))
        .to.throw()
        .with.property('code', 'KAFKA_STORAGE_ERROR');
      expect(() => fixture.append(log, batchOf(['small'])))
        .to.throw()
        .with.property('code', 'KAFKA_STORAGE_ERROR');
      fixture.manager.flushTurn();
      expect(fixture.write(log, batchOf(['small'])).baseOffset).to.equal(5);
    });

    it('refuses the append when there is no room for a new segment', async () => {
      const { fixture, log } = started();
      fill(fixture, 12);
      fixture.fileSystem.inject({ operation: 'open', path: /\.log$/, error: 'ENOSPC' });
      const batch = batchOf(['x'.repeat(1900)]);
      expect(() => fixture.append(log, batch))
        .to.throw()
        .with.property('code', 'KAFKA_STORAGE_ERROR');
      expect(log.isOffline).to.equal(false);
      expect(fixture.write(log, batchOf(['x'.repeat(1900)])).baseOffset).to.equal(12);
      await settle();
      expect(log.durableOffset).to.equal(13);
    });

    it('goes offline when not even the cut succeeds', async () => {
      const { fixture, log } = started();
      fixture.fileSystem.inject({ operation: 'write', path: /\.log$/, error: 'ENOSPC' });
      fixture.fileSystem.inject({ operation: 'resize', path: /\.log$/, error: 'EIO' });
      fixture.write(log, batchOf(['a']));
      await settle();
      expect(log.isOffline).to.equal(true);
    });
  });

  describe('truncation', () => {
    it('removes batches at and above the offset, across segments', async () => {
      const { fixture, log } = started();
      fill(fixture, 50);
      await settle();
      await log.truncateTo(13 as Offset);
      expect([log.logEndOffset, log.durableOffset]).to.deep.equal([13, 13]);
      expect(await readAll(log)).to.have.length(13);
      fixture.write(log, batchOf(['new']), 2);
      await settle();
      expect((await readAll(log)).at(-1)).to.deep.equal([13, 'new']);
      expect(log.endOffsetFor(0 as LeaderEpoch)).to.deep.equal({ epoch: 0, endOffset: 13 });
    });

    it('removes a batch that spans the offset as a whole', async () => {
      const { fixture, log } = started();
      fixture.write(log, batchOf(['a', 'b']));
      fixture.write(log, batchOf(['c', 'd', 'e']));
      await settle();
      await log.truncateTo(4 as Offset);
      expect(log.logEndOffset).to.equal(2);
    });

    it('does nothing at or beyond the end, and empties the log at its start', async () => {
      const { fixture, log } = started();
      fill(fixture, 5);
      await settle();
      await log.truncateTo(5 as Offset);
      expect(log.logEndOffset).to.equal(5);
      await log.truncateTo(0 as Offset);
      expect([log.logEndOffset, log.segmentCount, log.sizeBytes]).to.deep.equal([0, 1, 0]);
      expect(fixture.write(log, batchOf(['a'])).baseOffset).to.equal(0);
    });

    it('keeps the largest timestamp of what is left', async () => {
      const { fixture, log } = started();
      for (const time of [10, 30, 20, 90]) fixture.write(log, batchOf(['x'], time));
      await settle();
      await log.truncateTo(3 as Offset);
      expect(await log.maxTimestamp()).to.include({ offset: 1, timestamp: 30 });
    });
  });

  describe('the high watermark', () => {
    it('is in the checkpoint and comes back with a restart', async () => {
      const { fixture, log } = started();
      fill(fixture, 5);
      log.updateHighWatermark(4 as Offset);
      await fixture.time.advance(5000);
      const again = fixture.restart({
        fileSystem: fixture.fileSystem.afterCrash('loseAllUnsynced'),
      });
      expect(again.start().log().highWatermark).to.equal(4);
    });
  });
});
