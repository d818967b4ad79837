/**
 * Branded identifiers: numbers and strings that must never be mistaken for one another.
 *
 * Offsets and epochs are safe integers (at most 2^53 - 1) in memory and 64-bit in files and on the
 * wire; see docs/adr/0001-offsets-are-numbers.md. The functions assert the range, so they are for
 * values that the program made or has already checked; decoders check input themselves.
 */

import { assert } from './assert.ts';

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Position of a record in its partition; 0 for the first record ever written. */
export type Offset = Branded<number, 'Offset'>;
/** Id of a broker, 0 or above; `broker.id` of its configuration. */
export type BrokerId = Branded<number, 'BrokerId'>;
/** czxid of the broker's ephemeral node: grows with every registration in the cluster. */
export type BrokerEpoch = Branded<number, 'BrokerEpoch'>;
/** Counts the leaders of one partition; the first is 0. */
export type LeaderEpoch = Branded<number, 'LeaderEpoch'>;
/** Counts the controllers of the cluster; the first is 1. */
export type ControllerEpoch = Branded<number, 'ControllerEpoch'>;
/** Version of a partition's state znode: every change of leader or ISR raises it. */
export type PartitionEpoch = Branded<number, 'PartitionEpoch'>;
/** Milliseconds since 1970-01-01 UTC. */
export type TimestampMs = Branded<number, 'TimestampMs'>;
/** Kafka's 22 characters of URL-safe base64 for 16 random bytes. */
export type TopicId = Branded<string, 'TopicId'>;

export const NO_LEADER_EPOCH = -1 as LeaderEpoch;
/** Stands for "no broker" wherever a broker id is expected, for example an absent leader. */
export const NO_BROKER = -1 as BrokerId;
export const NO_TIMESTAMP = -1 as TimestampMs;

export function offset(value: number): Offset {
  assert(Number.isSafeInteger(value) && value >= 0, 'An offset is a safe integer from 0', {
    value,
  });
  return value as Offset;
}

export function brokerId(value: number): BrokerId {
  assert(isInt32(value) && value >= -1, 'A broker id is a 32-bit integer from -1', { value });
  return value as BrokerId;
}

export function brokerEpoch(value: number): BrokerEpoch {
  assert(Number.isSafeInteger(value) && value >= -1, 'A broker epoch is a safe integer', { value });
  return value as BrokerEpoch;
}

export function leaderEpoch(value: number): LeaderEpoch {
  assert(isInt32(value) && value >= -1, 'A leader epoch is a 32-bit integer from -1', { value });
  return value as LeaderEpoch;
}

export function controllerEpoch(value: number): ControllerEpoch {
  assert(isInt32(value) && value >= 0, 'A controller epoch is a 32-bit integer from 0', { value });
  return value as ControllerEpoch;
}

export function partitionEpoch(value: number): PartitionEpoch {
  assert(isInt32(value) && value >= -1, 'A partition epoch is a 32-bit integer from -1', { value });
  return value as PartitionEpoch;
}

export function timestampMs(value: number): TimestampMs {
  assert(Number.isSafeInteger(value) && value >= -1, 'A timestamp is a safe integer', { value });
  return value as TimestampMs;
}

/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `topic-partition`: the name of the partition's directory, and a key for maps. */
export function topicPartitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

function isInt32(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31;
}
