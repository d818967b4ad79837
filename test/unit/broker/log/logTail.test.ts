import { expect } from 'chai';
import { LogTail, TailBudget } from '../../../../broker/log/logTail.ts';
import type { Offset } from '../../../../common/index.ts';
import { setBaseOffset } from '../../../../protocol/index.ts';
import { batchOf } from './logFixture.ts';

const CHUNK_BYTES = 256 * 1024;

function fill(tail: LogTail, range: { from: number; count: number; width: number }): void {
  for (let offset = range.from; offset < range.from + range.count; offset += 1) {
    const batch = batchOf(['x'.repeat(range.width)]);
    setBaseOffset(batch, 0, offset);
    tail.append(batch, offset, offset + 1);
  }
}

function read(tail: LogTail, offset: number, maxBytes = 1e9, endOffset = 1e9) {
  const options = { maxBytes, endOffset: endOffset as Offset, atLeastOneBatch: true };
  return tail.read(offset as Offset, options);
}

describe('LogTail', () => {
  it('serves what it holds without a copy, over the borders of its chunks', () => {
    const tail = new LogTail(new TailBudget(1e9), 1e9);
    fill(tail, { from: 100, count: 1000, width: 1000 });
    expect(read(tail, 99)).to.equal(undefined);
    expect(read(tail, 1100)).to.equal(undefined);
    const whole = read(tail, 100)!;
    expect(whole.slices.length).to.equal(Math.ceil(whole.sizeBytes / CHUNK_BYTES));
    expect(whole.nextOffset).to.equal(1100);
    expect(read(tail, 640)!.nextOffset).to.equal(1100);
    expect(read(tail, 640, 1e9, 700)!.nextOffset).to.equal(700);
    expect(read(tail, 640, 5000)!.nextOffset).to.equal(644);
  });

  it('stays within its own bytes and within those of all', () => {
    const budget = new TailBudget(4 * CHUNK_BYTES);
    const [a, b] = [new LogTail(budget, 3 * CHUNK_BYTES), new LogTail(budget, 3 * CHUNK_BYTES)];
    fill(a, { from: 0, count: 2000, width: 1000 });
    expect(a.bytes).to.equal(3 * CHUNK_BYTES);
    fill(b, { from: 0, count: 2000, width: 1000 });
    expect(budget.bytes).to.equal(4 * CHUNK_BYTES);
    expect(a.bytes).to.equal(CHUNK_BYTES);
    expect(read(a, 1999)!.nextOffset).to.equal(2000);
    b.clear();
    expect(budget.bytes).to.equal(CHUNK_BYTES);
  });

  it('leaves slices that were given out as they are', () => {
    const tail = new LogTail(new TailBudget(CHUNK_BYTES), CHUNK_BYTES);
    fill(tail, { from: 0, count: 10, width: 1000 });
    const { slices } = read(tail, 0)!;
    const before = Buffer.concat(slices);
    fill(tail, { from: 10, count: 2000, width: 1000 });
    expect(read(tail, 0)).to.equal(undefined);
    expect(Buffer.concat(slices).equals(before)).to.equal(true);
  });

  it('takes a batch larger than a chunk', () => {
    const tail = new LogTail(new TailBudget(1e9), 1e9);
    fill(tail, { from: 0, count: 3, width: 2 * CHUNK_BYTES });
    expect(read(tail, 1, 10)!.nextOffset).to.equal(2);
  });

  it('asserts that there are no gaps', () => {
    const tail = new LogTail(new TailBudget(1e9), 1e9);
    fill(tail, { from: 0, count: 1, width: 10 });
    expect(() => fill(tail, { from: 2, count: 1, width: 10 })).to.throw('no gaps');
  });
});
