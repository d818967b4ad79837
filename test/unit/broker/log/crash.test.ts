/**
 * The disk stops after every single step that changes it, in every mode, and the log starts again on
 * what is left. What was acknowledged is there, byte for byte, and what is there is a prefix of what
 * was written.
 */

import { expect } from 'chai';
import type { Offset } from '../../../../common/index.ts';
import { type CrashMode, SimFileSystem } from '../../../simulation/kernel/index.ts';
import {
  batchOf,
  LogFixture,
  PARTITION,
  producedBatchOf,
  readAll,
  replicatedBatchOf,
  settle,
} from './logFixture.ts';

interface Story {
  /** Values by offset, as they were appended; a truncation takes them off the end. */
  readonly values: string[];
  /** Leader epoch of each offset. */
  readonly epochs: number[];
  durableOffset: number;
  logStartOffset: number;
  /** A truncation was asked for and has not resolved: below this everything must stand. */
  truncatingTo: number | undefined;
  isDeleted: boolean;
  /** What an idempotent producer appended and nothing cut off since, in order. */
  readonly produced: {
    readonly sequence: number;
    readonly size: number;
    readonly offset: number;
  }[];
  /** The process that lives, or lived last. */
  fixture: LogFixture;
}

type Script = (fixture: LogFixture, story: Story) => Promise<void>;

/** Rolls several times, groups batches, changes the epoch, checkpoints. */
const appends: Script = async (fixture, story) => {
  open(fixture, story);
  for (let turn = 0; turn < 12; turn += 1) {
    for (let batch = 0; batch < 1 + (turn % 3); batch += 1) {
      const values = [`t${turn}b${batch}`.padEnd(90, '.'), `u${turn}b${batch}`.padEnd(120, '.')];
      add(fixture, story, { values, epoch: turn < 6 ? 0 : 3 });
    }
    fixture.manager.flushTurn();
    await settle();
    if (turn % 5 === 4) await fixture.manager.checkpointRecoveryPoints();
  }
};

const truncates: Script = async (fixture, story) => {
  await appends(fixture, story);
  const log = fixture.log();
  const target = 17;
  story.truncatingTo = target;
  story.durableOffset = Math.min(story.durableOffset, target - 1);
  await log.truncateTo(target as Offset);
  story.values.length = log.logEndOffset;
  story.truncatingTo = undefined;
  story.epochs.length = log.logEndOffset;
  add(fixture, story, { values: ['after the cut'.padEnd(150, '!')], epoch: 5 });
  fixture.manager.flushTurn();
  await settle();
};

const retains: Script = async (fixture, story) => {
  await appends(fixture, story);
  const log = fixture.log();
  log.updateHighWatermark(log.writtenOffset);
  story.logStartOffset = 21;
  await log.deleteRecordsBefore(21 as Offset);
  await fixture.time.advance(120_000);
  add(fixture, story, { values: ['one more'], epoch: 3 });
  fixture.manager.flushTurn();
  await settle();
};

/** As a follower whose leader begins further on, or further down. */
const resetsTo = (offset: number): Script => {
  return async (fixture, story) => {
    await retains(fixture, story);
    const log = fixture.log();
    story.durableOffset = 0;
    story.logStartOffset = Number.POSITIVE_INFINITY;
    await log.resetTo(offset as Offset);
    story.durableOffset = offset;
    story.logStartOffset = offset;
    if (offset < story.values.length) story.values.length = offset;
    expect([log.logStartOffset, log.durableOffset, log.logEndOffset]).to.deep.equal(
      Array(3).fill(offset),
    );
    expect(log.latestEpoch).to.equal(-1);
    for (let turn = 0; turn < 8; turn += 1) {
      replicate(fixture, story, [`after the reset ${turn}`.padEnd(400, '#'), 'and more']);
      fixture.manager.flushTurn();
      await settle();
      if (turn === 5) await fixture.manager.checkpointRecoveryPoints();
    }
  };
};

