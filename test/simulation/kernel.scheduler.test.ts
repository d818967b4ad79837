import { expect } from 'chai';
import { Scheduler, Simulation, SimulationStalled, SimRandom } from './kernel/index.ts';

describe('simulation: scheduler', () => {
  it('runs events in the order of their virtual time and moves the time to each', async () => {
    const scheduler = new Scheduler({ seed: 1 });
    const seen: [string, number][] = [];
    for (const [name, delayMs] of [
      ['c', 30],
      ['a', 10],
      ['b', 20],
    ] as const) {
      scheduler.after(delayMs, name, () => seen.push([name, scheduler.nowMs]));
    }
    const result = await scheduler.run();
    expect(seen).to.deep.equal([
      ['a', 10],
      ['b', 20],
      ['c', 30],
    ]);
    expect(result).to.deep.equal({ events: 3, reason: 'idle' });
  });

  it('lets every promise settle before the next event, however long the chain', async () => {
    const scheduler = new Scheduler({ seed: 1 });
    const seen: string[] = [];
    scheduler.after(1, 'first', () => {
      void (async () => {
        for (let step = 0; step < 100; step += 1) await null;
        seen.push('chain done');
      })();
    });
    scheduler.after(1.0001, 'second', () => seen.push('second event'));
    await scheduler.run();
    expect(seen).to.deep.equal(['chain done', 'second event']);
  });

  it('orders events of one instant by the seed', async () => {
    const orderOf = async (seed: number): Promise<string> => {
      const scheduler = new Scheduler({ seed });
      let order = '';
      for (const name of 'abcdefgh') scheduler.after(1, 'same instant', () => (order += name));
      await scheduler.run();
      return order;
    };
    expect(await orderOf(1)).to.equal(await orderOf(1));
    const orders = await Promise.all([1, 2, 3, 4, 5].map(orderOf));
    expect(new Set(orders).size).to.be.greaterThan(1);
  });

  it('stops at a time, at a condition and at a count of events', async () => {
    const scheduler = new Scheduler({ seed: 1 });
    let count = 0;
    const again = (): void => {
      count += 1;
      scheduler.after(10, 'again', again);
    };
    scheduler.after(10, 'again', again);
    expect((await scheduler.run({ untilMs: 35 })).reason).to.equal('time');
    expect([count, scheduler.nowMs]).to.deep.equal([3, 35]);
    expect((await scheduler.run({ condition: () => count === 5 })).reason).to.equal('condition');
    expect((await scheduler.run({ maxEvents: 2 })).reason).to.equal('maxEvents');
    expect(count).to.equal(7);
  });

  it('rejects the run with what an event threw', async () => {
    const scheduler = new Scheduler({ seed: 1 });
    scheduler.after(1, 'throws', () => {
      throw new Error('out of an event');
    });
    const outcome = await scheduler.run().catch((error: Error) => error.message);
    expect(outcome).to.equal('out of an event');
  });

  it('says so when nothing can settle a promise any more', async () => {
    const scheduler = new Scheduler({ seed: 1 });
    const never = new Promise(() => undefined);
    const outcome = await scheduler.settle(never).catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(SimulationStalled);
  });

  it('lets no virtual time pass during real asynchronous work', async () => {
    const scheduler = new Scheduler({ seed: 1 });
    const seen: string[] = [];
    scheduler.after(1, 'real work', () => {
      const work = new Promise((resolve) => setTimeout(resolve, 5));
      void scheduler.external(work).then(() => seen.push(`done at ${scheduler.nowMs}`));
    });
    scheduler.after(2, 'later', () => seen.push('later'));
    await scheduler.run();
    expect(seen).to.deep.equal(['done at 1', 'later']);
  });
});

