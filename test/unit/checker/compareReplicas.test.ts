import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { NodeFileSystem } from '../../../common/environment/production/index.ts';
import {
  RecordBatchBuilder,
  setBaseOffset,
  setPartitionLeaderEpoch,
} from '../../../protocol/index.ts';
import { compareReplicas, replicaIn } from '../../checker/index.ts';
import { temporaryDirectory } from '../../harness/temporaryDirectory.ts';

const fileSystem = new NodeFileSystem();

describe('replicas of a partition', () => {
  let root: string;
  beforeEach(() => {
    root = temporaryDirectory('replicas');
  });

  const ten = Array.from({ length: 10 }, (_, offset) => batch({ offset }));

  it('are equal where their batches are, however they are cut into segments', () => {
    const a = replica('a', { 0: ten });
    const b = replica('b', { 0: ten.slice(0, 4), 4: ten.slice(4) });
    expect(differences([a, b], 10)).to.deep.equal([]);
  });

  it('are compared only where both still have something', () => {
    const a = replica('a', { 0: ten });
    const b = replica('b', { 6: ten.slice(6) });
    const emptied = replica('c', { 10: [] });
    expect(differences([a, b, emptied], 10)).to.deep.equal([]);
    expect(differences([b, a], 10)).to.deep.equal([]);
  });

  it('may differ from the high watermark on', () => {
    const a = replica('a', { 0: ten });
    const b = replica('b', { 0: [...ten.slice(0, 7), batch({ offset: 7, text: 'other' })] });
    const c = replica('c', { 0: ten.slice(0, 7) });
    expect(differences([a, b, c], 7)).to.deep.equal([]);
    expect(differences([a, b, c], 8)).to.deep.equal([
      [7, 'a', 'b'],
      [7, 'a', 'c'],
    ]);
  });

  it('may differ behind a hole that both have and that reaches over the high watermark', () => {
    const a = replica('a', { 0: [...ten.slice(0, 4), batch({ offset: 9 })] });
    const b = replica('b', { 0: [...ten.slice(0, 4), batch({ offset: 9, text: 'other' })] });
    expect(differences([a, b], 6)).to.deep.equal([]);
    expect(differences([a, b], 10)).to.deep.equal([[9, 'a', 'b']]);
  });

  it('differ by a byte, by a leader epoch, by a batch left out', () => {
    const a = replica('a', { 0: ten });
    const flipped = Buffer.from(ten[3]!);
    flipped[flipped.length - 2]! ^= 1;
    const others = {
      flipped: ten.with(3, flipped),
      epoch: ten.with(5, batch({ offset: 5, epoch: 2 })),
      hole: ten.toSpliced(2, 1),
    };
    const replicas = Object.entries(others).map(([name, batches]) => replica(name, { 0: batches }));
    expect(differences([a, ...replicas], 10)).to.deep.equal([
      [3, 'a', 'flipped'],
      [5, 'a', 'epoch'],
      [2, 'a', 'hole'],
    ]);
  });

  it('miss what stands behind a torn or unreadable batch', () => {
    const a = replica('a', { 0: ten });
    const torn = replica('b', { 0: [...ten.slice(0, 9), ten[9]!.subarray(0, 50)] });
    const senseless = Buffer.from(ten[1]!);
    senseless.writeInt32BE(-1, 8);
    const lying = replica('c', { 0: ten.with(1, senseless) });
    expect(differences([a, torn, lying], 10)).to.deep.equal([
      [9, 'a', 'b'],
      [1, 'a', 'c'],
    ]);
  });

  it('are read whatever the size of a batch', () => {
    const large = [batch({ offset: 0, text: 'x'.repeat(3_000_000) }), batch({ offset: 1 })];
    const small = [large[0]!, batch({ offset: 1, text: 'y' })];
    const directories = [replica('a', { 0: large }), replica('b', { 0: small })];
    expect(differences(directories, 1)).to.deep.equal([]);
    expect(differences(directories, 2)).to.deep.equal([[1, 'a', 'b']]);
  });

  function replica(
    name: string,
    segments: Readonly<Record<number, readonly Uint8Array[]>>,
  ): string {
    const directory = join(root, name);
    mkdirSync(directory);
    for (const [offset, batches] of Object.entries(segments)) {
      const file = join(directory, `${offset.padStart(20, '0')}.log`);
      writeFileSync(file, Buffer.concat(batches));
    }
    writeFileSync(join(directory, '00000000000000000000.index'), '');
    return directory;
  }

  function differences(directories: readonly string[], highWatermark: number): unknown[] {
    const replicas = directories.map((directory) => replicaIn(fileSystem, directory));
    const found = compareReplicas(replicas, { partition: 'o-0', highWatermark });
    expect(found.every(({ kind }) => kind === 'replica-divergence')).to.equal(true);
    return found.map(({ at }) => [
      at.offset,
      ...at.directories!.map((path) => path.slice(root.length + 1)),
    ]);
  }
});

function batch({
  offset,
  text = `record ${offset}`,
  epoch = 1,
}: {
  readonly offset: number;
  readonly text?: string;
  readonly epoch?: number;
}): Buffer {
  const builder = new RecordBatchBuilder();
  builder.append(null, text, [], 1_700_000_000_000 + offset);
  const bytes = Buffer.from(builder.build());
  setBaseOffset(bytes, 0, offset);
  setPartitionLeaderEpoch(bytes, 0, epoch);
  return bytes;
}
