/**
 * The log against a model: an array of records. Any sequence of appends, turns, reads, searches,
 * truncations, deletions, retention, clean restarts and crashes leaves both the same.
 */

import { expect } from 'chai';
import fc from 'fast-check';
import type { PartitionLog } from '../../broker/log/index.ts';
import type { Offset, TimestampMs } from '../../common/index.ts';
import type { CrashMode } from '../simulation/kernel/index.ts';
import {
  batchOf,
  LogFixture,
  readAll,
  readFrom,
  recordsOf,
  START_MS,
  settle,
  smallConfig,
} from '../unit/broker/log/logFixture.ts';

interface ModelRecord {
  readonly value: string;
  readonly timestamp: number;
  readonly epoch: number;
  /** Offset after the last record of its batch: batches go whole. */
  readonly batchEnd: number;
}

/** What the log must hold: the records by offset, those below the start included. */
class Model {
  records: ModelRecord[] = [];
  logStartOffset = 0;
  durableOffset = 0;
  epoch = 0;

  get readable(): [number, string][] {
    return this.records
      .map(({ value }, offset): [number, string] => [offset, value])
      .slice(this.logStartOffset);
  }

  append(values: readonly string[], timestamp: number): void {
    const batchEnd = this.records.length + values.length;
    for (const value of values) {
      this.records.push({ value, timestamp, epoch: this.epoch, batchEnd });
    }
  }

  /** Offset at which the log ends when it is cut at `offset`. */
  cutAt(offset: number): number {
    if (offset >= this.records.length) return this.records.length;
    const end = this.records.findIndex(({ batchEnd }) => batchEnd > offset);
    return Math.min(end, offset);
  }
}

/** One step, shown by its name where the property fails. */
class NamedStep {
  readonly name: string;
  readonly step: Step;

  constructor(name: string, step: Step) {
    this.name = name;
    this.step = step;
  }

  [fc.toStringMethod](): string {
    return this.name;
  }
}

interface World {
  fixture: LogFixture;
  readonly model: Model;
}

type Step = (world: World) => Promise<void>;

const log = ({ fixture }: World): PartitionLog => fixture.log();

const append = (counts: readonly number[], width: number, time: number): Step => {
  return async (world) => {
    for (const count of counts) {
      const base = world.model.records.length;
      const values = Array.from({ length: count }, (_, i) => `${base + i}:`.padEnd(width, '~'));
      const result = world.fixture.append(
        log(world),
        batchOf(values, START_MS + time),
        world.model.epoch,
      );
      expect([result.baseOffset, result.lastOffset]).to.deep.equal([base, base + count - 1]);
      world.model.append(values, START_MS + time);
    }
    world.fixture.manager.flushTurn();
    await settle();
    world.model.durableOffset = world.model.records.length;
    expect(log(world).durableOffset).to.equal(world.model.durableOffset);
  };
};

const newEpoch: Step = async ({ model }) => {
  model.epoch += 1;
};

const read = (share: number, maxBytes: number): Step => {
  return async (world) => {
    const { model } = world;
    const length = model.records.length - model.logStartOffset;
    if (length === 0) return;
    const from = model.logStartOffset + Math.floor(share * length);
    const result = await readFrom(log(world), from, { maxBytes });
    const records = recordsOf(result);
    expect(records.at(-1)?.offset).to.equal(result.nextOffset - 1);
    expect(records.some(({ offset }) => offset === from)).to.equal(true);
    for (const { offset, value } of records) expect(value).to.equal(model.records[offset]?.value);
    const isOneBatch = result.nextOffset === model.records[from]?.batchEnd;
    expect(result.sizeBytes <= maxBytes || isOneBatch).to.equal(true);
  };
};

const search = (time: number): Step => {
  return async (world) => {
    const { model } = world;
    const timestamp = START_MS + time;
    const expected = model.records.findIndex(
      (record, offset) => offset >= model.logStartOffset && record.timestamp >= timestamp,
    );
    const found = await log(world).findByTimestamp(
      timestamp as TimestampMs,
      log(world).writtenOffset,
    );
    expect(found?.offset).to.equal(expected < 0 ? undefined : expected);
  };
};

