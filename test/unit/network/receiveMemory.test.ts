import { expect } from 'chai';
import { ReceiveMemory } from '../../../network/receiveMemory.ts';

const KIB = 1024;

describe('receive memory', () => {
  it('rounds capacities up to a power of two and reuses released buffers', () => {
    const memory = new ReceiveMemory(1024 * KIB);
    const first = memory.acquire(17 * KIB);
    expect(first.length).to.equal(32 * KIB);
    expect(memory.heldBytes).to.equal(32 * KIB);
    memory.release(first);
    expect(memory.heldBytes).to.equal(0);
    expect(memory.acquire(20 * KIB)).to.equal(first);
  });

  it('tells whether a larger buffer fits in place of a smaller one', () => {
    const memory = new ReceiveMemory(64 * KIB);
    memory.acquire(32 * KIB);
    expect(memory.hasRoomFor(32 * KIB, 0)).to.equal(true);
    expect(memory.hasRoomFor(64 * KIB, 0)).to.equal(false);
    expect(memory.hasRoomFor(64 * KIB, 32 * KIB)).to.equal(true);
  });

  it('grants waiting wishes in their order, and lets nobody overtake a large one', () => {
    const memory = new ReceiveMemory(64 * KIB);
    const held = [memory.acquire(32 * KIB), memory.acquire(32 * KIB)];
    const granted: string[] = [];
    memory.wait(64 * KIB, () => {
      granted.push('large');
      memory.acquire(64 * KIB);
    });
    memory.wait(4 * KIB, () => granted.push('small'));
    expect(memory.isScarce).to.equal(true);
    memory.release(held[0]!);
    expect(granted).to.deep.equal([]);
    expect(memory.hasRoomFor(4 * KIB, 0)).to.equal(false);
    memory.release(held[1]!);
    expect(granted).to.deep.equal(['large']);
  });

  it('goes on to the next wish when one is taken back', () => {
    const memory = new ReceiveMemory(64 * KIB);
    memory.acquire(32 * KIB);
    const granted: string[] = [];
    const cancel = memory.wait(64 * KIB, () => granted.push('large'));
    memory.wait(32 * KIB, () => granted.push('small'));
    cancel();
    cancel();
    expect(granted).to.deep.equal(['small']);
    expect(memory.isScarce).to.equal(false);
  });
});
