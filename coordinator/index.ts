export * from './controller/controller.ts';
export type { TopicRules } from './controller/controllerContext.ts';
export type * from './controller/controllerEvents.ts';
export type * from './controller/metadataPusher.ts';
export * from './controller/networkPusher.ts';
export * from './membership/membership.ts';
export * from './producerIds/producerIds.ts';
export * from './zookeeper/nodeZookeeperConnector.ts';
export * from './zookeeper/session.ts';
