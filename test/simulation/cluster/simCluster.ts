/** A coordinator, brokers and clients in one simulated world. */

import { Odradek } from '../../../client/index.ts';
import {
  type SimClockOptions,
  type SimNetworkOptions,
  type SimRandom,
  Simulation,
} from '../kernel/index.ts';
import { LogLines } from './logLines.ts';
import { SimBroker } from './simBroker.ts';

/** More than a busy cluster, with a replica that catches up by small fetches, ever needs: a spin. */
const EVENTS_PER_SECOND_MAX = 20_000;

export interface SimClusterOptions {
  readonly seed: number;
  /** 1 or more. */
  readonly brokerCount: number;
  /** Log directories of every broker. Default 1. */
  readonly logDirCount?: number;
  /** Further lines of every broker's `server.properties`. */
  readonly properties?: readonly string[];
  /** Over so many racks the brokers are spread. Default 0: none has a rack. */
  readonly rackCount?: number;
  /** Clocks of all nodes. Default: brokers' drift by up to a thousandth, clients' are right. */
  readonly clockOf?: (random: SimRandom) => SimClockOptions;
  readonly network?: SimNetworkOptions;
}

export class SimCluster {
  readonly simulation: Simulation;
  readonly brokers: readonly SimBroker[];
  readonly lines: LogLines;
  /** What happened that nothing explains; a run with one has failed. */
  readonly unexpected: unknown[] = [];
  readonly #clockOf: SimClusterOptions['clockOf'];
  /** Called between two events; what it throws ends the run. */
  onStep: () => void = () => undefined;
  /** Called before a broker's machine loses power, or is to lose it since its disk fails. */
  onPowerLoss: (broker: SimBroker) => void = () => undefined;
  /** Called before a broker's machine loses its disk. */
  onDiskLoss: (broker: SimBroker) => void = () => undefined;

  constructor(options: SimClusterOptions) {
    const { seed, network } = options;
    this.#clockOf = options.clockOf;
    const simulation = new Simulation({ seed, ...(network === undefined ? {} : { network }) });
    this.simulation = simulation;
    this.lines = new LogLines(() => simulation.nowMs);
    const onUnexpected = (error: unknown): void => void this.unexpected.push(error);
    const onPowerLoss = (broker: SimBroker): void => this.onPowerLoss(broker);
    this.brokers = Array.from({ length: options.brokerCount }, (_, index) => {
      const id = index + 1;
      const { random } = simulation;
      const { clockOf = () => ({ drift: (random.unit() - 0.5) * 0.002 }) } = options;
      const node = simulation.node(`broker-${id}`, { clock: clockOf(random) });
      const { logDirCount = 1, rackCount = 0 } = options;
      const rack = rackCount === 0 ? [] : [`broker.rack=${rackName(index % rackCount)}`];
      const properties = [...(options.properties ?? []), ...rack];
      return new SimBroker(node, {
        id,
        properties,
        logDirCount,
        lines: this.lines,
        onUnexpected,
        onPowerLoss,
      });
    });
    simulation.scheduler.onEventError = (error, owner) => {
      // What is left of a dead program's turn may throw as it likes.
      if (owner?.state !== 'dead') onUnexpected(error);
    };
    this.#watchForBusyLoops(0);
  }

  startAll(): void {
    for (const broker of this.brokers) if (!broker.node.isUp) broker.start();
  }

  get areAllReady(): boolean {
    return this.brokers.every((broker) => broker.isReady);
  }

  /** A client of its own node, for which network faults can be ordered by this name. */
  client(name: string): Odradek {
    const node = this.simulation.node(name, { clock: this.#clientClock(name) });
    const environment = node.environment();
    return new Odradek({
      brokers: this.brokers.map(({ address }) => address),
      clientId: name,
      requestTimeoutMs: 5000,
      logger: this.lines.logger(node),
      environment,
    });
  }

  /** Runs until `condition`. @throws when it does not hold within the virtual time. */
  async until(what: string, condition: () => boolean, timeoutMs = 120_000): Promise<void> {
    const holds = (): boolean => {
      this.onStep();
      return this.unexpected.length > 0 || condition();
    };
    const { reason } = await this.simulation.run({ forMs: timeoutMs, condition: holds });
    this.throwUnexpected();
    if (reason !== 'condition') throw new Error(`Not within ${timeoutMs} ms: ${what}`);
  }

  /** Runs until the promise has settled, and settles like it. */
  async settle<Value>(what: string, promise: Promise<Value>, timeoutMs = 120_000): Promise<Value> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.until(what, () => settled, timeoutMs);
    return promise;
  }

  throwUnexpected(): void {
    const [first] = this.unexpected;
    if (first !== undefined) throw first;
  }

  #clientClock(name: string): SimClockOptions {
    return this.#clockOf?.(this.simulation.random.fork(`clock of ${name}`)) ?? {};
  }

  /** Nobody polls without a pause: the events of each virtual second stay below a bound. */
  #watchForBusyLoops(eventsBefore: number): void {
    const { scheduler } = this.simulation;
    scheduler.after(1000, 'checker: busy loops', () => {
      const events = scheduler.eventCount - eventsBefore;
      if (events > EVENTS_PER_SECOND_MAX) {
        this.unexpected.push(new Error(`${events} events in the second before ${scheduler.nowMs}`));
      }
      this.#watchForBusyLoops(scheduler.eventCount);
    });
  }
}

/** `rack-0` and so on. */
export function rackName(index: number): string {
  return `rack-${index}`;
}
