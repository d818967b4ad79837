export * from './broker.ts';
export * from './config/index.ts';
export * from './group/index.ts';
export * from './kafka/index.ts';
export * from './logging/index.ts';
export * from './productionEnvironment.ts';
export { softwareVersion } from './version.ts';
