/**
 * The way of an administrative request to the controller, wherever it is: this broker itself, or
 * the one that /controller names, over a connection of its own.
 *
 * A request that another broker passed on is answered here or refused with NOT_CONTROLLER. Passing
 * it on again could send it round in a circle while the controller changes.
 */

import type { Logger } from '../../common/index.ts';
import type { Controller } from '../../coordinator/index.ts';
import { ClientConnection, type NetworkEnvironment } from '../../network/index.ts';
import {
  type Api,
  alterConfigsApi as alterConfigs,
  type alterConfigsApi,
  alterPartitionApi as alterPartition,
  type alterPartitionApi,
  alterReassignmentsApi as alterReassignments,
  type alterReassignmentsApi,
  controlledShutdownApi as controlledShutdown,
  type controlledShutdownApi,
  createPartitionsApi as createPartitions,
  type createPartitionsApi,
  createTopicsApi as createTopics,
  type createTopicsApi,
  deleteTopicsApi as deleteTopics,
  type deleteTopicsApi,
  electLeadersApi as electLeaders,
  type electLeadersApi,
  listReassignmentsApi as listReassignments,
  type listReassignmentsApi,
  logDirFailureApi as logDirFailure,
  type logDirFailureApi,
  ProtocolError,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { ClusterImage } from '../metadata/index.ts';

export interface ControllerChannelOptions {
  readonly brokerId: number;
  readonly brokerEpoch: () => number;
  readonly softwareVersion: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** What the answer takes beyond the time that the request itself allows. */
const ANSWER_MARGIN_MS = 1_000;
const DEFAULT_TIMEOUT_MS = 30_000;

export class ControllerChannel {
  readonly #environment: NetworkEnvironment;
  readonly #controller: Controller;
  readonly #image: ClusterImage;
  readonly #options: ControllerChannelOptions;
  readonly #logger: Logger;
  #connection: Promise<ClientConnection> | undefined;
  #connectedTo = -1;

  constructor(
    environment: NetworkEnvironment,
    parts: { readonly controller: Controller; readonly image: ClusterImage },
    options: ControllerChannelOptions,
    logger: Logger,
  ) {
    this.#environment = environment;
    this.#controller = parts.controller;
    this.#image = parts.image;
    this.#options = options;
    this.#logger = logger.child('controllerChannel');
  }

  /** @throws {ProtocolError} NOT_CONTROLLER, COORDINATOR_UNAVAILABLE, or what the way there ended with. */
  createTopics(
    request: RequestOf<typeof createTopicsApi>,
  ): Promise<ResponseOf<typeof createTopicsApi>> {
    if (this.#controller.active) return this.#controller.createTopics(request);
    return this.#forward(createTopics, request, request.timeoutMs);
  }

  deleteTopics(
    request: RequestOf<typeof deleteTopicsApi>,
  ): Promise<ResponseOf<typeof deleteTopicsApi>> {
    if (this.#controller.active) return this.#controller.deleteTopics(request);
    return this.#forward(deleteTopics, request, request.timeoutMs);
  }

  alterConfigs(
    request: RequestOf<typeof alterConfigsApi>,
  ): Promise<ResponseOf<typeof alterConfigsApi>> {
    if (this.#controller.active) return this.#controller.alterConfigs(request);
    return this.#forward(alterConfigs, request, DEFAULT_TIMEOUT_MS);
  }

  createPartitions(
    request: RequestOf<typeof createPartitionsApi>,
  ): Promise<ResponseOf<typeof createPartitionsApi>> {
    if (this.#controller.active) return this.#controller.createPartitions(request);
    return this.#forward(createPartitions, request, request.timeoutMs);
  }

  alterReassignments(
    request: RequestOf<typeof alterReassignmentsApi>,
  ): Promise<ResponseOf<typeof alterReassignmentsApi>> {
    if (this.#controller.active) return this.#controller.alterReassignments(request);
    return this.#forward(alterReassignments, request, request.timeoutMs);
  }

  electLeaders(
    request: RequestOf<typeof electLeadersApi>,
  ): Promise<ResponseOf<typeof electLeadersApi>> {
    if (this.#controller.active) return this.#controller.electLeaders(request);
    return this.#forward(electLeaders, request, request.timeoutMs);
  }

  /** @param options.forwarded another broker passed the request on: it is not passed on again. */
  async listReassignments(
    request: RequestOf<typeof listReassignmentsApi>,
    options: { readonly forwarded: boolean },
  ): Promise<ResponseOf<typeof listReassignmentsApi>> {
    if (this.#controller.active) return this.#controller.listReassignments(request);
    if (options.forwarded) throw new ProtocolError('NOT_CONTROLLER');
    const connection = await this.#connect();
    return connection.call(listReassignments, request, { timeoutMs: DEFAULT_TIMEOUT_MS });
  }

  /** This broker is about to stop. @param options.timeoutMs how long to wait for the answer. */
  async controlledShutdown(
    request: RequestOf<typeof controlledShutdownApi>,
    options: { readonly timeoutMs: number },
  ): Promise<ResponseOf<typeof controlledShutdownApi>> {
    if (this.#controller.active) return this.#controller.controlledShutdown(request);
    const connection = await this.#connect();
    return connection.call(controlledShutdown, request, options);
  }

  /** The same from another broker: answered by the controller alone. */
  async answerControlledShutdown(
    request: RequestOf<typeof controlledShutdownApi>,
  ): Promise<ResponseOf<typeof controlledShutdownApi>> {
    if (!this.#controller.active) throw new ProtocolError('NOT_CONTROLLER');
    return this.#controller.controlledShutdown(request);
  }

  /** Replicas of this broker that it can no longer serve. */
  async logDirFailure(
    request: RequestOf<typeof logDirFailureApi>,
  ): Promise<ResponseOf<typeof logDirFailureApi>> {
    if (this.#controller.active) return this.#controller.logDirFailure(request);
    const connection = await this.#connect();
    return connection.call(logDirFailure, request, { timeoutMs: DEFAULT_TIMEOUT_MS });
  }

  /** The same from another broker: answered by the controller alone. */
  async answerLogDirFailure(
    request: RequestOf<typeof logDirFailureApi>,
  ): Promise<ResponseOf<typeof logDirFailureApi>> {
    if (!this.#controller.active) throw new ProtocolError('NOT_CONTROLLER');
    return this.#controller.logDirFailure(request);
  }

  /** A leader's own request for a change of its ISR. */
  async alterPartition(
    request: RequestOf<typeof alterPartitionApi>,
  ): Promise<ResponseOf<typeof alterPartitionApi>> {
    if (this.#controller.active) return this.#controller.alterPartition(request);
    const connection = await this.#connect();
    return connection.call(alterPartition, request, { timeoutMs: DEFAULT_TIMEOUT_MS });
  }

  /** The same from another broker: answered by the controller alone. */
  async answerAlterPartition(
    request: RequestOf<typeof alterPartitionApi>,
  ): Promise<ResponseOf<typeof alterPartitionApi>> {
    if (!this.#controller.active) throw new ProtocolError('NOT_CONTROLLER');
    return this.#controller.alterPartition(request);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.then(
      (open) => open.close(),
      () => undefined,
    );
  }

  async #forward<Request extends { readonly forwarded: boolean }, Response>(
    api: Api<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    if (request.forwarded) throw new ProtocolError('NOT_CONTROLLER');
    const connection = await this.#connect();
    return connection.call(
      api,
      { ...request, forwarded: true },
      { timeoutMs: Math.max(0, timeoutMs) + ANSWER_MARGIN_MS },
    );
  }

  #connect(): Promise<ClientConnection> {
    const controllerId = this.#controller.seen.id;
    if (this.#connection !== undefined && this.#connectedTo === controllerId) {
      return this.#connection;
    }
    void this.close();
    const opening = this.#open(controllerId);
    this.#connection = opening;
    this.#connectedTo = controllerId;
    const forget = (): void => {
      if (this.#connection === opening) this.#connection = undefined;
    };
    opening.then((connection) => connection.onClose(forget), forget);
    return opening;
  }

  async #open(controllerId: number): Promise<ClientConnection> {
    const broker = this.#image.brokers.find(({ id }) => id === controllerId);
    if (broker === undefined) {
      throw new ProtocolError('NOT_CONTROLLER', 'No controller is known at the moment');
    }
    this.#logger.debug('Connecting to the controller', { controllerId });
    return ClientConnection.connect(
      this.#environment,
      { host: broker.host, port: broker.port },
      {
        software: { name: 'odradek-broker', version: this.#options.softwareVersion },
        brokerId: this.#options.brokerId,
        brokerEpoch: this.#options.brokerEpoch(),
        timeoutMs: CONNECT_TIMEOUT_MS,
      },
    );
  }
}
