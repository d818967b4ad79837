import { expect } from 'chai';
import { IndexCache } from '../../../../broker/log/indexCache.ts';
import { OffsetIndex } from '../../../../broker/log/offsetIndex.ts';
import { TimeIndex } from '../../../../broker/log/timeIndex.ts';

describe('OffsetIndex', () => {
  function indexOf(entries: readonly (readonly [number, number])[], baseOffset = 100) {
    const index = new OffsetIndex(baseOffset);
    for (const [offset, position] of entries) index.append(offset, position);
    return index;
  }

  it('has eight bytes an entry: relative offset and position, big-endian', () => {
    expect(Buffer.from(indexOf([[105, 0x01020304]]).bytes).toString('hex')).to.equal(
      '0000000501020304',
    );
  });

  it('finds the last entry at or below an offset', () => {
    const index = indexOf([
      [105, 10],
      [110, 20],
      [120, 30],
    ]);
    expect(index.lookup(104)).to.equal(undefined);
    expect(index.lookup(105)).to.deep.equal({ offset: 105, positionInSegment: 10 });
    expect(index.lookup(119)).to.deep.equal({ offset: 110, positionInSegment: 20 });
    expect(index.lookup(2 ** 40)).to.deep.equal({ offset: 120, positionInSegment: 30 });
  });

  it('grows, and comes back from its bytes', () => {
    const entries = Array.from({ length: 1000 }, (_, i) => [101 + i * 3, 5 + i * 7] as const);
    const index = indexOf(entries);
    const again = OffsetIndex.fromFile(100, Buffer.from(index.bytes));
    expect(again?.entryCount).to.equal(1000);
    expect(again?.lookup(101 + 3 * 500)).to.deep.equal(index.entry(500));
  });

  it('forgets the entries at and above an offset', () => {
    const index = indexOf([
      [105, 10],
      [110, 20],
    ]);
    index.truncateTo(110);
    expect(index.entryCount).to.equal(1);
    index.append(107, 15);
    expect(index.lookup(200)).to.deep.equal({ offset: 107, positionInSegment: 15 });
  });

  it('refuses bytes that cannot be right', () => {
    const bytes = Buffer.from(indexOf([[105, 10]]).bytes);
    expect(OffsetIndex.fromFile(100, bytes.subarray(0, 7))).to.equal(undefined);
    expect(OffsetIndex.fromFile(100, Buffer.concat([bytes, Buffer.alloc(8)]))).to.equal(undefined);
    expect(OffsetIndex.fromFile(100, Buffer.concat([bytes, bytes]))).to.equal(undefined);
  });

  it('asserts that offsets rise and fit 32 bits', () => {
    const index = indexOf([[105, 10]]);
    expect(() => index.append(105, 20)).to.throw('rise');
    expect(() => index.append(100 + 2 ** 31, 20)).to.throw('32 bits');
  });
});

describe('TimeIndex', () => {
  it('has twelve bytes an entry: timestamp and relative offset, big-endian', () => {
    const index = new TimeIndex(100);
    index.maybeAppend({ timestamp: 0x010203040506, offset: 107 });
    expect(Buffer.from(index.bytes).toString('hex')).to.equal('000001020304050600000007');
  });

  it('takes only newer timestamps, and finds where to begin a search', () => {
    const index = new TimeIndex(0);
    index.maybeAppend({ timestamp: 10, offset: 5 });
    index.maybeAppend({ timestamp: 10, offset: 6 });
    index.maybeAppend({ timestamp: 30, offset: 9 });
    expect(index.entryCount).to.equal(2);
    expect(index.lookupBelow(10)).to.equal(undefined);
    expect(index.lookupBelow(11)).to.deep.equal({ timestamp: 10, offset: 5 });
    expect(index.lookupBelow(31)).to.deep.equal({ timestamp: 30, offset: 9 });
    index.truncateTo(9);
    expect(index.entryCount).to.equal(1);
  });

  it('refuses bytes that cannot be right', () => {
    const index = new TimeIndex(0);
    index.maybeAppend({ timestamp: 10, offset: 5 });
    const bytes = Buffer.from(index.bytes);
    expect(TimeIndex.fromFile(0, bytes)?.entry(0)).to.deep.equal({ timestamp: 10, offset: 5 });
    expect(TimeIndex.fromFile(0, bytes.subarray(1))).to.equal(undefined);
    expect(TimeIndex.fromFile(0, Buffer.concat([bytes, bytes]))).to.equal(undefined);
  });
});

describe('IndexCache', () => {
  it('unloads what was used longest ago, never what was used last', () => {
    const unloaded: string[] = [];
    const segment = (name: string, indexBytes: number) => ({
      indexBytes,
      unload: () => void unloaded.push(name),
    });
    const [a, b, c] = [segment('a', 40), segment('b', 40), segment('c', 90)];
    const cache = new IndexCache(100, 9);
    cache.touch(a);
    cache.touch(b);
    cache.touch(a);
    cache.touch(c);
    expect(unloaded).to.deep.equal(['b', 'a']);
    expect(cache.bytes).to.equal(90);
    cache.remove(c);
    cache.remove(c);
    expect(cache.bytes).to.equal(0);
  });

  it('keeps so many segments at most, however small their indexes are', () => {
    const unloaded: string[] = [];
    const cache = new IndexCache(100, 2);
    for (const name of ['a', 'b', 'c', 'd']) {
      cache.touch({ indexBytes: 0, unload: () => void unloaded.push(name) });
    }
    expect(unloaded).to.deep.equal(['a', 'b']);
  });
});
