/** One machine with one program: it starts, crashes, freezes and starts again. */

import type { Environment } from '../../../common/index.ts';
import type { SimCoordinator } from './coordinator/index.ts';
import type { Completion, CrashMode } from './fileSystem/index.ts';
import { DiskImage, SimFileSystem } from './fileSystem/index.ts';
import type { SimNetwork } from './network/index.ts';
import type { Scheduler } from './scheduler.ts';
import { SimClock, type SimClockOptions } from './simClock.ts';
import { SimHost, SimMachine } from './simHost.ts';
import { SimOffload } from './simOffload.ts';
import { SimProcess } from './simProcess.ts';
import type { SimRandom } from './simRandom.ts';
import { SimTimers } from './simTimers.ts';

export interface SimNodeOptions {
  readonly clock?: SimClockOptions;
  /** Directories that stand on the disk, durably, before the first start. Default `/data`. */
  readonly directories?: readonly string[];
  readonly disk?: DiskLatencyOptions;
}

export interface DiskLatencyOptions {
  /** Mean time of an asynchronous read, rename or unlink. Default 0.1 ms. */
  readonly meanMs?: number;
  /** Mean time of a datasync or directory sync. Default 0.4 ms. */
  readonly syncMeanMs?: number;
  /** Probability that a sync takes `stallMs` on average instead. Default 0.002. */
  readonly stallProbability?: number;
  /** Default 50 ms. */
  readonly stallMs?: number;
}

export interface CrashOptions {
  /** The machine stops: peers hear nothing, and what was not synced is at risk. Default false. */
  readonly powerLoss?: boolean;
  /** What the disk keeps of a power loss. Default `random`. */
  readonly disk?: CrashMode;
}

/** What all nodes of a simulation share. */
export interface SimWorld {
  readonly scheduler: Scheduler;
  readonly random: SimRandom;
  readonly network: SimNetwork;
  readonly coordinator: SimCoordinator;
}

const DISK_LATENCY = { meanMs: 0.1, syncMeanMs: 0.4, stallProbability: 0.002, stallMs: 50 };

interface Life {
  readonly process: SimProcess;
  readonly host: SimHost;
  readonly fileSystem: SimFileSystem;
  readonly environment: Environment;
}

export class SimNode {
  readonly name: string;
  readonly clock: SimClock;
  readonly machine: SimMachine;
  readonly #world: SimWorld;
  readonly #random: SimRandom;
  readonly #diskLatency: Required<DiskLatencyOptions>;
  readonly #directories: readonly string[];
  /** As the next process will find it. */
  #disk: DiskImage;
  #life: Life | undefined;
  #incarnation = 0;

  /** @param name also the host name under which others connect to it. */
  constructor(world: SimWorld, name: string, options: SimNodeOptions = {}) {
    this.name = name;
    this.#world = world;
    this.#random = world.random.fork(`node ${name}`);
    this.#diskLatency = { ...DISK_LATENCY, ...options.disk };
    this.#directories = options.directories ?? ['/data'];
    this.#disk = new DiskImage(this.#directories);
    this.clock = new SimClock(world.scheduler, options.clock);
    this.machine = new SimMachine(name);
    world.network.addHost(name);
  }

  get scheduler(): Scheduler {
    return this.#world.scheduler;
  }

  /** Whether a program runs (or is frozen) here. */
  get isUp(): boolean {
    return this.#life !== undefined;
  }

  /** How many programs have been started here. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** The running process. @throws when there is none. */
  get process(): SimProcess {
    return this.#living().process;
  }

  /** The running process's view of the disk: for faults and looks. @throws when there is none. */
  get fileSystem(): SimFileSystem {
    return this.#living().fileSystem;
  }

  /** The world as the running program sees it; the first call starts the first program. */
  environment(): Environment {
    return (this.#life ?? this.#start()).environment;
  }

  /** Starts a new program on what is left. @throws when one still runs. */
  restart(): Environment {
    if (this.#life !== undefined) throw new Error(`Node "${this.name}" is still running`);
    return this.#start().environment;
  }

  /**
   * Ends the program at once, as kill -9 or (with `powerLoss`) as the mains do. Nothing that it
   * had begun ever calls back. Idempotent.
   */
  crash(options: CrashOptions = {}): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    life.process.die();
    life.fileSystem.crash();
    const powerLoss = options.powerLoss ?? false;
    const mode = powerLoss ? (options.disk ?? 'random') : 'keepAll';
    // A copy: what is left of the dead program's turn must not reach the disk.
    this.#disk = this.#disk.afterCrash(mode, this.#random.uint32());
    this.machine.exit(life.host.self);
    if (powerLoss) this.machine.boot();
    this.#world.network.processDied(life.process, this.name, { hasPower: !powerLoss });
    this.#world.coordinator.processDied(life.process, { hasPower: !powerLoss });
  }

  /** Another, empty disk in the place of one that is gone. @throws while a program runs. */
  replaceDisk(): void {
    if (this.#life !== undefined) throw new Error(`Node "${this.name}" is still running`);
    this.#disk = new DiskImage(this.#directories);
  }

  /** The program stops handling events (a long pause); network and disk go on, clocks too. */
  freeze(): void {
    this.#life?.process.freeze();
  }

  thaw(): void {
    this.#life?.process.thaw();
  }

  #living(): Life {
    if (this.#life === undefined) throw new Error(`Node "${this.name}" is not running`);
    return this.#life;
  }

  #start(): Life {
    const { scheduler, network, coordinator } = this.#world;
    this.#incarnation += 1;
    const process = new SimProcess({
      name: this.name,
      incarnation: this.#incarnation,
      scheduler,
    });
    network.hostBooted(this.name);
    const random = this.#random.fork(`life ${this.#incarnation}`);
    const host = new SimHost(this.machine);
    const fileSystem = new SimFileSystem({
      disk: this.#disk,
      completion: this.#diskCompletion(process, random.fork('disk')),
      seed: random.fork('faults').uint32(),
      nowMs: () => this.clock.wallMs(),
      onCrash: () => this.crash({ powerLoss: true }),
    });
    const environment: Environment = {
      clock: this.clock,
      timers: new SimTimers(process, this.clock, random.fork('timers')),
      random: random.fork('program'),
      fileSystem,
      transport: network.transportOf(process, this.name),
      offload: new SimOffload(process, random.fork('offload')),
      host,
      coordinator: coordinator.connectorOf(process, this.name),
    };
    this.#life = { process, host, fileSystem, environment };
    return this.#life;
  }

  /** The effect comes somewhere within the latency, the news of it at its end. */
  #diskCompletion(process: SimProcess, random: SimRandom): Completion {
    const { meanMs, syncMeanMs, stallProbability, stallMs } = this.#diskLatency;
    return {
      afterCrash: 'never',
      submit: (label, apply, settle, delayMs) => {
        const isSync = label === 'datasync' || label === 'syncDirectory';
        const isStalled = isSync && random.chance(stallProbability);
        const mean = isStalled ? stallMs : isSync ? syncMeanMs : meanMs;
        const latencyMs = 0.02 + random.exponential(mean) + delayMs;
        const effectMs = latencyMs * random.unit();
        this.#world.scheduler.after(effectMs, `disk: ${label}`, () => {
          if (process.isDead) return;
          apply();
          process.after(latencyMs - effectMs, `disk: ${label} done`, settle);
        });
      },
    };
  }
}
