/** Which faults a seed has, how often, and the healing afterwards. */

import { COORDINATOR_HOST, type SimRandom } from '../kernel/index.ts';
import type { FaultAtlas } from './faultAtlas.ts';
import type { SimBroker } from './simBroker.ts';
import type { SimCluster } from './simCluster.ts';

export const allFaults = [
  'kill',
  'powerLoss',
  'cleanRestart',
  'cutFromCoordinator',
  'cutFromClients',
  'cutBetweenBrokers',
  'reset',
  'freeze',
  'expire',
  'coordinatorRestart',
  'clockJump',
  'slowDisk',
  'failingSync',
] as const;

/** Only where the seed is made for them: with an atlas, or for clocks that nothing may depend on. */
export const furtherFaults = [
  'diskLoss',
  'clockDrift',
  'isolateController',
  'deposeController',
  'strikeJoining',
  'delayJoining',
] as const;

export type FaultKind = (typeof allFaults)[number] | (typeof furtherFaults)[number];

/** How often, and in what steps, one looks for a follower that is about to get in sync. */
const JOINING_TRIES = 1000;
const JOINING_LOOK_MS = 5;
/** So that one is not struck again before its leader's request has come to the controller. */
const JOINING_REST_MS = 6000;

/** After these a broker may have to register anew. */
const endingRegistrations: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'kill',
  'powerLoss',
  'diskLoss',
  'cleanRestart',
  'cutFromCoordinator',
  'freeze',
  'expire',
  'failingSync',
  'isolateController',
  'deposeController',
]);

interface Joining {
  readonly leader: SimBroker;
  readonly follower: SimBroker;
  /** Host name. */
  readonly controller: string;
}

export class FaultPlan {
  readonly #cluster: SimCluster;
  readonly #random: SimRandom;
  readonly #kinds: readonly FaultKind[];
  readonly #atlas: FaultAtlas | undefined;
  #isOver = false;
  #strikesJoiningFromMs = 0;
  readonly counts = new Map<FaultKind, number>();

  /** @param atlas keeps an intact copy of what is committed; without it machines lose what they may. */
  constructor(cluster: SimCluster, kinds: readonly FaultKind[], atlas?: FaultAtlas) {
    this.#atlas = atlas;
    this.#cluster = cluster;
    this.#random = cluster.simulation.random.fork('faults');
    this.#kinds = kinds;
  }

