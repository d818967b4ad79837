/**
 * Names in a log directory, as Kafka 3.9 gives them.
 *
 *     meta.properties  .lock  .kafka_cleanshutdown  *-checkpoint          of the directory
 *     flights-0/00000000000000000000.log                                  a segment and its indexes
 *     flights-0/00000000000000001200.snapshot                             its producers at an offset
 *     flights-0/00000000000000000000.log.deleted                          goes after a delay
 *     flights-0/00000000000000000000.log.cleaned                          compaction writes it
 *     flights-0/00000000000000000000.log.swap                             takes the place of others
 *     flights-0.c0ffee00c0ffee00c0ffee00c0ffee00-delete/                  a deleted partition
 *     flights-0.c0ffee00c0ffee00c0ffee00c0ffee00-stray/                   one that was set aside
 */

import type { TopicPartition } from '../../common/index.ts';

export const META_PROPERTIES = 'meta.properties';
export const LOCK_FILE = '.lock';
export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown';
export const RECOVERY_POINT_CHECKPOINT = 'recovery-point-offset-checkpoint';
export const HIGH_WATERMARK_CHECKPOINT = 'replication-offset-checkpoint';
export const LOG_START_CHECKPOINT = 'log-start-offset-checkpoint';
export const CLEANER_OFFSET_CHECKPOINT = 'cleaner-offset-checkpoint';
export const LEADER_EPOCH_CHECKPOINT = 'leader-epoch-checkpoint';
export const PARTITION_METADATA = 'partition.metadata';
export const LOG_SUFFIX = '.log';
export const OFFSET_INDEX_SUFFIX = '.index';
export const TIME_INDEX_SUFFIX = '.timeindex';
export const SNAPSHOT_SUFFIX = '.snapshot';
export const DELETED_SUFFIX = '.deleted';
export const CLEANED_SUFFIX = '.cleaned';
export const SWAP_SUFFIX = '.swap';
const DELETE_DIRECTORY_SUFFIX = '-delete';
const STRAY_DIRECTORY_SUFFIX = '-stray';

/** Longest name of a directory entry on the usual file systems, in bytes. */
const NAME_BYTES_MAX = 255;

export function joinPath(directory: string, name: string): string {
  return directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`;
}

/** `00000000000000000042`: 20 digits, so that names sort as offsets do. */
export function offsetName(baseOffset: number): string {
  return String(baseOffset).padStart(20, '0');
}

/** @returns undefined for any other file. */
export function parseLogFileName(name: string): number | undefined {
  return parseOffset(/^(\d{20})\.log$/.exec(name));
}

/** As `parseLogFileName`, for the snapshot of the producers at an offset. */
export function parseSnapshotName(name: string): number | undefined {
  return parseOffset(/^(\d{20})\.snapshot$/.exec(name));
}

function parseOffset(match: RegExpExecArray | null): number | undefined {
  if (match === null) return undefined;
  const offset = Number(match[1]);
  return Number.isSafeInteger(offset) ? offset : undefined;
}

/** `topic-partition`; the topic itself may hold dashes. @returns undefined for any other name. */
export function parsePartitionDirectory(name: string): TopicPartition | undefined {
  const match = /^([a-zA-Z0-9._-]{1,249})-(0|[1-9]\d{0,9})$/.exec(name);
  if (match === null) return undefined;
  const partition = Number(match[2]);
  return partition < 2 ** 31 ? { topic: match[1]!, partition } : undefined;
}

/** @param uniqueHex 32 hexadecimal digits. The topic is cut where the name would be too long. */
export function deleteDirectoryName(topicPartition: TopicPartition, uniqueHex: string): string {
  return uniqueName(topicPartition, `${uniqueHex}${DELETE_DIRECTORY_SUFFIX}`);
}

/** As `deleteDirectoryName`, for files that stay. A start passes them over. */
export function strayDirectoryName(topicPartition: TopicPartition, uniqueHex: string): string {
  return uniqueName(topicPartition, `${uniqueHex}${STRAY_DIRECTORY_SUFFIX}`);
}

function uniqueName({ topic, partition }: TopicPartition, ending: string): string {
  const suffix = `-${partition}.${ending}`;
  return `${topic.slice(0, NAME_BYTES_MAX - suffix.length)}${suffix}`;
}

export function isDeleteDirectory(name: string): boolean {
  return /^.+-\d+\.[0-9a-f]{32}-delete$/.test(name);
}
