/**
 * The log's memory of its producers against a model: the list of batches that survive. Whatever
 * happens between, the last batch of a producer is known when it comes again, the next one is taken,
 * a gap is refused, and nothing is ever in the log twice.
 */

import { expect } from 'chai';
import fc from 'fast-check';
import type { Offset } from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { LogFixture, producedBatchOf, readAll, settle } from '../unit/broker/log/logFixture.ts';

interface ModelBatch {
  readonly producerId: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly values: readonly string[];
  readonly offset: number;
}

interface World {
  fixture: LogFixture;
  batches: ModelBatch[];
  /** Batches from here on were appended by this process, without a truncation since. */
  exactFrom: number;
  valueCount: number;
}

interface Step {
  readonly name: string;
  readonly run: (world: World) => Promise<void>;
}

const ofProducer = (world: World, producerId: number): ModelBatch[] => {
  const all = world.batches.filter((batch) => batch.producerId === producerId);
  return all.filter(({ epoch }) => epoch === all.at(-1)!.epoch);
};

const endOffset = ({ batches }: World): number => {
  const last = batches.at(-1);
  return last === undefined ? 0 : last.offset + last.values.length;
};

type Outcome = { readonly offset: number; readonly duplicate: boolean } | { readonly code: string };

function append(world: World, batch: Omit<ModelBatch, 'offset'>): Outcome {
  const { producerId, epoch: producerEpoch, sequence: baseSequence } = batch;
  const bytes = producedBatchOf(batch.values, { producerId, producerEpoch, baseSequence });
  try {
    const { baseOffset, duplicate } = world.fixture.append(world.fixture.log(), bytes);
    return { offset: baseOffset, duplicate };
  } catch (error) {
    if (error instanceof ProtocolError) return { code: error.code };
    throw error;
  }
}

function following(world: World, producerId: number, count: number): Omit<ModelBatch, 'offset'> {
  const last = ofProducer(world, producerId).at(-1);
  world.valueCount += count;
  const values = Array.from({ length: count }, (_, i) =>
    `${world.valueCount}.${i}`.padEnd(90, '.'),
  );
  const sequence = last === undefined ? 0 : last.sequence + last.values.length;
  return { producerId, epoch: last?.epoch ?? 0, sequence, values };
}

function take(world: World, batch: Omit<ModelBatch, 'offset'>): void {
  const offset = endOffset(world);
  expect(append(world, batch)).to.deep.equal({ offset, duplicate: false });
  world.batches.push({ ...batch, offset });
}

async function endTurn(world: World): Promise<void> {
  world.fixture.manager.flushTurn();
  await settle();
}

const send = (producerId: number, count: number): Step => ({
  name: `send(${producerId}, ${count})`,
  run: async (world) => take(world, following(world, producerId, count)),
});

const sendInNewEpoch = (producerId: number): Step => ({
  name: `sendInNewEpoch(${producerId})`,
  run: async (world) => {
    const next = following(world, producerId, 2);
    take(world, { ...next, epoch: next.epoch + 1, sequence: 0 });
    const old = append(world, { ...next, sequence: 0 });
    expect(old).to.deep.equal({ code: 'INVALID_PRODUCER_EPOCH' });
  },
});

const repeat = (producerId: number, back: number): Step => ({
  name: `repeat(${producerId}, ${back})`,
  run: async (world) => {
    const known = ofProducer(world, producerId);
    const batch = known.at(-1 - back);
    if (batch === undefined) return;
    const outcome = append(world, batch);
    const isCertain = back === 0 || (back < 5 && batch.offset >= world.exactFrom);
    if (isCertain || 'offset' in outcome) {
      expect(outcome).to.deep.equal({ offset: batch.offset, duplicate: true });
    } else {
      expect(outcome.code).to.match(/^(OUT_OF_ORDER|DUPLICATE)_SEQUENCE_NUMBER$/);
    }
  },
});

