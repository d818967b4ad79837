/**
 * The controller of the cluster: one broker at a time decides, all others watch /controller and wait
 * for their turn.
 */

import {
  type BrokerId,
  brokerId,
  type ControllerEpoch,
  CoordinatorError,
  type Environment,
  type Logger,
  NO_BROKER,
  OdradekError,
} from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import type { Membership } from '../membership/membership.ts';
import { controllerEpochZnode, controllerZnode } from '../znodes/index.ts';
import type { CoordinatorSession, Watch, ZnodeContent } from '../zookeeper/session.ts';
import { ActiveController, type AdminRequest, type RebalanceOptions } from './activeController.ts';
import type { TopicRules } from './controllerContext.ts';
import type {
  AlterConfigsRequest,
  AlterConfigsResponse,
  AlterPartitionRequest,
  AlterPartitionResponse,
  AlterReassignmentsRequest,
  AlterReassignmentsResponse,
  ControlledShutdownRequest,
  ControlledShutdownResponse,
  ControllerResponse,
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  CreateTopicsRequest,
  CreateTopicsResponse,
  DeleteTopicsRequest,
  DeleteTopicsResponse,
  ElectLeadersRequest,
  ElectLeadersResponse,
  ListReassignmentsRequest,
  ListReassignmentsResponse,
  LogDirFailureRequest,
  LogDirFailureResponse,
} from './controllerEvents.ts';
import { type Mandate, tryElection } from './election.ts';
import type { MetadataPusher } from './metadataPusher.ts';

export interface ControllerOptions {
  readonly brokerId: BrokerId;
  /** `num.partitions`. */
  readonly defaultPartitionCount: number;
  /** `default.replication.factor`. */
  readonly defaultReplicationFactor: number;
  /**
   * Whether the topic may be configured so.
   *
   * @param configs the whole configuration that the topic would have.
   * @returns what is wrong, in words; undefined when all is well.
   */
  readonly validateTopicConfigs: (configs: ReadonlyMap<string, string>) => string | undefined;
  /** What the settings of topics mean. By default those of the topic alone, with Kafka's defaults. */
  readonly topicRules?: TopicRules;
  /** `delete.topic.enable`. Default true. */
  readonly deleteTopicEnable?: boolean;
  /** `auto.leader.rebalance.enable`. Default false. */
  readonly autoLeaderRebalance?: boolean;
  /** `leader.imbalance.check.interval.seconds`, in milliseconds. Default 300,000. */
  readonly leaderImbalanceCheckIntervalMs?: number;
  /** `leader.imbalance.per.broker.percentage`. Default 10. */
  readonly leaderImbalancePercentage?: number;
}

export interface ControllerParts {
  readonly session: CoordinatorSession;
  readonly membership: Membership;
  readonly pusher: MetadataPusher;
}

/** The controller as any broker sees it. */
export interface SeenController {
  /** NO_BROKER while there is none. */
  readonly id: BrokerId;
  /** Undefined until one was seen. */
  readonly epoch: ControllerEpoch | undefined;
}

const plainTopicRules: TopicRules = {
  minInsyncReplicas: (configs) => Number(configs.get('min.insync.replicas') ?? 1),
  isDurable: (configs) => (configs.get('flush.messages') ?? '1') === '1',
  allowsUncleanElection: (configs) => configs.get('unclean.leader.election.enable') === 'true',
};

/** After the election: brokers that start together should be there by then. */
const FIRST_REBALANCE_MS = 5_000;

function rebalanceOptions(options: ControllerOptions): RebalanceOptions | undefined {
  if (options.autoLeaderRebalance !== true) return undefined;
  return {
    firstAfterMs: FIRST_REBALANCE_MS,
    intervalMs: options.leaderImbalanceCheckIntervalMs ?? 300_000,
    imbalancePercentage: options.leaderImbalancePercentage ?? 10,
  };
}

/** After an election, or the loading after it, that failed for a passing reason. */
const RETRY_DELAY_MS = 500;
/** Where a znode must be repaired by hand first. */
const DAMAGED_RETRY_DELAY_MS = 10_000;

/**
 *     const controller = new Controller(environment, { session, membership, pusher }, options, logger)
 *     controller.start()                 // once the broker is registered
 */
export class Controller {
  readonly #environment: Pick<Environment, 'clock' | 'timers' | 'random'>;
  readonly #parts: ControllerParts;
  readonly #options: ControllerOptions;
  readonly #logger: Logger;
  readonly #listeners = new Set<(seen: SeenController) => void>();
  readonly #unsubscribe: (() => void)[] = [];
  #seen: SeenController = { id: NO_BROKER, epoch: undefined };
  #watch: Watch | undefined;
  /** Whether /controller exists, as last read; undefined until then. */
  #taken: boolean | undefined;
  #active: ActiveController | undefined;
  #electing = false;
  #closed = false;

  constructor(
    environment: Pick<Environment, 'clock' | 'timers' | 'random'>,
    parts: ControllerParts,
    options: ControllerOptions,
    logger: Logger,
  ) {
    this.#environment = environment;
    this.#parts = parts;
    this.#options = options;
    this.#logger = logger;
  }

