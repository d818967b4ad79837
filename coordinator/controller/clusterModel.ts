/** What the controller holds in memory: topics, partitions and brokers, as ZooKeeper has them. */

import type { LiveBroker } from '../../protocol/index.ts';
import type { PartitionStateNode, TopicAssignment } from '../znodes/index.ts';

/** A live broker that we can reach. */
export type ModelBroker = LiveBroker;

/** A state znode as it was read. */
export type LoadedState =
  | { readonly kind: 'state'; readonly state: PartitionStateNode; readonly version: number }
  | { readonly kind: 'absent' }
  | { readonly kind: 'damaged'; readonly problem: string };

/** Version of a configuration znode; `any` where it was replaced without knowing it. */
export type ConfigVersion = number | 'absent' | 'any';

/** A configuration znode as it was read. */
export type LoadedConfigs =
  | {
      readonly kind: 'configs';
      readonly configs: ReadonlyMap<string, string>;
      readonly version: ConfigVersion;
    }
  | { readonly kind: 'damaged'; readonly problem: string };

/** A topic as it was read. */
export interface LoadedTopic {
  readonly name: string;
  /** Version of the topic znode. */
  readonly version: number;
  readonly assignment: TopicAssignment;
  readonly configs: ReadonlyMap<string, string>;
  readonly configVersion: ConfigVersion;
  /** By partition. */
  readonly states: readonly LoadedState[];
}

/** Everything that a controller reads when it is elected. */
export interface LoadedCluster {
  readonly brokers: readonly ModelBroker[];
  readonly topics: readonly LoadedTopic[];
  /** Topics whose znode or configuration cannot be understood, with the problem. */
  readonly damagedTopics: ReadonlyMap<string, string>;
  /** Names under /admin/delete_topics. */
  readonly deletions: readonly string[];
}

export interface PartitionModel {
  readonly index: number;
  readonly replicas: readonly number[];
  /** Undefined where no state znode stands yet, or it is damaged. */
  state: PartitionStateNode | undefined;
  /** Version of the state znode, which is the partition epoch; -1 where there is none. */
  version: number;
  /** Whether a write or a re-read of the state is under way. Invariant: one at a time. */
  busy: boolean;
  /** The state that is being written. */
  pending: PartitionStateNode | undefined;
  /** The leader's broker has registered anew since `state` was decided. */
  leaderBounced: boolean;
  /** In-sync replicas whose brokers have registered anew since: they must prove themselves again. */
  readonly bounced: Set<number>;
  /** ZooKeeper refused the last write at `version`: what stands there is being read. */
  refused: boolean;
  /** Why the state can be neither read nor written; tried again at the next tick. */
  problem: string | undefined;
  /** Metadata version in which it last changed. */
  changedVersion: number;
}

export interface TopicModel {
  readonly name: string;
  /** Undefined until the id of an old topic is written. */
  topicId: string | undefined;
  /** Version of the topic znode. */
  version: number;
  assignment: TopicAssignment;
  configs: ReadonlyMap<string, string>;
  configVersion: ConfigVersion;
  readonly partitions: readonly PartitionModel[];
  deletion: TopicDeletion | undefined;
}

/** A topic that has an entry under /admin/delete_topics. */
export interface TopicDeletion {
  /** Metadata version with which the brokers were told; a later acknowledgement counts. */
  toldVersion: number;
  /** Brokers that have removed their replicas. */
  readonly ackedBy: Set<number>;
  /** Brokers that could not, and are to be asked again. */
  readonly failedAt: Set<number>;
  /** Whether the znodes are being removed. */
  removing: boolean;
}

export function topicModel(loaded: LoadedTopic): TopicModel {
  return {
    name: loaded.name,
    topicId: loaded.assignment.topicId,
    version: loaded.version,
    assignment: loaded.assignment,
    configs: loaded.configs,
    configVersion: loaded.configVersion,
    partitions: loaded.assignment.replicas.map((replicas, index) =>
      partitionModel(index, replicas, loaded.states[index] ?? { kind: 'absent' }),
    ),
    deletion: undefined,
  };
}

function partitionModel(
  index: number,
  replicas: readonly number[],
  loaded: LoadedState,
): PartitionModel {
  return {
    index,
    replicas,
    state: loaded.kind === 'state' ? loaded.state : undefined,
    version: loaded.kind === 'state' ? loaded.version : -1,
    busy: false,
    pending: undefined,
    leaderBounced: false,
    bounced: new Set(),
    refused: false,
    problem: loaded.kind === 'damaged' ? loaded.problem : undefined,
    changedVersion: 0,
  };
}
