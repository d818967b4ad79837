/** Snapshots of the producers beside the segments, and what a log answers with them. */

import { expect } from 'chai';
import type { Offset, TimestampMs } from '../../../../common/index.ts';
import { decodeProducerSnapshot } from '../../../../broker/log/producerSnapshot.ts';
import { ProtocolError } from '../../../../protocol/index.ts';
import type { SimFileSystem } from '../../../simulation/kernel/index.ts';
import {
  batchOf,
  LOG_DIR,
  LogFixture,
  producedBatchOf,
  replicatedBatchOf,
  settle,
  smallConfig,
  START_MS,
} from './logFixture.ts';

const DIRECTORY = `${LOG_DIR}/flights-0`;

function snapshotsOf(fixture: LogFixture): number[] {
  return fixture.fileSystem
    .readDirectorySync(DIRECTORY)
    .filter((name) => name.endsWith('.snapshot'))
    .map((name) => Number(name.slice(0, 20)));
}

function basesOf(fixture: LogFixture): number[] {
  return fixture.fileSystem
    .readDirectorySync(DIRECTORY)
    .filter((name) => name.endsWith('.log'))
    .map((name) => Number(name.slice(0, 20)));
}

const wide = (sequence: number) =>
  producedBatchOf([`${sequence}`.padEnd(300, '.')], { baseSequence: sequence });

/** `count` batches of one record each, by producer 7, over several segments. */
async function filled(count: number, options: ConstructorParameters<typeof LogFixture>[0] = {}) {
  const fixture = new LogFixture(options).start();
  const log = fixture.createLog();
  for (let sequence = 0; sequence < count; sequence += 1) fixture.write(log, wide(sequence));
  await settle();
  return { fixture, log };
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'none';
}

