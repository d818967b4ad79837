/**
 * From a request to the handler of its API. Handlers decide nothing: they find who decides, hand the
 * request over and encode what comes back.
 *
 * An error of the catalogue becomes an answer. A broken promise of the program is not answered: it
 * goes to `onFatal`, and the process ends.
 */

import { AssertionError, type Clock, type Logger } from '../../common/index.ts';
import type { NetworkHandler, RequestConnection, ServerRequest } from '../../network/index.ts';
import {
  type Api,
  alterConfigsApi,
  alterPartitionApi,
  alterReassignmentsApi,
  controlledShutdownApi,
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  describeClusterApi,
  describeConfigsApi,
  describePartitionsApi,
  electLeadersApi,
  fetchApi,
  initProducerIdApi,
  listOffsetsApi,
  listReassignmentsApi,
  logDirFailureApi,
  metadataApi,
  ProtocolError,
  produceApi,
  type RequestOf,
  replicaFetchApi,
  replicaProgressApi,
  updateMetadataApi,
} from '../../protocol/index.ts';
import type { BrokerConfig } from '../config/index.ts';
import type { ClusterImage } from '../metadata/index.ts';
import type { BrokerProbe } from '../metrics/index.ts';
import type { Purgatory, ReplicaManager } from '../replica/index.ts';
import { handleDescribeConfigs } from './configs.ts';
import type { ControllerChannel } from './controllerChannel.ts';
import { handleDescribePartitions } from './describePartitions.ts';
import { FetchHandler } from './fetch.ts';
import { handleListOffsets } from './listOffsets.ts';
import { describeClusterResponse, metadataResponse } from './metadata.ts';
import { nearerReplica } from './nearerReplica.ts';
import { ProduceHandler } from './produce.ts';
import { ReplicaFetchHandler } from './replicaFetch.ts';
import type { MetadataUpdates } from './updateMetadata.ts';

export interface DispatcherParts {
  readonly clock: Clock;
  readonly probe: BrokerProbe;
  readonly config: BrokerConfig;
  readonly clusterId: string;
  readonly image: ClusterImage;
  readonly replicas: ReplicaManager;
  readonly produceWaits: Purgatory;
  readonly fetchWaits: Purgatory;
  readonly channel: ControllerChannel;
  readonly updates: MetadataUpdates;
  readonly coordinatorState: () => string;
  /** An id that no other producer has. */
  readonly allocateProducerId: () => Promise<number>;
  /** Writes what the requests of one read appended. */
  readonly flushTurn: () => void;
  /** The program broke a promise of its own. */
  readonly onFatal: (error: unknown) => void;
}

const NO_STATE_YET = 'The broker has not received the state of the cluster yet';

type Handler = (request: ServerRequest) => void | Promise<void>;

/** What the native listener serves beside Hello and Authenticate. */
export const servedApis: readonly Api[] = [
  metadataApi,
  produceApi,
  fetchApi,
  listOffsetsApi,
  describePartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  describeConfigsApi,
  alterConfigsApi,
  describeClusterApi,
  initProducerIdApi,
  updateMetadataApi,
  replicaFetchApi,
  replicaProgressApi,
  alterPartitionApi,
  createPartitionsApi,
  alterReassignmentsApi,
  listReassignmentsApi,
  electLeadersApi,
  controlledShutdownApi,
  logDirFailureApi,
] as readonly Api[];

export class Dispatcher implements NetworkHandler {
  readonly #parts: DispatcherParts;
  readonly #logger: Logger;
  readonly #followers: ReplicaFetchHandler;
  readonly #handlers: ReadonlyMap<number, Handler>;

  constructor(parts: DispatcherParts, logger: Logger) {
    this.#parts = parts;
    this.#logger = logger.child('api');
    this.#followers = new ReplicaFetchHandler({
      clock: parts.clock,
      replicas: parts.replicas,
      purgatory: parts.fetchWaits,
      isAlive: (id, epoch) => parts.image.isAlive(id, epoch),
    });
    this.#handlers = handlersOf(parts, this.#followers);
  }

  onRequest(request: ServerRequest): void {
    const handler = this.#handlers.get(request.api.key);
    this.#parts.probe.countRequest(request.api.name);
    try {
      if (handler === undefined) throw new ProtocolError('UNKNOWN_API');
      const handling = handler(request);
      handling?.catch((error: unknown) => this.#refuse(request, error));
    } catch (error) {
      this.#refuse(request, error);
    }
  }

  onReceiveTurnEnd(): void {
    try {
      this.#parts.flushTurn();
    } catch (error) {
      this.#parts.onFatal(error);
    }
  }

  onConnectionClosed(connection: RequestConnection): void {
    this.#followers.onConnectionClosed(connection);
  }

  #refuse(request: ServerRequest, error: unknown): void {
    if (error instanceof ProtocolError) {
      this.#parts.probe.countError(error.code);
      request.respondError(error.code, error.message);
      return;
    }
    request.respondError('UNKNOWN_SERVER_ERROR');
    this.#logger.error('A request failed in a way that nothing expects', {
      api: request.api.name,
      error,
    });
    if (error instanceof AssertionError) this.#parts.onFatal(error);
  }
}

