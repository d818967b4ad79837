import { expect } from 'chai';
import {
  buildControlBatch,
  type ErrorName,
  RecordBatchView,
  setLogAppendTime,
  updateCrc,
  type VerifyOptions,
  verifyBatch,
} from '../../../../protocol/index.ts';
import { batchOf, batchOfCount } from '../../../harness/protocol/batches.ts';

const client: VerifyOptions = { origin: 'client' };
const log: VerifyOptions = { origin: 'log' };

/** A sound batch with some bytes changed; the CRC is then made right again unless told. */
function changed(change: (batch: Buffer) => void, options: { crc?: boolean } = {}): Buffer {
  const batch = batchOfCount(3);
  change(batch);
  if (options.crc !== false) updateCrc(batch, 0);
  return batch;
}

function expectFault(batch: Buffer, error: ErrorName, options: VerifyOptions = client): void {
  expect(verifyBatch(batch, 0, options)?.error).to.equal(error);
}

describe('verifyBatch', () => {
  it('passes sound batches of every codec, at any position', () => {
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const batch = batchOfCount(20, codec);
      expect(verifyBatch(batch, 0, client)).to.equal(undefined);
      const moved = Buffer.concat([Buffer.from('junk'), batch, Buffer.from('more')]);
      expect(verifyBatch(moved, 4, { origin: 'log' })).to.equal(undefined);
      expect(verifyBatch(moved, 4, { origin: 'client', end: moved.length - 4 })).to.equal(
        undefined,
      );
    }
  });

  it('finds every single changed bit that the CRC covers', () => {
    const batch = batchOfCount(3);
    for (let bit = 17 * 8; bit < batch.length * 8; bit += 1) {
      batch[bit >> 3]! ^= 1 << (bit & 7);
      expect(verifyBatch(batch, 0, client)?.error).to.equal('CORRUPT_MESSAGE');
      batch[bit >> 3]! ^= 1 << (bit & 7);
    }
  });

  it('refuses bytes that end too early, at every length', () => {
    const batch = batchOfCount(3);
    for (let length = 0; length < batch.length; length += 1) {
      expectFault(batch.subarray(0, length), 'CORRUPT_MESSAGE');
    }
  });

  it('refuses lengths that cannot be true', () => {
    for (const length of [-1, 0, 48, 2 ** 31 - 1, -(2 ** 31)]) {
      const lying = changed((batch) => batch.writeInt32BE(length, 8), { crc: false });
      expectFault(lying, 'CORRUPT_MESSAGE');
      expectFault(lying, 'CORRUPT_MESSAGE', log);
    }
  });

  it('names older formats and refuses unknown ones', () => {
    for (const magic of [0, 1]) {
      const old = changed((batch) => batch.writeUInt8(magic, 16), { crc: false });
      expectFault(old, 'UNSUPPORTED_FOR_MESSAGE_FORMAT');
    }
    expectFault(
      changed((batch) => batch.writeUInt8(3, 16), { crc: false }),
      'CORRUPT_MESSAGE',
    );
  });

  it('refuses a batch above the limit of the topic, and takes one at the limit', () => {
    const batch = batchOfCount(3);
    const at = (bytesMax: number) => verifyBatch(batch, 0, { origin: 'client', bytesMax });
    expect(at(batch.length)).to.equal(undefined);
    expect(at(batch.length - 1)?.error).to.equal('MESSAGE_TOO_LARGE');
  });

  it('takes exactly one batch from a client', () => {
    const two = Buffer.concat([batchOfCount(1), batchOfCount(1)]);
    expectFault(two, 'INVALID_RECORD');
    expect(verifyBatch(two, 0, log)).to.equal(undefined);
  });

  it('refuses counts that lie', () => {
    expectFault(
      changed((b) => b.writeInt32BE(0, 57)),
      'INVALID_RECORD',
    );
    expectFault(
      changed((b) => b.writeInt32BE(-1, 57)),
      'INVALID_RECORD',
    );
    expectFault(
      changed((b) => b.writeInt32BE(-1, 57)),
      'INVALID_RECORD',
      log,
    );
    expectFault(
      changed((b) => b.writeInt32BE(4, 57)),
      'INVALID_RECORD',
      log,
    );
    expectFault(
      changed((b) => b.writeInt32BE(2, 57)),
      'INVALID_RECORD',
    );
    expectFault(
      changed((b) => b.writeInt32BE(-1, 23)),
      'INVALID_RECORD',
      log,
    );
    const many = changed((b) => {
      b.writeInt32BE(2 ** 31 - 1, 57);
      b.writeInt32BE(2 ** 31 - 2, 23);
    });
    expectFault(many, 'INVALID_RECORD');
  });

  it('takes batches from a log that compaction has thinned or emptied', () => {
    expect(
      verifyBatch(
        changed((b) => b.writeInt32BE(2, 57)),
        0,
        log,
      ),
    ).to.equal(undefined);
    expect(
      verifyBatch(
        changed((b) => b.writeInt32BE(0, 57)),
        0,
        log,
      ),
    ).to.equal(undefined);
  });

  it('refuses reserved bits and unknown codecs', () => {
    for (const bit of [7, 8, 15]) {
      expectFault(
        changed((b) => b.writeUInt16BE(1 << bit, 21)),
        'INVALID_RECORD',
        log,
      );
    }
    for (const codec of [5, 6, 7]) {
      expectFault(
        changed((b) => b.writeUInt16BE(codec, 21)),
        'UNSUPPORTED_COMPRESSION_TYPE',
        log,
      );
    }
  });

  it('leaves control batches, LogAppendTime and delete horizons to the broker', () => {
    const marker = buildControlBatch({
      type: 'commit',
      producerId: 7,
      producerEpoch: 0,
      coordinatorEpoch: 1,
      timestamp: 1,
    });
    expectFault(marker, 'INVALID_RECORD');
    expect(verifyBatch(marker, 0, log)).to.equal(undefined);
    const stamped = changed((b) => setLogAppendTime(b, 0, 5));
    expectFault(stamped, 'INVALID_TIMESTAMP');
    expect(verifyBatch(stamped, 0, log)).to.equal(undefined);
    expectFault(
      changed((b) => b.writeUInt16BE(1 << 6, 21)),
      'INVALID_RECORD',
    );
  });

  it('refuses producers without an epoch or sequence, and transactions without a producer', () => {
    const records = [{ value: 'v' }];
    const idempotent = { producerId: 5, producerEpoch: 0, baseSequence: 0 };
    expect(verifyBatch(batchOf(records, idempotent), 0, client)).to.equal(undefined);
    expectFault(batchOf(records, { ...idempotent, producerEpoch: -1 }), 'INVALID_RECORD');
    expectFault(batchOf(records, { ...idempotent, baseSequence: -1 }), 'INVALID_RECORD');
    expectFault(batchOf(records, { transactional: true }), 'INVALID_RECORD');
  });

  it('refuses offsets and timestamps that are no safe integers', () => {
    const far = (at: number) => changed((b) => b.writeBigInt64BE(2n ** 62n, at));
    expectFault(far(0), 'INVALID_RECORD');
    expectFault(far(27), 'INVALID_TIMESTAMP');
    expectFault(far(35), 'INVALID_TIMESTAMP');
    expectFault(
      changed((b) => b.writeBigInt64BE(-2n, 27)),
      'INVALID_TIMESTAMP',
    );
    expectFault(
      changed((b) => b.writeBigInt64BE(-1n, 0)),
      'INVALID_RECORD',
    );
  });
});

