/** What followers do to a log: take batches as the leader has them, and begin anew elsewhere. */

import { expect } from 'chai';
import type { Offset } from '../../../../common/index.ts';
import { ProtocolError } from '../../../../protocol/index.ts';
import {
  batchOf,
  LogFixture,
  PARTITION,
  readAll,
  replicatedBatchOf,
  settle,
  smallConfig,
} from './logFixture.ts';

function errorOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'none';
}

const values = (count: number, name = 'v') =>
  Array.from({ length: count }, (_, index) => `${name}${index}`);

describe('A log that follows', () => {
  it('keeps offsets and epochs of the leader, over several batches of one answer', async () => {
    const fixture = new LogFixture().start();
    const log = fixture.createLog();
    log.appendReplicated(
      Buffer.concat([
        replicatedBatchOf(values(3), { offset: 0, epoch: 2 }),
        replicatedBatchOf(values(2, 'w'), { offset: 3, epoch: 5 }),
      ]),
    );
    fixture.manager.flushTurn();
    await settle();
    expect([log.logEndOffset, log.durableOffset]).to.deep.equal([5, 5]);
    expect([log.epochFor(2 as Offset), log.epochFor(3 as Offset)]).to.deep.equal([2, 5]);
    expect((await readAll(log)).map(([, value]) => value)).to.deep.equal([
      ...values(3),
      ...values(2, 'w'),
    ]);
  });

  it('refuses what does not follow, and keeps what came before it', () => {
    const fixture = new LogFixture().start();
    const log = fixture.createLog();
    const torn = replicatedBatchOf(values(2), { offset: 5, epoch: 3 });
    torn[torn.length - 1]! ^= 1;
    const first = replicatedBatchOf(values(5), { offset: 0, epoch: 3 });
    expect(errorOf(() => log.appendReplicated(Buffer.concat([first, torn])))).to.equal(
      'CORRUPT_MESSAGE',
    );
    expect(log.logEndOffset).to.equal(5);
    const refused = [
      { offset: 4, epoch: 3 },
      { offset: 6, epoch: 3 },
      { offset: 5, epoch: 2 },
    ];
    for (const at of refused) {
      const batch = replicatedBatchOf(values(1), at);
      expect(errorOf(() => log.appendReplicated(batch))).to.equal('INVALID_RECORD');
    }
    expect(log.logEndOffset).to.equal(5);
  });

  it('takes the holes that compaction left at the leader, where the topic is compacted', () => {
    const config = { ...smallConfig, cleanupPolicy: ['compact'] as const };
    const fixture = new LogFixture({ config }).start();
    const log = fixture.createLog();
    log.appendReplicated(replicatedBatchOf(values(1), { offset: 7, epoch: 0 }));
    fixture.manager.flushTurn();
    expect(log.logEndOffset).to.equal(8);
  });

  it('takes holes of more offsets than the index of a segment can tell', async () => {
    const config = { ...smallConfig, cleanupPolicy: ['compact'] as const, indexIntervalBytes: 1 };
    const fixture = new LogFixture({ config }).start();
    const log = fixture.createLog();
    const offsets = [0, 5_000_000_000, 5_000_000_001, 9_000_000_000];
    for (const offset of offsets) {
      log.appendReplicated(replicatedBatchOf(values(1), { offset, epoch: 0 }));
      fixture.manager.flushTurn();
    }
    await settle();
    await fixture.manager.close();
    const again = fixture.restart().start().log();
    expect(again.logEndOffset).to.equal(9_000_000_001);
    expect((await readAll(again)).map(([offset]) => offset)).to.deep.equal(offsets);
  });

  it('asks again for what a full disk lost within one answer', async () => {
    const fixture = new LogFixture().start();
    const log = fixture.createLog();
    const failures: number[] = [];
    log.setListener({
      onWritten: () => undefined,
      onDurable: () => undefined,
      onFailure: (_error, keptEndOffset) => failures.push(keptEndOffset),
    });
    const batches = Array.from({ length: 30 }, (_, index) =>
      replicatedBatchOf(['x'.repeat(200)], { offset: index, epoch: index < 9 ? 1 : 2 }),
    );
    log.appendReplicated(batches[0]!);
    fixture.manager.flushTurn();
    // Many batches make the segment roll, which writes in the midst of the answer.
    fixture.fileSystem.inject({ operation: 'write', path: /\.log$/, error: 'ENOSPC' });
    const rest = Buffer.concat(batches.slice(1));
    expect(errorOf(() => log.appendReplicated(rest))).to.equal('KAFKA_STORAGE_ERROR');
    fixture.manager.flushTurn();
    expect(failures).to.deep.equal([1]);
    expect([log.logEndOffset, log.writtenOffset, log.latestEpoch]).to.deep.equal([1, 1, 1]);
    log.appendReplicated(rest);
    fixture.manager.flushTurn();
    await settle();
    expect(log.durableOffset).to.equal(30);
    expect((await readAll(log)).length).to.equal(30);
  });

  it('begins anew further on and further down, and serves and restarts from there', async () => {
    for (const offset of [900, 5, 20]) {
      const fixture = new LogFixture().start();
      const log = fixture.createLog();
      for (let index = 0; index < 30; index += 1) fixture.write(log, batchOf(['y'.repeat(300)]), 1);
      log.updateHighWatermark(log.writtenOffset);
      await log.deleteRecordsBefore(8 as Offset);
      await log.resetTo(offset as Offset);
      expect([log.logStartOffset, log.logEndOffset, log.highWatermark]).to.deep.equal(
        Array(3).fill(offset),
      );
      expect([log.segmentCount, log.sizeBytes, log.latestEpoch]).to.deep.equal([1, 0, -1]);
      log.appendReplicated(replicatedBatchOf(['new'], { offset, epoch: 7 }));
      fixture.manager.flushTurn();
      await settle();
      expect(log.durableOffset).to.equal(offset + 1);
      await fixture.manager.close();
      const again = fixture.restart().start().log();
      expect(await readAll(again)).to.deep.equal([[offset, 'new']]);
      expect(again.epochs.entries).to.deep.equal([{ epoch: 7, startOffset: offset }]);
    }
  });

  it('keeps all it had where a full disk does not let it begin anew', async () => {
    const fixture = new LogFixture().start();
    const log = fixture.createLog();
    fixture.write(log, batchOf(values(4)), 3);
    for (const fault of [
      { operation: 'write', path: /recovery-point/, error: 'ENOSPC' },
      { operation: 'write', path: /leader-epoch/, error: 'ENOSPC' },
      { operation: 'open', path: /00900\.log$/, error: 'ENOSPC' },
    ] as const) {
      fixture.fileSystem.inject(fault);
      const error = await log.resetTo(900 as Offset).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(ProtocolError).with.property('code', 'KAFKA_STORAGE_ERROR');
      expect([log.logEndOffset, log.latestEpoch]).to.deep.equal([4, 3]);
      expect((await readAll(log)).length).to.equal(4);
    }
    await fixture.manager.checkpointRecoveryPoints();
    expect(log.recoveryPoint).to.equal(4);
    const crashed = fixture.fileSystem.afterCrash('loseAllUnsynced', 1);
    const again = fixture.restart({ fileSystem: crashed }).start().log();
    expect([again.logEndOffset, again.latestEpoch]).to.deep.equal([4, 3]);
  });

  it('is not refused at the next start because the recovery point overtook the log start', async () => {
    const config = { ...smallConfig, flushMessages: 1_000_000 };
    const fixture = new LogFixture({ config }).start();
    const log = fixture.createLog();
    fixture.write(log, batchOf(values(4)));
    await fixture.manager.checkpointRecoveryPoints();
    for (let index = 0; index < 4; index += 1) fixture.write(log, batchOf(values(4)));
    log.updateHighWatermark(20 as Offset);
    // The log starts cannot be written, and another partition has the recovery points written.
    fixture.fileSystem.inject({ operation: 'write', path: /log-start/, error: 'ENOSPC' });
    await log.deleteRecordsBefore(20 as Offset).catch(() => undefined);
    const other = fixture.createLog({ topic: 'other', partition: 0 });
    fixture.write(other, batchOf(values(3)));
    await fixture.manager.delete({ topic: 'other', partition: 0 });
    const crashed = fixture.fileSystem.afterCrash('loseAllUnsynced', 1);
    const again = fixture.restart({ fileSystem: crashed }).start();
    expect(again.manager.offlineReason(PARTITION)).to.equal(undefined);
  });
});
