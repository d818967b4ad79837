/** Options of a producer, checked and with their defaults. */

import type { ClusterContext } from '../cluster/clusterContext.ts';
import { checkedChoice, checkedNumber } from '../options.ts';
import type { Partitioner } from './partitioner.ts';
import type { Compression, ProducerOptions } from './producer.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const DAY_MS = 86_400_000;
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

export interface ProducerSettings {
  /** As on the wire. */
  readonly acks: -1 | 0 | 1;
  readonly compression: Compression;
  /** Whether batches are numbered, so that brokers recognise repeated ones. */
  readonly idempotent: boolean;
  readonly lingerMs: number;
  readonly batchBytes: number;
  readonly recordBytesMax: number;
  readonly bufferBytes: number;
  readonly blockMsMax: number;
  readonly deliveryTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly inFlightMax: number;
  readonly partitioner: Partitioner | undefined;
}

/** @throws {TypeError} an option outside of its range. */
export function producerSettings(
  options: ProducerOptions,
  context: ClusterContext,
): ProducerSettings {
  const { partitioner } = options;
  if (partitioner !== undefined && typeof partitioner !== 'function') {
    throw new TypeError('partitioner must be a function that returns a partition');
  }
  const acks = checkedChoice('acks', options.acks ?? 'all', ['all', -1, 0, 1]);
  return {
    acks: acks === 'all' ? -1 : acks,
    idempotent: checkedIdempotent(options, acks === 'all' || acks === -1),
    compression: checkedChoice('compression', options.compression ?? 'none', codecs),
    lingerMs: checkedNumber('lingerMs', options.lingerMs, { min: 0, max: DAY_MS, default: 0 }),
    batchBytes: checkedNumber('batchBytes', options.batchBytes, {
      min: KIB,
      max: 16 * MIB,
      default: MIB,
    }),
    recordBytesMax: checkedNumber('recordBytesMax', options.recordBytesMax, {
      min: 1,
      max: 16 * MIB,
      default: MIB,
    }),
    bufferBytes: checkedNumber('bufferBytes', options.bufferBytes, {
      min: KIB,
      max: 64 * KIB * MIB,
      default: 64 * MIB,
    }),
    blockMsMax: checkedNumber('blockMsMax', options.blockMsMax, {
      min: 0,
      max: Number.POSITIVE_INFINITY,
      default: 60_000,
    }),
    deliveryTimeoutMs: checkedNumber('deliveryTimeoutMs', options.deliveryTimeoutMs, {
      min: 1,
      max: Number.POSITIVE_INFINITY,
      default: 120_000,
    }),
    requestTimeoutMs: checkedNumber('requestTimeoutMs', options.requestTimeoutMs, {
      min: 1,
      max: DAY_MS,
      default: context.requestTimeoutMs,
    }),
    inFlightMax: checkedNumber('inFlightMax', options.inFlightMax, {
      min: 1,
      max: 100,
      default: 5,
    }),
    partitioner,
  };
}

/** On by default where all replicas acknowledge: with less, a new leader may not know the batches. */
function checkedIdempotent({ idempotent }: ProducerOptions, acksAll: boolean): boolean {
  if (idempotent === undefined) return acksAll;
  if (typeof idempotent !== 'boolean') throw new TypeError('idempotent must be true or false');
  if (idempotent && !acksAll) throw new TypeError("idempotent: true needs acks: 'all'");
  return idempotent;
}
