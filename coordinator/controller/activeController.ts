/**
 * One term of office: from a won election to the end of it. Feeds the state machine with events, one
 * at a time, and carries out its effects. Whatever comes after the end is ignored.
 */

import {
  assert,
  CoordinatorError,
  type Environment,
  type Logger,
  type Timer,
  unreachable,
} from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { brokerIdsPath } from '../znodes/index.ts';
import type { CoordinatorSession, Watch } from '../zookeeper/session.ts';
import { CheckedWriter, ControllerMovedError } from './checkedWriter.ts';
import {
  loadAssignment,
  loadBrokers,
  loadCluster,
  loadConfigs,
  loadState,
} from './clusterLoader.ts';
import type { LoadedAssignment, LoadedConfigs, LoadedState, ModelBroker } from './clusterModel.ts';
import type {
  AlterConfigsRequest,
  AlterPartitionRequest,
  AlterReassignmentsRequest,
  ControlledShutdownRequest,
  ControllerEffect,
  ControllerEvent,
  ControllerResponse,
  CreatePartitionsRequest,
  CreateTopicsRequest,
  DeleteTopicsRequest,
  ElectLeadersRequest,
  ListReassignmentsRequest,
  LogDirFailureRequest,
  WriteUnit,
} from './controllerEvents.ts';
import { ControllerState, type ControllerStateOptions } from './controllerState.ts';
import type { Mandate } from './election.ts';
import { type MetadataPusher, PushLoop } from './metadataPusher.ts';
import { removeTopic } from './topicRemover.ts';

/** When leaders go back to the brokers that should lead. */
export interface RebalanceOptions {
  readonly firstAfterMs: number;
  readonly intervalMs: number;
  /** Percentage of a broker's partitions that others may lead. */
  readonly imbalancePercentage: number;
}

export interface ActiveControllerParts {
  readonly environment: Pick<Environment, 'clock' | 'timers' | 'random'>;
  readonly session: CoordinatorSession;
  readonly pusher: MetadataPusher;
  readonly logger: Logger;
  /** Undefined for never by itself. */
  readonly rebalance: RebalanceOptions | undefined;
  /** The term is over, for a reason other than `end`: another broker is the controller. */
  readonly onDeposed: (reason: string) => void;
}

/** A request for the state machine, without its number. */
export type AdminRequest =
  | { readonly type: 'createTopics'; readonly request: CreateTopicsRequest }
  | { readonly type: 'deleteTopics'; readonly request: DeleteTopicsRequest }
  | { readonly type: 'alterConfigs'; readonly request: AlterConfigsRequest }
  | { readonly type: 'alterPartition'; readonly request: AlterPartitionRequest }
  | { readonly type: 'createPartitions'; readonly request: CreatePartitionsRequest }
  | { readonly type: 'alterReassignments'; readonly request: AlterReassignmentsRequest }
  | { readonly type: 'listReassignments'; readonly request: ListReassignmentsRequest }
  | { readonly type: 'electLeaders'; readonly request: ElectLeadersRequest }
  | { readonly type: 'controlledShutdown'; readonly request: ControlledShutdownRequest }
  | { readonly type: 'logDirFailure'; readonly request: LogDirFailureRequest };

interface Caller {
  readonly resolve: (response: ControllerResponse) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

const TICK_INTERVAL_MS = 10_000;
/** An alteration carries no time limit of its own. */
const ALTER_TIMEOUT_MS = 10_000;

export class ActiveController {
  readonly #parts: ActiveControllerParts;
  readonly #options: Omit<ControllerStateOptions, 'controllerEpoch'>;
  readonly #mandate: Mandate;
  readonly #writer: CheckedWriter;
  readonly #pushLoops = new Map<number, PushLoop>();
  readonly #callers = new Map<number, Caller>();
  readonly #events: ControllerEvent[] = [];
  #stepping = false;
  #state: ControllerState | undefined;
  #brokersWatch: Watch | undefined;
  /** Whether brokers are being read; there is one read at a time. */
  #readingBrokers = false;
  #brokersDirty = false;
  #tickTimer: Timer | undefined;
  #rebalanceTimer: Timer | undefined;
  #lastRequestId = 0;
  #ended = false;

  constructor(
    parts: ActiveControllerParts,
    options: Omit<ControllerStateOptions, 'controllerEpoch'>,
    mandate: Mandate,
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#mandate = mandate;
    const { session, logger, environment } = parts;
    this.#writer = new CheckedWriter(
      { session, logger, timers: environment.timers },
      { epochVersion: mandate.epochVersion },
    );
  }

