/** The embedded coordinator: ZooKeeper's client protocol, served from Node for one machine. */

export * from './embeddedCoordinator.ts';
export type * from './fourLetterWords.ts';
export * from './sessionDeadlines.ts';
export * from './treeRequest.ts';
export type * from './treeStore.ts';
export * from './znodePath.ts';
export * from './znodeTree.ts';
