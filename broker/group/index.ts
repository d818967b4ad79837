/** Consumer groups and committed offsets. ZooKeeper's side is the folder `coordinator/`. */

export type { GroupEnvironment, GroupSurroundings } from './groupContext.ts';
export * from './groupCoordinator.ts';
export type * from './groupMessages.ts';
export * from './groupOptions.ts';
export type * from './groupService.ts';
export * from './offsetsLog.ts';
export * from './replicatedOffsetsLog.ts';
