/** Log compaction: keeps the last record of each key. */

export type * from './cleanerStats.ts';
export { LogCleaner, type LogCleanerOptions } from './logCleaner.ts';
