/** What the simulated operating system knows about processes. */

import type { Host, ProcessIdentity } from '../../../common/index.ts';

/** One machine: boots, hands out pids, knows who runs. Outlives the processes on it. */
export class SimMachine {
  readonly name: string;
  #bootCount = 0;
  #bootId = '';
  #pid = 0;
  #startTicks = 0;
  readonly #running = new Map<number, ProcessIdentity>();
  readonly #posixLocks = new Map<string, number>();

  constructor(name: string) {
    this.name = name;
    this.boot();
  }

  /** Power on: a new boot id, nothing runs, and pids begin anew (so that one is soon used again). */
  boot(): void {
    this.#bootCount += 1;
    this.#bootId = `${this.name}-boot-${this.#bootCount}`;
    this.#pid = 100;
    this.#startTicks = 1000;
    this.#running.clear();
    this.#posixLocks.clear();
  }

  spawn(): ProcessIdentity {
    this.#pid += 1;
    this.#startTicks += 500;
    const identity = { pid: this.#pid, startTicks: this.#startTicks, bootId: this.#bootId };
    this.#running.set(identity.pid, identity);
    return identity;
  }

  exit(identity: ProcessIdentity): void {
    if (this.isRunning(identity)) this.#running.delete(identity.pid);
  }

  isRunning(identity: ProcessIdentity): boolean {
    const running = this.#running.get(identity.pid);
    return running?.startTicks === identity.startTicks && running.bootId === identity.bootId;
  }

  /** As a running Kafka does with its `.lock`; undefined lets go. */
  setPosixLock(path: string, pid: number | undefined): void {
    if (pid === undefined) this.#posixLocks.delete(path);
    else this.#posixLocks.set(path, pid);
  }

  posixLockHolder(path: string): number | undefined {
    return this.#posixLocks.get(path);
  }
}

export class SimHost implements Host {
  readonly self: ProcessIdentity;
  readonly name: string;
  readonly #machine: SimMachine;

  constructor(machine: SimMachine) {
    this.#machine = machine;
    this.name = machine.name;
    this.self = machine.spawn();
  }

  isRunning(identity: ProcessIdentity): boolean {
    return this.#machine.isRunning(identity);
  }

  posixLockHolder(path: string): number | undefined {
    return this.#machine.posixLockHolder(path);
  }
}
