/**
 * A session with ZooKeeper that keeps its promises: every call settles by its deadline, nothing is
 * lost across an expiry, what is watched is read again whenever it may have changed, and the broker
 * knows whether its registration is proven.
 *
 * It stands above the raw connection (`CoordinatorConnection`), does no I/O of its own and takes
 * clock and timers from the environment, so that simulation runs this very class.
 */

import {
  assert,
  type CoordinatorConnection,
  CoordinatorError,
  type CoordinatorRead,
  type CoordinatorReadResult,
  type CoordinatorWrite,
  type CoordinatorWriteResult,
  type Environment,
  type Logger,
  type Timer,
  type WatchEvent,
  type ZnodeStat,
} from '../../common/index.ts';
import { formatServers, parseConnectString } from './connectString.ts';
import { RequestQueue } from './requestQueue.ts';
import { type CoordinatorState, SessionProof } from './sessionProof.ts';
import { WatchTable } from './watchTable.ts';

export type { CoordinatorState } from './sessionProof.ts';

export type CoordinatorEnvironment = Pick<Environment, 'clock' | 'timers' | 'coordinator'>;

export interface CoordinatorSessionOptions {
  /** `zookeeper.connect`: `host:port,host:port/chroot`. */
  readonly servers: string;
  /** Asked for, in milliseconds; the server grants something near it. */
  readonly sessionTimeoutMs: number;
  /** After this time a call rejects with CONNECTION_LOSS. Default: `sessionTimeoutMs`. */
  readonly requestTimeoutMs?: number;
  /** Requests on the wire at a time. Default 100. */
  readonly outstandingMax?: number;
}

/** Content of a znode, with its stat. */
export interface ZnodeContent {
  readonly data: Buffer;
  readonly stat: ZnodeStat;
}

/** Names of the children, sorted, with the stat of the parent. */
export interface ZnodeChildren {
  readonly names: readonly string[];
  readonly stat: ZnodeStat;
}

export interface Watch {
  /** No call of the listener comes after this. Idempotent. */
  close(): void;
}

type StateListener = (state: CoordinatorState, reason: string) => void;
type SessionListener = (sessionId: string) => void;

/**
 * States of the registration:
 *
 *     unproven --answered proof--> proven --deadline passed--> unproven
 *     any --expired, or something newer seen--> fenced --proveBy--> unproven
 */
export class CoordinatorSession {
  readonly #environment: CoordinatorEnvironment;
  readonly #options: CoordinatorSessionOptions;
  readonly #logger: Logger;
  readonly #servers: string;
  /** Put before every path, so that the root of the cluster is "/" for everybody else. */
  readonly #chroot: string;
  readonly #queue: RequestQueue;
  readonly #watches: WatchTable;
  readonly #proof: SessionProof;
  readonly #stateListeners = new Set<StateListener>();
  readonly #sessionListeners = new Set<SessionListener>();
  #connection: CoordinatorConnection | undefined;
  #connected = false;
  #sessionId: string | undefined;
  #negotiatedTimeoutMs: number;
  /** What the listeners were told last. */
  #toldState: CoordinatorState = 'unproven';
  #registrationPath: string | undefined;
  /** Counts the raw connections: what comes late from an earlier one is not for us. */
  #generation = 0;
  /** Ticks every third of the timeout: proof or heartbeat while connected, a push while not. */
  #heartTimer: Timer | undefined;
  #deadlineTimer: Timer | undefined;
  /** Whether the last proof or heartbeat is unanswered. */
  #awaiting = false;
  #closed = false;

