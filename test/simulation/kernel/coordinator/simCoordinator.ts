/**
 * A ZooKeeper ensemble that always agrees with itself: one znode tree, sessions that expire by
 * virtual time, and between it and its clients a network that may do anything.
 *
 * It stands on the network as the host `coordinator`, so `network.cut('broker-1', 'coordinator')`
 * is what separates a broker from it.
 */

import type { CoordinatorConnector } from '../../../../common/index.ts';
import {
  negotiateTimeoutMs,
  type RequestContext,
  SessionDeadlines,
  type TreeReply,
  type TreeRequest,
  type TreeResults,
  ZnodeTree,
} from '../../../../coordinator/embedded/index.ts';
import type { SimNetwork } from '../network/index.ts';
import type { ScheduledEvent, Scheduler } from '../scheduler.ts';
import { SimClock } from '../simClock.ts';
import type { SimProcess } from '../simProcess.ts';
import type { SimRandom } from '../simRandom.ts';
import { SimCoordinatorConnection } from './simCoordinatorConnection.ts';

/** Host name of the coordinator in the simulated network. */
export const COORDINATOR_HOST = 'coordinator';

export interface SimCoordinatorOptions {
  /** Sessions expire at multiples of it. Default 2000 ms, ZooKeeper's. */
  readonly tickMs?: number;
  /** Probability with which a write loses its connection, half of them after it was applied. */
  readonly lossProbability?: number;
}

/** An ordered loss: the next writes of the host that match, and what becomes of them. */
export interface LossOrder {
  /** Host name of the client. Default: any. */
  readonly host?: string;
  /** Part of a path of the operation. Default: any. */
  readonly path?: string;
  /** Whether the tree has changed before the connection is lost. */
  readonly applied: boolean;
  /** Lets the first so many matching writes pass. Default 0. */
  readonly skip?: number;
}

/**
 * A client's write at the coordinator: `decide` before its fate is known (an ordered loss may still
 * take it), then just before and just after the tree has changed.
 */
export interface WriteMoment {
  readonly host: string;
  readonly paths: readonly string[];
  readonly when: 'decide' | 'before' | 'after';
}

export class SimCoordinator {
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly random: SimRandom;
  readonly tickMs: number;
  /** May be changed at any time. @see SimCoordinatorOptions */
  lossProbability: number;
  /** Called around every write of a client, for tests that strike at each of them. */
  onWrite: ((moment: WriteMoment) => void) | undefined;
  readonly #clock: SimClock;
  readonly #tree = new ZnodeTree();
  readonly #deadlines: SessionDeadlines;
  readonly #connections = new Set<SimCoordinatorConnection>();
  #expiryCheck: ScheduledEvent | undefined;
  #isUp = true;
  #lossOrders: { readonly order: LossOrder; seen: number }[] = [];

  constructor(
    options: SimCoordinatorOptions & {
      readonly scheduler: Scheduler;
      readonly network: SimNetwork;
      readonly random: SimRandom;
    },
  ) {
    this.scheduler = options.scheduler;
    this.network = options.network;
    this.random = options.random;
    this.tickMs = options.tickMs ?? 2000;
    this.lossProbability = options.lossProbability ?? 0;
    this.#clock = new SimClock(options.scheduler);
    this.#deadlines = new SessionDeadlines(this.tickMs);
    this.network.addHost(COORDINATOR_HOST);
  }

  connectorOf(process: SimProcess, hostName: string): CoordinatorConnector {
    return {
      connect: (options, listener) => {
        const connection = new SimCoordinatorConnection(this, {
          ...options,
          process,
          hostName,
          listener,
        });
        this.#connections.add(connection);
        return connection;
      },
    };
  }

  // ---- looks ----

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Sessions alive on the server, whatever their clients believe. */
  get sessionIds(): readonly string[] {
    return this.#tree.sessionIds;
  }

