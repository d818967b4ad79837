/** The log: what a broker keeps of its partitions on disk. Knows nothing of replicas or sockets. */

export * from './logConfig.ts';
export * from './logManager.ts';
export * from './partitionLog.ts';
