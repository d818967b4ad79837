/**
 * Three brokers that can coordinate one group, over the model of their log, and a network between
 * them and the members: requests and answers are delayed, and lost while faults are allowed.
 */

import {
  defaultGroupCoordinatorOptions,
  GroupCoordinator,
  type GroupService,
} from '../../../broker/group/index.ts';
import { type Environment, silentLogger } from '../../../common/index.ts';
import { OffsetsLogModel } from '../../harness/group/offsetsLogModel.ts';
import { type SimNode, type SimRandom, Simulation } from '../kernel/index.ts';

export const GROUP = 'billing';
export const TOPIC = 'orders';
export const PARTITION_COUNT = 6;
export const SESSION_TIMEOUT_MS = 6000;
/** Not below the session timeout: who is silent must have stopped when its partitions are given on. */
export const REBALANCE_TIMEOUT_MS = 8000;

const BROKERS = [1, 2, 3] as const;

interface Broker {
  readonly id: number;
  readonly node: SimNode;
  environment: Environment;
  coordinator: GroupCoordinator;
  incarnation: number;
}

export interface Answered<Response> {
  readonly response: Response;
  /** Whether the broker that answered was the leader when it did. */
  readonly isTrue: boolean;
}

export class GroupWorld {
  readonly simulation: Simulation;
  readonly random: SimRandom;
  readonly log: OffsetsLogModel;
  readonly fatal: unknown[] = [];
  readonly #brokers: readonly Broker[];
  #leader = 1;
  /** Probability that a request or an answer is lost. */
  lossProbability = 0;
  /** Probability that one of them takes seconds. */
  slowProbability = 0.04;
  /**
   * When the last request of a member arrives. Each arrives after the one before, also where that
   * went to another broker: a member that commits anew on a second connection while its first
   * commit is still under way on the first may commit an older offset last, and no broker can tell.
   */
  readonly #arrivals = new Map<string, number>();

  constructor(seed: number) {
    this.simulation = new Simulation({ seed });
    this.random = this.simulation.random.fork('groups');
    const { scheduler } = this.simulation;
    this.log = new OffsetsLogModel({
      later: (run) => {
        // Now and then a replica is slow.
        const slowMs = this.random.chance(0.05) ? 2000 : 5;
        scheduler.after(this.random.unit() * slowMs, 'log', run);
      },
      afterElection: (run) => {
        scheduler.after(this.random.unit() * 500, 'log of a new leader', run);
      },
      after: (delayMs, run) => {
        scheduler.after(delayMs, 'log timeout', run);
      },
    });
    this.#brokers = BROKERS.map((id) => {
      const node = this.simulation.node(`broker-${id}`);
      const environment = node.environment();
      return {
        id,
        node,
        environment,
        coordinator: this.#coordinatorOf(id, environment),
        incarnation: 1,
      };
    });
  }

  get leader(): number {
    return this.#leader;
  }

  /** Another broker leads from now on. */
  move(options: { readonly losing: boolean; readonly silently: boolean }): void {
    const others = this.#brokers.filter(({ id }) => id !== this.#leader);
    const next = others[this.random.below(others.length)]!;
    this.#lead(next, options);
  }

  /** The broker that was deposed silently hears of it now. */
  tellAll(): void {
    const { partition } = this;
    for (const broker of this.#brokers) {
      if (broker.id === this.#leader) continue;
      this.log.tell(partition, broker.id);
      broker.coordinator.onResigned(partition, this.#epoch);
    }
  }

  /** The leader dies; another one is elected some time later, and it comes back without a role. */
  async crashLeader(): Promise<void> {
    const broker = this.#brokers.find(({ id }) => id === this.#leader)!;
    broker.node.crash();
    broker.incarnation += 1;
    broker.environment = broker.node.restart();
    broker.coordinator = this.#coordinatorOf(broker.id, broker.environment);
    this.log.tell(this.partition, broker.id);
    const { scheduler, nowMs } = this.simulation;
    scheduler.at(nowMs + this.random.below(2000), 'election', () => {
      // It may have been elected meanwhile by another fault.
      if (this.#leader === broker.id) {
        this.move({ losing: this.random.chance(0.5), silently: false });
      }
    });
  }

  begin(): void {
    this.#lead(this.#brokers[0]!, { losing: false, silently: false });
  }

  get partition(): number {
    return this.#brokers[0]!.coordinator.partitionFor(GROUP);
  }

  /** Whom a member finds when it asks who coordinates: the truth, some time ago or now. */
  findCoordinator(): number {
    return this.random.chance(0.8) ? this.#leader : BROKERS[this.random.below(BROKERS.length)]!;
  }

  /**
   * Asks a broker.
   *
   * @param member whose request it is, by name: its answer comes only while the program runs.
   * @returns undefined where no answer came in time.
   */
  call<Response>(
    member: { readonly name: string } & Pick<Environment, 'timers'>,
    options: {
      readonly broker: number;
      readonly timeoutMs: number;
      readonly ask: (service: GroupService) => Promise<Response>;
      /** Called when the broker has answered, whether or not the answer arrives. */
      readonly onAnswered?: (response: Response) => void;
    },
  ): Promise<Answered<Response> | undefined> {
    const broker = this.#brokers.find(({ id }) => id === options.broker)!;
    const { incarnation } = broker;
    return new Promise((resolve) => {
      const timer = member.timers.set(options.timeoutMs, () => resolve(undefined));
      if (this.#isLost()) return;
      broker.environment.timers.set(this.#arrivesInMs(member.name), () => {
        void options.ask(broker.coordinator).then((response) => {
          const isTrue = broker.id === this.#leader;
          if (broker.incarnation !== incarnation) return;
          options.onAnswered?.(response);
          if (this.#isLost()) return;
          member.timers.set(this.#latencyMs(), () => {
            timer.cancel();
            resolve({ response, isTrue });
          });
        });
      });
    });
  }

  #epoch = -1;

  #lead(broker: Broker, options: { readonly losing: boolean; readonly silently: boolean }): void {
    const before = this.#brokers.find(({ id }) => id === this.#leader);
    this.#leader = broker.id;
    this.#epoch = this.log.elect(this.partition, broker.id, options);
    if (!options.silently && before !== undefined && before !== broker) {
      before.coordinator.onResigned(this.partition, this.#epoch);
    }
    broker.coordinator.onLeadership(this.partition, this.#epoch);
  }

  #coordinatorOf(id: number, environment: Environment): GroupCoordinator {
    return new GroupCoordinator(
      environment,
      {
        ...defaultGroupCoordinatorOptions,
        initialRebalanceDelayMs: 500,
        sessionTimeoutMsMin: 1000,
      },
      {
        log: this.log.viewOf(id),
        topicExists: () => true,
        onFatal: (error) => this.fatal.push(error),
      },
      silentLogger,
    );
  }

  #isLost(): boolean {
    return this.random.chance(this.lossProbability);
  }

  #arrivesInMs(member: string): number {
    const { nowMs } = this.simulation;
    // Timers are up to a millisecond late: a gap of two keeps the order.
    const atMs = Math.max(nowMs + this.#latencyMs(), (this.#arrivals.get(member) ?? 0) + 2);
    this.#arrivals.set(member, atMs);
    return atMs - nowMs;
  }

  /** Mostly a few milliseconds, sometimes long. */
  #latencyMs(): number {
    return this.random.chance(this.slowProbability)
      ? this.random.unit() * 6000
      : this.random.unit() * 10;
  }
}
