/** Settings of log compaction, under Kafka's names. */

import { boolean, type ConfigSource, define, double, int, long, requiredOf } from './definition.ts';

export const logCleanerKeys = {
  logCleanerEnable: define({
    name: 'log.cleaner.enable',
    type: boolean,
    defaultValue: true,
    about: 'Whether topics with the `compact` policy are compacted.',
  }),
  logCleanerThreads: define({
    name: 'log.cleaner.threads',
    type: int(1),
    defaultValue: 1,
    about: 'Logs that are compacted at once; worker threads do the work.',
  }),
  logCleanerDedupeBufferSize: define({
    name: 'log.cleaner.dedupe.buffer.size',
    type: long(1_048_576),
    defaultValue: 134_217_728,
    about:
      'Bytes in which compaction may hold keys, 24 for each; taken only while a log is compacted.',
  }),
  logCleanerIoBufferLoadFactor: define({
    name: 'log.cleaner.io.buffer.load.factor',
    type: double(0.1, 0.95),
    defaultValue: 0.9,
    about: 'Share of that memory which may be filled; more holds more keys, and finds them slower.',
  }),
  logCleanerIoBufferSize: define({
    name: 'log.cleaner.io.buffer.size',
    type: int(1024),
    defaultValue: 524_288,
    about: 'Bytes that compaction reads at once; a larger batch is read whole.',
  }),
  logCleanerIoMaxBytesPerSecond: define({
    name: 'log.cleaner.io.max.bytes.per.second',
    type: double(1, Number.MAX_VALUE),
    defaultValue: Number.MAX_VALUE,
    about: 'Bytes per second that compaction may read and write together.',
  }),
  logCleanerBackoffMs: define({
    name: 'log.cleaner.backoff.ms',
    type: long(1),
    defaultValue: 15_000,
    about: 'Milliseconds between two looks for a log to compact, where none was due.',
  }),
};

/** How topics are compacted. */
export interface LogCleanerConfig {
  readonly runsMax: number;
  readonly mapBytesMax: number;
  readonly mapLoadFactor: number;
  readonly chunkBytes: number;
  readonly bytesPerSecondMax: number;
  readonly backoffMs: number;
}

/** @returns undefined where logs are not compacted. */
export function logCleanerConfigFrom(read: ConfigSource): LogCleanerConfig | undefined {
  const required = requiredOf(read);
  if (!required(logCleanerKeys.logCleanerEnable)) return undefined;
  return {
    runsMax: required(logCleanerKeys.logCleanerThreads),
    mapBytesMax: required(logCleanerKeys.logCleanerDedupeBufferSize),
    mapLoadFactor: required(logCleanerKeys.logCleanerIoBufferLoadFactor),
    chunkBytes: required(logCleanerKeys.logCleanerIoBufferSize),
    bytesPerSecondMax: required(logCleanerKeys.logCleanerIoMaxBytesPerSecond),
    backoffMs: required(logCleanerKeys.logCleanerBackoffMs),
  };
}