  constructor(
    environment: CoordinatorEnvironment,
    options: CoordinatorSessionOptions,
    logger: Logger,
  ) {
    const target = parseConnectString(options.servers);
    this.#environment = environment;
    this.#options = options;
    this.#logger = logger;
    this.#servers = formatServers(target.servers);
    this.#chroot = target.chroot;
    this.#negotiatedTimeoutMs = options.sessionTimeoutMs;
    this.#proof = new SessionProof(options.sessionTimeoutMs);
    this.#queue = new RequestQueue(environment.timers, {
      outstandingMax: options.outstandingMax ?? 100,
      timeoutMs: options.requestTimeoutMs ?? options.sessionTimeoutMs,
    });
    const read = (
      start: (connection: CoordinatorConnection) => Promise<CoordinatorReadResult>,
      what: string,
    ): Promise<CoordinatorReadResult> => this.#queue.submit(start, { what, retried: true });
    this.#watches = new WatchTable(read, environment.timers, logger);
  }

  get state(): CoordinatorState {
    return this.#proof.stateAt(this.#environment.clock.monotonicMs());
  }

  /** 16 hexadecimal digits; undefined until the first connection, and between two sessions. */
  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Granted by the server; what was asked for until then. */
  get negotiatedTimeoutMs(): number {
    return this.#negotiatedTimeoutMs;
  }

  /** Begins to connect, and keeps trying for ever. Call once. */
  start(): void {
    assert(this.#generation === 0, 'A session is started once');
    this.#connect();
  }

  /** @returns undefined where the znode is absent. Retried until the deadline. */
  async getData(path: string): Promise<ZnodeContent | undefined> {
    const result = await this.#read({ type: 'getData', path });
    return result === undefined ? undefined : toContent(result);
  }

  /** @returns undefined where the znode is absent. */
  async exists(path: string): Promise<ZnodeStat | undefined> {
    return (await this.#read({ type: 'exists', path }))?.stat;
  }

  /** @returns undefined where the znode is absent. */
  async getChildren(path: string): Promise<ZnodeChildren | undefined> {
    const result = await this.#read({ type: 'getChildren', path });
    return result === undefined ? undefined : toChildren(result);
  }

  /**
   * One write.
   *
   * @throws {CoordinatorError} CONNECTION_LOSS means that the outcome is unknown: read again and
   *   compare before trying again.
   */
  async write(operation: CoordinatorWrite): Promise<CoordinatorWriteResult> {
    const full = { ...operation, path: this.#full(operation.path) };
    const what = `${operation.type} "${operation.path}"`;
    const result = await this.#queue.submit((raw) => raw.write(full), { what, retried: false });
    return this.#withoutChroot(result);
  }

  /** All or nothing; otherwise as `write`. @throws {CoordinatorError} with `failedIndex`. */
  async multi(operations: readonly CoordinatorWrite[]): Promise<readonly CoordinatorWriteResult[]> {
    const full = operations.map((each) => ({ ...each, path: this.#full(each.path) }));
    const what = `a multi of ${operations.length} operations`;
    const results = await this.#queue.submit((raw) => raw.multi(full), { what, retried: false });
    return results.map((result) => this.#withoutChroot(result));
  }

  /** Creates `path` and its parents as empty persistent znodes, where absent. */
  async ensurePath(path: string): Promise<void> {
    if ((await this.exists(path)) !== undefined) return;
    const full = this.#full(path);
    for (let end = full.indexOf('/', 1); ; end = full.indexOf('/', end + 1)) {
      const part = end === -1 ? full : full.slice(0, end);
      await this.#createEmpty(part);
      if (end === -1) return;
    }
  }

  /**
   * Calls `listener` with the present content, and again after each change; intermediate contents
   * may be skipped, the last one never. `undefined` stands for an absent znode. Lives on across
   * lost connections and expired sessions, until closed.
   */
  watchData(path: string, listener: (content: ZnodeContent | undefined) => void): Watch {
    const close = this.#watches.add('data', this.#full(path), (result) =>
      listener(result === undefined ? undefined : toContent(result)),
    );
    return { close };
  }

  /** As `watchData`, for the names of the children. */
  watchChildren(path: string, listener: (children: ZnodeChildren | undefined) => void): Watch {
    const close = this.#watches.add('children', this.#full(path), (result) =>
      listener(result === undefined ? undefined : toChildren(result)),
    );
    return { close };
  }

  /**
   * From now on the session is proven by writes that check this znode, our registration. The first
   * answer makes the state `proven`.
   *
   * @see Membership, which calls this.
   */
  proveBy(registrationPath: string): void {
    this.#registrationPath = this.#full(registrationPath);
    this.#proof.registered();
    this.#tellState('registered');
    this.#awaiting = false;
    this.#beat();
  }

  /** Something newer than us was seen. Ends with the next `proveBy`. */
  fence(reason: string): void {
    this.#registrationPath = undefined;
    this.#proof.fence();
    this.#deadlineTimer?.cancel();
    this.#tellState(reason);
  }

  /** Called with every change of `state`. @returns the function that takes the listener off. */
  onStateChange(listener: StateListener): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Called whenever a new session stands (first connection, after expiry), before re-reading. */
  onNewSession(listener: SessionListener): () => void {
    this.#sessionListeners.add(listener);
    return () => this.#sessionListeners.delete(listener);
  }

  /** Ends the session: ephemeral znodes go. Pending calls reject with SESSION_EXPIRED. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#connected = false;
    this.#heartTimer?.cancel();
    this.#deadlineTimer?.cancel();
    this.#watches.stop();
    this.#queue.detach();
    this.#queue.rejectAll(new CoordinatorError('SESSION_EXPIRED', 'The session was closed'));
    this.#proof.fence();
    await this.#connection?.close();
  }

  #connect(): void {
    this.#generation += 1;
    const generation = this.#generation;
    const whenCurrent = (call: () => void): void => {
      if (generation === this.#generation && !this.#closed) call();
    };
    this.#connection = this.#environment.coordinator.connect(
      { servers: this.#servers, sessionTimeoutMs: this.#options.sessionTimeoutMs },
      {
        onConnected: (session) => whenCurrent(() => this.#onConnected(session)),
        onDisconnected: () => whenCurrent(() => this.#onDisconnected()),
        onExpired: () => whenCurrent(() => this.#onExpired()),
        onWatchEvent: (event: WatchEvent) => whenCurrent(() => this.#watches.onEvent(event)),
      },
    );
    this.#startHeart();
  }

  #onConnected(session: { sessionId: string; negotiatedTimeoutMs: number }): void {
    const isNew = session.sessionId !== this.#sessionId;
    this.#connected = true;
    this.#sessionId = session.sessionId;
    this.#negotiatedTimeoutMs = session.negotiatedTimeoutMs;
    this.#proof.negotiated(session.negotiatedTimeoutMs);
    this.#logger.info(isNew ? 'New ZooKeeper session' : 'Connected to ZooKeeper again', {
      sessionId: session.sessionId,
      timeoutMs: session.negotiatedTimeoutMs,
    });
    assert(this.#connection !== undefined, 'A connection object precedes its events');
    this.#queue.attach(this.#connection);
    if (isNew) for (const listener of [...this.#sessionListeners]) listener(session.sessionId);
    this.#watches.refreshAll();
    this.#awaiting = false;
    this.#startHeart();
    this.#beat();
  }

  #onDisconnected(): void {
    this.#connected = false;
    this.#awaiting = false;
    this.#queue.detach();
    this.#logger.warn('Disconnected from ZooKeeper; the session may live on', {
      sessionId: this.#sessionId,
    });
  }

  #onExpired(): void {
    this.#logger.error('ZooKeeper has expired the session', { sessionId: this.#sessionId });
    this.#connected = false;
    this.#awaiting = false;
    this.#sessionId = undefined;
    this.#queue.detach();
    this.fence('ZooKeeper has expired the session');
    this.#queue.rejectAll(
      new CoordinatorError('SESSION_EXPIRED', 'ZooKeeper has expired the session'),
    );
    if (!this.#closed) this.#connect();
  }

  #startHeart(): void {
    this.#heartTimer?.cancel();
    this.#heartTimer = this.#environment.timers.set(this.#negotiatedTimeoutMs / 3, () => {
      this.#startHeart();
      // After a stall the answer may be waiting in the socket: look there before judging.
      this.#environment.timers.afterTurn(() => this.#onHeartTick());
    });
  }

  /** A third of the timeout has passed since the last proof was sent, or since we lost contact. */
  #onHeartTick(): void {
    if (this.#closed) return;
    if (!this.#connected || this.#awaiting) {
      // Half open, or a server that answers pings but cannot reach its leader: try another one.
      this.#logger.debug('ZooKeeper does not answer; trying another server');
      this.#awaiting = false;
      this.#connection?.reconnect();
      return;
    }
    this.#beat();
  }

  /** Sends a proof where we are registered; otherwise a read, which shows that the socket lives. */
  #beat(): void {
    const connection = this.#connection;
    if (!this.#connected || this.#awaiting || connection === undefined) return;
    this.#awaiting = true;
    const generation = this.#generation;
    const path = this.#registrationPath;
    const sentMs = this.#environment.clock.monotonicMs();
    const answer: Promise<unknown> =
      path === undefined
        ? connection.read({ type: 'exists', path: '/' })
        : connection.multi([{ type: 'check', path, version: -1 }]);
    const whenCurrent = (call: () => void): void => {
      const current = generation === this.#generation && path === this.#registrationPath;
      if (current && !this.#closed) call();
    };
    answer.then(
      () =>
        whenCurrent(() => {
          this.#awaiting = false;
          if (path !== undefined) this.#onProof(sentMs);
        }),
      (error: Error) => whenCurrent(() => this.#onBeatFailed(error)),
    );
  }

  #onProof(sentMs: number): void {
    this.#proof.answered(sentMs);
    this.#tellState('ZooKeeper confirmed the registration');
    this.#deadlineTimer?.cancel();
    const leftMs = this.#proof.deadlineMs - this.#environment.clock.monotonicMs();
    const judge = (): void => this.#environment.timers.afterTurn(() => this.#judgeDeadline());
    this.#deadlineTimer = this.#environment.timers.set(Math.max(0, leftMs), judge);
  }

  #judgeDeadline(): void {
    if (this.#closed) return;
    this.#proof.expireProof(this.#environment.clock.monotonicMs());
    this.#tellState('no write was answered within the session timeout');
  }

  #onBeatFailed(error: Error): void {
    this.#awaiting = false;
    if (!(error instanceof CoordinatorError)) throw error;
    // Anything else is a lost connection, which is reported by itself.
    if (error.code === 'NO_NODE') this.fence('the registration is gone');
  }

  #tellState(reason: string): void {
    const state = this.state;
    if (state === this.#toldState) return;
    this.#toldState = state;
    const level = state === 'proven' ? 'info' : 'warn';
    this.#logger[level](`The ZooKeeper session is ${state}`, { reason });
    for (const listener of [...this.#stateListeners]) listener(state, reason);
  }

  async #read(operation: CoordinatorRead): Promise<CoordinatorReadResult | undefined> {
    const full = { ...operation, path: this.#full(operation.path) };
    const what = `${operation.type} "${operation.path}"`;
    try {
      return await this.#queue.submit((raw) => raw.read(full), { what, retried: true });
    } catch (error) {
      if (error instanceof CoordinatorError && error.code === 'NO_NODE') return undefined;
      throw error;
    }
  }

  async #createEmpty(fullPath: string): Promise<void> {
    const operation = { type: 'create', path: fullPath, data: Buffer.alloc(0) } as const;
    for (;;) {
      try {
        await this.#queue.submit((raw) => raw.write(operation), {
          what: `create "${fullPath}"`,
          // Creating an empty znode twice is the same as once, so a lost answer is simply repeated.
          retried: true,
        });
        return;
      } catch (error) {
        if (error instanceof CoordinatorError && error.code === 'NODE_EXISTS') return;
        throw error;
      }
    }
  }

  #full(path: string): string {
    if (this.#chroot === '') return path;
    return path === '/' ? this.#chroot : this.#chroot + path;
  }

  #withoutChroot(result: CoordinatorWriteResult): CoordinatorWriteResult {
    if (result.path === undefined) return result;
    return { ...result, path: result.path.slice(this.#chroot.length) };
  }
}

function toContent({ data, stat }: CoordinatorReadResult): ZnodeContent {
  assert(data !== undefined && stat !== undefined, 'A getData answers data and stat');
  return { data, stat };
}

function toChildren({ children, stat }: CoordinatorReadResult): ZnodeChildren {
  assert(children !== undefined && stat !== undefined, 'A getChildren answers names and stat');
  return { names: [...children].sort(), stat };
}
