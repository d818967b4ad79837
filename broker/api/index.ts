export * from './controllerChannel.ts';
export { topicEntries } from './configs.ts';
export * from './dispatcher.ts';
export { describeClusterResponse, metadataResponse } from './metadata.ts';
export * from './updateMetadata.ts';
export { openReplicaChannel } from './replicaChannel.ts';
