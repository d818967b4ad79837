/** What goes into the controller's state machine and what comes out of it. */

import type { CoordinatorErrorCode, CoordinatorWrite } from '../../common/index.ts';
import type {
  alterConfigsApi,
  alterPartitionApi,
  alterReassignmentsApi,
  controlledShutdownApi,
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  electLeadersApi,
  listReassignmentsApi,
  logDirFailureApi,
  RequestOf,
  ResponseOf,
  updateMetadataApi,
} from '../../protocol/index.ts';
import type { PartitionStateNode, TopicAssignment } from '../znodes/index.ts';
import type {
  ConfigVersion,
  LoadedAssignment,
  LoadedConfigs,
  LoadedState,
  ModelBroker,
} from './clusterModel.ts';
import type { TopicPlan } from './topicCreation.ts';

export type CreateTopicsRequest = RequestOf<typeof createTopicsApi>;
export type CreateTopicsResponse = ResponseOf<typeof createTopicsApi>;
export type DeleteTopicsRequest = RequestOf<typeof deleteTopicsApi>;
export type DeleteTopicsResponse = ResponseOf<typeof deleteTopicsApi>;
export type AlterConfigsRequest = RequestOf<typeof alterConfigsApi>;
export type AlterConfigsResponse = ResponseOf<typeof alterConfigsApi>;
export type AlterPartitionRequest = RequestOf<typeof alterPartitionApi>;
export type AlterPartitionResponse = ResponseOf<typeof alterPartitionApi>;
export type CreatePartitionsRequest = RequestOf<typeof createPartitionsApi>;
export type CreatePartitionsResponse = ResponseOf<typeof createPartitionsApi>;
export type AlterReassignmentsRequest = RequestOf<typeof alterReassignmentsApi>;
export type AlterReassignmentsResponse = ResponseOf<typeof alterReassignmentsApi>;
export type ListReassignmentsRequest = RequestOf<typeof listReassignmentsApi>;
export type ListReassignmentsResponse = ResponseOf<typeof listReassignmentsApi>;
export type ElectLeadersRequest = RequestOf<typeof electLeadersApi>;
export type ElectLeadersResponse = ResponseOf<typeof electLeadersApi>;
export type ControlledShutdownRequest = RequestOf<typeof controlledShutdownApi>;
export type ControlledShutdownResponse = ResponseOf<typeof controlledShutdownApi>;
export type LogDirFailureRequest = RequestOf<typeof logDirFailureApi>;
export type LogDirFailureResponse = ResponseOf<typeof logDirFailureApi>;
export type UpdateMetadataRequest = RequestOf<typeof updateMetadataApi>;
export type UpdateMetadataResponse = ResponseOf<typeof updateMetadataApi>;

export type ControllerEvent =
  /** Once, after everything was loaded. */
  | { readonly type: 'started' }
  | { readonly type: 'brokersChanged'; readonly brokers: readonly ModelBroker[] }
  | {
      readonly type: 'createTopics';
      readonly requestId: number;
      readonly request: CreateTopicsRequest;
    }
  | {
      readonly type: 'deleteTopics';
      readonly requestId: number;
      readonly request: DeleteTopicsRequest;
    }
  | {
      readonly type: 'alterConfigs';
      readonly requestId: number;
      readonly request: AlterConfigsRequest;
    }
  | {
      readonly type: 'alterPartition';
      readonly requestId: number;
      readonly request: AlterPartitionRequest;
    }
  | {
      readonly type: 'createPartitions';
      readonly requestId: number;
      readonly request: CreatePartitionsRequest;
    }
  | {
      readonly type: 'alterReassignments';
      readonly requestId: number;
      readonly request: AlterReassignmentsRequest;
    }
  | {
      readonly type: 'listReassignments';
      readonly requestId: number;
      readonly request: ListReassignmentsRequest;
    }
  | {
      readonly type: 'electLeaders';
      readonly requestId: number;
      readonly request: ElectLeadersRequest;
    }
  | {
      readonly type: 'controlledShutdown';
      readonly requestId: number;
      readonly request: ControlledShutdownRequest;
    }
  | {
      readonly type: 'logDirFailure';
      readonly requestId: number;
      readonly request: LogDirFailureRequest;
    }
  /** The time that the request may take is over. */
  | { readonly type: 'requestTimedOut'; readonly requestId: number }
  | {
      readonly type: 'written';
      /** As in the effect. */
      readonly units: readonly WriteUnit[];
      /** One for each unit. */
      readonly results: readonly UnitResult[];
    }
  /** A state znode was read again. */
  | {
      readonly type: 'stateRead';
      readonly topic: string;
      readonly partition: number;
      readonly loaded: LoadedState;
    }
  /** A topic znode was read again. */
  | { readonly type: 'topicRead'; readonly topic: string; readonly loaded: LoadedAssignment }
  /** The configuration of a topic was read again. */
  | { readonly type: 'configsRead'; readonly topic: string; readonly loaded: LoadedConfigs }
  /** `error` absent: nothing of the topic stands in ZooKeeper any more. */
  | { readonly type: 'topicRemoved'; readonly topic: string; readonly error?: string }
  /** A broker has applied the metadata up to `version`. */
  | {
      readonly type: 'pushed';
      readonly brokerId: number;
      readonly brokerEpoch: number;
      readonly version: number;
      /** Ids of deleting topics whose files it could not remove. */
      readonly failedTopics: readonly string[];
    }
  /** Leaders go back to the brokers that should lead, where more than `percentage` are elsewhere. */
  | { readonly type: 'rebalance'; readonly percentage: number }
  /** Comes every few seconds: what failed is tried again. */
  | { readonly type: 'tick' };

