/** The controller of the cluster: one broker at a time decides, all others wait for their turn. */

import type {
  BrokerEpoch,
  BrokerId,
  ControllerEpoch,
  Environment,
  Logger,
} from '../../common/index.ts';
import type { Membership } from '../membership/membership.ts';
import type { CoordinatorSession } from '../zookeeper/session.ts';
import type {
  alterConfigsApi,
  createTopicsApi,
  deleteTopicsApi,
  RequestOf,
  ResponseOf,
  updateMetadataApi,
} from '../../protocol/index.ts';

export type CreateTopicsRequest = RequestOf<typeof createTopicsApi>;
export type CreateTopicsResponse = ResponseOf<typeof createTopicsApi>;
export type DeleteTopicsRequest = RequestOf<typeof deleteTopicsApi>;
export type DeleteTopicsResponse = ResponseOf<typeof deleteTopicsApi>;
export type AlterConfigsRequest = RequestOf<typeof alterConfigsApi>;
export type AlterConfigsResponse = ResponseOf<typeof alterConfigsApi>;
export type UpdateMetadataRequest = RequestOf<typeof updateMetadataApi>;
export type UpdateMetadataResponse = ResponseOf<typeof updateMetadataApi>;

/** A live broker as the pusher reaches it. */
export interface PushTarget {
  readonly id: BrokerId;
  readonly epoch: BrokerEpoch;
  readonly host: string;
  readonly port: number;
}

/** The way to one registration of one broker. Connects when first used, and again after a loss. */
export interface MetadataChannel {
  /** @throws {ProtocolError} when the answer did not come: the controller tries again. */
  push(request: UpdateMetadataRequest): Promise<UpdateMetadataResponse>;
  /** Idempotent. */
  close(): void;
}

export interface MetadataPusher {
  open(target: PushTarget): MetadataChannel;
}

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
  /** `delete.topic.enable`. Default true. */
  readonly deleteTopicEnable?: boolean;
}

/** The controller as any broker sees it. */
export interface SeenController {
  /** NO_BROKER while there is none. */
  readonly id: BrokerId;
  readonly epoch: ControllerEpoch | undefined;
}

/**
 *     const controller = new Controller(environment, { session, membership, pusher }, options, logger)
 *     controller.start()                 // once the broker is registered
 */
export declare class Controller {
  constructor(
    environment: Pick<Environment, 'clock' | 'timers' | 'random'>,
    parts: {
      readonly session: CoordinatorSession;
      readonly membership: Membership;
      readonly pusher: MetadataPusher;
    },
    options: ControllerOptions,
    logger: Logger,
  );

  /** Whether this broker decides now. */
  readonly active: boolean;
  /** From /controller: where admin requests are to be forwarded. */
  readonly seen: SeenController;

  start(): void;
  /** Never rejects but with ProtocolError NOT_CONTROLLER or COORDINATOR_UNAVAILABLE. */
  createTopics(request: CreateTopicsRequest): Promise<CreateTopicsResponse>;
  deleteTopics(request: DeleteTopicsRequest): Promise<DeleteTopicsResponse>;
  alterConfigs(request: AlterConfigsRequest): Promise<AlterConfigsResponse>;
  onSeenChange(listener: (seen: SeenController) => void): () => void;
  /** Gives /controller up where we hold it, and takes no further part. Idempotent. */
  close(): Promise<void>;
}
