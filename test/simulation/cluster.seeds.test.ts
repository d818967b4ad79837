/** Whole clusters under random faults; one seed after the other. */

import { expect } from 'chai';
import { allFaults, FaultPlan } from './cluster/faultPlan.ts';
import { History } from './cluster/history.ts';
import { SimCluster } from './cluster/simCluster.ts';
import { Workload, type WorkloadTopic } from './cluster/workload.ts';

const FAULTY_MS = 30_000;

interface Outcome {
  readonly hash: string;
  readonly events: number;
  readonly acknowledged: number;
  readonly read: number;
}

/** Without fsync before the acknowledgement, as Kafka's topics are by default. */
const RELAXED = { 'flush.messages': '9223372036854775807' };

async function runSeed(seed: number): Promise<Outcome> {
  const cluster = new SimCluster({ seed, brokerCount: 1 + (seed % 3) });
  try {
    return await runCluster(cluster);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`seed ${seed}: ${message}\n${cluster.lines.toString()}`, { cause: error });
  }
}

async function runCluster(cluster: SimCluster): Promise<Outcome> {
  const { simulation } = cluster;
  const random = simulation.random.fork('swarm');
  const topics: WorkloadTopic[] = [
    { name: 'durable', partitions: 1 + random.below(4) },
    { name: 'small-segments', partitions: 2, configs: { 'segment.bytes': '16384' } },
    { name: 'relaxed', partitions: 2, configs: RELAXED },
  ];
  const history = new History();
  const workload = new Workload(cluster, history, {
    producers: 1 + random.below(2),
    consumers: 1,
    topics,
    paceMs: 40,
  });
  const faults = new FaultPlan(cluster, {
    kinds: allFaults.filter(() => random.chance(0.6)),
    onPowerLoss: () => history.excuse('relaxed'),
  });
  cluster.startAll();
  await cluster.until('all brokers are ready', () => cluster.areAllReady);
  await cluster.settle('the topics stand', workload.prepare());
  workload.start();
  if (random.chance(0.5)) simulation.coordinator.lossProbability = 0.05;
  faults.start(random.pick([1000, 3000]));
  await cluster.until('time', () => simulation.nowMs > FAULTY_MS);
  faults.end();
  await cluster.until('all brokers are ready again', () => cluster.areAllReady);
  await cluster.settle('the workload ends', workload.finish());
  for (const { name } of topics) {
    const found = await cluster.settle(`"${name}" is read`, workload.readAll(name));
    history.checkTopic(name, found);
  }
  const present = await cluster.settle('topics are listed', workload.listTopics());
  for (const [topic, existence] of workload.existence) {
    if (existence === 'present') expect(present).to.include(topic);
    if (existence === 'absent') expect(present).to.not.include(topic);
  }
  return {
    hash: simulation.traceHash,
    events: simulation.scheduler.eventCount,
    acknowledged: history.acknowledgedCount,
    read: history.readCount,
  };
}

const seeds = (): number[] => {
  const [first = 1, count = 30] = (process.env['SIM_SEEDS'] ?? '')
    .split('+')
    .filter(Boolean)
    .map(Number);
  return Array.from({ length: count }, (_, index) => first + index);
};

describe('simulation: clusters under faults', function () {
  this.timeout(120_000);

  it('keep every promise of an acknowledgement, whatever the seed', async () => {
    let acknowledged = 0;
    for (const seed of seeds()) acknowledged += (await runSeed(seed)).acknowledged;
    expect(acknowledged).to.be.greaterThan(1000);
  });

  it('do the same twice for one seed', async () => {
    for (const seed of [1, 2, 3]) expect(await runSeed(seed)).to.deep.equal(await runSeed(seed));
  });
});