describe('RecordBatchView', () => {
  it('reads every field of the header', () => {
    const batch = batchOf(
      [
        { value: 'a', timestamp: 50 },
        { value: 'b', timestamp: 40 },
      ],
      {
        baseOffset: 2 ** 40 + 3,
        partitionLeaderEpoch: 9,
        producerId: 2 ** 33,
        producerEpoch: 300,
        baseSequence: 77,
        transactional: true,
        compression: 'gzip',
      },
    );
    const moved = Buffer.concat([Buffer.alloc(5), batch]);
    const view = new RecordBatchView().at(moved, 5);
    expect({
      ...{ position: view.position, sizeBytes: view.sizeBytes, end: view.end },
      ...{ baseOffset: view.baseOffset, last: view.lastOffset, next: view.nextOffset },
      ...{ epoch: view.partitionLeaderEpoch, magic: view.magic, codecId: view.codecId },
      ...{ transactional: view.isTransactional, control: view.isControl },
      ...{ append: view.isLogAppendTime, base: view.baseTimestamp, max: view.maxTimestamp },
      ...{ producerId: view.producerId, producerEpoch: view.producerEpoch },
      ...{ sequence: view.baseSequence, count: view.recordsCount, delta: view.lastOffsetDelta },
    }).to.deep.equal({
      ...{ position: 5, sizeBytes: batch.length, end: moved.length },
      ...{ baseOffset: 2 ** 40 + 3, last: 2 ** 40 + 4, next: 2 ** 40 + 5 },
      ...{ epoch: 9, magic: 2, codecId: 1, transactional: true, control: false },
      ...{ append: false, base: 50, max: 50 },
      ...{ producerId: 2 ** 33, producerEpoch: 300, sequence: 77, count: 2, delta: 1 },
    });
  });
});