  /** Whether this broker decides now. */
  get active(): boolean {
    return this.#active?.ready ?? false;
  }

  /** Elections of the present term, where it is ours, whose leader may lack acknowledged records. */
  get uncleanElections(): number {
    return this.#active?.uncleanElections ?? 0;
  }

  /** From /controller: where admin requests are to be forwarded. */
  get seen(): SeenController {
    return this.#seen;
  }

  /** Begins to watch and, where nobody decides, to stand for election. Call once, when registered. */
  start(): void {
    const { session, membership } = this.#parts;
    this.#unsubscribe.push(
      session.onStateChange((state, reason) => {
        if (state === 'fenced') this.#resign(`the session is fenced: ${reason}`);
      }),
      membership.onRegistered(() => this.#standForElection()),
    );
    this.#watch = session.watchData(controllerZnode.path, (content) => this.#onNode(content));
  }

  /** Never rejects but with ProtocolError NOT_CONTROLLER or COORDINATOR_UNAVAILABLE. */
  async createTopics(request: CreateTopicsRequest): Promise<CreateTopicsResponse> {
    return (await this.#submit({ type: 'createTopics', request })) as CreateTopicsResponse;
  }

  async deleteTopics(request: DeleteTopicsRequest): Promise<DeleteTopicsResponse> {
    return (await this.#submit({ type: 'deleteTopics', request })) as DeleteTopicsResponse;
  }

  async alterConfigs(request: AlterConfigsRequest): Promise<AlterConfigsResponse> {
    return (await this.#submit({ type: 'alterConfigs', request })) as AlterConfigsResponse;
  }

  /** Of a leader. Never rejects but with ProtocolError NOT_CONTROLLER or COORDINATOR_UNAVAILABLE. */
  async alterPartition(request: AlterPartitionRequest): Promise<AlterPartitionResponse> {
    return (await this.#submit({ type: 'alterPartition', request })) as AlterPartitionResponse;
  }

  /** Answers when the new partitions have leaders that know it. */
  async createPartitions(request: CreatePartitionsRequest): Promise<CreatePartitionsResponse> {
    return (await this.#submit({ type: 'createPartitions', request })) as CreatePartitionsResponse;
  }

  /** Answers when the moves are begun, not when they are done. */
  async alterReassignments(
    request: AlterReassignmentsRequest,
  ): Promise<AlterReassignmentsResponse> {
    return (await this.#submit({
      type: 'alterReassignments',
      request,
    })) as AlterReassignmentsResponse;
  }

  /** Moves that are under way. */
  async listReassignments(request: ListReassignmentsRequest): Promise<ListReassignmentsResponse> {
    return (await this.#submit({
      type: 'listReassignments',
      request,
    })) as ListReassignmentsResponse;
  }

  /** Preferred or unclean elections. */
  async electLeaders(request: ElectLeadersRequest): Promise<ElectLeadersResponse> {
    return (await this.#submit({ type: 'electLeaders', request })) as ElectLeadersResponse;
  }

  /** Of a broker about to stop: answers when its leaders have moved, or tells how many remain. */
  async controlledShutdown(
    request: ControlledShutdownRequest,
  ): Promise<ControlledShutdownResponse> {
    return (await this.#submit({
      type: 'controlledShutdown',
      request,
    })) as ControlledShutdownResponse;
  }

  /** Of a broker that lost a directory: its replicas there are not elected until it registers anew. */
  async logDirFailure(request: LogDirFailureRequest): Promise<LogDirFailureResponse> {
    return (await this.#submit({ type: 'logDirFailure', request })) as LogDirFailureResponse;
  }

  onSeenChange(listener: (seen: SeenController) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Gives /controller up where we hold it, and takes no further part. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch?.close();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    const mandate = this.#active?.mandate;
    this.#active?.end();
    this.#active = undefined;
    if (mandate !== undefined) await this.#giveUp(mandate);
  }

  #submit(admin: AdminRequest): Promise<ControllerResponse> {
    if (this.#active === undefined || !this.#active.ready) {
      return Promise.reject(new ProtocolError('NOT_CONTROLLER'));
    }
    if (this.#parts.session.state !== 'proven') {
      const message = 'The controller cannot reach ZooKeeper at the moment; nothing was changed';
      return Promise.reject(new ProtocolError('COORDINATOR_UNAVAILABLE', message));
    }
    return this.#active.submit(admin);
  }

  #onNode(content: ZnodeContent | undefined): void {
    this.#taken = content !== undefined;
    const ours = content?.stat.ephemeralOwner === this.#parts.session.sessionId;
    if (!ours && this.#active !== undefined) this.#resign('/controller is not ours any more');
    if (content === undefined) {
      this.#see({ id: NO_BROKER, epoch: this.#seen.epoch });
      this.#standForElection();
      return;
    }
    this.#readSeen(content);
  }

