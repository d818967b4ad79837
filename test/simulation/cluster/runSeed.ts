/** One seed: a cluster of its own size, with its own topics, work and faults, checked at the end. */

import { allFaults, type FaultKind, FaultPlan } from './faultPlan.ts';
import { History } from './history.ts';
import type { WatchedTopic } from '../invariants/partitionWatch.ts';
import { SimCluster } from './simCluster.ts';
import { checkReplicas, haveEqualEnds } from './replicaBytes.ts';
import { ReplicationInvariants } from '../invariants/replicationInvariants.ts';
import { Workload, type WorkloadTopic } from './workload.ts';

const FAULTY_MS = 30_000;

export interface Outcome {
  readonly hash: string;
  readonly events: number;
  readonly acknowledged: number;
  readonly read: number;
  readonly failed: number;
  readonly faults: string;
  readonly virtualMs: number;
}

/** Without fsync before the acknowledgement, as Kafka's topics are by default. */
const RELAXED = { 'flush.messages': '9223372036854775807' };

/** Instead of a random choice of faults. */
export interface Focus {
  readonly faults: readonly FaultKind[];
  /** Virtual time between two of them. */
  readonly faultMeanMs: number;
}

/** @throws what was broken, with the seed and the last log lines. */
export async function runSeed(seed: number, focus?: Focus): Promise<Outcome> {
  const cluster = new SimCluster({
    seed,
    brokerCount: 1 + (seed % 3),
    logDirCount: 1 + (seed % 2),
  });
  try {
    return await runCluster(cluster, focus);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`seed ${seed}: ${message}\n${cluster.lines.toString()}`, { cause: error });
  }
}

async function runCluster(cluster: SimCluster, focus: Focus | undefined): Promise<Outcome> {
  const { simulation } = cluster;
  const random = simulation.random.fork('swarm');
  const replicationFactor = Math.min(3, cluster.brokers.length);
  const topics: WorkloadTopic[] = [
    { name: 'durable', partitions: 1 + random.below(4) },
    { name: 'small-segments', partitions: 2, configs: { 'segment.bytes': '2048' } },
    {
      name: 'replicated',
      partitions: 2,
      replicationFactor,
      configs: { 'min.insync.replicas': String(Math.max(1, replicationFactor - 1)) },
    },
    { name: 'relaxed', partitions: 2, configs: RELAXED, isRelaxed: true },
  ];
  const history = new History();
  const workload = new Workload(cluster, history, {
    producers: 1 + random.below(2),
    consumers: 1,
    topics,
    paceMs: 40,
  });
  const kinds = focus?.faults ?? allFaults.filter(() => random.chance(0.6));
  const faults = new FaultPlan(cluster, kinds);
  const invariants = new ReplicationInvariants(cluster, topics.map(watched));
  cluster.onStep = () => invariants.check();
  cluster.onPowerLoss = () => {
    history.excuse('relaxed');
    invariants.onPowerLoss();
  };
  cluster.startAll();
  await cluster.until('all brokers are ready', () => cluster.areAllReady);
  await cluster.settle('the topics stand', workload.prepare());
  workload.start();
  // A client that never reached a broker gives up at once, by design; these are to see it through.
  await cluster.until('the clients work', () => history.readCount > 10);
  if (random.chance(0.5)) simulation.coordinator.lossProbability = 0.05;
  faults.start(focus?.faultMeanMs ?? random.pick([1000, 3000]));
  await cluster.until('time', () => simulation.nowMs > FAULTY_MS);
  faults.end();
  await cluster.until('all brokers are ready again', () => cluster.areAllReady);
  await cluster.settle('the workload ends', workload.finish());
  for (const { name } of topics) {
    await cluster.settle(`"${name}" is in sync`, workload.untilInSync(name));
    const found = await cluster.settle(`"${name}" is read`, workload.readAll(name));
    history.checkTopic(name, found);
  }
  await cluster.until('all replicas have everything', () => haveEqualEnds(cluster), 60_000);
  checkReplicas(cluster, 'replicated');
  await cluster.settle('every list of topics is right', workload.untilListed());
  return {
    hash: simulation.traceHash,
    events: simulation.scheduler.eventCount,
    virtualMs: simulation.nowMs,
    acknowledged: history.acknowledgedCount,
    read: history.readCount,
    failed: history.failedCount,
    faults: [...faults.counts].map(([kind, count]) => `${kind} ${count}`).join(', '),
  };
}

function watched({ name, configs = {}, isRelaxed = false }: WorkloadTopic): WatchedTopic {
  const minInsyncReplicas = Number(configs['min.insync.replicas'] ?? 1);
  return { name, minInsyncReplicas, isDurable: !isRelaxed };
}
