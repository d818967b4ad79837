/** Many seeds in several processes. */

import { runChild } from './childLines.ts';
import type { WorldOutcome } from './worldSeed.ts';

const WORKERS_DEFAULT = 2;

export interface SeedRange {
  readonly first: number;
  readonly count: number;
  /** Processes. Default 2. */
  readonly workers?: number;
}

/** @param onOutcome called for each seed, in no order. */
export async function runManySeeds(
  { first, count, workers = WORKERS_DEFAULT }: SeedRange,
  onOutcome: (outcome: WorldOutcome) => void,
): Promise<void> {
  const shares = Array.from({ length: Math.min(workers, count) }, (_, index) => {
    const share = Math.ceil((count - index) / workers);
    return runShare({ first: first + index, count: share, stride: workers }, onOutcome);
  });
  await Promise.all(shares);
}

async function runShare(
  { first, count, stride }: { first: number; count: number; stride: number },
  onOutcome: (outcome: WorldOutcome) => void,
): Promise<void> {
  for (let done = 0; done < count; ) {
    const before = done;
    const args = [first + done * stride, stride, count - done].map(String);
    await runChild({ program: './worker.ts', args }, (line) => {
      done += 1;
      onOutcome(JSON.parse(line) as WorldOutcome);
    });
    if (done === before) throw new Error(`No word of seed ${args[0]}: its process has ended`);
  }
}
