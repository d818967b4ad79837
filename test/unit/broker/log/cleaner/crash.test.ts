/**
 * The disk stops after every single step of a log that is written, compacted, written and compacted
 * again, in every mode; the log starts again on what is left. No offset has changed its record, the
 * last acknowledged record of every key is there, and no key that was deleted has come back.
 */

import { expect } from 'chai';
import type { Offset } from '../../../../../common/index.ts';
import { type CrashMode, SimFileSystem } from '../../../../simulation/kernel/index.ts';
import { LOG_DIR, type LogFixture, PARTITION, settle } from '../logFixture.ts';
import {
  compactConfig,
  compactingFixture,
  contentOf,
  keyedBatch,
  type Pair,
  restarted,
} from './compactionFixture.ts';

interface Story {
  /** By offset, as they were appended. */
  readonly pairs: Pair[];
  durableOffset: number;
  /** Records below it may go, as retention or a truncation asked. */
  keptFrom: number;
  /** A truncation was asked for: from here on records may be gone. */
  keptTo: number;
  readonly fixture: LogFixture;
}

type Script = (fixture: LogFixture, story: Story) => Promise<void>;

const config = { ...compactConfig, deleteRetentionMs: 10_000, segmentBytes: 1024 };

async function write(fixture: LogFixture, story: Story, pairs: readonly Pair[]): Promise<void> {
  story.pairs.push(...pairs);
  fixture.write(fixture.log(), keyedBatch(pairs));
  await settle();
}

/** Values of several sizes, tombstones, keys of their own, keys that come again at once. */
async function writeRound(fixture: LogFixture, story: Story, round: number): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) {
    const text = `${round}.${turn} `;
    await write(fixture, story, [
      [`k${turn % 4}`, text.padEnd(120, '.')],
      [`own ${round} ${turn}`, turn % 2 === 0 ? text : text.padEnd(150, '-')],
      ['hot', text],
    ]);
    if (turn % 2 === 1) await write(fixture, story, [[`k${(turn + round) % 4}`, null]]);
    if (turn === 4) await write(fixture, story, [[`own ${round} 1`, null]]);
  }
  fixture.log().updateHighWatermark(fixture.log().writtenOffset);
}

const compacts: Script = async (fixture, story) => {
  for (let round = 0; round < 2; round += 1) {
    await writeRound(fixture, story, round);
    // The second run puts several segments into one.
    fixture.manager.reconfigure('flights', { ...config, segmentBytes: 1024 + round * 4096 });
    await fixture.manager.compact();
    await fixture.time.advance(11_000);
  }
  expect(fixture.log().segmentCount).to.be.at.most(3);
  expect(fixture.manager.cleanerStats?.runsTotal).to.be.at.least(2);
};

/** Where nothing is synced but by compaction: what it keeps must not depend on what is not. */
const compactsUnsynced: Script = async (fixture, story) => {
  fixture.manager.reconfigure('flights', { ...config, flushMessages: 1_000_000 });
  for (let round = 0; round < 2; round += 1) {
    await writeRound(fixture, story, round);
    await fixture.manager.compact();
  }
};

/** As a leader that lost what was never committed below an unclean election. */
const truncates: Script = async (fixture, story) => {
  await writeRound(fixture, story, 0);
  await writeRound(fixture, story, 1);
  await fixture.manager.compact();
  const target = story.pairs.length - 4;
  story.keptTo = Math.min(story.keptTo, target);
  await fixture.log().truncateTo(target as Offset);
  story.pairs.length = fixture.log().logEndOffset;
  story.keptTo = Number.POSITIVE_INFINITY;
  story.durableOffset = Math.min(story.durableOffset, story.pairs.length);
  await writeRound(fixture, story, 2);
  await fixture.manager.compact();
};

const compactsAndRetains: Script = async (fixture, story) => {
  fixture.manager.reconfigure('flights', {
    ...config,
    cleanupPolicy: ['compact', 'delete'],
    retentionBytes: 2_500,
  });
  for (let round = 0; round < 2; round += 1) {
    await writeRound(fixture, story, round);
    story.keptFrom = story.pairs.length;
    const compacted = fixture.manager.compact();
    await fixture.manager.applyRetention();
    await compacted;
    await fixture.time.advance(11_000);
    story.keptFrom = fixture.log().logStartOffset;
  }
};

const stopsCleanly: Script = async (fixture, story) => {
  await writeRound(fixture, story, 0);
  await fixture.manager.compact();
  await fixture.manager.close();
};

function open(fixture: LogFixture, story: Story): void {
  fixture.createLog().setListener({
    onWritten: () => undefined,
    onDurable: (offset) => {
      story.durableOffset = offset;
    },
    onFailure: () => undefined,
  });
}

