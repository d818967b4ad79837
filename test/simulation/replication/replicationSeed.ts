/**
 * One seed of replication: a cluster, replicated topics, faults; invariants between any two events,
 * and after healing the judgement of the history and of the replicas' bytes.
 */

import { allFaults, type FaultKind, FaultPlan } from '../cluster/faultPlan.ts';
import { checkReplicas } from '../cluster/replicaBytes.ts';
import { SimCluster } from '../cluster/simCluster.ts';
import { ReplicationInvariants } from '../invariants/replicationInvariants.ts';
import { type ReplicatedTopic, ReplicationWorkload } from './replicationWorkload.ts';

/** What a seed would otherwise choose at random. */
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

const PAGE_CACHE = { 'flush.messages': '9223372036854775807' };
const PROPERTIES = ['replica.lag.time.max.ms=3000', 'replica.fetch.backoff.ms=200'];

const SMALL_FETCHES = ['replica.fetch.response.max.bytes=1024'];

/** @throws what was broken, with the seed and the last log lines. */
export async function runReplicationSeed(
  seed: number,
  profile: ReplicationProfile = {},
): Promise<ReplicationOutcome> {
  const { brokerCount = 2 + (Math.floor(seed / 2) % 2) } = profile;
  const { hasSmallFetches = seed % 3 === 0 } = profile;
  const properties = [...PROPERTIES, ...(hasSmallFetches ? SMALL_FETCHES : [])];
  const cluster = new SimCluster({ seed, brokerCount, properties });
  try {
    return await runCluster(cluster, profile);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`seed ${seed}: ${message}\n${cluster.lines.toString()}`, { cause: error });
  }
}

async function runCluster(
  cluster: SimCluster,
  profile: ReplicationProfile,
): Promise<ReplicationOutcome> {
  const { simulation, brokers } = cluster;
  const random = simulation.random.fork('replication swarm');
  const replicationFactor = brokers.length;
  const {
    faults = allFaults.filter(() => random.chance(0.5)),
    faultMeanMs = random.pick([700, 1500, 3000]),
    faultyMs = 20_000,
    isDurable = random.chance(0.75),
    minInsyncReplicas = Math.min(2, replicationFactor),
  } = profile;
  const configs = {
    'min.insync.replicas': String(minInsyncReplicas),
    ...(random.chance(0.3) ? { 'segment.bytes': '4096' } : {}),
    ...(isDurable ? {} : PAGE_CACHE),
  };
  const topics: ReplicatedTopic[] = [
    { name: 'orders', partitions: 1 + random.below(2), replicationFactor, configs },
  ];
  const watched = topics.map((topic) => ({ ...topic, minInsyncReplicas, isDurable }));
  const invariants = new ReplicationInvariants(cluster, watched);
  const workload = new ReplicationWorkload(cluster, invariants, topics, {
    mayLose: !isDurable,
  });
  const plan = new FaultPlan(cluster, faults);
  cluster.onPowerLoss = () => {
    invariants.onPowerLoss();
    if (!isDurable) for (const { name } of topics) workload.excuse(name);
  };
  cluster.onStep = () => invariants.check();
  cluster.startAll();
  await cluster.until('all brokers are ready', () => cluster.areAllReady);
  await cluster.settle('the topics stand', workload.prepare());
  workload.start();
  await cluster.until('the clients work', () => workload.readCount > 10);
  const endMs = simulation.nowMs + faultyMs;
  if (random.chance(0.3)) simulation.coordinator.lossProbability = 0.05;
  plan.start(faultMeanMs);
  await cluster.until('time', () => simulation.nowMs > endMs);
  plan.end();
  await cluster.until('all brokers are ready again', () => cluster.areAllReady);
  await cluster.settle('every record is decided', workload.finish());
  await cluster.settle('all replicas are in sync', workload.untilInSync(), 60_000);
  const anomalies = await cluster.settle('the history is judged', workload.judge());
  if (anomalies.length > 0) throw new Error(anomalies.slice(0, 5).join('; '));
  await cluster.until('all replicas have everything', () => haveEqualEnds(cluster), 60_000);
  for (const { name } of topics) checkReplicas(cluster, name);
  return {
    hash: simulation.traceHash,
    events: simulation.scheduler.eventCount,
    virtualMs: simulation.nowMs,
    acknowledged: workload.acknowledgedCount,
    read: workload.readCount,
    faults: [...plan.counts].map(([kind, count]) => `${kind} ${count}`).join(', '),
  };
}

/** Who is in sync may be behind what acks=1 has written, for a while. */
function haveEqualEnds({ brokers }: SimCluster): boolean {
  const ends = new Map<string, number>();
  for (const { partitions } of brokers) {
    for (const [name, { log }] of partitions) {
      const { writtenOffset } = log;
      if ((ends.get(name) ?? writtenOffset) !== writtenOffset) return false;
      ends.set(name, writtenOffset);
    }
  }
  return true;
}
