import { expect } from 'chai';
import { ReceiveBuffer } from '../../../network/receiveBuffer.ts';
import { ReceiveMemory } from '../../../network/receiveMemory.ts';

const KIB = 1024;
const options = { initialBytes: 16 * KIB, steadyBytes: 256 * KIB };

function fill(buffer: ReceiveBuffer, byteCount: number, value: number): void {
  let left = byteCount;
  while (left > 0) {
    const space = buffer.space();
    const count = Math.min(space.length, left);
    space.fill(value, 0, count);
    buffer.received(count);
    left -= count;
  }
}

function content(buffer: ReceiveBuffer): Buffer {
  return buffer.bytes.subarray(buffer.readPosition, buffer.end);
}

describe('receive buffer', () => {
  let memory: ReceiveMemory;
  let buffer: ReceiveBuffer;
  beforeEach(() => {
    memory = new ReceiveMemory(1024 * KIB);
    buffer = new ReceiveBuffer(memory, options);
  });

  it('starts again at its beginning when everything was consumed', () => {
    fill(buffer, 100, 1);
    buffer.consume(100);
    buffer.prepare(0);
    expect(buffer.readPosition).to.equal(0);
    expect(buffer.space().length).to.equal(16 * KIB);
  });

  it('moves a begun frame only when the frame would run past the end', () => {
    fill(buffer, 10_000, 1);
    buffer.consume(9_000);
    buffer.prepare(2_000);
    expect(buffer.readPosition).to.equal(9_000);
    buffer.prepare(12_000);
    expect(buffer.readPosition).to.equal(0);
    expect(content(buffer).equals(Buffer.alloc(1_000, 1))).to.equal(true);
    expect(buffer.capacity).to.equal(16 * KIB);
  });

  it('grows for a frame that is larger than it is, and keeps what it holds', () => {
    fill(buffer, 16 * KIB, 7);
    expect(buffer.prepare(200 * KIB)).to.equal(0);
    expect(buffer.capacity).to.equal(256 * KIB);
    expect(content(buffer).equals(Buffer.alloc(16 * KIB, 7))).to.equal(true);
    expect(memory.heldBytes).to.equal(256 * KIB);
  });

  it('doubles for traffic that fills it, up to the steady size', () => {
    for (let round = 0; round < 10; round += 1) {
      fill(buffer, buffer.space().length, 1);
      buffer.consume(buffer.availableBytes);
      buffer.prepare(0);
    }
    expect(buffer.capacity).to.equal(256 * KIB);
  });

  it('asks to wait where the cap does not allow a frame, and grows when granted', () => {
    const other = memory.acquire(1000 * KIB);
    fill(buffer, 100, 3);
    const missing = buffer.prepare(300 * KIB);
    expect(missing).to.equal(512 * KIB - 16 * KIB);
    let granted = false;
    memory.wait(missing, () => {
      granted = true;
      buffer.growTo(300 * KIB);
    });
    memory.release(other);
    expect(granted).to.equal(true);
    expect(buffer.capacity).to.equal(512 * KIB);
    expect(content(buffer).equals(Buffer.alloc(100, 3))).to.equal(true);
  });

  it('never offers an empty space, and loses nothing of a read that comes all the same', () => {
    fill(buffer, 16 * KIB, 1);
    const space = buffer.space();
    expect(space.length).to.be.above(0);
    space[0] = 9;
    buffer.received(1);
    expect(buffer.availableBytes).to.equal(16 * KIB + 1);
    expect(content(buffer)[16 * KIB]).to.equal(9);
  });

  it('shrinks when its traffic has been small for some turns of the reaper', () => {
    fill(buffer, 200 * KIB, 1);
    buffer.consume(buffer.availableBytes);
    buffer.prepare(0);
    const before = buffer.capacity;
    expect(buffer.isOversized()).to.equal(false);
    fill(buffer, 100, 5);
    expect([1, 2, 3].map(() => buffer.isOversized())).to.deep.equal([false, false, true]);
    buffer.shrink();
    expect(buffer.capacity).to.be.below(before);
    expect(buffer.capacity).to.equal(16 * KIB);
    expect(content(buffer).equals(Buffer.alloc(100, 5))).to.equal(true);
  });

  it('gives its memory back once', () => {
    buffer.release();
    buffer.release();
    expect(memory.heldBytes).to.equal(0);
  });
});
