import { expect } from 'chai';
import fc from 'fast-check';
import { murmur2 } from '../../client/producer/murmur2.ts';
import { PartitionChooser } from '../../client/producer/partitionChooser.ts';
import { TopicQueue } from '../../client/producer/topicQueue.ts';
import { SimRandom } from '../simulation/kernel/index.ts';

/** murmur2 written as the reference is: 64-bit arithmetic cut to 32 bits after every step. */
function reference(bytes: Uint8Array): number {
  const m = 0x5bd1e995n;
  const cut = (value: bigint): bigint => BigInt.asUintN(32, value);
  let hash = cut(0x9747b28cn ^ BigInt(bytes.length));
  const words = Math.floor(bytes.length / 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < words; i++) {
    let k = cut(BigInt(view.getUint32(i * 4, true)) * m);
    k = cut((k ^ (k >> 24n)) * m);
    hash = cut(hash * m) ^ k;
  }
  const tail = bytes.subarray(words * 4);
  if (tail.length > 0) {
    for (const [i, byte] of tail.entries()) hash ^= BigInt(byte) << BigInt(8 * i);
    hash = cut(hash * m);
  }
  hash = cut((hash ^ (hash >> 13n)) * m);
  return Number(BigInt.asIntN(32, hash ^ (hash >> 15n)));
}

const topicOf = (partitionCount: number) => ({
  topic: 't',
  topicId: null,
  internal: false,
  partitions: Array.from({ length: partitionCount }, (_, partition) => ({
    partition,
    leader: 1,
    leaderEpoch: 0,
    replicas: [1],
    isr: [1],
  })),
  available: Array.from({ length: partitionCount }, (_, partition) => partition),
});

describe('The partitioner', () => {
  it('agrees with the reference on all bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(murmur2(bytes)).to.equal(reference(bytes));
      }),
    );
  });

  it('sends a string and its UTF-8 bytes to the same partition, which exists', () => {
    const chooser = new PartitionChooser(
      { partitioner: undefined, batchBytes: 1024 },
      new SimRandom(1, 'test'),
    );
    const queue = new TopicQueue('t');
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 600 }),
        fc.integer({ min: 1, max: 500 }),
        (key, partitionCount) => {
          const metadata = topicOf(partitionCount);
          const record = { partition: undefined, sizeBytes: 10 };
          const byString = chooser.choose(queue, metadata, { ...record, key });
          const byBytes = chooser.choose(queue, metadata, { ...record, key: Buffer.from(key) });
          expect(byString).to.equal(byBytes);
          expect(byString).to.be.within(0, partitionCount - 1);
        },
      ),
    );
  });
});