  /** @param meanMs virtual time between two faults. */
  start(meanMs: number): void {
    this.#later(meanMs, () => {
      if (this.#isOver || this.#kinds.length === 0) return;
      this.#strike(this.#random.pick(this.#kinds));
      this.start(meanMs);
    });
  }

  /** No more faults; everything that can be healed is. */
  end(): void {
    this.#isOver = true;
    const { simulation, brokers } = this.#cluster;
    this.#cluster.lines.add('FAULT', 'end of faults');
    simulation.network.healAll();
    simulation.coordinator.lossProbability = 0;
    if (!simulation.coordinator.isUp) simulation.coordinator.restart();
    for (const broker of brokers) {
      broker.node.thaw();
      this.#replaceDisk(broker);
      if (!broker.node.isUp) broker.start();
    }
  }

  #later(meanMs: number, run: () => void): void {
    const { scheduler } = this.#cluster.simulation;
    scheduler.after(this.#random.exponential(meanMs), 'fault', run);
  }

  #strike(kind: FaultKind): void {
    const random = this.#random;
    const broker = random.pick(this.#cluster.brokers);
    const { network, coordinator } = this.#cluster.simulation;
    const { node } = broker;
    if (!this.#mayStrike(kind, broker)) return;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.#cluster.lines.add('FAULT', `${kind} of ${node.name}`);
    const strikes: Record<FaultKind, () => void> = {
      kill: () => this.#crash(broker, false),
      powerLoss: () => this.#crash(broker, true),
      diskLoss: () => this.#loseDisk(broker),
      clockDrift: () => node.clock.setDrift(random.unit() * 1.5 - 0.5),
      cleanRestart: () => this.#cleanRestart(broker),
      cutFromCoordinator: () => this.#cut(node.name, COORDINATOR_HOST),
      isolateController: () => this.#isolateController(),
      deposeController: () => this.#deposeController(),
      strikeJoining: () => this.#whenJoining((joining) => this.#strikeJoining(joining)),
      delayJoining: () => this.#whenJoining((joining) => this.#delayJoining(joining)),
      cutFromClients: () => this.#cut(node.name, this.#clientName()),
      cutBetweenBrokers: () => this.#cut(node.name, random.pick(this.#cluster.brokers).node.name),
      reset: () => network.resetConnections({ probability: random.unit() }),
      freeze: () => {
        node.freeze();
        this.#later(3000, () => node.thaw());
      },
      expire: () => coordinator.expireSessions(node.name),
      coordinatorRestart: () => {
        if (!coordinator.isUp) return;
        coordinator.crash();
        this.#later(2000, () => coordinator.restart());
      },
      clockJump: () => node.clock.jumpWall(random.between(-86_400_000, 86_400_000)),
      slowDisk: () => {
        if (!node.isUp) return;
        node.fileSystem.inject({ operation: 'datasync', delayMs: 500, times: 5 });
      },
      failingSync: () => {
        broker.failNextSync();
        this.#cluster.onPowerLoss(broker);
        this.#later(3000, () => this.#replaceDisk(broker));
      },
    };
    strikes[kind]();
  }

  /** Whether an intact copy of everything remains, also where the fault lasts. */
  #mayStrike(kind: FaultKind, broker: SimBroker): boolean {
    const atlas = this.#atlas;
    if (atlas === undefined) return true;
    if (kind === 'diskLoss') return atlas.mayLose(broker, 'disk');
    if (kind === 'powerLoss') return atlas.mayLose(broker, 'power');
    // It strikes at a time that nobody knows: a page cache may hold another partition by then.
    if (kind === 'failingSync') return atlas.isAllDurable && atlas.mayLose(broker, 'power');
    if (kind === 'coordinatorRestart') {
      return this.#cluster.brokers.every((each) => atlas.mayEndRegistration(each));
    }
    return !endingRegistrations.has(kind) || atlas.mayEndRegistration(broker);
  }

  #crash(broker: SimBroker, powerLoss: boolean): void {
    if (!broker.node.isUp) return;
    if (powerLoss) this.#cluster.onPowerLoss(broker);
    broker.crash({ powerLoss });
    this.#startLater(broker);
  }

  #loseDisk(broker: SimBroker): void {
    if (!broker.node.isUp) return;
    this.#cluster.onDiskLoss(broker);
    broker.crash({ powerLoss: true });
    broker.node.replaceDisk();
    this.#startLater(broker);
  }

  #startLater(broker: SimBroker): void {
    this.#later(1500, () => {
      if (!broker.node.isUp) broker.start();
    });
  }

  /** What the operator does about a broker that goes on without one of its directories. */
  #replaceDisk(broker: SimBroker): void {
    if (!broker.hasFailingDisk || !broker.node.isUp) return;
    this.#cluster.onPowerLoss(broker);
    broker.crash({ powerLoss: true });
    broker.start();
  }

  #cleanRestart(broker: SimBroker): void {
    if (!broker.isReady) return;
    void broker.stop().then(() => {
      if (!broker.node.isUp) broker.start();
    });
  }

  #cut(one: string, other: string): void {
    if (one === other) return;
    const { network } = this.#cluster.simulation;
    if (this.#random.chance(0.3)) network.cutOneWay(one, other);
    else if (this.#random.chance(0.5)) network.cutOneWay(other, one);
    else network.cut(one, other);
    this.#later(4000, () => network.heal(one, other));
  }

  /** Long enough to be deposed. It reaches the other brokers again before it can hear of that. */
  #isolateController(): void {
    const controller = this.#controllerName();
    if (controller === undefined) return;
    this.#cutFor(controller, COORDINATOR_HOST, 14_000);
    for (const { node } of this.#cluster.brokers) {
      const cutMs = 9000 + this.#random.below(3000);
      if (node.name !== controller) this.#cutFor(controller, node.name, cutMs);
    }
  }

  /** It sleeps while somebody takes its znode away, and wakes in the same session. */
  #deposeController(): void {
    const controller = this.#controllerName();
    const broker = this.#cluster.brokers.find(({ node }) => node.name === controller);
    if (broker === undefined) return;
    broker.node.freeze();
    this.#cluster.simulation.coordinator.remove('/controller');
    this.#later(1500, () => broker.node.thaw());
  }

  /** Waits for a follower that is about to get in sync, and strikes. */
  #whenJoining(strike: (joining: Joining) => void, triesLeft = JOINING_TRIES): void {
    if (this.#isOver || triesLeft === 0) return;
    const joining = this.#joining();
    if (joining !== undefined) strike(joining);
    else {
      const again = (): void => this.#whenJoining(strike, triesLeft - 1);
      this.#cluster.simulation.scheduler.after(JOINING_LOOK_MS, 'fault', again);
    }
  }

  /** The follower loses its power, and is back before its leader's request reaches the controller. */
  #strikeJoining({ leader, follower, controller }: Joining): void {
    const { nowMs } = this.#cluster.simulation;
    if (nowMs < this.#strikesJoiningFromMs || !follower.isReady) return;
    if (!this.#mayStrike('powerLoss', follower)) return;
    this.#strikesJoiningFromMs = nowMs + JOINING_REST_MS;
    this.#cluster.lines.add('FAULT', `${follower.node.name} is struck while it joins`);
    this.#cutFor(leader.node.name, controller, JOINING_REST_MS - 2000);
    this.#cluster.onPowerLoss(follower);
    follower.crash({ powerLoss: true, disk: 'loseAllUnsynced' });
    this.#startLater(follower);
  }

  /** The follower falls behind while its leader's request is on the way to the controller. */
  #delayJoining({ leader, follower, controller }: Joining): void {
    this.#cluster.lines.add('FAULT', `${follower.node.name} is slow to join`);
    this.#cutFor(leader.node.name, controller, 500);
    this.#cutFor(follower.node.name, leader.node.name, 2000);
  }

  /** A leader that asks for another member of its ISR, with a controller apart from both. */
  #joining(): Joining | undefined {
    const { brokers } = this.#cluster;
    const controller = this.#controllerName();
    for (const leader of brokers) {
      for (const { isLeader, isr, maximalIsr } of leader.partitions.values()) {
        const joining = isLeader ? maximalIsr.find((id) => !isr.includes(id)) : undefined;
        const follower = brokers.find(({ id }) => id === joining);
        if (follower === undefined || controller === undefined) continue;
        const isApart = ![leader.node.name, follower.node.name].includes(controller);
        if (isApart) return { leader, follower, controller };
      }
    }
    return undefined;
  }

  #controllerName(): string | undefined {
    const data = this.#cluster.simulation.coordinator.data('/controller');
    if (data === undefined) return undefined;
    const { brokerid } = JSON.parse(data.toString()) as { readonly brokerid: number };
    return `broker-${brokerid}`;
  }

  #cutFor(one: string, other: string, cutMs: number): void {
    const { network, scheduler } = this.#cluster.simulation;
    network.cut(one, other);
    scheduler.after(cutMs, 'fault', () => network.heal(one, other));
  }

  #clientName(): string {
    const names = this.#cluster.simulation.nodes
      .map(({ name }) => name)
      .filter((name) => name.startsWith('client'));
    return this.#random.pick(names);
  }
}
