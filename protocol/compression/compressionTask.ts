/** Compression for another thread. */

import type { OffloadTask } from '../../common/index.ts';
import type { CompressionName } from './codec.ts';
import { codecId, codecName, compress } from './registry.ts';

/** Codec ids take three bits of the task's parameter; the level, 0 for the default, the rest. */
const CODEC_ID_VALUES = 8;

/** The task that compresses as `compress` does. */
export function compressionTask(name: CompressionName, level?: number): OffloadTask {
  return {
    module: import.meta.url,
    function: 'runCompressionTask',
    parameter: codecId(name) + CODEC_ID_VALUES * (level ?? 0),
  };
}

/** Runs in the worker. */
export function runCompressionTask(input: Uint8Array, parameter: number): Uint8Array {
  const level = Math.floor(parameter / CODEC_ID_VALUES);
  const name = codecName(parameter % CODEC_ID_VALUES);
  return compress(name, input, level === 0 ? undefined : level);
}
