/**
 * A ZooKeeper for one machine: what brokers, tests and `odradek start` use where no ensemble runs.
 *
 * It serves ZooKeeper's client protocol, so brokers need no second code path, and it keeps what it
 * answered: every transaction is on disk before its answer leaves. It is one process and is never
 * clustered; whoever needs more than one machine runs ZooKeeper.
 */

import {
  DirectoryLock,
  type Environment,
  type Logger,
  OdradekError,
  type SocketAddress,
  type Timer,
  type TransportListener,
} from '../../common/index.ts';
import { CoordinatorService } from './coordinatorService.ts';
import type { ServerFigures } from './fourLetterWords.ts';
import { Journal } from './journal.ts';
import { PACKET_BYTES_MAX } from './wireConstants.ts';

export type EmbeddedEnvironment = Pick<
  Environment,
  'clock' | 'timers' | 'random' | 'fileSystem' | 'transport' | 'host'
>;

export interface EmbeddedCoordinatorOptions {
  /** Holds the journal and the snapshots; made where absent. */
  readonly directory: string;
  /** Where to listen; port 0 means any free port. */
  readonly address: SocketAddress;
  /**
   * Granularity of session expiry in milliseconds, above 0. Sessions live from 2 to 20 ticks after
   * their last sign of life. Default 100, for quick fail-over: nothing is far away on one machine.
   */
  readonly tickMs?: number;
  /** Largest packet, and thereby about the largest node. Default 1 MiB - 1, as ZooKeeper's. */
  readonly packetBytesMax?: number;
  /** Default 1,000. */
  readonly connectionsMax?: number;
  /** Growth of the journal after which a snapshot is taken. Default 16 MiB. */
  readonly snapshotBytes?: number;
}

const LOCK_PREFIX = '.lock-';

export class EmbeddedCoordinator {
  readonly #environment: EmbeddedEnvironment;
  readonly #options: Required<EmbeddedCoordinatorOptions>;
  readonly #logger: Logger;
  #lock: DirectoryLock | undefined;
  #journal: Journal | undefined;
  #service: CoordinatorService | undefined;
  #listener: TransportListener | undefined;
  #ticker: Timer | undefined;
  #failed: Error | undefined;
  #onFailure: (error: Error) => void = () => undefined;
  #closing: Promise<void> | undefined;

  constructor(
    environment: EmbeddedEnvironment,
    options: EmbeddedCoordinatorOptions,
    logger: Logger,
  ) {
    this.#environment = environment;
    this.#options = {
      tickMs: 100,
      packetBytesMax: PACKET_BYTES_MAX,
      connectionsMax: 1000,
      snapshotBytes: 16 * 1024 * 1024,
      ...options,
    };
    this.#logger = logger;
  }

  /**
   * Called once when the disk fails or is full. By then nothing is served any more: the process
   * should end with exit code 1, since only a restart can tell what is on disk.
   */
  onFailure(listener: (error: Error) => void): void {
    this.#onFailure = listener;
    if (this.#failed !== undefined) listener(this.#failed);
  }

  /**
   * Locks the directory, recovers what it holds and begins to serve. Called once.
   *
   * @returns the address that it listens on.
   * @throws {OdradekError} COORDINATOR_DIR_LOCKED, naming the process that holds it.
   * @throws {CorruptionError} when answered transactions cannot be brought back.
   * @throws system errors: EADDRINUSE of the port, EACCES and the like of the directory.
   */
  async start(): Promise<SocketAddress> {
    try {
      return await this.#start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Figures of the server for monitors; undefined before `start`. */
  get figures(): ServerFigures | undefined {
    return this.#service?.figures;
  }

  /** Stops serving. Sessions live on, in the directory, until they expire. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #start(): Promise<SocketAddress> {
    const { fileSystem, host, transport } = this.#environment;
    const { directory, address, tickMs, snapshotBytes } = this.#options;
    const logger = this.#logger;
    fileSystem.makeDirectorySync(directory);
    const inUse = (pid: number) => directoryInUse(directory, pid);
    this.#lock = DirectoryLock.acquire({ fileSystem, host, directory, prefix: LOCK_PREFIX, inUse });
    const journal = new Journal({
      fileSystem,
      directory,
      logger,
      snapshotBytes,
      onDurable: (zxid) => this.#service?.onDurable(zxid),
      onFailure: (error) => this.#fail(error),
    });
    this.#journal = journal;
    const service = new CoordinatorService(this.#environment, journal, {
      ...this.#options,
      logger,
    });
    this.#service = service;
    this.#listener = await transport.listen(address, (socket) => service.accept(socket));
    this.#tick(this.#environment.clock.monotonicMs() + tickMs);
    const { lastZxid, sessions } = service.figures;
    logger.info('Coordinator serves', { ...this.#listener.address, lastZxid, sessions, tickMs });
    return this.#listener.address;
  }

  /**
   * Judges the sessions once a tick.
   *
   * After a stall (a stopped process, a starved machine) the clients' signs of life wait unread in
   * the sockets. They are read first: judging at once would expire everybody for our own silence.
   */
  #tick(dueMs: number): void {
    const { clock, timers } = this.#environment;
    const { tickMs } = this.#options;
    const delayMs = Math.max(0, dueMs - clock.monotonicMs());
    this.#ticker = timers.set(delayMs, () => {
      const lateMs = clock.monotonicMs() - dueMs;
      if (lateMs > tickMs) {
        this.#logger.warn('The coordinator was held up', { lateMs: Math.round(lateMs) });
        timers.afterTurn(() => this.#judgeAndGoOn());
      } else {
        this.#judgeAndGoOn();
      }
    });
  }

  #judgeAndGoOn(): void {
    if (this.#closing !== undefined || this.#failed !== undefined) return;
    this.#service?.expire();
    this.#tick(this.#environment.clock.monotonicMs() + this.#options.tickMs);
  }

  #fail(cause: unknown): void {
    const { directory } = this.#options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = new OdradekError(
      'COORDINATOR_STORAGE_FAILED',
      `The coordinator stops: it cannot write to "${directory}" (${reason}). What it has answered ` +
        'is on disk. Free space or replace the disk, then start it again.',
      { cause, details: { directory } },
    );
    this.#failed = error;
    this.#logger.error(error.message, { directory });
    void this.close().finally(() => this.#onFailure(error));
  }

  async #close(): Promise<void> {
    this.#ticker?.cancel();
    this.#service?.closeLinks();
    await this.#listener?.close();
    // Again: a connection may have been accepted while the listener closed.
    this.#service?.closeLinks();
    await this.#journal?.close();
    this.#lock?.release();
  }
}

function directoryInUse(directory: string, pid: number): OdradekError {
  return new OdradekError(
    'COORDINATOR_DIR_LOCKED',
    `The coordinator's directory "${directory}" is in use by process ${pid}; ` +
      'stop that process or choose another directory',
    { details: { directory, pid } },
  );
}
