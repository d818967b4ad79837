/** What one seed of replication is: drawn at random, or as a profile has it. */

import { allFaults, type FaultKind } from '../cluster/faultPlan.ts';
import { type SimClockOptions, type SimNetworkOptions, SimRandom } from '../kernel/index.ts';
import type { ReplicationProfile } from './replicationSeed.ts';
import type { ReplicatedTopic } from './replicationWorkload.ts';

export interface ReplicationWorld {
  readonly brokerCount: number;
  readonly logDirCount: number;
  /** 0: brokers and consumers know of no racks. */
  readonly rackCount: number;
  readonly properties: readonly string[];
  readonly topics: readonly ReplicatedTopic[];
  readonly faults: readonly FaultKind[];
  readonly faultMeanMs: number;
  readonly faultyMs: number;
  /** With which the coordinator loses an answer, while there are faults. */
  readonly lossProbability: number;
  /** Whether topics and partitions are administered meanwhile. */
  readonly isAdministered: boolean;
  /** Whether faults leave an intact copy of all that is committed: else page caches may lose it. */
  readonly keepsIntactCopy: boolean;
  readonly isSelfFencing: boolean;
  /** Whether a producer without sequences has several requests under way on a connection. */
  readonly isPipelined: boolean;
  readonly network?: SimNetworkOptions;
  /** Of every node, the clients' too; without it brokers' clocks drift a little. */
  readonly clockOf?: (random: SimRandom) => SimClockOptions;
}

const PAGE_CACHE = { 'flush.messages': '9223372036854775807' };
const PROPERTIES = ['replica.lag.time.max.ms=3000', 'replica.fetch.backoff.ms=200'];
const SMALL_SEGMENTS = { 'segment.bytes': '4096', 'index.interval.bytes': '256' };
const SMALL_FETCHES = ['replica.fetch.response.max.bytes=1024'];
/** Clocks that jump by hours must not end what lives for days. */
const TIMELESS = ['log.retention.ms=-1', 'producer.id.expiration.ms=2147483647'];
const HOUR_MS = 3_600_000;

/** A world in which everything may happen. */
export function drawnWorld(seed: number): ReplicationWorld {
  const random = new SimRandom(seed, 'world').fork('swarm of worlds');
  const brokerCount = random.pick([1, 2, 2, 3, 3, 3, 3, 4, 4, 5]);
  const topicNames = random.chance(0.3) ? ['orders', 'payments'] : ['orders'];
  const topics = topicNames.map((name) => drawnTopic(name, brokerCount, random));
  const isTimeless = random.chance(0.2);
  const keepsIntactCopy = random.chance(0.8);
  const kinds: readonly FaultKind[] = keepsIntactCopy ? [...allFaults, 'diskLoss'] : allFaults;
  const faults = kinds.filter(() => random.chance(0.5));
  return {
    brokerCount,
    logDirCount: random.chance(0.2) ? 2 : 1,
    rackCount: random.chance(0.3) ? 2 + random.below(2) : 0,
    properties: [
      ...PROPERTIES,
      ...(random.chance(0.3) ? SMALL_FETCHES : []),
      ...(isTimeless ? TIMELESS : []),
    ],
    topics,
    faults: isTimeless ? [...faults, 'clockJump', 'clockDrift'] : faults,
    faultMeanMs: random.pick([700, 1500, 3000]),
    faultyMs: brokerCount > 3 ? 12_000 : 18_000,
    lossProbability: random.chance(0.3) ? 0.05 : 0,
    isAdministered: random.chance(0.5),
    keepsIntactCopy,
    isSelfFencing: !isTimeless,
    isPipelined: random.chance(0.2),
    ...(isTimeless ? { clockOf: anyClock } : {}),
  };
}

/** The world of a mutant or of a named case. */
export function profiledWorld(seed: number, profile: ReplicationProfile): ReplicationWorld {
  const { brokerCount = 2 + (Math.floor(seed / 2) % 2) } = profile;
  const { hasSmallFetches = seed % 3 === 0 } = profile;
  const random = new SimRandom(seed, 'world').fork('replication swarm');
  const replicationFactor = brokerCount;
  const {
    faults = allFaults.filter(() => random.chance(0.5)),
    faultMeanMs = random.pick([700, 1500, 3000]),
    faultyMs = 20_000,
    isDurable = random.chance(0.75),
    minInsyncReplicas = Math.min(2, replicationFactor),
  } = profile;
  const configs = {
    'min.insync.replicas': String(minInsyncReplicas),
    ...(random.chance(0.3) ? SMALL_SEGMENTS : {}),
    ...(isDurable ? {} : PAGE_CACHE),
    ...profile.configs,
  };
  const partitions = 1 + random.below(2);
  const topic = { replicationFactor, configs, minInsyncReplicas, isDurable };
  return {
    brokerCount,
    logDirCount: 1,
    rackCount: 0,
    properties: [...PROPERTIES, ...(hasSmallFetches ? SMALL_FETCHES : [])],
    topics: [{ name: 'orders', partitions, ...topic }],
    faults,
    faultMeanMs,
    faultyMs,
    lossProbability: random.chance(0.3) ? 0.05 : 0,
    isAdministered: profile.isAdministered ?? false,
    keepsIntactCopy: profile.keepsIntactCopy ?? false,
    isSelfFencing: true,
    isPipelined: profile.isPipelined ?? false,
    ...(profile.latencyMs === undefined ? {} : { network: slowNetwork(profile.latencyMs) }),
  };
}

function drawnTopic(name: string, brokerCount: number, random: SimRandom): ReplicatedTopic {
  const replicationFactor = Math.min(brokerCount, random.pick([1, 2, 2, 3, 3, 3, 3]));
  const minInsyncReplicas = Math.min(replicationFactor, random.pick([1, 2, 2, 2, 3]));
  const isDurable = random.chance(0.6);
  const configs = {
    'min.insync.replicas': String(minInsyncReplicas),
    ...(random.chance(0.3) ? SMALL_SEGMENTS : {}),
    ...(isDurable ? {} : PAGE_CACHE),
  };
  const partitions = 1 + random.below(2);
  return { name, partitions, replicationFactor, configs, minInsyncReplicas, isDurable };
}

/** Hours off, and at half or twice the pace. */
function anyClock(random: SimRandom): SimClockOptions {
  return {
    offsetMs: random.between(-12 * HOUR_MS, 12 * HOUR_MS),
    drift: random.unit() * 1.5 - 0.5,
  };
}

function slowNetwork(meanMs: number): SimNetworkOptions {
  return { latency: { meanMs } };
}
