/**
 * One seed of replication: a cluster, replicated topics, faults; invariants between any two events,
 * and after healing the judgement of the history and of the replicas' bytes.
 */

import { FaultAtlas } from '../cluster/faultAtlas.ts';
import { type FaultKind, FaultPlan } from '../cluster/faultPlan.ts';
import { checkIndexes } from '../cluster/indexFiles.ts';
import { checkProducers } from '../cluster/rememberedProducers.ts';
import { checkReplicas, haveEqualEnds, untilOnlyReplicas } from '../cluster/replicaBytes.ts';
import { withoutSelfFencing } from '../cluster/selfFencing.ts';
import type { SimBroker } from '../cluster/simBroker.ts';
import { SimCluster } from '../cluster/simCluster.ts';
import { type Loss, ReplicationInvariants } from '../invariants/replicationInvariants.ts';
import { AdminOperations } from './adminOperations.ts';
import { PIPELINED_TOPIC, PipelinedProducer } from './pipelinedProducer.ts';
import { drawnWorld, profiledWorld, type ReplicationWorld } from './replicationWorld.ts';
import { ReplicationWorkload } from './replicationWorkload.ts';
import { checkWaking } from './wakefulness.ts';

/** What a seed would otherwise choose at random: of mutants and named cases. */
export interface ReplicationProfile {
  readonly faults?: readonly FaultKind[];
  /** Virtual time between two faults. */
  readonly faultMeanMs?: number;
  readonly brokerCount?: number;
  /** Virtual time of faults. */
  readonly faultyMs?: number;
  /** Whether acknowledged means on disk. */
  readonly isDurable?: boolean;
  readonly minInsyncReplicas?: number;
  /** Whether a follower gets little at a time, so that it lags behind what is committed. */
  readonly hasSmallFetches?: boolean;
  /** Whether partitions move, topics grow, come and go meanwhile. */
  readonly isAdministered?: boolean;
  /** Whether faults leave an intact copy of all that is committed, also in page caches. */
  readonly keepsIntactCopy?: boolean;
  /** Further settings of the topic. */
  readonly configs?: Readonly<Record<string, string>>;
  /** Mean time of a message on its way, in milliseconds. */
  readonly latencyMs?: number;
  /** Whether a producer has several requests under way on a connection. */
  readonly isPipelined?: boolean;
  /** For mutants: the mixed clusters instead, where topics come and go. */
  readonly isMixed?: boolean;
}

export interface ReplicationOutcome {
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly acknowledged: number;
  readonly read: number;
  readonly faults: string;
}

/** Faults end here at the latest, so that the whole seed stays below 100,000 events. */
const FAULTY_EVENTS_MAX = 50_000;

/**
 * @param profile without it the seed draws a world of its own, in which everything may happen.
 * @throws what was broken, with the seed and the last log lines.
 */
export async function runReplicationSeed(
  seed: number,
  profile?: ReplicationProfile,
): Promise<ReplicationOutcome> {
  const world = profile === undefined ? drawnWorld(seed) : profiledWorld(seed, profile);
  const cluster = new SimCluster({ seed, ...world });
  const run = (): Promise<ReplicationOutcome> => runWorld(cluster, world);
  try {
    return await (world.isSelfFencing ? run() : withoutSelfFencing(run));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`seed ${seed}: ${message}\n${cluster.lines.toString()}`, { cause: error });
  }
}

async function runWorld(cluster: SimCluster, world: ReplicationWorld): Promise<ReplicationOutcome> {
  const { simulation } = cluster;
  const { topics } = world;
  const invariants = new ReplicationInvariants(cluster, topics);
  const workload = new ReplicationWorkload(cluster, invariants, {
    topics,
    rackCount: world.rackCount,
    mayLose: !world.keepsIntactCopy && topics.some(({ isDurable }) => !isDurable),
  });
  const plan = planFaults(cluster, world, { invariants, workload });
  cluster.onStep = () => invariants.check();
  cluster.startAll();
  await cluster.until('all brokers are ready', () => cluster.areAllReady);
  await cluster.settle('the topics stand', workload.prepare());
  workload.start();
  await cluster.until('the clients work', () => workload.readCount > 10);
  const admin = world.isAdministered ? new AdminOperations(cluster, invariants, topics) : undefined;
  const administered = admin?.run();
  administered?.catch((error: unknown) => cluster.unexpected.push(error));
  const pipeline = world.isPipelined ? new PipelinedProducer(cluster) : undefined;
  if (pipeline !== undefined) await cluster.settle('the pipeline stands', pipeline.prepare());
  pipeline?.run().catch((error: unknown) => cluster.unexpected.push(error));
  const { scheduler } = simulation;
  const endMs = simulation.nowMs + world.faultyMs;
  simulation.coordinator.lossProbability = world.lossProbability;
  plan.start(world.faultMeanMs);
  const isOver = () => simulation.nowMs > endMs || scheduler.eventCount > FAULTY_EVENTS_MAX;
  await cluster.until('time', isOver);
  admin?.end();
  pipeline?.end();
  plan.end();
  await cluster.until('all brokers are ready again', () => cluster.areAllReady);
  await cluster.settle('every record is decided', workload.finish());
  await cluster.settle('the operator is done', Promise.resolve(administered));
  await cluster.settle('no partition moves', Promise.resolve(admin?.untilSettled()), 60_000);
  await cluster.settle('all replicas are in sync', workload.untilInSync(), 60_000);
  const anomalies = await cluster.settle('the history is judged', workload.judge());
  if (anomalies.length > 0) throw new Error(anomalies.slice(0, 5).join('; '));
  await cluster.until('all replicas have everything', () => haveEqualEnds(cluster), 60_000);
  for (const { name } of topics) {
    const gone = untilOnlyReplicas(cluster, name);
    await cluster.settle('what has moved away is gone', gone, 60_000);
    checkReplicas(cluster, name);
  }
  await checkWaking(cluster, 'orders');
  await checkProducers(cluster, 'orders');
  for (const broker of cluster.brokers) checkIndexes(broker);
  return {
    hash: simulation.traceHash,
    events: scheduler.eventCount,
    virtualMs: simulation.nowMs,
    acknowledged: workload.acknowledgedCount,
    read: workload.readCount,
    faults: [...plan.counts].map(([kind, count]) => `${kind} ${count}`).join(', '),
  };
}

/** With the atlas, or with topics excused that lose what stood in page caches alone. */
function planFaults(
  cluster: SimCluster,
  { topics, faults, keepsIntactCopy }: ReplicationWorld,
  judges: { readonly invariants: ReplicationInvariants; readonly workload: ReplicationWorkload },
): FaultPlan {
  const { invariants, workload } = judges;
  if (!keepsIntactCopy) {
    cluster.onPowerLoss = () => {
      invariants.onPowerLoss();
      for (const { name, isDurable } of topics) if (!isDurable) workload.excuse(name);
    };
    return new FaultPlan(cluster, faults);
  }
  const pipelined = { name: PIPELINED_TOPIC, isDurable: true };
  const atlas = new FaultAtlas(cluster, [...topics, pipelined]);
  const onLoss = (broker: SimBroker, loss: Loss): void => {
    atlas.onLoss(broker, loss);
    invariants.onLoss(broker.id, loss);
  };
  cluster.onPowerLoss = (broker) => onLoss(broker, 'power');
  cluster.onDiskLoss = (broker) => onLoss(broker, 'disk');
  return new FaultPlan(cluster, faults, atlas);
}
