/** How a broker joins the cluster: cluster id, registration, broker epoch, registration anew. */

import {
  assert,
  type BrokerEpoch,
  type BrokerId,
  brokerEpoch,
  CoordinatorError,
  type Environment,
  type Logger,
  OdradekError,
  type SocketAddress,
} from '../../common/index.ts';
import {
  type BrokerRegistration,
  brokerRegistrationZnode,
  clusterIdZnode,
  damagedZnode,
  formatAddress,
  formatKafkaEndpoint,
  type KafkaEndpoint,
} from '../znodes/index.ts';
import type { CoordinatorSession, Watch, ZnodeContent } from '../zookeeper/session.ts';
import { ensurePersistentPaths, refuseForeignCluster } from './joining.ts';

export interface MembershipOptions {
  readonly brokerId: BrokerId;
  /** Native endpoints as advertised, the first being the one that others use. At least one. */
  readonly nativeEndpoints: readonly SocketAddress[];
  readonly adminEndpoints?: readonly SocketAddress[];
  /** Kafka listeners as advertised; all of them plain text. None by default. */
  readonly kafkaEndpoints?: readonly KafkaEndpoint[];
  readonly rack?: string;
  /**
   * Names the data directory that this broker holds locked. A registration of the same id and the
   * same directory is then known to be of a dead predecessor, and is removed without waiting for
   * ZooKeeper to expire it.
   */
  readonly directoryId?: string;
  /**
   * Broker epoch that the clean-shutdown marker named at start; absent after an unclean stop. The
   * controller then knows that nothing of that registration was lost.
   */
  readonly cleanStopEpoch?: number;
  /**
   * Whether replicas of this broker may be offline, asked at each registration: the controller then
   * elects none of them before the broker has said which are. Default: no.
   */
  readonly mayHaveOfflineReplicas?: () => boolean;
}

/** ZooKeeper rounds the end of a session up to its tick; two of the usual ones, to be sure. */
const EXPIRY_SLACK_MS = 4_000;
const RETRY_DELAY_MS = 250;

/**
 *     const membership = new Membership(environment, session, logger)
 *     const clusterId = await membership.joinCluster()          // before the logs are trusted
 *     const epoch = await membership.register(options)          // once the listeners are open
 *
 * From then on the broker is registered again after every expiry, each time with a new epoch.
 */
export class Membership {
  readonly #environment: Pick<Environment, 'clock' | 'timers' | 'random'>;
  readonly #session: CoordinatorSession;
  readonly #logger: Logger;
  readonly #registeredListeners = new Set<(epoch: BrokerEpoch) => void>();
  readonly #refusedListeners = new Set<(error: Error) => void>();
  readonly #unsubscribe: () => void;
  /** Sessions with which this process registered: what they own is ours to remove. */
  readonly #ownerSessions = new Set<string>();
  #clusterId: string | undefined;
  #options: MembershipOptions | undefined;
  #brokerEpoch = brokerEpoch(-1);
  /** Of our latest registration: after a fence it must not be taken for the next one. */
  #lastEpoch = -1;
  /** Whether a registration is under way; there is one at a time. */
  #registering = false;
  #watch: Watch | undefined;
  #closed = false;

