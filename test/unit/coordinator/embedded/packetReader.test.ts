import { expect } from 'chai';
import fc from 'fast-check';
import { PacketReader } from '../../../../coordinator/embedded/packetReader.ts';

function framed(content: Uint8Array): Buffer {
  const frame = Buffer.alloc(4 + content.length);
  frame.writeInt32BE(content.length);
  frame.set(content, 4);
  return frame;
}

/** Gives the bytes in pieces of the sizes, as a socket would, and takes what is whole. */
function feed(bytes: Buffer, pieces: readonly number[]): Buffer[] {
  const reader = new PacketReader();
  const taken: Buffer[] = [];
  let position = 0;
  for (let index = 0; position < bytes.length; index += 1) {
    const space = reader.space();
    expect(space.length).to.be.greaterThan(0);
    const size = Math.min(pieces[index % pieces.length]!, space.length, bytes.length - position);
    space.set(bytes.subarray(position, position + size));
    reader.received(size);
    position += size;
    for (let packet = reader.take(); packet !== undefined; packet = reader.take()) {
      taken.push(Buffer.from(packet));
    }
    reader.makeSpace();
  }
  return taken;
}

describe('the packet reader', () => {
  it('gives packets back whole, however they come in', () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      fc.integer({ min: 10_000, max: 70_000 }).map((size) => new Uint8Array(size).fill(size & 255)),
    );
    fc.assert(
      fc.property(
        fc.array(content, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 5 }),
        (contents, pieces) => {
          const taken = feed(Buffer.concat(contents.map(framed)), pieces);
          expect(taken.length).to.equal(contents.length);
          for (const [index, packet] of taken.entries()) {
            expect(packet.equals(contents[index]!)).to.equal(true);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has room again when a packet exactly fills it', () => {
    const size = new PacketReader().space().length;
    const [packet] = feed(framed(new Uint8Array(size - 4)), [size]);
    expect(packet?.length).to.equal(size - 4);
  });

  it('gives memory of a large packet back when it is quiet', () => {
    const reader = new PacketReader();
    const initial = reader.space().length;
    const bytes = framed(new Uint8Array(500_000));
    for (let position = 0; position < bytes.length; ) {
      const space = reader.space();
      const size = Math.min(space.length, bytes.length - position);
      space.set(bytes.subarray(position, position + size));
      reader.received(size);
      position += size;
      if (position === bytes.length) expect(reader.take()?.length).to.equal(500_000);
      reader.makeSpace();
    }
    expect(reader.space().length).to.equal(initial);
  });
});