async function tell(script: Script, crashAfter: number) {
  const fixture = compactingFixture({
    config,
    fileSystem: new SimFileSystem({ directories: ['/data'] }),
    cleanerOptions: { chunkBytes: 700 },
  });
  const story: Story = {
    pairs: [],
    durableOffset: 0,
    keptFrom: 0,
    keptTo: Number.POSITIVE_INFINITY,
    fixture,
  };
  fixture.fileSystem.crashAfterOperations(crashAfter);
  let failure: unknown;
  try {
    fixture.start();
    open(fixture, story);
    await script(fixture, story);
  } catch (error) {
    // The crash; or what the log says once its disk is gone.
    failure = error;
  }
  await settle();
  if (!fixture.fileSystem.isCrashed && failure !== undefined) throw failure;
  return { story, isCrashed: fixture.fileSystem.isCrashed };
}

/** The last of each key among the offsets below `end`. */
function lastOffsets(pairs: readonly Pair[], end: number): Map<string, number> {
  const last = new Map<string, number>();
  for (const [offset, [key]] of pairs.slice(0, end).entries()) last.set(key!, offset);
  return last;
}

async function checkContent(fixture: LogFixture, story: Story): Promise<void> {
  const log = fixture.log();
  const { records, batches } = await contentOf(log);
  const offsets = records.map(({ offset }) => offset);
  expect(offsets, 'offsets rise').to.deep.equal([...new Set(offsets)].sort((a, b) => a - b));
  for (const [index, batch] of batches.entries()) {
    expect(batch.baseOffset).to.be.above(batches[index - 1]?.lastOffset ?? -1);
  }
  for (const { offset, key, value } of records) {
    expect([key, value], `offset ${offset}`).to.deep.equal(story.pairs[offset]);
  }
  const present = new Set(offsets);
  const end = Math.min(story.durableOffset, story.keptTo);
  for (const [key, offset] of lastOffsets(story.pairs, log.logEndOffset)) {
    if (offset >= end || offset < Math.max(story.keptFrom, log.logStartOffset)) continue;
    if (story.pairs[offset]![1] !== null) {
      expect(present.has(offset), `the last ${key}, at ${offset}`).to.equal(true);
    } else if (!present.has(offset)) {
      const back = records.filter((record) => record.key === key);
      expect(back, `${key} was deleted at ${offset}`).to.deep.equal([]);
    }
  }
}

async function check(story: Story, mode: CrashMode, seed: number): Promise<void> {
  const fileSystem = story.fixture.fileSystem.afterCrash(mode, seed);
  const after = restarted(story.fixture, { fileSystem }).start();
  const reason = after.manager.offlineReason(PARTITION);
  if (reason !== undefined) throw reason;
  if (after.manager.log(PARTITION) === undefined) {
    expect(story.durableOffset, 'the partition is gone').to.equal(0);
    return;
  }
  const log = after.log();
  expect(log.logEndOffset).to.be.at.least(Math.min(story.durableOffset, story.keptTo));
  const names = fileSystem.readDirectorySync(`${LOG_DIR}/flights-0`).join();
  expect(names).not.to.match(/cleaned|swap|tmp/);
  await checkContent(after, story);
  // Life goes on: the next run finds everything as it must be, and leaves every key once.
  const again = { ...story, fixture: after, pairs: [...story.pairs] };
  again.pairs.length = log.logEndOffset;
  open(after, again);
  again.durableOffset = log.logEndOffset;
  again.keptTo = Number.POSITIVE_INFINITY;
  await writeRound(after, again, 9);
  await after.manager.compact();
  await after.manager.close();
  // What was written last is still served from memory, as it was written: a new start reads files.
  const last = { ...again, fixture: restarted(after).start() };
  await checkContent(last.fixture, last);
  const cleanedOffset = last.fixture.log().cleanedOffset ?? 0;
  expect(cleanedOffset).to.be.above(0);
  const { records } = await contentOf(last.fixture.log());
  const cleaned = records.filter(({ offset }) => offset < cleanedOffset);
  expect(new Set(cleaned.map(({ key }) => key)).size, 'every key once').to.equal(cleaned.length);
  await last.fixture.manager.close();
}

describe('a compacted log whose disk stops after any step', function () {
  this.timeout(120_000);
  const scripts: Record<string, Script> = {
    compacts,
    compactsUnsynced,
    truncates,
    compactsAndRetains,
    stopsCleanly,
  };
  for (const [name, script] of Object.entries(scripts)) {
    for (const mode of ['keepAll', 'loseAllUnsynced', 'random'] as const) {
      it(`keeps the last record of each key: script ${name}, crash ${mode}`, async () => {
        const whole = await tell(script, Number.POSITIVE_INFINITY);
        const steps = whole.story.fixture.fileSystem.operationCount;
        expect(steps).to.be.above(100);
        for (let step = 0; step < steps; step += 1) {
          const { story, isCrashed } = await tell(script, step);
          expect(isCrashed).to.equal(true);
          for (const seed of mode === 'random' ? [step] : [1]) {
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
