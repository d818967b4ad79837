export * from './controller/controller.ts';
export * from './controller/networkPusher.ts';
export * from './membership/membership.ts';
export * from './zookeeper/nodeZookeeperConnector.ts';
export * from './zookeeper/session.ts';
