/** Accepts connections, in whatever language, within the limits of a listener. */

import {
  assert,
  type ClientEnvironment,
  type Logger,
  type SocketAddress,
  type StreamSocket,
  type Timer,
  type TransportListener,
} from '../common/index.ts';
import type { ListenerProtocol } from './framing.ts';
import { NetworkCounters, type NetworkServerStats } from './networkCounters.ts';
import type { NetworkLimits } from './networkLimits.ts';
import { ReceiveMemory } from './receiveMemory.ts';
import { ServerConnection, type ServerConnectionHost } from './serverConnection.ts';

/** How often deadlines are judged: often enough for the shortest, never more than this. */
const TICK_MS_MAX = 1000;
const TICK_MS_MIN = 5;
/** Refused connections are logged once in this time, with their number. */
const REFUSAL_LOG_MS = 10_000;

/** What the network needs of the world. */
export type NetworkEnvironment = Pick<ClientEnvironment, 'clock' | 'timers' | 'transport'>;

export interface ListenerOptions {
  /** Port 0 means any free port. */
  readonly listen: SocketAddress;
  readonly logger: Logger;
  readonly limits: NetworkLimits;
}

export class FramedServer {
  readonly #environment: NetworkEnvironment;
  readonly #options: ListenerOptions;
  readonly #limits: NetworkLimits;
  readonly #host: ServerConnectionHost;
  readonly #receiveMemory: ReceiveMemory;
  readonly #counters = new NetworkCounters();
  readonly #connections = new Set<ServerConnection>();
  readonly #countByAddress = new Map<string, number>();
  #nextConnectionId = 1;
  #listener: TransportListener | undefined;
  #tickTimer: Timer | undefined;
  #closing: Promise<void> | undefined;
  #onAllClosed: (() => void) | undefined;
  #isAskingForMemory = false;
  #refusedSinceLog = 0;
  #refusalLoggedMs = Number.NEGATIVE_INFINITY;

  constructor(
    environment: NetworkEnvironment,
    options: ListenerOptions,
    protocol: ListenerProtocol,
  ) {
    this.#environment = environment;
    this.#options = options;
    this.#limits = options.limits;
    this.#receiveMemory = new ReceiveMemory(this.#limits.receiveMemoryBytesMax);
    assert(
      ReceiveMemory.capacityFor(this.#limits.frameBytesMax) <= this.#limits.receiveMemoryBytesMax,
      'The largest frame fits into the memory for receive buffers',
      { ...this.#limits },
    );
    this.#host = {
      clock: environment.clock,
      timers: environment.timers,
      logger: options.logger,
      limits: this.#limits,
      protocol,
      receiveMemory: this.#receiveMemory,
      counters: this.#counters,
      onMemoryScarce: () => this.#askForMemory(),
      onClosed: (connection) => this.#onClosed(connection),
    };
  }

  /** @throws system error EADDRINUSE and the like. */
  async listen(): Promise<SocketAddress> {
    assert(this.#listener === undefined, 'A server listens once');
    this.#listener = await this.#environment.transport.listen(this.#options.listen, (socket) =>
      this.#accept(socket),
    );
    this.#scheduleTick();
    return this.#listener.address;
  }

  /** Where it listens; only after `listen`. */
  get address(): SocketAddress {
    assert(this.#listener !== undefined, 'The server listens');
    return this.#listener.address;
  }

  get stats(): NetworkServerStats {
    const { acceptedCount, refusedCount, requestCount, malformedCount } = this.#counters;
    const { inFlightCount, receivedBytes, sentBytes, responseMemoryBytes } = this.#counters;
    return {
      connectionCount: this.#connections.size,
      acceptedCount,
      refusedCount,
      requestCount,
      malformedCount,
      inFlightCount,
      receivedBytes,
      sentBytes,
      receiveMemoryBytes: this.#receiveMemory.heldBytes,
      responseMemoryBytes,
    };
  }

  /**
   * Stops accepting and taking requests, waits for answers to those in flight, then closes.
   *
   * @param options `graceMs`: how long to wait at most, in milliseconds; default 0. Connections
   *   whose requests are not answered by then are cut. Idempotent.
   */
  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.graceMs ?? 0);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    await this.#listener?.close();
    if (this.#connections.size > 0) {
      const allClosed = new Promise<void>((resolve) => {
        this.#onAllClosed = resolve;
      });
      for (const connection of this.#connections) connection.beginClose(graceMs);
      const timer = this.#environment.timers.set(graceMs, () => {
        for (const connection of this.#connections) connection.destroy();
      });
      await allClosed;
      timer.cancel();
    }
    this.#tickTimer?.cancel();
    this.#tickTimer = undefined;
  }

  #accept(socket: StreamSocket): void {
    const address = socket.remote.host;
    const count = this.#countByAddress.get(address) ?? 0;
    const { connectionsMax, connectionsPerAddressMax } = this.#limits;
    const isFull = this.#connections.size >= connectionsMax || count >= connectionsPerAddressMax;
    if (isFull || this.#closing !== undefined) {
      socket.destroy();
      if (isFull) this.#countRefusal(address);
      return;
    }
    this.#counters.acceptedCount += 1;
    this.#countByAddress.set(address, count + 1);
    const connection = new ServerConnection(this.#nextConnectionId++, socket, this.#host);
    this.#connections.add(connection);
    connection.start();
  }

  #countRefusal(address: string): void {
    this.#counters.refusedCount += 1;
    this.#refusedSinceLog += 1;
    const nowMs = this.#environment.clock.monotonicMs();
    if (nowMs - this.#refusalLoggedMs < REFUSAL_LOG_MS) return;
    this.#refusalLoggedMs = nowMs;
    this.#options.logger.warn('Connections are refused: there are as many as allowed', {
      remote: address,
      refusedCount: this.#refusedSinceLog,
      connectionCount: this.#connections.size,
    });
    this.#refusedSinceLog = 0;
  }

  #askForMemory(): void {
    if (this.#isAskingForMemory) return;
    this.#isAskingForMemory = true;
    this.#environment.timers.afterTurn(() => {
      this.#isAskingForMemory = false;
      for (const connection of this.#connections) {
        if (!this.#receiveMemory.isScarce) return;
        connection.giveMemoryBack();
      }
    });
  }

  #onClosed(connection: ServerConnection): void {
    this.#connections.delete(connection);
    const address = connection.remote.host;
    const count = (this.#countByAddress.get(address) ?? 1) - 1;
    if (count > 0) this.#countByAddress.set(address, count);
    else this.#countByAddress.delete(address);
    if (this.#connections.size === 0) this.#onAllClosed?.();
  }

  #scheduleTick(): void {
    const { authenticationMs, partialFrameMs, idleMs, slowReaderMs } = this.#limits;
    const shortestMs = Math.min(authenticationMs, partialFrameMs, idleMs, slowReaderMs);
    const tickMs = Math.min(Math.max(shortestMs / 4, TICK_MS_MIN), TICK_MS_MAX);
    const tick = (): void => {
      const nowMs = this.#environment.clock.monotonicMs();
      for (const connection of this.#connections) connection.tick(nowMs);
      this.#tickTimer = this.#environment.timers.set(tickMs, tick, { keepsProcessAlive: false });
    };
    this.#tickTimer = this.#environment.timers.set(tickMs, tick, { keepsProcessAlive: false });
  }
}
