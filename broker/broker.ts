/**
 * A broker: the log, the replicas, the listeners and its part in the cluster, put together.
 *
 * Start, in this order, each step trusting the ones before it:
 *   1  ZooKeeper: the session, and the id of the cluster
 *   2  log directories: locked, ids compared with the cluster's and the broker's, logs recovered
 *   3  the native listener opens
 *   4  the broker registers: from now on the controller sends its state here
 *   5  the first snapshot came: partitions have their roles, the broker is ready
 * The admin endpoint opens after step 3, so that it can tell why the broker is not ready.
 *
 * Stop goes the other way round. The clean-shutdown marker is written after the last append is on
 * disk; then the session ends, and last the admin endpoint, which told that the broker is stopping.
 */

import {
  type BrokerEpoch,
  type Environment,
  type Logger,
  OdradekError,
  type SocketAddress,
} from '../common/index.ts';
import {
  Controller,
  CoordinatorSession,
  Membership,
  networkPusher,
  ProducerIds,
  type TopicRules,
} from '../coordinator/index.ts';
import { defaultNetworkLimits, type NetworkLimits, NetworkServer } from '../network/index.ts';
import { ProtocolError } from '../protocol/index.ts';
import { type AdminServer, openAdminServer } from './admin/index.ts';
import {
  ControllerChannel,
  Dispatcher,
  FetchHandler,
  MetadataUpdates,
  nearerReplica,
  openReplicaChannel,
  ProduceHandler,
  servedApis,
} from './api/index.ts';
import { BrokerAdmin } from './brokerAdmin.ts';
import {
  type BrokerConfig,
  effectiveTopicConfig,
  formatSocketAddress,
  type TopicConfig,
  validateTopicConfigs,
} from './config/index.ts';
import { giveAwayLeadership } from './controlledShutdown.ts';
import { GroupCoordinator, replicatedOffsetsLog } from './group/index.ts';
import { followGroupLeadership } from './groupLeadership.ts';
import { KafkaDispatcher, TopicCreation } from './kafka/index.ts';
import { KafkaServers } from './kafkaServers.ts';
import { LogManager } from './log/index.ts';
import { ClusterImage } from './metadata/index.ts';
import { BrokerProbe } from './metrics/index.ts';
import { OfflineReplicas } from './offlineReplicas.ts';
import {
  logConfigOf,
  type Partition,
  Purgatory,
  type ReplicaChannel,
  ReplicaManager,
  untilKnown,
} from './replica/index.ts';
import { softwareVersion } from './version.ts';

const STOP_GRACE_MS = 5_000;

interface Running {
  readonly clusterId: string;
  readonly logManager: LogManager;
  readonly replicas: ReplicaManager;
  readonly server: NetworkServer;
  readonly kafka: KafkaServers;
  readonly groups: GroupCoordinator;
  readonly channel: ControllerChannel;
  readonly offlineReplicas: OfflineReplicas;
  readonly controller: Controller;
  readonly produceWaits: Purgatory;
  readonly fetchWaits: Purgatory;
}

export class Broker {
  readonly #environment: Environment;
  readonly #config: BrokerConfig;
  readonly #logger: Logger;
  readonly #image = new ClusterImage();
  readonly #probe = new BrokerProbe();
  readonly #session: CoordinatorSession;
  readonly #membership: Membership;
  readonly #producerIds: ProducerIds;
  #running: Running | undefined;
  #fatalListener: (error: unknown) => void = () => undefined;
  #fatal = false;
  #admin: AdminServer | undefined;
  /** Settles, without an error, when the admin endpoint has opened or failed to. */
  #adminOpening: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #snapshotListener: () => void = () => undefined;

