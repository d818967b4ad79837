/**
 * One connection to each broker that is in use.
 *
 * A broker is reached at the address that the cluster's metadata gives; before any metadata, and
 * when none of those answers, at the bootstrap addresses. A connection made through a bootstrap
 * address is filed under the broker that answered, so it is never opened twice.
 */

import type { SocketAddress } from '../../common/index.ts';
import { ClientConnection } from '../../network/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { ClientError } from '../errors.ts';
import { backOffMs } from './backOff.ts';
import { formatAddress } from './brokerAddress.ts';
import type { ClusterContext } from './clusterContext.ts';
import { connectReason, type FailedAttempt, noBrokerError } from './connectFailure.ts';
import { clientSoftware } from './software.ts';

/** A further address is tried this long after the last one began without an answer. */
const STAGGER_MS = 250;
/** While every address refuses at once, a starting broker gets this long to listen. */
const REFUSED_RETRY_MS = 1_000;
const NOBODY: ReadonlySet<number> = new Set();

interface Broker {
  readonly id: number;
  address: SocketAddress | undefined;
  connection: ClientConnection | undefined;
  connecting: Promise<ClientConnection> | undefined;
  /** Attempts that failed since the last success. */
  failures: number;
}

export class ConnectionPool {
  readonly #context: ClusterContext;
  readonly #brokers = new Map<number, Broker>();
  readonly #wakeUps = new Set<() => void>();
  #bootstrapping: Promise<ClientConnection> | undefined;
  #clusterId: string | undefined;
  #everConnected = false;
  #closed = false;

  constructor(context: ClusterContext) {
    this.#context = context;
  }

  /** Whether any broker was ever reached: until then a failure to connect is final. */
  get everConnected(): boolean {
    return this.#everConnected;
  }

  /** Takes over the addresses of a metadata response. */
  learn(brokers: readonly { id: number; host: string; port: number }[]): void {
    const live = new Set(brokers.map(({ id }) => id));
    for (const { id, host, port } of brokers) this.#broker(id).address = { host, port };
    for (const broker of this.#brokers.values()) {
      // Without address no new connection is made; an open one serves until it closes.
      if (!live.has(broker.id)) broker.address = undefined;
    }
  }

  /** The open connection to a broker, without waiting. */
  open(brokerId: number): ClientConnection | undefined {
    const connection = this.#brokers.get(brokerId)?.connection;
    return connection === undefined || connection.closed ? undefined : connection;
  }