function handlersOf(
  parts: DispatcherParts,
  followers: ReplicaFetchHandler,
): ReadonlyMap<number, Handler> {
  const { image, replicas, channel, clusterId, config } = parts;
  const { clock, probe } = parts;
  const produce = new ProduceHandler({ clock, replicas, purgatory: parts.produceWaits, probe });
  const fetch = new FetchHandler({
    clock,
    replicas,
    purgatory: parts.fetchWaits,
    probe,
    nearerReplica: (partition, rack, fetchOffset) =>
      nearerReplica(image, { selfId: config.brokerId, partition, rack, fetchOffset }),
  });
  const handlers: readonly (readonly [Api, Handler])[] = [
    [produceApi as Api, (request) => produce.handle(request)],
    [fetchApi as Api, (request) => fetch.handle(request)],
    [listOffsetsApi as Api, (request) => handleListOffsets(request, replicas)],
    [describePartitionsApi as Api, (request) => handleDescribePartitions(request, replicas)],
    [
      metadataApi as Api,
      (request) => {
        // An empty image would tell clients that their topics are gone.
        if (image.version === 0) throw new ProtocolError('LEADER_NOT_AVAILABLE', NO_STATE_YET);
        const { topics } = request.body as RequestOf<typeof metadataApi>;
        request.respond(metadataResponse(image, clusterId, topics));
      },
    ],
    [
      describeClusterApi as Api,
      (request) =>
        request.respond(describeClusterResponse(image, clusterId, parts.coordinatorState())),
    ],
    [describeConfigsApi as Api, (request) => handleDescribeConfigs(request, image, config)],
    [
      initProducerIdApi as Api,
      async (request) => {
        const producerId = await parts.allocateProducerId();
        request.respond({ errorCode: 0, errorMessage: null, producerId, producerEpoch: 0 });
      },
    ],
    [updateMetadataApi as Api, (request) => parts.updates.handle(request)],
    [replicaFetchApi as Api, (request) => followers.fetch(request)],
    [replicaProgressApi as Api, (request) => followers.progress(request)],
    answered(alterPartitionApi, (body) => channel.answerAlterPartition(body)),
    ...controllerHandlers(channel),
  ];
  return new Map(handlers.map(([api, handler]) => [api.key, handler]));
}

/** What the controller decides, wherever it is. */
function controllerHandlers(channel: ControllerChannel): readonly (readonly [Api, Handler])[] {
  return [
    answered(createTopicsApi, (body) => channel.createTopics(body)),
    answered(deleteTopicsApi, (body) => channel.deleteTopics(body)),
    answered(alterConfigsApi, (body) => channel.alterConfigs(body)),
    answered(createPartitionsApi, (body) => channel.createPartitions(body)),
    answered(alterReassignmentsApi, (body) => channel.alterReassignments(body)),
    [
      listReassignmentsApi as Api,
      async (request) => {
        const body = request.body as RequestOf<typeof listReassignmentsApi>;
        const forwarded = request.connection.brokerId >= 0;
        request.respond(await channel.listReassignments(body, { forwarded }));
      },
    ],
    answered(electLeadersApi, (body) => channel.electLeaders(body)),
    answered(controlledShutdownApi, (body) => channel.answerControlledShutdown(body)),
    answered(logDirFailureApi, (body) => channel.answerLogDirFailure(body)),
  ];
}

/** The handler of an API whose whole answer is what somebody decides. */
function answered<Request, Response>(
  api: Api<Request, Response>,
  decide: (body: Request) => Promise<Response>,
): readonly [Api, Handler] {
  return [
    api as Api,
    async (request) => {
      request.respond(await decide(request.body as Request));
    },
  ];
}