export type ControllerEffect =
  /** Answered by `written`. Units are written in order, each as a whole or not at all. */
  | { readonly type: 'write'; readonly units: readonly WriteUnit[] }
  /** Answered by `stateRead`. */
  | { readonly type: 'readState'; readonly topic: string; readonly partition: number }
  /** Answered by `topicRead`. */
  | { readonly type: 'readTopic'; readonly topic: string }
  /** Answered by `configsRead`. */
  | { readonly type: 'readConfigs'; readonly topic: string }
  /** Answered by `topicRemoved`. */
  | { readonly type: 'removeTopic'; readonly topic: string }
  | { readonly type: 'reply'; readonly requestId: number; readonly response: ControllerResponse }
  /** The metadata has a new version: whoever is behind is to be told. */
  | { readonly type: 'push' }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

export type ControllerResponse =
  | CreateTopicsResponse
  | DeleteTopicsResponse
  | AlterConfigsResponse
  | AlterPartitionResponse
  | CreatePartitionsResponse
  | AlterReassignmentsResponse
  | ListReassignmentsResponse
  | ElectLeadersResponse
  | ControlledShutdownResponse
  | LogDirFailureResponse;

/** Operations that must happen together; different units are independent of one another. */
export interface WriteUnit {
  readonly operations: readonly CoordinatorWrite[];
  readonly purpose: WritePurpose;
}

/** What a unit is for: comes back with its result. */
export type WritePurpose =
  | {
      readonly kind: 'state';
      readonly topic: string;
      readonly partition: number;
      readonly next: PartitionStateNode;
      /** Registrations of the ISR in `next`. */
      readonly isrEpochs: ReadonlyMap<number, number>;
      /** The leader may lack acknowledged records. */
      readonly unclean: boolean;
      /** It was also to tell the leader of other replicas. */
      readonly renewed: boolean;
      /** Hears of the outcome, once: whoever asked for the change. */
      readonly onDone?: (result: UnitResult) => void;
      /** Version of the state znode afterwards. */
      readonly version: number;
    }
  | { readonly kind: 'partitionsParent'; readonly topic: string }
  | {
      readonly kind: 'createTopic';
      readonly requestId: number;
      readonly plan: TopicPlan;
      /** A configuration stood there without a topic. */
      readonly replacesConfig: boolean;
    }
  | {
      readonly kind: 'assignment';
      readonly topic: string;
      readonly assignment: TopicAssignment;
      /** Hear of the outcome, once: whoever asked for a part of the change. */
      readonly onDone: readonly ((result: UnitResult) => void)[];
    }
  | { readonly kind: 'markDeleted'; readonly requestId: number; readonly topic: string }
  | {
      readonly kind: 'configs';
      readonly requestId: number;
      readonly topic: string;
      readonly configs: ReadonlyMap<string, string>;
      /** Of the configuration znode, afterwards. */
      readonly version: ConfigVersion;
    };

export type UnitResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: CoordinatorErrorCode;
      readonly message: string;
      /** Of the operation within the unit; undefined where ZooKeeper did not tell. */
      readonly failedIndex: number | undefined;
    };
