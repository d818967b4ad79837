/** The log: what a broker keeps of its partitions on disk. Knows nothing of replicas or sockets. */

export * from './logConfig.ts';
export type { LogEnvironment } from './logContext.ts';
export * from './logManager.ts';
export type * from './logRead.ts';
export type {
  AppendOptions,
  AppendResult,
  PartitionLog,
  PartitionLogListener,
} from './partitionLog.ts';
export * from './dumpLog.ts';
export * from './verifyLog.ts';