  /** Takes down who decides, with the epoch that stands beside it. */
  #readSeen(content: ZnodeContent): void {
    const { session } = this.#parts;
    let id = NO_BROKER;
    try {
      id = brokerId(controllerZnode.decode(content.data).brokerId);
    } catch (error) {
      if (!(error instanceof OdradekError)) throw error;
      this.#logger.error('Nobody can tell who the controller is', { error: error.message });
    }
    const epochRead = session
      .getData(controllerEpochZnode.path)
      .then((epoch) => epoch && controllerEpochZnode.decode(epoch.data));
    epochRead.then(
      (epoch) => this.#seeIfTaken({ id, epoch }),
      (error: unknown) => {
        if (!(error instanceof OdradekError)) throw error;
        this.#seeIfTaken({ id, epoch: this.#seen.epoch });
      },
    );
  }

  #seeIfTaken(seen: SeenController): void {
    if (!this.#closed && this.#taken === true) this.#see(seen);
  }

  #see(seen: SeenController): void {
    if (seen.id === this.#seen.id && seen.epoch === this.#seen.epoch) return;
    this.#seen = seen;
    this.#logger.info('The controller is seen', { controller: seen.id, epoch: seen.epoch });
    for (const listener of [...this.#listeners]) listener(seen);
  }

  #standForElection(): void {
    const registered = this.#parts.membership.brokerEpoch >= 0;
    const vacant = this.#taken === false && this.#active === undefined;
    if (!registered || !vacant || this.#electing || this.#closed) return;
    this.#electing = true;
    this.#elect().then(
      (won) => {
        this.#electing = false;
        // Lost, and perhaps to one that is gone again before we saw it.
        if (!won) this.#standAgainIn(RETRY_DELAY_MS);
      },
      (error: unknown) => {
        this.#electing = false;
        this.#onElectionFailed(error);
      },
    );
  }

  /** @returns whether this broker is the controller now. */
  async #elect(): Promise<boolean> {
    const { session, pusher } = this.#parts;
    const mandate = await tryElection(session, {
      brokerId: this.#options.brokerId,
      nowMs: this.#environment.clock.wallMs(),
    });
    if (mandate === undefined) return false;
    if (this.#closed) {
      await this.#giveUp(mandate);
      return true;
    }
    this.#logger.info('Elected as the controller', { epoch: mandate.epoch });
    const active = new ActiveController(
      {
        environment: this.#environment,
        session,
        pusher,
        logger: this.#logger,
        rebalance: rebalanceOptions(this.#options),
        onDeposed: (reason) => this.#onDeposed(active, reason),
      },
      {
        controllerId: this.#options.brokerId,
        defaultPartitionCount: this.#options.defaultPartitionCount,
        defaultReplicationFactor: this.#options.defaultReplicationFactor,
        deleteTopicEnable: this.#options.deleteTopicEnable ?? true,
        validateTopicConfigs: this.#options.validateTopicConfigs,
        topicRules: this.#options.topicRules ?? plainTopicRules,
      },
      mandate,
    );
    this.#active = active;
    try {
      await active.begin();
    } catch (error) {
      if (this.#active === active) {
        this.#active = undefined;
        active.end();
        await this.#giveUp(mandate);
      }
      throw error;
    }
    return true;
  }

  #onElectionFailed(error: unknown): void {
    if (!(error instanceof OdradekError)) throw error;
    if (this.#closed) return;
    this.#logger.warn('The election has failed; standing again', { error: error.message });
    this.#standAgainIn(error.code === 'ZNODE_DAMAGED' ? DAMAGED_RETRY_DELAY_MS : RETRY_DELAY_MS);
  }

  #standAgainIn(delayMs: number): void {
    if (this.#closed) return;
    const options = { keepsProcessAlive: false };
    this.#environment.timers.set(delayMs, () => this.#standForElection(), options);
  }

  #onDeposed(active: ActiveController, reason: string): void {
    if (this.#active !== active) return;
    this.#active = undefined;
    this.#logger.warn('No longer the controller', { reason });
    // Where nobody has taken over (a broker's mistake, a failed read), the znode is still ours and
    // would keep everybody else from it.
    void this.#giveUp(active.mandate);
  }

  #resign(reason: string): void {
    const active = this.#active;
    if (active === undefined) return;
    this.#active = undefined;
    active.end();
    this.#logger.warn('No longer the controller', { reason });
    // A fenced broker's session may live on, and /controller with it.
    void this.#giveUp(active.mandate);
  }

  /** Removes /controller where it is still ours by epoch, so that the next one need not wait. */
  async #giveUp(mandate: Mandate): Promise<void> {
    if (!this.#parts.session.connected) return;
    try {
      await this.#parts.session.multi([
        { type: 'check', path: controllerEpochZnode.path, version: mandate.epochVersion },
        { type: 'delete', path: controllerZnode.path, version: -1 },
      ]);
    } catch (error) {
      // It goes with the session in any case.
      if (!(error instanceof CoordinatorError)) throw error;
      this.#logger.debug('/controller was not given up', { error: error.message });
    }
  }
}
