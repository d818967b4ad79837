/** What the controller holds in memory: topics, partitions and brokers, as ZooKeeper has them. */

import type { LiveBroker } from '../../protocol/index.ts';
import type { PartitionStateNode, TopicAssignment } from '../znodes/index.ts';

/** A live broker that we can reach. */
export type ModelBroker = LiveBroker & {
  /** Broker epoch of its last clean stop; absent after an unclean one. */
  readonly cleanStopEpoch?: number;
  /** Some of its replicas may be offline: none is elected before it has said which. */
  readonly offlineReplicas?: true;
};

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

/** A topic znode as it was read again. */
export type LoadedAssignment =
  | { readonly kind: 'assignment'; readonly assignment: TopicAssignment; readonly version: number }
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
  /** Preferred leader first. While it is being reassigned, with those that come and those that go. */
  replicas: readonly number[];
  /** Those of `replicas` that a reassignment adds. */
  adding: readonly number[];
  /** Those of `replicas` that a reassignment will remove. */
  removing: readonly number[];
  /** Bytes per second for the replicas that a reassignment adds; 0 for no limit. */
  throttle: number;
  /** Undefined where no state znode stands yet, or it is damaged. */
  state: PartitionStateNode | undefined;
  /** Version of the state znode, which is the partition epoch; -1 where there is none. */
  version: number;
  /**
   * Registrations in which the members of the ISR got in sync, as far as they are known. A member in
   * another registration now must prove itself again: what it had unsynced may be gone.
   */
  isrEpochs: ReadonlyMap<number, number>;
  /** Replicas that cannot be served, with the registration of the broker that said so. */
  readonly offline: Map<number, number>;
  /** Whether a write or a re-read of the state is under way. Invariant: one at a time. */
  busy: boolean;
  /** The leader must hear of other replicas: the state is to be written though nothing changes. */
  renew: boolean;
  /** What waits for the partition to be not busy. */
  waiting: (() => void)[];
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
  readonly partitions: PartitionModel[];
  deletion: TopicDeletion | undefined;
  /** `min.insync.replicas` is about to be lowered to this: it counts already. */
  minIsrCap: number | undefined;
  /** `min.insync.replicas` was raised: brokers below the metadata version count with `from`. */
  minIsrRaise: { readonly from: number; readonly version: number } | undefined;
  /** Whether the topic znode is being written or read. Invariant: one at a time. */
  assignmentBusy: boolean;
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
  const { assignment } = loaded;
  return {
    name: loaded.name,
    topicId: assignment.topicId,
    version: loaded.version,
    assignment,
    configs: loaded.configs,
    configVersion: loaded.configVersion,
    partitions: assignment.replicas.map((_replicas, index) =>
      partitionModel(index, assignment, loaded.states[index] ?? { kind: 'absent' }),
    ),
    deletion: undefined,
    minIsrCap: undefined,
    minIsrRaise: undefined,
    assignmentBusy: false,
  };
}

export function partitionModel(
  index: number,
  assignment: TopicAssignment,
  loaded: LoadedState,
): PartitionModel {
  const state = loaded.kind === 'state' ? loaded.state : undefined;
  const moves = movesOf(assignment, index);
  return {
    index,
    ...moves,
    state,
    version: loaded.kind === 'state' ? loaded.version : -1,
    isrEpochs: new Map(state?.isrEpochs?.map(({ id, brokerEpoch }) => [id, brokerEpoch])),
    offline: new Map(),
    busy: false,
    // Whoever began the reassignment may have died before the leader heard of it.
    renew: moves.adding.length > 0 || moves.removing.length > 0,
    waiting: [],
    refused: false,
    problem: loaded.kind === 'damaged' ? loaded.problem : undefined,
    changedVersion: 0,
  };
}

/** The replicas of one partition, with those that come and those that go. */
export function movesOf(
  { replicas, addingReplicas, removingReplicas, throttles }: TopicAssignment,
  index: number,
): Pick<PartitionModel, 'replicas' | 'adding' | 'removing' | 'throttle'> {
  const all = replicas[index] ?? [];
  const listed = (ids: readonly number[] = []): number[] => ids.filter((id) => all.includes(id));
  const adding = listed(addingReplicas[index]);
  return {
    replicas: all,
    adding,
    removing: listed(removingReplicas[index]),
    throttle: adding.length === 0 ? 0 : (throttles?.[index] ?? 0),
  };
}

/** The replicas that the partition has when its reassignment, if there is one, is done. */
export function targetReplicas({ replicas, removing }: PartitionModel): readonly number[] {
  return removing.length === 0 ? replicas : replicas.filter((id) => !removing.includes(id));
}

/**
 * Whether the replicas that a reassignment removes can go: all that it adds are in sync, and those
 * that stay are as many as the in-sync set needs.
 */
export function mayDropRemoving(
  partition: PartitionModel,
  minIsr: number,
  isAlive: (id: number) => boolean,
): boolean {
  const { state, adding, removing } = partition;
  if (state === undefined || (removing.length === 0 && adding.length === 0)) return false;
  const target = targetReplicas(partition);
  const inSync = target.filter((id) => state.isr.includes(id) && isAlive(id));
  return (
    adding.every((id) => inSync.includes(id)) &&
    inSync.length >= Math.max(1, Math.min(minIsr, state.isr.length))
  );
}
