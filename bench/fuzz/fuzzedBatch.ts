/** Record batches of which most lie. */

import { RecordBatchBuilder } from '../../protocol/index.ts';
import type { FuzzRandom } from './fuzzRandom.ts';

/** @returns one batch, often with a byte changed, or no batch at all. */
export function fuzzedBatch(random: FuzzRandom): Uint8Array {
  if (random.chance(0.2)) return random.bytes(random.below(200));
  const builder = new RecordBatchBuilder({ initialBytes: 512 });
  const count = 1 + random.below(3);
  for (let index = 0; index < count; index += 1) {
    builder.append(null, random.bytes(random.below(50)), [], 1_700_000_000_000 + index);
  }
  const batch = Buffer.from(builder.build());
  if (random.chance(0.7)) batch[random.below(batch.length)] = random.below(256);
  return batch;
}