  constructor(environment: Environment, config: BrokerConfig, logger: Logger) {
    this.#environment = environment;
    this.#config = config;
    this.#logger = logger.child('broker');
    this.#session = new CoordinatorSession(
      environment,
      { servers: config.zookeeperConnect, sessionTimeoutMs: config.zookeeperSessionTimeoutMs },
      logger,
    );
    this.#membership = new Membership(environment, this.#session, logger);
    this.#producerIds = new ProducerIds(this.#session, config);
    this.#membership.onRefused((error) => this.#end(error));
  }

  /** The native address, with the port that was taken. Only after `start`. */
  get nativeAddress(): SocketAddress {
    return this.#started().server.address;
  }

  /** The Kafka listeners' addresses, with the ports that were taken, in the order configured. */
  get kafkaAddresses(): readonly SocketAddress[] {
    return this.#started().kafka.addresses;
  }

  /** The admin address, with the port that was taken; undefined where there is no endpoint. */
  get adminAddress(): SocketAddress | undefined {
    return this.#admin?.address;
  }

  get clusterId(): string {
    return this.#started().clusterId;
  }

  get brokerEpoch(): BrokerEpoch {
    return this.#membership.brokerEpoch;
  }

  /** The partitions that it holds, for tests that watch them. None before `start`. */
  get partitions(): ReadonlyMap<string, Partition> {
    return this.#running?.replicas.partitions ?? new Map();
  }

  /** The newest update of a controller that it took, for tests that watch it. */
  get metadataVersion(): { readonly controllerEpoch: number; readonly version: number } {
    const { controllerEpoch, version } = this.#image;
    return { controllerEpoch, version };
  }

  /** Called once when the broker cannot go on. Whoever runs it ends the process. */
  onFatal(listener: (error: unknown) => void): void {
    this.#fatalListener = listener;
  }

  /**
   * Resolves when the broker serves.
   *
   * @throws {OdradekError} naming what cannot be trusted: ZooKeeper out of reach, a directory that
   * is locked or belongs to another broker or cluster, an id in use, a port taken.
   */
  async start(): Promise<void> {
    for (const key of this.#config.unknownKeys) {
      this.#logger.warn('The configuration has a key that this release does not know', { key });
    }
    this.#session.start();
    const clusterId = await this.#withinConnectionTimeout(this.#membership.joinCluster());
    const running = this.#assemble(clusterId);
    this.#running = running;
    running.logManager.start();
    const listening = await running.server.listen();
    await running.kafka.listen();
    this.#logger.info('Listening', {
      native: formatSocketAddress(listening),
      kafka: running.kafka.addresses.map(formatSocketAddress),
    });
    const admin = this.#openAdmin(running);
    const snapshot = new Promise<void>((resolve) => {
      this.#snapshotListener = resolve;
    });
    this.#followSession(running);
    const { directoryId, previousBrokerEpoch: cleanStopEpoch } = running.logManager;
    await this.#membership.register({
      brokerId: this.#config.brokerId,
      nativeEndpoints: [this.#advertised(listening)],
      kafkaEndpoints: running.kafka.advertised,
      ...(this.#config.rack === undefined ? {} : { rack: this.#config.rack }),
      ...(directoryId === undefined ? {} : { directoryId }),
      ...(cleanStopEpoch === undefined ? {} : { cleanStopEpoch }),
      mayHaveOfflineReplicas: () => running.logManager.hasOfflineLogs,
    });
    running.controller.start();
    await this.#withinConnectionTimeout(snapshot);
    running.offlineReplicas.begin();
    this.#producerIds.claimAhead();
    await admin;
    this.#logger.info('Ready', { clusterId, brokerEpoch: this.#membership.brokerEpoch });
  }

  /**
   * Ends in order: what was received is answered, the logs are synced and marked clean, the
   * registration goes. Idempotent; safe at any moment after the constructor.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    if (running !== undefined) {
      await this.#giveAwayLeadership(running);
      running.offlineReplicas.close();
    }
    this.#membership.close();
    if (running !== undefined) {
      await running.controller.close();
      running.fetchWaits.close();
      running.groups.close();
      await Promise.all([
        running.server.close({ graceMs: STOP_GRACE_MS }),
        running.kafka.close({ graceMs: STOP_GRACE_MS }),
      ]);
      running.produceWaits.close();
      await running.channel.close();
      running.replicas.close();
      await running.logManager.close({ brokerEpoch: this.#membership.brokerEpoch });
    }
    await this.#session.close();
    await this.#adminOpening;
    await this.#admin?.close();
    this.#logger.info('Stopped');
  }

  /** Where there is somebody to take over, and a controller may listen. */
  async #giveAwayLeadership({ channel, replicas }: Running): Promise<void> {
    const { brokerId, controlledShutdownEnable } = this.#config;
    const { brokerEpoch } = this.#membership;
    const alone = this.#image.brokers.every(({ id }) => id === brokerId);
    const isProven = this.#session.state === 'proven';
    const idle = replicas.partitions.size === 0;
    if (!controlledShutdownEnable || brokerEpoch < 0 || alone || idle || !isProven) return;
    replicas.leave();
    await giveAwayLeadership(this.#environment, channel, { brokerId, brokerEpoch }, this.#logger);
  }

  #assemble(clusterId: string): Running {
    const environment = this.#environment;
    const config = this.#config;
    const logger = this.#logger;
    const logManager = this.#logManager(clusterId);
    const controller = this.#controller(logger);
    const brokerEpoch = (): BrokerEpoch => this.#membership.brokerEpoch;
    const channel = new ControllerChannel(
      environment,
      { controller, image: this.#image },
      { brokerId: config.brokerId, brokerEpoch, softwareVersion },
      logger,
    );
    const replicas = this.#replicas(logManager, channel);
    const groups = this.#groups(logManager, replicas);
    const updates = new MetadataUpdates(
      { image: this.#image, replicas },
      {
        brokerEpoch,
        onApplied: (changes) => followGroupLeadership(changes, replicas, groups),
        onSnapshot: () => this.#snapshotListener(),
      },
    );
    const produceWaits = new Purgatory(environment);
    const fetchWaits = new Purgatory(environment);
    const dispatcher = new Dispatcher(
      {
        clock: environment.clock,
        probe: this.#probe,
        config,
        clusterId,
        image: this.#image,
        replicas,
        produceWaits,
        fetchWaits,
        channel,
        updates,
        coordinatorState: () => this.#session.state,
        allocateProducerId: () => this.#producerIds.allocate(),
        flushTurn: () => logManager.flushTurn(),
        onFatal: (error) => this.#end(error),
      },
      logger,
    );
    const server = this.#server(clusterId, dispatcher);
    const waits = { produceWaits, fetchWaits };
    const kafka = this.#kafka({ clusterId, logManager, replicas, channel, groups, ...waits });
    return {
      offlineReplicas: this.#offlineReplicas(logManager, channel),
      clusterId,
      logManager,
      replicas,
      server,
      kafka,
      groups,
      channel,
      controller,
      produceWaits,
      fetchWaits,
    };
  }

  #offlineReplicas(logManager: LogManager, channel: ControllerChannel): OfflineReplicas {
    return new OfflineReplicas(
      this.#environment.timers,
      {
        channel,
        image: this.#image,
        brokerId: this.#config.brokerId,
        brokerEpoch: () => this.#membership.brokerEpoch,
        mayHaveSome: () => logManager.hasOfflineLogs,
      },
      this.#logger,
    );
  }

  #logManager(clusterId: string): LogManager {
    const config = this.#config;
    const defaults = untilKnown(logConfigOf(config.topicDefaults));
    const { offload } = this.#environment;
    const logManager = new LogManager(
      this.#environment,
      {
        logDirs: config.logDirs,
        brokerId: config.brokerId,
        clusterId,
        configFor: () => defaults,
        recoveryPointCheckpointIntervalMs: config.logFlushOffsetCheckpointIntervalMs,
        highWatermarkCheckpointIntervalMs: config.highWatermarkCheckpointIntervalMs,
        logStartCheckpointIntervalMs: config.logFlushStartOffsetCheckpointIntervalMs,
        retentionCheckIntervalMs: config.logRetentionCheckIntervalMs,
        cleaner: config.logCleaner === undefined ? undefined : { ...config.logCleaner, offload },
        producerIdExpirationMs: config.producerIdExpirationMs,
      },
      this.#logger,
    );
    logManager.onLogDirFailure(({ allOffline, error, partitions }) => {
      if (allOffline) this.#end(error);
      else this.#running?.offlineReplicas.add(partitions);
    });
    return logManager;
  }

  #replicas(logManager: LogManager, channel: ControllerChannel): ReplicaManager {
    return new ReplicaManager(
      this.#environment,
      logManager,
      this.#config,
      {
        brokerEpoch: () => this.#membership.brokerEpoch,
        isProven: () => this.#session.state === 'proven',
        isAlive: (id, epoch) => this.#image.isAlive(id, epoch),
        openChannel: (leaderId) => this.#openReplicaChannel(leaderId),
        alterPartition: (request) => channel.alterPartition(request),
        onReplicaOffline: (replica) => this.#running?.offlineReplicas.add([replica]),
        onFatal: (error) => this.#end(error),
      },
      this.#logger,
    );
  }

  /** Opens while the broker goes on starting, so that it can tell why it is not ready. */
  #openAdmin(running: Running): Promise<void> {
    const { adminListener, adminAllowedHosts } = this.#config;
    if (adminListener === undefined) return Promise.resolve();
    const backend = new BrokerAdmin({
      ...running,
      config: this.#config,
      image: this.#image,
      session: this.#session,
      probe: this.#probe,
      isController: () => running.controller.active,
      uncleanElections: () => running.controller.uncleanElections,
      isStopping: () => this.#stopping !== undefined,
    });
    const options = { allowedHosts: adminAllowedHosts, softwareVersion };
    const opening = openAdminServer(backend, adminListener, options, this.#logger).then((admin) => {
      this.#admin = admin;
    });
    // `start` hears of a failure once the broker is registered; until then it is nobody's.
    this.#adminOpening = opening.catch(() => undefined);
    return opening;
  }

  #controller(logger: Logger): Controller {
    const config = this.#config;
    return new Controller(
      this.#environment,
      {
        session: this.#session,
        membership: this.#membership,
        pusher: networkPusher(this.#environment, {
          brokerId: config.brokerId,
          membership: this.#membership,
        }),
      },
      {
        brokerId: config.brokerId,
        defaultPartitionCount: config.numPartitions,
        defaultReplicationFactor: config.defaultReplicationFactor,
        deleteTopicEnable: config.deleteTopicEnable,
        autoLeaderRebalance: config.autoLeaderRebalanceEnable,
        leaderImbalanceCheckIntervalMs: config.leaderImbalanceCheckIntervalMs,
        leaderImbalancePercentage: config.leaderImbalancePerBrokerPercentage,
        topicRules: this.#topicRules(),
        validateTopicConfigs: (configs) => {
          try {
            validateTopicConfigs(Object.fromEntries(configs));
            return undefined;
          } catch (error) {
            if (error instanceof OdradekError) return error.message;
            throw error;
          }
        },
      },
      logger,
    );
  }

  #topicRules(): TopicRules {
    const { topicDefaults } = this.#config;
    const effective = (configs: ReadonlyMap<string, string>): TopicConfig =>
      effectiveTopicConfig(topicDefaults, Object.fromEntries(configs));
    return {
      minInsyncReplicas: (configs) => effective(configs).minInsyncReplicas,
      isDurable: (configs) => effective(configs).flushMessages === 1,
      allowsUncleanElection: (configs) => effective(configs).uncleanLeaderElectionEnable,
    };
  }

  #server(clusterId: string, dispatcher: Dispatcher): NetworkServer {
    const config = this.#config;
    return new NetworkServer(
      this.#environment,
      {
        listen: config.nativeListener,
        logger: this.#logger,
        brokerId: config.brokerId,
        clusterId: () => clusterId,
        softwareVersion,
        apis: servedApis,
        limits: this.#limits(),
        kafkaPortHint: config.kafka.listeners[0]?.listen.port,
        adminPortHint: config.adminListener?.port,
      },
      dispatcher,
    );
  }

  #limits(): NetworkLimits {
    const config = this.#config;
    return {
      ...defaultNetworkLimits,
      frameBytesMax: config.socketRequestMaxBytes,
      inFlightMax: config.maxInFlightRequests,
      receiveMemoryBytesMax: config.queuedMaxRequestBytes,
      connectionsMax: config.maxConnections,
      connectionsPerAddressMax: config.maxConnectionsPerIp,
      idleMs: config.connectionsMaxIdleMs,
    };
  }

  #groups(logManager: LogManager, replicas: ReplicaManager): GroupCoordinator {
    const log = replicatedOffsetsLog(this.#environment, {
      replicas,
      flushTurn: () => logManager.flushTurn(),
    });
    return new GroupCoordinator(
      this.#environment,
      this.#config.groups,
      {
        log,
        topicExists: (topic) => this.#image.usableTopic(topic) !== undefined,
        onFatal: (error) => this.#end(error),
      },
      this.#logger,
    );
  }

  #kafka(
    parts: Pick<
      Running,
      'clusterId' | 'logManager' | 'replicas' | 'channel' | 'groups' | 'produceWaits' | 'fetchWaits'
    >,
  ): KafkaServers {
    const { produceWaits, fetchWaits, ...services } = parts;
    const { replicas, logManager, channel } = services;
    const { clock } = this.#environment;
    const config = this.#config;
    const shared = { clock, replicas, probe: this.#probe };
    const handler = new KafkaDispatcher(
      {
        ...services,
        environment: this.#environment,
        logger: this.#logger,
        config,
        image: this.#image,
        probe: this.#probe,
        produce: new ProduceHandler({ ...shared, purgatory: produceWaits }),
        fetch: new FetchHandler({
          ...shared,
          purgatory: fetchWaits,
          nearerReplica: (partition, rack, fetchOffset) =>
            config.kafka.rackAwareSelector && rack !== ''
              ? nearerReplica(this.#image, {
                  selfId: config.brokerId,
                  partition,
                  rack,
                  fetchOffset,
                })
              : undefined,
        }),
        topicCreation: new TopicCreation(channel, config, this.#logger),
        allocateProducerId: () => this.#producerIds.allocate(),
      },
      { flushTurn: () => logManager.flushTurn(), onFatal: (error) => this.#end(error) },
    );
    const { listeners } = config.kafka;
    const options = { listeners, limits: this.#limits(), logger: this.#logger };
    return new KafkaServers(this.#environment, options, handler);
  }

  /**
   * The session decides whether this broker may act. A fenced one answers NOT_LEADER_OR_FOLLOWER
   * until it has registered anew and the controller has sent it a snapshot for that registration.
   */
  #followSession(running: Running): void {
    this.#session.onStateChange((state) => {
      if (state === 'fenced') running.replicas.fence();
    });
    this.#membership.onRegistered(() => running.offlineReplicas.tellAgain());
    running.controller.onSeenChange(() => running.offlineReplicas.tellAgain());
  }

  async #openReplicaChannel(leaderId: number): Promise<ReplicaChannel> {
    const leader = this.#image.brokers.find(({ id }) => id === leaderId);
    if (leader === undefined) throw new ProtocolError('BROKER_NOT_AVAILABLE');
    return openReplicaChannel(this.#environment, leader, {
      brokerId: this.#config.brokerId,
      brokerEpoch: this.#membership.brokerEpoch,
      softwareVersion,
      timeoutMs: this.#config.replicaSocketTimeoutMs,
    });
  }

  #advertised(listening: SocketAddress): SocketAddress {
    return this.#config.advertisedNativeListener ?? listening;
  }

  async #withinConnectionTimeout<T>(waited: Promise<T>): Promise<T> {
    const timeoutMs = this.#config.zookeeperConnectionTimeoutMs;
    let cancel: () => void = () => undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      const timer = this.#environment.timers.set(timeoutMs, () =>
        reject(
          new OdradekError(
            'COORDINATOR_UNAVAILABLE',
            `No answer within ${timeoutMs} ms from ZooKeeper at ` +
              `"${this.#config.zookeeperConnect}" or from a controller registered there`,
            { retriable: true },
          ),
        ),
      );
      cancel = () => timer.cancel();
    });
    try {
      return await Promise.race([waited, deadline]);
    } finally {
      cancel();
    }
  }

  #end(error: unknown): void {
    if (this.#fatal) return;
    this.#fatal = true;
    this.#logger.error('The broker cannot go on', { error });
    this.#fatalListener(error);
  }

  #started(): Running {
    if (this.#running === undefined) {
      throw new OdradekError('NOT_STARTED', 'The broker has not been started');
    }
    return this.#running;
  }
}
