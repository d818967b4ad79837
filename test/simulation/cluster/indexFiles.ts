/**
 * Index files tell of the batches that stand in their segment: read with none of the product's code,
 * as they stand on the disks.
 */

import { expect } from 'chai';
import type { SimBroker } from './simBroker.ts';

interface Batch {
  readonly position: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
}

/** Each entry points to a batch; a segment that is closed has its newest time in the last entry. */
export function checkIndexes({ node }: SimBroker): void {
  const files = node.fileSystem.snapshot();
  const logs = [...files.keys()].filter((path) => /-\d+\/\d{20}\.log$/.test(path)).sort();
  for (const [at, path] of logs.entries()) {
    const stem = path.slice(0, -'.log'.length);
    const offsets = files.get(`${stem}.index`);
    const times = files.get(`${stem}.timeindex`);
    if (offsets === undefined || times === undefined) continue;
    const directory = path.slice(0, path.lastIndexOf('/'));
    const isClosed = logs[at + 1]?.startsWith(`${directory}/`) ?? false;
    const batches = batchesOf(files.get(path) ?? Buffer.alloc(0));
    const base = Number(stem.slice(directory.length + 1));
    const where = `of ${node.name} ${stem}`;
    checkOffsets(offsets, { base, batches, where });
    checkTimes(times, { base, batches, where, isClosed });
  }
}

function checkOffsets(
  index: Buffer,
  segment: { readonly base: number; readonly batches: readonly Batch[]; readonly where: string },
): void {
  const { base, batches, where } = segment;
  const found = new Set(batches.map(({ lastOffset, position }) => `${lastOffset} at ${position}`));
  for (let at = 0; at < index.length; at += 8) {
    const entry = `${base + index.readInt32BE(at)} at ${index.readInt32BE(at + 4)}`;
    expect(found.has(entry), `index entry ${entry} ${where}`).to.equal(true);
  }
}

function checkTimes(
  index: Buffer,
  segment: {
    readonly base: number;
    readonly batches: readonly Batch[];
    readonly where: string;
    readonly isClosed: boolean;
  },
): void {
  const { base, batches, where, isClosed } = segment;
  const found = new Set(
    batches.map(({ lastOffset, maxTimestamp }) => `${lastOffset} ${maxTimestamp}`),
  );
  let newest = -1;
  for (let at = 0; at < index.length; at += 12) {
    newest = Number(index.readBigInt64BE(at));
    const entry = `${base + index.readInt32BE(at + 8)} ${newest}`;
    expect(found.has(entry), `time index entry ${entry} ${where}`).to.equal(true);
  }
  if (!isClosed) return;
  const greatest = Math.max(-1, ...batches.map(({ maxTimestamp }) => maxTimestamp));
  expect(newest, `newest time in the index ${where}`).to.equal(greatest);
}

/** Headers of record batches, magic 2. */
function batchesOf(log: Buffer): Batch[] {
  const batches: Batch[] = [];
  for (let at = 0; at + 61 <= log.length; at += 12 + log.readInt32BE(at + 8)) {
    const lastOffset = Number(log.readBigInt64BE(at)) + log.readInt32BE(at + 23);
    batches.push({ position: at, lastOffset, maxTimestamp: Number(log.readBigInt64BE(at + 35)) });
  }
  return batches;
}