  get mandate(): Mandate {
    return this.#mandate;
  }

  /** Whether requests are taken: everything has been loaded. */
  get ready(): boolean {
    return this.#state !== undefined && !this.#ended;
  }

  /**
   * Loads the cluster and begins to decide.
   *
   * @throws {CoordinatorError} when it could not be loaded.
   */
  async begin(): Promise<void> {
    const { session, logger, environment } = this.#parts;
    const startedMs = environment.clock.monotonicMs();
    const loaded = await loadCluster(session, logger);
    if (this.#ended) return;
    const options = { ...this.#options, controllerEpoch: this.#mandate.epoch };
    this.#state = new ControllerState(options, environment.random, loaded);
    logger.info('Controller has loaded the cluster', {
      epoch: this.#mandate.epoch,
      topics: loaded.topics.length,
      brokers: loaded.brokers.length,
      milliseconds: Math.round(environment.clock.monotonicMs() - startedMs),
    });
    this.#matchPushLoops();
    this.#feed({ type: 'started' });
    // Calls at once with what stands now: whoever came while we were loading is seen.
    this.#brokersWatch = session.watchChildren(brokerIdsPath, () => this.#readBrokers());
    this.#scheduleTick();
    const { rebalance } = this.#parts;
    if (rebalance !== undefined) this.#scheduleRebalance(rebalance, rebalance.firstAfterMs);
  }

  /** Elections of this term whose leader may lack acknowledged records. */
  get uncleanElections(): number {
    return this.#state?.uncleanElections ?? 0;
  }

  /** @throws {ProtocolError} NOT_CONTROLLER when the term ends before the answer. */
  submit(admin: AdminRequest): Promise<ControllerResponse> {
    if (!this.ready) return Promise.reject(notController());
    this.#lastRequestId += 1;
    const requestId = this.#lastRequestId;
    const timeoutMs = 'timeoutMs' in admin.request ? admin.request.timeoutMs : ALTER_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const timer = this.#parts.environment.timers.set(Math.max(0, timeoutMs), () =>
        this.#feed({ type: 'requestTimedOut', requestId }),
      );
      this.#callers.set(requestId, { resolve, reject, timer });
      this.#feed({ ...admin, requestId });
    });
  }

  /** Stops deciding, at once. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#brokersWatch?.close();
    this.#tickTimer?.cancel();
    this.#rebalanceTimer?.cancel();
    for (const loop of this.#pushLoops.values()) loop.close();
    this.#pushLoops.clear();
    for (const { reject, timer } of this.#callers.values()) {
      timer.cancel();
      reject(notController());
    }
    this.#callers.clear();
  }

  /** Events are taken one after the other, also those that come while one is being taken. */
  #feed(event: ControllerEvent): void {
    if (this.#ended) return;
    this.#events.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        const effects = this.#state?.step(next) ?? [];
        for (const effect of effects) this.#carryOut(effect);
      }
    } finally {
      this.#stepping = false;
    }
  }

  #carryOut(effect: ControllerEffect): void {
    if (this.#ended) return;
    switch (effect.type) {
      case 'write':
        this.#write(effect.units);
        break;
      case 'readState':
        this.#readState(effect.topic, effect.partition);
        break;
      case 'readTopic':
        this.#readTopic(effect.topic);
        break;
      case 'readConfigs':
        this.#readConfigs(effect.topic);
        break;
      case 'removeTopic':
        this.#removeTopic(effect.topic);
        break;
      case 'reply':
        this.#reply(effect.requestId, effect.response);
        break;
      case 'push':
        this.#matchPushLoops();
        for (const loop of this.#pushLoops.values()) loop.wake();
        break;
      case 'log':
        this.#parts.logger[effect.level](effect.message, effect.fields);
        break;
      default:
        unreachable(effect);
    }
  }

  #write(units: readonly WriteUnit[]): void {
    this.#settle(this.#writer.write(units), (results) =>
      this.#feed({ type: 'written', units, results }),
    );
  }

  #readState(topic: string, partition: number): void {
    const read = (): Promise<LoadedState> => loadState(this.#parts.session, topic, partition);
    this.#settle(untilAnswered(read), (loaded) =>
      this.#feed({ type: 'stateRead', topic, partition, loaded }),
    );
  }

  #readTopic(topic: string): void {
    const read = (): Promise<LoadedAssignment> => loadAssignment(this.#parts.session, topic);
    this.#settle(untilAnswered(read), (loaded) => this.#feed({ type: 'topicRead', topic, loaded }));
  }

  #readConfigs(topic: string): void {
    const read = (): Promise<LoadedConfigs> => loadConfigs(this.#parts.session, topic);
    this.#settle(untilAnswered(read), (loaded) =>
      this.#feed({ type: 'configsRead', topic, loaded }),
    );
  }

  #removeTopic(topic: string): void {
    const removal = removeTopic(this.#parts.session, this.#writer, topic).then(
      () => undefined,
      (error: CoordinatorError | ControllerMovedError) => {
        if (error instanceof ControllerMovedError || error.code === 'SESSION_EXPIRED') throw error;
        return error.message;
      },
    );
    this.#settle(removal, (error) =>
      this.#feed({ type: 'topicRemoved', topic, ...(error === undefined ? {} : { error }) }),
    );
  }

  #reply(requestId: number, response: ControllerResponse): void {
    const caller = this.#callers.get(requestId);
    this.#callers.delete(requestId);
    caller?.timer.cancel();
    caller?.resolve(response);
  }

  #readBrokers(): void {
    if (this.#ended) return;
    if (this.#readingBrokers) {
      this.#brokersDirty = true;
      return;
    }
    this.#readingBrokers = true;
    this.#brokersDirty = false;
    const { session, logger } = this.#parts;
    this.#settle(
      untilAnswered(() => loadBrokers(session, logger)),
      (brokers) => {
        this.#readingBrokers = false;
        this.#feed({ type: 'brokersChanged', brokers });
        if (this.#brokersDirty) this.#readBrokers();
      },
    );
  }

  /** One loop for each registration: a broker that came back gets a new one. */
  #matchPushLoops(): void {
    const state = this.#state;
    assert(state !== undefined, 'Brokers are known once the cluster is loaded');
    for (const [id, loop] of this.#pushLoops) {
      if (state.brokers.get(id)?.epoch === loop.target.epoch) continue;
      loop.close();
      this.#pushLoops.delete(id);
    }
    for (const broker of state.brokers.values()) {
      if (!this.#pushLoops.has(broker.id))
        this.#pushLoops.set(broker.id, this.#loop(state, broker));
    }
  }

  #loop(state: ControllerState, broker: ModelBroker): PushLoop {
    const target = broker as ModelBroker & PushLoop['target'];
    const { logger, pusher, environment } = this.#parts;
    return new PushLoop({
      channel: pusher.open(target),
      target,
      nextUpdate: (ackedVersion) => state.updateFor(broker.id, ackedVersion),
      onAcknowledged: (version, failedTopics) =>
        this.#feed({
          type: 'pushed',
          brokerId: broker.id,
          brokerEpoch: broker.epoch,
          version,
          failedTopics,
        }),
      onDeposed: () => this.#depose(`broker ${broker.id} has seen a newer controller`),
      timers: environment.timers,
      logger,
    });
  }

  #scheduleTick(): void {
    if (this.#ended) return;
    this.#tickTimer = this.#parts.environment.timers.set(TICK_INTERVAL_MS, () => {
      this.#feed({ type: 'tick' });
      this.#scheduleTick();
    });
  }

  #scheduleRebalance(options: RebalanceOptions, delayMs: number): void {
    if (this.#ended) return;
    this.#rebalanceTimer = this.#parts.environment.timers.set(delayMs, () => {
      this.#feed({ type: 'rebalance', percentage: options.imbalancePercentage });
      this.#scheduleRebalance(options, options.intervalMs);
    });
  }

  /** Waits for a step of work; a failure that leaves it open who is the controller ends the term. */
  #settle<Result>(work: Promise<Result>, then: (result: Result) => void): void {
    work.then(then, (error: CoordinatorError | ControllerMovedError) => {
      if (!(error instanceof ControllerMovedError) && error.name !== 'CoordinatorError')
        throw error;
      this.#depose(error.message);
    });
  }

  #depose(reason: string): void {
    if (this.#ended) return;
    this.end();
    this.#parts.onDeposed(reason);
  }
}

/** Reads again for as long as ZooKeeper is out of reach: an outage alone ends no term. */
async function untilAnswered<Result>(read: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof CoordinatorError) || error.code !== 'CONNECTION_LOSS') throw error;
    }
  }
}

function notController(): ProtocolError {
  return new ProtocolError('NOT_CONTROLLER', 'This broker is not the controller any more');
}
