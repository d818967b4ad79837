import { expect } from 'chai';
import { ReadMemory } from '../../../../broker/log/readMemory.ts';

const MIB = 1024 * 1024;

describe('memory for reads', () => {
  it('gives released memory again, to whoever asks for as much', () => {
    const reads = new ReadMemory();
    const first = reads.acquire(MIB - 5);
    expect(first.length).to.equal(MIB);
    reads.release(first);
    expect(reads.acquire(2 * MIB)).not.to.equal(first);
    expect(reads.acquire(MIB)).to.equal(first);
    expect(reads.acquire(MIB)).not.to.equal(first);
  });

  it('keeps no more than 32 MiB, and nothing that is very large', () => {
    const reads = new ReadMemory();
    const held = Array.from({ length: 5 }, () => reads.acquire(8 * MIB));
    for (const memory of held) reads.release(memory);
    const again = new Set(Array.from({ length: 5 }, () => reads.acquire(8 * MIB)));
    expect(held.filter((memory) => again.has(memory))).to.have.length(4);
    const large = reads.acquire(17 * MIB);
    expect(large.length).to.equal(17 * MIB);
    reads.release(large);
    expect(reads.acquire(17 * MIB)).not.to.equal(large);
  });
});