  /** Whether the last attempt to reach the broker failed. */
  fails(brokerId: number): boolean {
    return (this.#brokers.get(brokerId)?.failures ?? 0) > 0;
  }

  /**
   * A connection to this broker. After failures the attempt begins with a pause, so a caller may
   * simply ask again.
   *
   * @throws {ClientError} NO_BROKER_AVAILABLE, CLIENT_CLOSED.
   */
  async broker(brokerId: number): Promise<ClientConnection> {
    this.#checkOpen();
    const broker = this.#broker(brokerId);
    if (broker.connection !== undefined && !broker.connection.closed) return broker.connection;
    broker.connecting ??= this.#connectBroker(broker).finally(() => {
      broker.connecting = undefined;
    });
    return broker.connecting;
  }

  /**
   * A connection to whichever broker answers first, preferring open ones.
   *
   * @param doubted ids of brokers that may be cut off from the others: taken only where nobody else
   *   is to be had. Without this a client with one connection, to such a broker, would ask it for ever.
   * @throws {ClientError} NO_BROKER_AVAILABLE after `connectTimeoutMs` at the latest, CLIENT_CLOSED.
   */
  async any(doubted: ReadonlySet<number> = NOBODY): Promise<ClientConnection> {
    this.#checkOpen();
    const trusted =
      doubted.size === 0 ? undefined : await this.#anyOf(({ id }) => !doubted.has(id));
    if (trusted !== undefined) return trusted;
    const open = this.#chosen((broker) => this.open(broker.id) !== undefined);
    if (open !== undefined) return open.connection!;
    this.#bootstrapping ??= this.#connectAny().finally(() => {
      this.#bootstrapping = undefined;
    });
    return this.#bootstrapping;
  }

  /** Closes all connections. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#wakeUps) wake();
    const connections = [...this.#brokers.values()].map(({ connection }) => connection);
    await Promise.all(connections.map((connection) => connection?.close()));
  }

  /** An open connection to one of these brokers, or a new one where that is made at once. */
  async #anyOf(isMeant: (broker: Broker) => boolean): Promise<ClientConnection | undefined> {
    const open = this.#chosen((broker) => isMeant(broker) && this.open(broker.id) !== undefined);
    if (open !== undefined) return open.connection;
    const known = this.#chosen((broker) => isMeant(broker) && broker.address !== undefined);
    if (known === undefined) return undefined;
    try {
      return await this.broker(known.id);
    } catch (error) {
      if (this.#closed) throw error;
      return undefined;
    }
  }

  #chosen(isMeant: (broker: Broker) => boolean): Broker | undefined {
    const meant = [...this.#brokers.values()].filter(isMeant);
    return meant.length === 0
      ? undefined
      : meant[this.#context.environment.random.below(meant.length)];
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClientError('CLIENT_CLOSED', 'the client is closed');
  }

  #broker(id: number): Broker {
    let broker = this.#brokers.get(id);
    if (broker === undefined) {
      broker = {
        id,
        address: undefined,
        connection: undefined,
        connecting: undefined,
        failures: 0,
      };
      this.#brokers.set(id, broker);
    }
    return broker;
  }

  async #connectBroker(broker: Broker): Promise<ClientConnection> {
    if (broker.failures > 0) {
      const { backOff, environment } = this.#context;
      await this.#pause(backOffMs(backOff, broker.failures, environment.random));
      this.#checkOpen();
    }
    const { address } = broker;
    if (address === undefined) {
      // Counted, so that the next attempt begins with a pause: who asks again at once would spin.
      broker.failures++;
      throw new ClientError('NO_BROKER_AVAILABLE', `broker ${broker.id} is not in the cluster`);
    }
    try {
      return await this.#connect(address, this.#context.connectTimeoutMs, broker.id);
    } catch (error) {
      broker.failures++;
      throw noBrokerError([{ address, error }]);
    }
  }

  async #connectAny(): Promise<ClientConnection> {
    const { clock, random } = this.#context.environment;
    const startMs = clock.monotonicMs();
    for (let round = 1; ; round++) {
      const remainingMs = startMs + this.#context.connectTimeoutMs - clock.monotonicMs();
      const failed: FailedAttempt[] = [];
      const connection = await this.#race(this.#candidates(), Math.max(remainingMs, 1), failed);
      if (connection !== undefined) return connection;
      this.#checkOpen();
      const pauseMs = backOffMs({ firstMs: 100, maxMs: 300 }, round, random);
      if (clock.monotonicMs() + pauseMs > startMs + REFUSED_RETRY_MS) throw noBrokerError(failed);
      await this.#pause(pauseMs);
      this.#checkOpen();
    }
  }

  /** Addresses of known brokers first, in random order, then the bootstrap list. */
  #candidates(): readonly SocketAddress[] {
    const known = [...this.#brokers.values()].flatMap(({ address }) => address ?? []);
    for (let i = known.length - 1; i > 0; i--) {
      const j = this.#context.environment.random.below(i + 1);
      [known[i], known[j]] = [known[j]!, known[i]!];
    }
    const seen = new Set<string>();
    return [...known, ...this.#context.bootstrap].filter((address) => {
      const key = formatAddress(address);
      return !seen.has(key) && seen.add(key);
    });
  }

  /** The first address that answers; each next one starts when the last one failed or is slow. */
  #race(
    candidates: readonly SocketAddress[],
    timeoutMs: number,
    failed: FailedAttempt[],
  ): Promise<ClientConnection | undefined> {
    return new Promise((resolve) => {
      let next = 0;
      let running = 0;
      let winner: ClientConnection | undefined;
      let stagger: { cancel(): void } | undefined;
      const attempt = () => {
        stagger?.cancel();
        const address = candidates[next++];
        if (address === undefined || winner !== undefined) {
          if (running === 0 && winner === undefined) resolve(undefined);
          return;
        }
        running++;
        stagger = this.#context.environment.timers.set(STAGGER_MS, attempt);
        this.#connect(address, timeoutMs).then(
          (connection) => {
            stagger?.cancel();
            winner ??= connection;
            resolve(winner);
          },
          (error: unknown) => {
            running--;
            failed.push({ address, error });
            attempt();
          },
        );
      };
      attempt();
    });
  }

  async #connect(
    address: SocketAddress,
    timeoutMs: number,
    expectedId?: number,
  ): Promise<ClientConnection> {
    const { environment, clientId, logger } = this.#context;
    const connection = await ClientConnection.connect(environment, address, {
      software: clientSoftware,
      clientId,
      timeoutMs,
    });
    const { brokerId, clusterId } = connection.hello;
    const problem = this.#problemWith(clusterId, brokerId, expectedId);
    if (problem !== undefined) {
      await connection.close();
      throw problem;
    }
    const broker = this.#broker(brokerId);
    const existing = this.open(brokerId);
    if (existing !== undefined) {
      await connection.close();
      return existing;
    }
    broker.connection = connection;
    broker.failures = 0;
    this.#everConnected = true;
    connection.onClose((error) => {
      if (broker.connection === connection) broker.connection = undefined;
      if (this.#closed) return;
      logger.info('Connection to a broker closed', {
        brokerId,
        address: formatAddress(address),
        reason: error === undefined ? 'closed by the broker' : connectReason(error),
      });
    });
    return connection;
  }

  #problemWith(clusterId: string, brokerId: number, expectedId?: number): Error | undefined {
    if (this.#closed) return new ClientError('CLIENT_CLOSED', 'the client is closed');
    if (this.#clusterId !== undefined && this.#clusterId !== clusterId) {
      return new ProtocolError(
        'BROKER_NOT_AVAILABLE',
        `it belongs to cluster "${clusterId}", not to "${this.#clusterId}"`,
      );
    }
    if (expectedId !== undefined && brokerId !== expectedId) {
      return new ProtocolError(
        'BROKER_NOT_AVAILABLE',
        `broker ${brokerId} answers there, not broker ${expectedId}`,
      );
    }
    this.#clusterId = clusterId;
    return undefined;
  }

  /** A pause that `close` ends. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        this.#wakeUps.delete(done);
        resolve();
      };
      const timer = this.#context.environment.timers.set(ms, done);
      this.#wakeUps.add(done);
    });
  }
}
