/** Tasks for the test of the worker threads. */

import { threadId } from 'node:worker_threads';

export function multiply(input: Uint8Array, factor: number): Uint8Array {
  return input.map((byte) => byte * factor);
}

export function threadNumber(): Uint8Array {
  return Uint8Array.of(threadId);
}

export function fail(): Uint8Array {
  throw Object.assign(new Error('bad bytes'), { code: 'E_BAD' });
}

export function die(): Uint8Array {
  process.exit(3);
}