  /** Every path of the tree, sorted. */
  paths(): readonly string[] {
    return [...this.#tree.state.nodes.keys()].sort();
  }

  /** @returns the data of a node, or undefined where it is absent. */
  data(path: string): Buffer | undefined {
    const node = this.#tree.state.nodes.get(path);
    return node === undefined ? undefined : Buffer.from(node.data ?? []);
  }

  /** Transaction that created the node, undefined where it is absent: a broker's epoch. */
  czxid(path: string): number | undefined {
    return this.#tree.state.nodes.get(path)?.czxid;
  }

  /** The last transaction: whatever comes is above it. */
  get lastZxid(): number {
    return this.#tree.lastZxid;
  }

  // ---- faults ----

  /** Ends the sessions of this host at once, as an operator or a long pause would. */
  expireSessions(hostName: string): void {
    for (const connection of [...this.#connections]) {
      if (connection.hostName !== hostName || connection.sessionId === undefined) continue;
      this.expire(connection.sessionId);
    }
  }

  /** Resets the connections of this host (default: of all); the sessions live on. */
  disconnect(hostName?: string): void {
    for (const connection of [...this.#connections]) {
      if (hostName === undefined || connection.hostName === hostName) connection.dropped();
    }
  }

  /** The next write that matches loses its connection. */
  loseNext(order: LossOrder): void {
    this.#lossOrders.push({ order, seen: 0 });
  }

  /** Puts bytes into a node past every rule, as somebody with a shell could. */
  tamper(path: string, data: Uint8Array): void {
    this.#asOperator({ type: 'setData', path, data: Buffer.from(data), version: -1 });
  }

  /** Takes a node away, likewise. */
  remove(path: string): void {
    this.#asOperator({ type: 'delete', path, version: -1 });
  }

  /** The whole ensemble stops: connections break, and no time passes for sessions. */
  crash(): void {
    this.#isUp = false;
    this.#expiryCheck?.cancel();
    this.#expiryCheck = undefined;
    this.disconnect();
  }

  /** Everything that was answered stands; sessions get their whole timeout anew. */
  restart(): void {
    this.#isUp = true;
    for (const sessionId of this.#tree.sessionIds) this.touch(sessionId);
  }

  processDied(process: SimProcess, options: { readonly hasPower: boolean }): void {
    for (const connection of [...this.#connections]) {
      if (connection.process !== process) continue;
      this.#connections.delete(connection);
      // Without a good-bye the server goes on sending watch events into the void.
      if (options.hasPower && connection.sessionId !== undefined) {
        this.#tree.dropWatches(connection.sessionId);
      }
    }
  }

  // ---- for connections: the server's side ----

  isReachable(hostName: string): boolean {
    const { links } = this.network;
    return (
      this.#isUp &&
      !links.isCut(hostName, COORDINATOR_HOST) &&
      !links.isCut(COORDINATOR_HOST, hostName)
    );
  }

  forget(connection: SimCoordinatorConnection): void {
    this.#connections.delete(connection);
  }

  /** @returns the session, new or resumed, or undefined when the one to resume has expired. */
  openSession(sessionId: string | undefined, askedTimeoutMs: number) {
    const negotiatedTimeoutMs = negotiateTimeoutMs(askedTimeoutMs, this.tickMs);
    if (sessionId === undefined) {
      const reply = this.#transact(
        {
          type: 'createSession',
          timeoutMs: negotiatedTimeoutMs,
          password: this.random.bytes(16),
        },
        '0000000000000000',
      );
      if (!reply.ok) throw new Error(`The tree refused a session: ${reply.error}`);
      this.touch(reply.result.sessionId);
      return { sessionId: reply.result.sessionId, negotiatedTimeoutMs };
    }
    const session = this.#tree.session(sessionId);
    if (session === undefined) return undefined;
    this.touch(sessionId);
    return { sessionId, negotiatedTimeoutMs: session.timeoutMs };
  }

  touch(sessionId: string): void {
    const session = this.#tree.session(sessionId);
    if (session === undefined || !this.#isUp) return;
    this.#deadlines.touch(sessionId, this.scheduler.nowMs, session.timeoutMs);
    this.#scheduleExpiry();
  }

  dropWatches(sessionId: string): void {
    this.#tree.dropWatches(sessionId);
  }

  apply<R extends TreeRequest>(request: R, sessionId: string): TreeReply<TreeResults[R['type']]> {
    this.touch(sessionId);
    return this.#transact(request, sessionId);
  }

  endSession(sessionId: string): void {
    this.#deadlines.forget(sessionId);
    if (this.#tree.session(sessionId) !== undefined) {
      this.#transact({ type: 'closeSession' }, sessionId);
    }
  }

  /** The session's time is over: its nodes go, watchers hear of it, its connection is dropped. */
  expire(sessionId: string): void {
    this.endSession(sessionId);
    for (const connection of [...this.#connections]) {
      if (connection.sessionId === sessionId) connection.dropped();
    }
  }

  /** What becomes of this write on its way: nothing, or its connection is lost with it. */
  fateOf(hostName: string, paths: readonly string[]): 'answered' | 'lost' | 'applied' {
    for (const entry of this.#lossOrders) {
      const { host, path, skip, applied } = entry.order;
      if (host !== undefined && host !== hostName) continue;
      if (path !== undefined && !paths.some((one) => one.includes(path))) continue;
      entry.seen += 1;
      if (entry.seen <= (skip ?? 0)) continue;
      this.#lossOrders = this.#lossOrders.filter((other) => other !== entry);
      return applied ? 'applied' : 'lost';
    }
    if (!this.random.chance(this.lossProbability)) return 'answered';
    return this.random.chance(0.5) ? 'applied' : 'lost';
  }

  // ---- within ----

  #asOperator(request: Extract<TreeRequest, { readonly path: string }>): void {
    const session = this.#transact(
      { type: 'createSession', timeoutMs: this.tickMs * 2, password: Buffer.alloc(16) },
      '0000000000000000',
    );
    if (!session.ok) throw new Error(`The tree refused a session: ${session.error}`);
    const reply = this.#transact(request, session.result.sessionId);
    this.#transact({ type: 'closeSession' }, session.result.sessionId);
    if (!reply.ok)
      throw new Error(`The tree refused ${request.type} "${request.path}": ${reply.error}`);
  }

  /** Applies and sends out the watch events, before the answer as ZooKeeper does. */
  #transact<R extends TreeRequest>(
    request: R,
    sessionId: string,
  ): TreeReply<TreeResults[R['type']]> {
    const context: RequestContext = { sessionId, timeMs: this.#clock.wallMs() };
    const reply = this.#tree.apply(request, context);
    for (const event of reply.events) {
      for (const connection of this.#connections) {
        if (connection.sessionId === event.sessionId) {
          connection.tellWatch({ type: event.type, path: event.path });
        }
      }
    }
    return reply;
  }

  #scheduleExpiry(): void {
    const nextMs = this.#deadlines.nextMs;
    if (this.#expiryCheck !== undefined || nextMs === undefined) return;
    this.#expiryCheck = this.scheduler.at(nextMs, 'coordinator: expiry', () => {
      this.#expiryCheck = undefined;
      for (const sessionId of this.#deadlines.expired(this.scheduler.nowMs)) {
        this.expire(sessionId);
      }
      this.#scheduleExpiry();
    });
  }
}