const replicates: Script = async (fixture, story) => {
  open(fixture, story);
  for (let turn = 0; turn < 12; turn += 1) {
    replicate(fixture, story, [`first ${turn}`.padEnd(300, '='), 'second'], ['third', 'fourth']);
    fixture.manager.flushTurn();
    await settle();
    if (turn % 5 === 4) await fixture.manager.checkpointRecoveryPoints();
  }
};

/** An idempotent producer whose last batches are cut off, and then come in other sizes. */
const produces: Script = async (fixture, story) => {
  open(fixture, story);
  await produceTurns(fixture, story, 2);
  const target = 17;
  story.truncatingTo = target;
  story.durableOffset = Math.min(story.durableOffset, target - 1);
  await fixture.log().truncateTo(target as Offset);
  const endOffset = fixture.log().logEndOffset;
  story.values.length = endOffset;
  story.epochs.length = endOffset;
  while ((story.produced.at(-1)?.offset ?? -1) >= endOffset) story.produced.pop();
  story.truncatingTo = undefined;
  await produceTurns(fixture, story, 3);
  await fixture.manager.close();
  story.fixture = fixture.restart();
  story.fixture.start();
  open(story.fixture, story);
  await produceTurns(story.fixture, story, 2);
};

async function produceTurns(fixture: LogFixture, story: Story, size: number): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) {
    for (let batch = 0; batch < 2; batch += 1) {
      const last = story.produced.at(-1);
      const baseSequence = last === undefined ? 0 : last.sequence + last.size;
      const values = Array.from({ length: size }, (_, i) => `${baseSequence + i}`.padEnd(100, '-'));
      const offset = fixture.log().logEndOffset;
      fixture.append(fixture.log(), producedBatchOf(values, { baseSequence }), 0);
      story.values.push(...values);
      story.epochs.push(...values.map(() => 0));
      story.produced.push({ sequence: baseSequence, size, offset });
    }
    fixture.manager.flushTurn();
    await settle();
    if (turn % 4 === 3) await fixture.manager.checkpointRecoveryPoints();
  }
}

/** The last batch that survived is known when it comes again, and the next one is taken. */
function checkProducer(after: LogFixture, story: Story): void {
  const log = after.log();
  const last = story.produced.findLast(({ offset, size }) => offset + size <= log.logEndOffset);
  if (last === undefined) return;
  const { sequence, size, offset } = last;
  const again = story.values.slice(offset, offset + size);
  const repeated = after.append(log, producedBatchOf(again, { baseSequence: sequence }));
  expect(repeated, `sequence ${sequence}`).to.include({ baseOffset: offset, duplicate: true });
  const next = producedBatchOf(['next'], { baseSequence: sequence + size });
  expect(after.append(log, next, 9).duplicate).to.equal(false);
}

const stopsCleanly: Script = async (fixture, story) => {
  await appends(fixture, story);
  await fixture.manager.close({ brokerEpoch: 42 });
  story.fixture = fixture.restart();
  const again = story.fixture.start();
  open(again, story);
  add(again, story, { values: ['second life'], epoch: 4 });
  again.manager.flushTurn();
  await settle();
  await again.manager.close();
};

const deletes: Script = async (fixture, story) => {
  await appends(fixture, story);
  story.isDeleted = true;
  await fixture.manager.delete(PARTITION);
  await fixture.time.advance(120_000);
};

function add(
  fixture: LogFixture,
  story: Story,
  batch: { readonly values: readonly string[]; readonly epoch: number },
): void {
  fixture.append(fixture.log(), batchOf(batch.values), batch.epoch);
  story.values.push(...batch.values);
  story.epochs.push(...batch.values.map(() => batch.epoch));
}

/** Batches at the end of the log, as one answer of a leader. */
function replicate(fixture: LogFixture, story: Story, ...batches: (readonly string[])[]): void {
  const log = fixture.log();
  const epoch = 4;
  let offset: number = log.logEndOffset;
  const chunks = batches.map((values) => {
    const batch = replicatedBatchOf(values, { offset, epoch });
    for (const value of values) {
      story.values[offset] = value;
      story.epochs[offset] = epoch;
      offset += 1;
    }
    return batch;
  });
  log.appendReplicated(Buffer.concat(chunks));
}

