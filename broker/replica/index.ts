export type { AppendWaiter } from './acknowledgementQueue.ts';
export * from './partition.ts';
export { logConfigOf, untilKnown } from './logConfigOf.ts';
export type { ReplicationThrottle } from './replicationThrottle.ts';
export * from './purgatory.ts';
export * from './replicaManager.ts';
export type { AlterPartitionRequest, AlterPartitionResponse } from './isrProposals.ts';
export type {
  ReplicaChannel,
  ReplicaFetchRequest,
  ReplicaFetchResponse,
  ReplicaProgressRequest,
} from './leaderFetcher.ts';
