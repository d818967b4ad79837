/** One broker of a simulated cluster: the class of production, on a node that may crash. */

import { Broker, parseBrokerConfig } from '../../../broker/index.ts';
import type { Partition } from '../../../broker/replica/index.ts';
import { OdradekError } from '../../../common/index.ts';
import type { CrashOptions, SimNode } from '../kernel/index.ts';
import type { LogLines } from './logLines.ts';

export const NATIVE_PORT = 9192;
const RESTART_MS = 500;

/** Why a start may fail without a fault of the program: the operator starts it again. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'COORDINATOR_UNAVAILABLE',
  'BROKER_ID_IN_USE',
  'CONNECTION_LOSS',
  'SESSION_EXPIRED',
]);

export interface SimBrokerOptions {
  readonly id: number;
  /** Directories on its disk for the log, 1 or more. */
  readonly logDirCount: number;
  /** Further lines of `server.properties`. */
  readonly properties?: readonly string[];
  readonly lines: LogLines;
  /** Called before the operator takes the power from a machine whose disk fails. */
  readonly onPowerLoss: (broker: SimBroker) => void;
  /** Called with what no fault of the world explains. */
  readonly onUnexpected: (error: unknown) => void;
}

export class SimBroker {
  readonly id: number;
  readonly node: SimNode;
  readonly #options: SimBrokerOptions;
  #broker: Broker | undefined;
  /** The same, until its process has ended: a broker that stops still syncs and answers. */
  #running: Broker | undefined;
  #isReady = false;
  /** False while the operator has it down on purpose. */
  #isWanted = false;
  /** Whether the disk has been made to fail: then the broker is right to end itself. */
  #hasFailingDisk = false;

  constructor(node: SimNode, options: SimBrokerOptions) {
    this.id = options.id;
    this.node = node;
    this.#options = options;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get address(): string {
    return `${this.node.name}:${NATIVE_PORT}`;
  }

  /** Starts it, and again whenever a start fails for a passing reason, until `crash` or `stop`. */
  start(): void {
    this.#isWanted = true;
    this.#hasFailingDisk = false;
    if (!this.node.isUp) this.node.restart();
    const { process } = this.node;
    const config = parseBrokerConfig(this.#properties());
    const logger = this.#options.lines.logger(this.node);
    const broker = new Broker(this.node.environment(), config, logger);
    this.#broker = broker;
    this.#running = broker;
    broker.onFatal((error) => {
      if (!process.isDead) this.#exit(error);
    });
    broker.start().then(
      () => {
        if (!process.isDead) this.#isReady = true;
      },
      (error: unknown) => {
        if (!process.isDead) this.#exit(error);
      },
    );
  }

  /** What the running program holds, by name; nothing while it is down. */
  get partitions(): ReadonlyMap<string, Partition> {
    return this.#running?.partitions ?? new Map();
  }

  /** Of the running program; nothing while it is down. */
  get metadataVersion(): Broker['metadataVersion'] | undefined {
    return this.#running?.metadataVersion;
  }

  get hasFailingDisk(): boolean {
    return this.#hasFailingDisk;
  }

  /**
   * The next datasync fails, and what it should have written is lost though the page cache shows
   * it. With one log directory the broker must end; with several it serves the others until the
   * operator comes. Before it starts again the machine is taken from the mains: only so the next
   * process sees what the disk holds.
   */
  failNextSync(of: { readonly path?: RegExp } = {}): void {
    if (!this.#isReady) return;
    this.#hasFailingDisk = true;
    this.node.fileSystem.inject({ operation: 'datasync', error: 'EIO', dropDirty: true, ...of });
  }

  /** As kill -9, or with `powerLoss` as the mains. Stays down until `start`. */
  crash(options: CrashOptions = {}): void {
    this.#isWanted = false;
    this.#isReady = false;
    this.#broker = undefined;
    this.#running = undefined;
    if (this.#hasFailingDisk) this.#options.onPowerLoss(this);
    this.node.crash(this.#hasFailingDisk ? { powerLoss: true } : options);
  }

  /** SIGTERM: resolves when the process has ended. Stays down until `start`. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    this.#isReady = false;
    const broker = this.#broker;
    this.#broker = undefined;
    if (broker === undefined || !this.node.isUp) return;
    await broker.stop();
    this.crash();
  }

  #exit(error: unknown): void {
    this.#isReady = false;
    this.#running = undefined;
    if (this.#hasFailingDisk) this.#options.onPowerLoss(this);
    const isExpected = this.#hasFailingDisk;
    this.node.crash({ powerLoss: isExpected });
    const passes = error instanceof OdradekError && PASSING_CODES.has(error.code);
    if (!passes && !isExpected) {
      this.#options.onUnexpected(error);
      return;
    }
    this.node.scheduler.after(RESTART_MS, 'operator: start again', () => {
      if (this.#isWanted && !this.node.isUp) this.start();
    });
  }

  #properties(): string {
    return [
      `broker.id=${this.id}`,
      `native.listeners=${this.address}`,
      'allow.unauthenticated.listeners=true',
      'admin.listeners=none',
      `log.dirs=${logDirs(this.#options.logDirCount).join()}`,
      'zookeeper.connect=coordinator:2181',
      'zookeeper.session.timeout.ms=6000',
      ...(this.#options.properties ?? []),
    ].join('\n');
  }
}

/** `/data/a`, `/data/b` and so on. */
export function logDirs(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `/data/${String.fromCharCode(97 + index)}`);
}