const skip = (producerId: number): Step => ({
  name: `skip(${producerId})`,
  run: async (world) => {
    const next = following(world, producerId, 1);
    if (ofProducer(world, producerId).length === 0) return;
    const outcome = append(world, { ...next, sequence: next.sequence + 3 });
    expect(outcome).to.deep.equal({ code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' });
  },
});

const turn: Step = { name: 'turn', run: endTurn };

const loseTurn = (counts: readonly number[]): Step => ({
  name: `loseTurn(${counts.join()})`,
  run: async (world) => {
    await endTurn(world);
    const keptAtLeast = endOffset(world);
    for (const [index, count] of counts.entries()) {
      take(world, following(world, 1 + (index % 3), count));
    }
    world.fixture.fileSystem.inject({ operation: 'write', path: /\.log$/, error: 'ENOSPC' });
    await endTurn(world);
    // A roll in the midst of the turn has written what came before it.
    const { logEndOffset } = world.fixture.log();
    expect(logEndOffset).to.be.at.least(keptAtLeast).and.below(endOffset(world));
    world.batches = world.batches.filter(({ offset }) => offset < logEndOffset);
  },
});

const truncate = (share: number): Step => ({
  name: `truncate(${share.toFixed(2)})`,
  run: async (world) => {
    await endTurn(world);
    const offset = Math.floor(share * endOffset(world));
    await world.fixture.log().truncateTo(offset as Offset);
    world.batches = world.batches.filter((batch) => batch.offset + batch.values.length <= offset);
    world.exactFrom = endOffset(world);
  },
});

const restart = (isClean: boolean): Step => ({
  name: isClean ? 'stop and start' : 'crash and start',
  run: async (world) => {
    await endTurn(world);
    if (isClean) await world.fixture.manager.close();
    const fileSystem = isClean
      ? world.fixture.fileSystem
      : world.fixture.fileSystem.afterCrash('loseAllUnsynced', 1);
    world.fixture = world.fixture.restart({ fileSystem }).start();
    // Nothing was in it yet: its name was never synced.
    world.fixture.createLog();
    world.exactFrom = endOffset(world);
  },
});

const checkpoint: Step = {
  name: 'checkpoint',
  run: async (world) => {
    await endTurn(world);
    await world.fixture.manager.checkpointRecoveryPoints();
  },
};

const producers = fc.integer({ min: 1, max: 3 });
const steps = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.tuple(producers, fc.integer({ min: 1, max: 4 })).map((a) => send(...a)),
    },
    {
      weight: 5,
      arbitrary: fc.tuple(producers, fc.integer({ min: 0, max: 7 })).map((a) => repeat(...a)),
    },
    { weight: 2, arbitrary: producers.map(skip) },
    { weight: 1, arbitrary: producers.map(sendInNewEpoch) },
    { weight: 3, arbitrary: fc.constant(turn) },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 4 })
        .map(loseTurn),
    },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }).map(truncate) },
    { weight: 1, arbitrary: fc.boolean().map(restart) },
    { weight: 1, arbitrary: fc.constant(checkpoint) },
  ),
  { minLength: 5, maxLength: 60 },
);

describe('The producers of a log, against a model', function () {
  this.timeout(120_000);

  it('are known after any sequence of appends, losses, truncations and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const fixture = new LogFixture().start();
        const world: World = { fixture, batches: [], exactFrom: 0, valueCount: 0 };
        fixture.createLog();
        for (const [index, { name, run }] of sequence.entries()) {
          try {
            await run(world);
          } catch (error) {
            throw new Error(`step ${index}, ${name}: ${String(error)}`, { cause: error });
          }
        }
        await endTurn(world);
        const values = (await readAll(world.fixture.log())).map(([, value]) => value);
        expect(values).to.deep.equal(world.batches.flatMap((batch) => batch.values));
      }),
      { numRuns: 400 },
    );
  });
});
