/** One seed of the group simulation: faults for a while, then peace, and what had to hold. */

import { GroupInvariants } from './groupInvariants.ts';
import { GroupWorld, PARTITION_COUNT } from './groupWorld.ts';
import { SimMember } from './simMember.ts';

const FAULTS_MS = 90_000;
/** Long enough for a silent member to be dropped, a rebalance to time out, and one more to end. */
const PEACE_MS = 60_000;
const MEMBER_COUNT = 5;

export interface GroupOutcome {
  readonly seed: number;
  readonly anomalies: readonly string[];
  /** How much happened: a seed in which nothing does proves nothing. */
  readonly generations: number;
  readonly commits: number;
  readonly moves: number;
  readonly traceHash: string;
}

interface Place {
  readonly name: string;
  readonly instanceId: string | null;
  member: SimMember;
}

export async function runGroupSeed(seed: number): Promise<GroupOutcome> {
  const world = new GroupWorld(seed);
  const { simulation, random } = world;
  const invariants = new GroupInvariants(() => simulation.nowMs);
  let moves = 0;
  let peace = false;

  function start(name: string, instanceId: string | null): SimMember {
    const node = simulation.node(name);
    const environment = node.isUp ? node.environment() : node.restart();
    const member = new SimMember(world, environment, { name, instanceId, invariants });
    void member.run();
    return member;
  }

  world.begin();
  const places: Place[] = Array.from({ length: MEMBER_COUNT }, (_, index) => {
    const name = `member-${index}`;
    const instanceId = index < 2 ? `instance-${index}` : null;
    return { name, instanceId, member: start(name, instanceId) };
  });

  function strikeMember(): void {
    const place = places[random.below(places.length)]!;
    const node = simulation.node(place.name);
    const awayMs = random.below(15_000);
    const kind = random.below(3);
    if (kind === 0) {
      node.freeze();
      simulation.scheduler.after(awayMs, 'thaw', () => node.thaw());
      return;
    }
    if (kind === 1) {
      place.member.leave();
    } else {
      node.crash();
      place.member.crashed();
    }
    simulation.scheduler.after(awayMs + 5000, 'start again', () => {
      node.crash();
      place.member.crashed();
      place.member = start(place.name, place.instanceId);
    });
  }

  function strikeCoordinator(): void {
    moves += 1;
    if (random.chance(0.4)) void world.crashLeader();
    else world.move({ losing: random.chance(0.3), silently: random.chance(0.5) });
    simulation.scheduler.after(random.below(4000), 'hear of it', () => world.tellAll());
  }

  function strike(): void {
    if (peace) return;
    const kind = random.below(10);
    if (kind < 5) strikeMember();
    else if (kind < 8) strikeCoordinator();
    else world.lossProbability = random.chance(0.5) ? 0 : random.unit() * 0.2;
    simulation.scheduler.after(random.below(5000), 'strike', strike);
  }

  simulation.scheduler.after(3000, 'strike', strike);
  await simulation.run({ forMs: FAULTS_MS });
  peace = true;
  world.lossProbability = 0;
  world.slowProbability = 0;
  await simulation.run({ forMs: PEACE_MS });
  world.tellAll();
  invariants.check();
  const generations = new Set(places.map(({ member }) => member.generationId));
  const anomalies = [...invariants.anomalies, ...world.fatal.map(String)];
  if (invariants.owned() !== PARTITION_COUNT) {
    anomalies.push(`${invariants.owned()} of ${PARTITION_COUNT} partitions are owned in peace`);
  }
  if (generations.size !== 1) {
    anomalies.push(`members are in the generations ${[...generations].join(', ')} in peace`);
  }
  return {
    seed,
    anomalies,
    generations: invariants.newestGeneration,
    commits: invariants.commits,
    moves,
    traceHash: simulation.traceHash,
  };
}