describe('The producers of a log', () => {
  it('have a snapshot where each segment begins, and one at the end of a clean stop', async () => {
    const { fixture } = await filled(20);
    const bases = basesOf(fixture);
    expect(bases.length).to.be.above(3);
    expect(snapshotsOf(fixture)).to.deep.equal(bases.slice(1));
    await fixture.manager.close();
    expect(snapshotsOf(fixture)).to.deep.equal([...bases.slice(1), 20]);
    const path = `${DIRECTORY}/${String(bases[1]).padStart(20, '0')}.snapshot`;
    const [producer] = decodeProducerSnapshot(path, fixture.fileSystem.readFileSync(path), 0);
    expect(producer).to.include({
      producerId: 7,
      lastSequence: bases[1]! - 1,
      lastOffset: bases[1]! - 1,
      timestamp: START_MS,
    });
  });

  it('are known after a clean stop, from the snapshot alone', async () => {
    const { fixture } = await filled(20);
    await fixture.manager.close();
    const again = fixture.restart().start();
    expect(again.append(again.log(), wide(19))).to.include({ baseOffset: 19, duplicate: true });
    expect(again.append(again.log(), wide(20))).to.include({ baseOffset: 20, duplicate: false });
    again.manager.flushTurn();
    await again.manager.close();
    // Of two snapshots between segments only the newer one is worth keeping.
    const third = again.restart().start();
    expect(snapshotsOf(third)).to.deep.equal([...basesOf(third).slice(1), 21]);
  });

  it('are known after a crash from the last sound snapshot and the batches behind it', async () => {
    const { fixture } = await filled(20);
    await fixture.manager.checkpointRecoveryPoints();
    const newest = `${DIRECTORY}/${String(snapshotsOf(fixture).at(-1)).padStart(20, '0')}.snapshot`;
    for (const damage of [
      () => undefined,
      (disk: SimFileSystem) => disk.flipBit(newest, 100),
      (disk: SimFileSystem) => disk.unlinkSync(newest),
    ]) {
      const fileSystem = fixture.fileSystem.afterCrash('keepAll', 1);
      damage(fileSystem);
      const again = fixture.restart({ fileSystem }).start();
      for (let sequence = 15; sequence < 20; sequence += 1) {
        const repeated = again.append(again.log(), wide(sequence));
        expect(repeated).to.include({ baseOffset: sequence, duplicate: true });
      }
      await again.manager.close();
    }
  });

  it('are known to a follower too, and to it when it leads', async () => {
    const fixture = new LogFixture().start();
    const log = fixture.createLog();
    const batches = [0, 2, 4].map((sequence) => {
      const batch = replicatedBatchOf(['a', 'b'], { offset: sequence, epoch: 1 });
      const produced = producedBatchOf(['a', 'b'], { baseSequence: sequence });
      produced.copy(batch, 17, 17);
      return batch;
    });
    log.appendReplicated(Buffer.concat(batches));
    fixture.manager.flushTurn();
    const repeated = fixture.append(log, producedBatchOf(['a', 'b'], { baseSequence: 2 }), 2);
    expect(repeated).to.include({ baseOffset: 2, lastOffset: 3, duplicate: true });
    expect(
      codeOf(() => fixture.append(log, producedBatchOf(['c'], { baseSequence: 7 }), 2)),
    ).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.logEndOffset).to.equal(6);
  });

  it('keep the time that the log gave for the repetition', async () => {
    const config = { ...smallConfig, messageTimestampType: 'LogAppendTime' as const };
    const { fixture, log } = await filled(1, { config });
    await fixture.time.advance(5_000);
    expect(fixture.append(log, wide(0)).logAppendTimeMs).to.equal(START_MS as TimestampMs);
  });

  it('tell the listener at the end of the turn, also where nothing was appended', async () => {
    const { fixture, log } = await filled(3);
    const written: number[] = [];
    log.setListener({
      onWritten: (offset) => written.push(offset),
      onDurable: () => undefined,
      onFailure: () => undefined,
    });
    fixture.append(log, wide(1));
    expect(written).to.deep.equal([]);
    fixture.manager.flushTurn();
    fixture.manager.flushTurn();
    expect(written).to.deep.equal([3]);
  });

  it('lose their snapshots with the segments, and stay known', async () => {
    const { fixture, log } = await filled(20);
    log.updateHighWatermark(log.writtenOffset);
    await log.deleteRecordsBefore(17 as Offset);
    const [first] = basesOf(fixture);
    expect(first).to.be.above(4);
    expect(snapshotsOf(fixture)).to.deep.equal(basesOf(fixture));
    const fileSystem = fixture.fileSystem.afterCrash('loseAllUnsynced', 1);
    const again = fixture.restart({ fileSystem }).start();
    expect(again.append(again.log(), wide(19))).to.include({ baseOffset: 19, duplicate: true });
  });

  it('are forgotten when the log begins anew elsewhere', async () => {
    const { fixture, log } = await filled(20);
    await log.resetTo(100 as Offset);
    expect(snapshotsOf(fixture)).to.deep.equal([]);
    expect(fixture.append(log, wide(19))).to.include({ baseOffset: 100, duplicate: false });
  });

  it('are forgotten after a day of silence, whatever the wall clock says', async () => {
    const { fixture, log } = await filled(2);
    fixture.time.wallAheadMs += 10 * 365 * 24 * 3_600_000;
    await fixture.time.advance(23 * 3_600_000);
    expect(fixture.append(log, wide(1)).duplicate).to.equal(true);
    await fixture.time.advance(2 * 3_600_000);
    expect(fixture.append(log, wide(40)).duplicate).to.equal(false);
  });

  it('refuse nothing where a full disk has no room for a snapshot', async () => {
    const { fixture, log } = await filled(3);
    fixture.fileSystem.inject({
      operation: 'write',
      path: /snapshot$/,
      error: 'ENOSPC',
      times: 99,
    });
    for (let sequence = 3; sequence < 20; sequence += 1) fixture.write(log, wide(sequence));
    await settle();
    expect(snapshotsOf(fixture)).to.deep.equal([]);
    expect(log.durableOffset).to.equal(20);
    // Not a clean stop: the next start has to look at the batches.
    await fixture.manager.close();
    const again = fixture.restart().start();
    expect(again.append(again.log(), wide(17))).to.include({ baseOffset: 17, duplicate: true });
  });

  it('are nobody where a directory without snapshots was stopped cleanly', async () => {
    const fixture = new LogFixture().start();
    fixture.write(fixture.createLog(), batchOf(['from a release that wrote none']));
    await settle();
    await fixture.manager.close();
    for (const offset of snapshotsOf(fixture)) {
      fixture.fileSystem.unlinkSync(`${DIRECTORY}/${String(offset).padStart(20, '0')}.snapshot`);
    }
    const again = fixture.restart().start();
    expect(again.append(again.log(), wide(5)).duplicate).to.equal(false);
  });
});
