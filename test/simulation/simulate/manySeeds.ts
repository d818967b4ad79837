/** Many seeds on two processes. */

import { runChild } from './childLines.ts';
import type { WorldOutcome } from './worldSeed.ts';

const WORKERS = 2;

/** @param onOutcome called for each seed, in no order. */
export async function runManySeeds(
  { first, count }: { readonly first: number; readonly count: number },
  onOutcome: (outcome: WorldOutcome) => void,
): Promise<void> {
  const workers = Array.from({ length: Math.min(WORKERS, count) }, (_, index) => {
    const share = Math.ceil((count - index) / WORKERS);
    return runShare(first + index, share, onOutcome);
  });
  await Promise.all(workers);
}

async function runShare(
  first: number,
  count: number,
  onOutcome: (outcome: WorldOutcome) => void,
): Promise<void> {
  for (let done = 0; done < count; ) {
    const before = done;
    const args = [first + done * WORKERS, WORKERS, count - done].map(String);
    await runChild({ program: './worker.ts', args }, (line) => {
      done += 1;
      onOutcome(JSON.parse(line) as WorldOutcome);
    });
    if (done === before) throw new Error(`No word of seed ${args[0]}: its process has ended`);
  }
}
