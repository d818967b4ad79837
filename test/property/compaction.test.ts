/**
 * Compaction against a model: an array of keyed records. Whatever is written, compacted, cut, waited
 * for and started again, in any order and with maps and chunks of any size: no offset changes its
 * record, order stays, the last record of each key stays, and a deleted key does not come back.
 */

import { expect } from 'chai';
import fc from 'fast-check';
import type { Offset } from '../../common/index.ts';
import {
  compactConfig,
  compactingFixture,
  contentOf,
  keyedBatch,
  type Pair,
  restarted,
} from '../unit/broker/log/cleaner/compactionFixture.ts';
import { type LogFixture, settle, START_MS } from '../unit/broker/log/logFixture.ts';

interface World {
  fixture: LogFixture;
  readonly pairs: Pair[];
  highWatermark: number;
  sequence: number;
}

class Step {
  readonly name: string;
  readonly run: (world: World) => Promise<void>;

  constructor(name: string, run: (world: World) => Promise<void>) {
    this.name = name;
    this.run = run;
  }

  [fc.toStringMethod](): string {
    return this.name;
  }
}

const cleanerOptions = (bytes: number) => ({ chunkBytes: bytes, mapBytesMax: 24 * 60 });

const write = fc
  .record({
    pairs: fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 9 }).map((key) => `key ${key}`),
        fc.option(fc.integer({ min: 1, max: 200 }), { freq: 4, nil: null }),
      ),
      { minLength: 1, maxLength: 8 },
    ),
    compression: fc.constantFrom('none' as const, 'none' as const, 'gzip' as const),
    isIdempotent: fc.boolean(),
  })
  .map(({ pairs: drawn, compression, isIdempotent }) => {
    const name = `write ${drawn.map(([key, size]) => `${key}:${size}`).join()} ${compression}`;
    return new Step(name, async (world) => {
      const pairs = drawn.map(([key, size], index): Pair => {
        const offset = world.pairs.length + index;
        return [key, size === null ? null : `${offset} `.padEnd(size, '.')];
      });
      const producer = isIdempotent ? { producerId: 5, baseSequence: world.sequence } : {};
      if (isIdempotent) world.sequence += pairs.length;
      const timestamp = START_MS + world.fixture.time.monotonicMs();
      world.pairs.push(...pairs);
      const batch = keyedBatch(pairs, { compression, timestamp, ...producer });
      world.fixture.write(world.fixture.log(), batch);
      await settle();
    });
  });

const commit = new Step('commit', async (world) => {
  world.highWatermark = world.pairs.length;
  world.fixture.log().updateHighWatermark(world.fixture.log().writtenOffset);
});

const compact = new Step('compact', ({ fixture }) => fixture.manager.compact());

const wait = fc
  .integer({ min: 1, max: 40_000 })
  .map((ms) => new Step(`wait ${ms}`, ({ fixture }) => fixture.time.advance(ms)));

/** Only what is not committed may be cut. */
const truncate = new Step('truncate', async (world) => {
  await world.fixture.log().truncateTo(world.highWatermark as Offset);
  world.pairs.length = world.fixture.log().logEndOffset;
  // What a leader would tell: the sequence that comes next.
  const [newest] = world.fixture.log().newestOfProducers();
  world.sequence = newest === undefined ? world.sequence : newest.lastSequence + 1;
});

const restart = fc
  .record({ clean: fc.boolean(), chunkBytes: fc.integer({ min: 61, max: 5000 }) })
  .map(
    ({ clean, chunkBytes }) =>
      new Step(clean ? 'restart' : 'crash', async (world) => {
        const options = { cleanerOptions: cleanerOptions(chunkBytes) };
        if (clean) {
          await world.fixture.manager.close();
          world.fixture = restarted(world.fixture, options).start();
        } else {
          const fileSystem = world.fixture.fileSystem.afterCrash('random', chunkBytes);
          world.fixture = restarted(world.fixture, { ...options, fileSystem }).start();
        }
        // Where nothing was written yet its name need not be on disk.
        const log = world.fixture.createLog();
        world.highWatermark = Math.min(world.highWatermark, log.logEndOffset);
        log.updateHighWatermark(world.highWatermark as Offset);
      }),
  );

async function check({ fixture, pairs }: World): Promise<void> {
  const log = fixture.log();
  expect(log.logEndOffset).to.equal(pairs.length);
  const { records, batches } = await contentOf(log);
  const last = new Map<string, number>();
  for (const [offset, [key]] of pairs.entries()) last.set(key!, offset);
  let previous = -1;
  for (const { offset, key, value } of records) {
    expect(offset).to.be.above(previous);
    previous = offset;
    expect([key, value], `offset ${offset}`).to.deep.equal(pairs[offset]);
  }
  const present = new Set(records.map(({ offset }) => offset));
  for (const [key, offset] of last) {
    if (present.has(offset)) continue;
    expect(pairs[offset]![1], `the last ${key}, at ${offset}`).to.equal(null);
    expect(records.filter((record) => record.key === key)).to.deep.equal([]);
  }
  const ends = batches.map(({ lastOffset }) => lastOffset);
  expect(ends).to.deep.equal([...ends].sort((a, b) => a - b));
}

describe('compaction of any log', function () {
  this.timeout(120_000);

  it('keeps the last record of each key, all offsets and the order', async () => {
    const steps = fc.array(
      fc.oneof(
        { arbitrary: write, weight: 8 },
        { arbitrary: fc.constant(commit), weight: 3 },
        { arbitrary: fc.constant(compact), weight: 3 },
        { arbitrary: wait, weight: 2 },
        { arbitrary: fc.constant(truncate), weight: 1 },
        { arbitrary: restart, weight: 1 },
      ),
      { minLength: 5, maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (story) => {
        const fixture = compactingFixture({
          config: { ...compactConfig, deleteRetentionMs: 20_000 },
          cleanerOptions: cleanerOptions(1000),
        }).start();
        fixture.createLog();
        const world: World = { fixture, pairs: [], highWatermark: 0, sequence: 0 };
        for (const step of story) {
          await step.run(world);
          await check(world);
        }
        await commit.run(world);
        await compact.run(world);
        await world.fixture.manager.close();
        world.fixture = restarted(world.fixture).start();
        await check(world);
      }),
      { numRuns: 150 },
    );
  });
});