describe('simulation: randomness', () => {
  it('repeats for a seed, and differs between seeds and forks', () => {
    const draw = (random: SimRandom): number[] => Array.from({ length: 8 }, () => random.uint32());
    const first = draw(new SimRandom(7));
    expect(draw(new SimRandom(7))).to.deep.equal(first);
    expect(draw(new SimRandom(8))).to.not.deep.equal(first);
    expect(draw(new SimRandom(7).fork('a'))).to.not.deep.equal(draw(new SimRandom(7).fork('b')));
  });

  it('does not let draws of the parent move a fork', () => {
    const parent = new SimRandom(7);
    const before = parent.fork('x').uint32();
    parent.uint32();
    expect(parent.fork('x').uint32()).to.equal(before);
  });

  it('stays in range and is spread evenly', () => {
    const random = new SimRandom(3);
    const buckets = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 10_000; draw += 1) {
      const value = random.below(10);
      buckets[value] = (buckets[value] ?? 0) + 1;
    }
    for (const count of buckets) expect(count).to.be.within(850, 1150);
    expect(random.below(2 ** 40)).to.be.within(0, 2 ** 40 - 1);
  });
});

describe('simulation: clocks, timers and processes', () => {
  it('calls a timer back never early by the own clock, whatever its drift', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const simulation = new Simulation({ seed });
      const node = simulation.node('n', { clock: { drift: seed % 2 === 0 ? 0.01 : -0.01 } });
      const { clock, timers } = node.environment();
      const startMs = clock.monotonicMs();
      let firedMs = 0;
      timers.set(100, () => {
        firedMs = clock.monotonicMs();
      });
      simulation.scheduler.after(50, 'slower', () => node.clock.setDrift(-0.1));
      await simulation.run();
      expect(firedMs - startMs).to.be.at.least(100);
    }
  });

  it('moves the wall clock by a jump and leaves the monotonic clock alone', () => {
    const node = new Simulation({ seed: 1 }).node('n');
    const { clock } = node.environment();
    const [wallMs, monotonicMs] = [clock.wallMs(), clock.monotonicMs()];
    node.clock.jumpWall(-3_600_000);
    expect(clock.wallMs()).to.equal(wallMs - 3_600_000);
    expect(clock.monotonicMs()).to.equal(monotonicMs);
  });

  it('never fires a timer, a completion or an end of turn of a process that crashed', async () => {
    const simulation = new Simulation({ seed: 1 });
    const node = simulation.node('n');
    const { timers, fileSystem } = node.environment();
    const seen: string[] = [];
    timers.set(10, () => seen.push('timer'));
    timers.afterTurn(() => seen.push('end of turn'));
    const file = fileSystem.openSync('/data/a', 'create');
    void file.datasync().then(() => seen.push('datasync'));
    node.crash();
    node.restart();
    await simulation.run({ forMs: 1000 });
    expect(seen).to.deep.equal([]);
  });

  it('holds the events of a frozen process until it thaws, in their order', async () => {
    const simulation = new Simulation({ seed: 1 });
    const node = simulation.node('n');
    const { timers, clock } = node.environment();
    const seen: string[] = [];
    timers.set(10, () => seen.push('first'));
    timers.set(20, () => seen.push('second'));
    node.freeze();
    await simulation.run({ forMs: 500 });
    expect(seen).to.deep.equal([]);
    expect(clock.monotonicMs()).to.be.at.least(500);
    node.thaw();
    await simulation.run({ forMs: 1 });
    expect(seen).to.deep.equal(['first', 'second']);
  });

  it('knows which process runs: not the one before, not another with its pid', () => {
    const node = new Simulation({ seed: 1 }).node('n');
    const before = node.environment().host.self;
    node.crash();
    const after = node.restart().host;
    expect(after.isRunning(before)).to.equal(false);
    expect(after.isRunning(after.self)).to.equal(true);
    expect(after.isRunning({ ...after.self, startTicks: 1 })).to.equal(false);
    node.crash({ powerLoss: true });
    const { host } = node.restart();
    expect(host.self.pid).to.equal(before.pid);
    expect(host.isRunning(before)).to.equal(false);
  });

  it('runs an offloaded task on its input, later', async () => {
    const simulation = new Simulation({ seed: 1 });
    const { offload } = simulation.node('n').environment();
    const module = new URL('./fixtures/offloadTask.ts', import.meta.url).href;
    const task = { module, function: 'addToEach', parameter: 3 };
    const result = await simulation.settle(offload.run(task, Buffer.from([1, 2])));
    expect([...result]).to.deep.equal([4, 5]);
    const failing = offload.run({ ...task, function: 'fail' }, Buffer.alloc(0));
    const outcome = await simulation.settle(failing.catch((error: Error) => error.message));
    expect(outcome).to.equal('a task that fails');
  });
});
