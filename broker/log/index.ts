/** The log: what a broker keeps of its partitions on disk. Knows nothing of replicas or sockets. */

export type { CleanerStats, LogCleanerOptions } from './cleaner/index.ts';
export * from './dumpLog.ts';
export * from './logConfig.ts';
export type { LogEnvironment } from './logContext.ts';
export * from './logManager.ts';
export type * from './logRead.ts';
export type { PartitionLog } from './partitionLog.ts';
export type { AppendOptions, AppendResult, PartitionLogListener } from './partitionLogTypes.ts';
export * from './verifyLog.ts';