  constructor(
    environment: Pick<Environment, 'clock' | 'timers' | 'random'>,
    session: CoordinatorSession,
    logger: Logger,
  ) {
    this.#environment = environment;
    this.#session = session;
    this.#logger = logger;
    this.#unsubscribe = session.onStateChange((state) => {
      if (state === 'fenced') this.#onFenced();
    });
  }

  /** Undefined until `joinCluster` has resolved. */
  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  /** czxid of our registration; -1 while there is none. */
  get brokerEpoch(): BrokerEpoch {
    return this.#brokerEpoch;
  }

  /**
   * Makes the persistent paths, refuses what we may not join, and reads or creates /cluster/id.
   * Waits for ZooKeeper until `close`: how long is enough is the caller's to say.
   *
   * @throws {OdradekError} FOREIGN_CLUSTER: a live registration without our key, a migration to
   *   KRaft in progress, or a KRaft controller; names it.
   */
  async joinCluster(): Promise<string> {
    for (;;) {
      try {
        await refuseForeignCluster(this.#session);
        await ensurePersistentPaths(this.#session);
        this.#clusterId = await this.#readOrCreateClusterId();
        return this.#clusterId;
      } catch (error) {
        // Every step may be repeated; a ZooKeeper that starts with us may take longer than a session.
        if (this.#closed || !isPassing(error)) throw error;
        await this.#pause();
      }
    }
  }

  /**
   * Registers /brokers/ids/N, again after every expiry until `close`.
   *
   * @throws {OdradekError} BROKER_ID_IN_USE naming the other's endpoint, after waiting at most one
   *   session timeout and ZooKeeper's rounding.
   */
  async register(options: MembershipOptions): Promise<BrokerEpoch> {
    assert(this.#options === undefined, 'A broker registers once; the rest happens by itself');
    assert(options.nativeEndpoints.length > 0, 'A broker has a native endpoint');
    this.#options = options;
    this.#registering = true;
    try {
      await this.#registerUntilDone(options);
    } finally {
      this.#registering = false;
    }
    return this.#brokerEpoch;
  }

  /** Called with the new epoch after each registration. */
  onRegistered(listener: (epoch: BrokerEpoch) => void): () => void {
    this.#registeredListeners.add(listener);
    return () => this.#registeredListeners.delete(listener);
  }

  /** A registration anew was refused for good (another broker took the id): the broker must stop. */
  onRefused(listener: (error: Error) => void): () => void {
    this.#refusedListeners.add(listener);
    return () => this.#refusedListeners.delete(listener);
  }

  /** Stops registering. The registration goes with the session. */
  close(): void {
    this.#closed = true;
    this.#watch?.close();
    this.#unsubscribe();
  }

  async #readOrCreateClusterId(): Promise<string> {
    for (;;) {
      const existing = await this.#session.getData(clusterIdZnode.path);
      if (existing !== undefined) return clusterIdZnode.decode(existing.data);
      const id = clusterIdZnode.generate(this.#environment.random);
      try {
        const data = clusterIdZnode.encode(id);
        await this.#session.write({ type: 'create', path: clusterIdZnode.path, data });
        return id;
      } catch (error) {
        // Another broker was faster, or the answer was lost: what stands there counts.
        if (!isCode(error, 'NODE_EXISTS') && !isCode(error, 'CONNECTION_LOSS')) throw error;
      }
    }
  }

  #onFenced(): void {
    this.#brokerEpoch = brokerEpoch(-1);
    this.#watch?.close();
    const options = this.#options;
    if (options === undefined || this.#registering || this.#closed) return;
    this.#registering = true;
    this.#registerUntilDone(options)
      .catch((error: unknown) => {
        if (!(error instanceof OdradekError)) throw error;
        if (this.#closed) return;
        this.#logger.error('The broker cannot register again', { error: error.message });
        for (const listener of [...this.#refusedListeners]) listener(error);
      })
      .finally(() => {
        this.#registering = false;
      });
  }

  /** Tries until it stands, through lost connections and expired sessions. */
  async #registerUntilDone(options: MembershipOptions): Promise<void> {
    const path = brokerRegistrationZnode.path(options.brokerId);
    const data = brokerRegistrationZnode.encode(this.#registration(options));
    let waitedFromMs: number | undefined;
    while (!this.#closed) {
      try {
        await this.#session.write({ type: 'create', path, data, ephemeral: true });
      } catch (error) {
        if (!isPassing(error) && !isCode(error, 'NODE_EXISTS')) throw error;
      }
      const standing = await this.#readBack(path);
      if (standing === 'unknown' || standing === undefined) {
        await this.#pause();
        continue;
      }
      if (this.#accept(path, standing, data)) return;
      waitedFromMs ??= this.#environment.clock.monotonicMs();
      if (await this.#removeIfDead(path, standing, options)) continue;
      this.#refuseWhenWaitedEnough(path, standing, waitedFromMs);
      await this.#pause();
    }
  }

  async #readBack(path: string): Promise<ZnodeContent | undefined | 'unknown'> {
    try {
      return await this.#session.getData(path);
    } catch (error) {
      if (isPassing(error)) return 'unknown';
      throw error;
    }
  }

  /**
   * Takes the registration for ours where our session owns it, whether or not the answer to its
   * creation came.
   */
  #accept(path: string, { data, stat }: ZnodeContent, written: Buffer): boolean {
    if (stat.ephemeralOwner !== this.#session.sessionId || !data.equals(written)) return false;
    // A fenced broker registers anew even where its znode still stands: the new epoch is what tells
    // the controller that whatever the old one believed is over.
    if (stat.czxid === this.#lastEpoch) return false;
    this.#registering = false;
    this.#ownerSessions.add(stat.ephemeralOwner);
    this.#brokerEpoch = brokerEpoch(stat.czxid);
    this.#lastEpoch = stat.czxid;
    this.#logger.info('Registered', { path, brokerEpoch: stat.czxid });
    this.#session.proveBy(path);
    this.#watchOwn(path, stat.czxid);
    for (const listener of [...this.#registeredListeners]) listener(this.#brokerEpoch);
    return true;
  }

  async #removeIfDead(
    path: string,
    { data, stat }: ZnodeContent,
    options: MembershipOptions,
  ): Promise<boolean> {
    const owner = stat.ephemeralOwner;
    const ours = owner === this.#session.sessionId || this.#ownerSessions.has(owner);
    if (!ours && !isPredecessor(path, data, options)) return false;
    this.#logger.info('Removing the registration of a dead predecessor', { path, owner });
    try {
      await this.#session.write({ type: 'delete', path, version: stat.version });
    } catch (error) {
      if (!isPassing(error) && !isCode(error, 'NO_NODE') && !isCode(error, 'BAD_VERSION')) {
        throw error;
      }
    }
    return true;
  }

  #refuseWhenWaitedEnough(path: string, { data }: ZnodeContent, fromMs: number): void {
    const waitedMs = this.#environment.clock.monotonicMs() - fromMs;
    if (waitedMs < this.#session.negotiatedTimeoutMs + EXPIRY_SLACK_MS) return;
    throw new OdradekError(
      'BROKER_ID_IN_USE',
      `Another broker is registered at "${path}", at ${describeEndpoint(path, data)}, and its ` +
        `session is alive after ${Math.round(waitedMs)} ms: give this one another broker.id or ` +
        'stop the other',
      { details: { path } },
    );
  }

  /** Somebody may remove our znode by hand: then nobody sees us any more, though our session lives. */
  #watchOwn(path: string, czxid: number): void {
    this.#watch?.close();
    const watch = this.#session.watchData(path, (content) => {
      if (content?.stat.czxid === czxid || this.#watch !== watch) return;
      this.#session.fence(`the registration "${path}" is no longer ours`);
    });
    this.#watch = watch;
  }

  #registration(options: MembershipOptions): BrokerRegistration {
    const { kafkaEndpoints = [] } = options;
    return {
      odradek: {
        native: options.nativeEndpoints,
        admin: options.adminEndpoints ?? [],
        directoryId: options.directoryId,
        ...(options.cleanStopEpoch === undefined ? {} : { cleanStopEpoch: options.cleanStopEpoch }),
        ...(options.mayHaveOfflineReplicas?.() ? { offlineReplicas: true as const } : {}),
      },
      kafkaEndpoints: kafkaEndpoints.map(formatKafkaEndpoint),
      securityProtocols: Object.fromEntries(
        kafkaEndpoints.map(({ listener }) => [listener, 'PLAINTEXT']),
      ),
      rack: options.rack,
      registeredMs: this.#environment.clock.wallMs(),
    };
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#environment.timers.set(RETRY_DELAY_MS, resolve);
    });
  }
}

/** Of the same data directory, which we hold locked now. */
function isPredecessor(path: string, data: Buffer, { directoryId }: MembershipOptions): boolean {
  if (directoryId === undefined) return false;
  try {
    return brokerRegistrationZnode.decode(path, data).odradek?.directoryId === directoryId;
  } catch (error) {
    if (error instanceof OdradekError && error.code === damagedZnode(path, '').code) return false;
    throw error;
  }
}

function describeEndpoint(path: string, data: Buffer): string {
  try {
    const { odradek, kafkaEndpoints } = brokerRegistrationZnode.decode(path, data);
    const native = odradek?.native[0];
    return native === undefined ? kafkaEndpoints.join(', ') : formatAddress(native);
  } catch (error) {
    if (error instanceof OdradekError) return 'an endpoint that cannot be read';
    throw error;
  }
}

function isCode(error: unknown, code: CoordinatorError['code']): boolean {
  return error instanceof CoordinatorError && error.code === code;
}

/** Passes by itself: the session reconnects, or makes a new one. */
function isPassing(error: unknown): boolean {
  return isCode(error, 'CONNECTION_LOSS') || isCode(error, 'SESSION_EXPIRED');
}