const truncate = (share: number): Step => {
  return async (world) => {
    const { model } = world;
    const length = model.records.length - model.logStartOffset;
    const offset = model.logStartOffset + Math.floor(share * length);
    const end = model.cutAt(offset);
    await log(world).truncateTo(offset as Offset);
    model.records.length = end;
    model.durableOffset = end;
    model.logStartOffset = Math.min(model.logStartOffset, end);
  };
};

const deleteBefore = (share: number): Step => {
  return async (world) => {
    const { model } = world;
    const length = model.records.length - model.logStartOffset;
    model.logStartOffset += Math.floor(share * length);
    log(world).updateHighWatermark(log(world).writtenOffset);
    await log(world).deleteRecordsBefore(model.logStartOffset as Offset);
    await world.fixture.time.advance(100);
  };
};

const checkpoint: Step = async (world) => {
  await world.fixture.manager.checkpointRecoveryPoints();
};

const reopen: Step = async (world) => {
  await world.fixture.manager.close();
  world.fixture = world.fixture.restart().start();
};

const crash = (mode: CrashMode, seed: number): Step => {
  return async (world) => {
    const fileSystem = world.fixture.fileSystem.afterCrash(mode, seed);
    world.fixture = world.fixture.restart({ fileSystem }).start();
  };
};

const steps: fc.Arbitrary<NamedStep> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 5, max: 300 }),
        fc.integer({ min: 0, max: 100 }),
      )
      .map((args) => new NamedStep(`append ${JSON.stringify(args)}`, append(...args))),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 6000 }))
      .map((args) => new NamedStep(`read ${args}`, read(...args))),
  },
  {
    weight: 2,
    arbitrary: fc
      .integer({ min: -1, max: 101 })
      .map((time) => new NamedStep(`search ${time}`, search(time))),
  },
  {
    weight: 1,
    arbitrary: fc
      .double({ min: 0, max: 1, noNaN: true })
      .map((share) => new NamedStep(`truncate ${share}`, truncate(share))),
  },
  {
    weight: 1,
    arbitrary: fc
      .double({ min: 0, max: 1, noNaN: true })
      .map((share) => new NamedStep(`delete ${share}`, deleteBefore(share))),
  },
  { weight: 1, arbitrary: fc.constant(new NamedStep('newEpoch', newEpoch)) },
  { weight: 1, arbitrary: fc.constant(new NamedStep('checkpoint', checkpoint)) },
  { weight: 1, arbitrary: fc.constant(new NamedStep('reopen', reopen)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom<CrashMode>('keepAll', 'loseAllUnsynced', 'random'),
        fc.integer({ min: 1, max: 1e6 }),
      )
      .map((args) => new NamedStep(`crash ${args}`, crash(...args))),
  },
);

async function checkSame(world: World): Promise<void> {
  const { model } = world;
  expect(log(world).logStartOffset).to.equal(model.logStartOffset);
  expect(log(world).logEndOffset).to.equal(model.records.length);
  expect(await readAll(log(world))).to.deep.equal(model.readable);
  for (const [offset] of model.readable) {
    expect(log(world).epochFor(offset as Offset)).to.equal(model.records[offset]?.epoch);
  }
}

describe('a log and an array of records', function () {
  this.timeout(60_000);

  it('stay the same whatever is done to both', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps, { minLength: 1, maxLength: 40, size: 'max' }),
        async (script) => {
          const config = { ...smallConfig, fileDeleteDelayMs: 50 };
          const world: World = { fixture: new LogFixture({ config }).start(), model: new Model() };
          world.fixture.createLog();
          await world.fixture.manager.log({ topic: 'flights', partition: 0 })?.flush();
          for (const { name, step } of script) {
            try {
              await step(world);
              await checkSame(world);
            } catch (error) {
              throw new Error(`in "${name}": ${String(error)}`, { cause: error });
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
