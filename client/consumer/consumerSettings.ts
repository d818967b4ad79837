/** Options of a consumer, checked and with their defaults. */

import { checkedChoice, checkedNumber, checkedTopic } from '../options.ts';
import type { Deserializer } from '../serialization/format.ts';
import { formatDeserializer } from '../serialization/serialize.ts';
import type { ConsumerOptions } from './consumer.ts';
import type { AssignedPartition, StartPosition } from './startPosition.ts';

const MIB = 1024 * 1024;
const BYTES_MAX = 1024 * MIB;

export interface ConsumerSettings<Key, Value> {
  readonly topics: readonly string[];
  /** Undefined for all, also those that are added later. */
  readonly partitions: readonly number[] | undefined;
  readonly from: (partition: AssignedPartition) => StartPosition;
  readonly stopAtEnd: boolean;
  readonly onOffsetOutOfRange: 'error' | 'earliest' | 'latest';
  readonly isolation: 'uncommitted' | 'committed';
  readonly rack: string | null;
  readonly prefetchBytes: number;
  readonly fetchBytesMax: number;
  readonly partitionBytesMax: number;
  readonly fetchBytesMin: number;
  readonly fetchWaitMsMax: number;
  readonly checkCrc: boolean;
  readonly unreachableMsMax: number;
  readonly keyDeserializer: Deserializer<Key> | undefined;
  readonly valueDeserializer: Deserializer<Value> | undefined;
}

/** @throws {TypeError} an option that is missing, contradicts another or is outside of its range. */
export function consumerSettings<Key, Value>(
  options: ConsumerOptions<Key, Value>,
): ConsumerSettings<Key, Value> {
  const topics = checkedTopics(options);
  const { from = 'end' } = options;
  if (typeof from !== 'function') checkedPosition(from);
  const bytes = (name: keyof ConsumerOptions & `${string}Bytes${string}`, fallback: number) =>
    checkedNumber(name, options[name], { min: 1, max: BYTES_MAX, default: fallback });
  return {
    topics,
    partitions: checkedPartitions(options.partitions, topics),
    from: typeof from === 'function' ? (partition) => checkedPosition(from(partition)) : () => from,
    stopAtEnd: options.stopAtEnd ?? false,
    onOffsetOutOfRange: checkedChoice('onOffsetOutOfRange', options.onOffsetOutOfRange ?? 'error', [
      'error',
      'earliest',
      'latest',
    ]),
    isolation: checkedChoice('isolation', options.isolation ?? 'uncommitted', [
      'uncommitted',
      'committed',
    ]),
    rack: checkedRack(options.rack),
    prefetchBytes: bytes('prefetchBytes', 32 * MIB),
    fetchBytesMax: bytes('fetchBytesMax', 4 * MIB),
    partitionBytesMax: bytes('partitionBytesMax', MIB),
    fetchBytesMin: bytes('fetchBytesMin', 1),
    fetchWaitMsMax: checkedNumber('fetchWaitMsMax', options.fetchWaitMsMax, {
      min: 0,
      max: 600_000,
      default: 500,
    }),
    checkCrc: options.checkCrc ?? true,
    unreachableMsMax: checkedNumber('unreachableMsMax', options.unreachableMsMax, {
      min: 1,
      max: Number.POSITIVE_INFINITY,
      default: 120_000,
    }),
    keyDeserializer: formatDeserializer(options.keyFormat, 'keyFormat'),
    valueDeserializer: formatDeserializer(options.valueFormat, 'valueFormat'),
  };
}

/** @throws {TypeError} anything that is no start position. */
export function checkedPosition(position: StartPosition): StartPosition {
  if (position === 'beginning' || position === 'end') return position;
  if (typeof position === 'object' && position !== null) {
    if ('offset' in position && isWhole(position.offset)) return position;
    if ('time' in position && isWhole(timeMs(position.time))) return position;
  }
  throw new TypeError(
    "a start position is 'beginning', 'end', { offset: N } or { time: milliseconds or Date }, " +
      `not ${JSON.stringify(position) ?? String(position)}`,
  );
}

/** Milliseconds since 1970. */
export function timeMs(time: number | Date): number {
  return time instanceof Date ? time.getTime() : time;
}

function checkedTopics(options: Pick<ConsumerOptions, 'topic' | 'topics'>): readonly string[] {
  const { topic, topics } = options ?? {};
  if ((topic === undefined) === (topics === undefined)) {
    throw new TypeError('a consumer takes either topic or topics');
  }
  if (topic !== undefined) return [checkedTopic(topic)];
  if (!Array.isArray(topics) || topics.length === 0) {
    throw new TypeError('topics must be an array with at least one topic');
  }
  return [...new Set(topics.map(checkedTopic))];
}

function checkedRack(rack: string | undefined): string | null {
  if (rack === undefined) return null;
  if (typeof rack === 'string' && rack !== '') return rack;
  throw new TypeError('rack must be the name of a rack');
}

function checkedPartitions(
  partitions: readonly number[] | undefined,
  topics: readonly string[],
): readonly number[] | undefined {
  if (partitions === undefined) return undefined;
  if (topics.length > 1) throw new TypeError('partitions can be named for a single topic only');
  if (!Array.isArray(partitions) || partitions.length === 0 || !partitions.every(isWhole)) {
    throw new TypeError('partitions must be an array of partition numbers from 0');
  }
  return [...new Set(partitions)];
}

function isWhole(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