function open(fixture: LogFixture, story: Story) {
  const log = fixture.createLog();
  log.setListener({
    onWritten: () => undefined,
    onDurable: (offset) => {
      story.durableOffset = offset;
    },
    onFailure: () => undefined,
  });
  return log;
}

async function tell(script: Script, crashAfter: number) {
  const fixture = new LogFixture({ fileSystem: new SimFileSystem({ directories: ['/data'] }) });
  const story: Story = {
    values: [],
    epochs: [],
    durableOffset: 0,
    logStartOffset: 0,
    truncatingTo: undefined,
    isDeleted: false,
    produced: [],
    fixture,
  };
  fixture.fileSystem.crashAfterOperations(crashAfter);
  try {
    fixture.start();
    await script(fixture, story);
  } catch {
    // The crash; or what the log says once its disk is gone.
  }
  await settle();
  return { fixture, story, isCrashed: fixture.fileSystem.isCrashed };
}

async function check(story: Story, mode: CrashMode, seed: number) {
  const { fixture } = story;
  const fileSystem = fixture.fileSystem.afterCrash(mode, seed);
  const after = fixture.restart({ fileSystem }).start();
  const reason = after.manager.offlineReason(PARTITION);
  if (reason !== undefined) throw reason;
  const log = after.manager.log(PARTITION);
  if (log === undefined) {
    expect(story.isDeleted || story.durableOffset === 0, 'the partition is gone').to.equal(true);
    return;
  }
  expect(log.logEndOffset, 'everything durable is there').to.be.at.least(story.durableOffset);
  expect(log.durableOffset, 'recovery synced what it kept').to.equal(log.logEndOffset);
  expect(log.logStartOffset).to.be.at.most(story.logStartOffset);
  const records = await readAll(log);
  expect(records.map(([offset]) => offset)).to.deep.equal(
    Array.from(records, (_record, index) => log.logStartOffset + index),
  );
  for (const [offset, value] of records) {
    // What a truncation has not cut yet may stand or be gone, as it was.
    expect(value, `offset ${offset}`).to.equal(story.values[offset]);
    expect(log.epochFor(offset as Offset), `epoch of ${offset}`).to.equal(story.epochs[offset]);
  }
  const epochs = log.epochs.entries;
  for (const { startOffset } of epochs) expect(startOffset).to.be.below(log.logEndOffset);
  checkProducer(after, story);
  after.write(log, batchOf(['life goes on']), 9);
  await settle();
  expect(log.durableOffset).to.equal(log.logEndOffset);
  await after.manager.close();
  expect(after.restart().start().log().logEndOffset).to.equal(log.logEndOffset);
}

describe('a log whose disk stops after any step', function () {
  this.timeout(120_000);
  const scripts: Record<string, Script> = {
    appends,
    replicates,
    truncates,
    retains,
    produces,
    stopsCleanly,
    deletes,
    resetsFurtherOn: resetsTo(500),
    resetsFurtherDown: resetsTo(10),
  };
  for (const [name, script] of Object.entries(scripts)) {
    for (const mode of ['keepAll', 'loseAllUnsynced', 'random'] as const) {
      it(`keeps what was acknowledged: script ${name}, crash ${mode}`, async () => {
        const whole = await tell(script, Number.POSITIVE_INFINITY);
        const steps = whole.fixture.fileSystem.operationCount;
        expect(steps).to.be.above(40);
        for (let step = 0; step < steps; step += 1) {
          const { story, isCrashed } = await tell(script, step);
          expect(isCrashed).to.equal(true);
          for (const seed of mode === 'random' ? [step, step + 1000, step + 2000] : [1]) {
            try {
              await check(story, mode, seed);
            } catch (error) {
              throw new Error(`after step ${step}, seed ${seed}: ${String(error)}`, {
                cause: error,
              });
            }
          }
        }
      });
    }
  }
});
