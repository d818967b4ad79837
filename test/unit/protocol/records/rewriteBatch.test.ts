import { expect } from 'chai';
import {
  RecordBatchView,
  readRecords,
  setBaseOffset,
  setLogAppendTime,
  setPartitionLeaderEpoch,
  verifyBatch,
} from '../../../../protocol/index.ts';
import { batchOfCount } from '../../../harness/protocol/batches.ts';

describe('what a leader rewrites in a batch', () => {
  it('leaves the CRC alone for base offset and leader epoch', () => {
    const batch = batchOfCount(3);
    const { crc } = new RecordBatchView().at(batch);
    for (const offset of [0, 1, 2 ** 31, 2 ** 32, 2 ** 53 - 10]) {
      setBaseOffset(batch, 0, offset);
      setPartitionLeaderEpoch(batch, 0, offset % 1000);
      const view = new RecordBatchView().at(batch);
      expect([view.baseOffset, view.partitionLeaderEpoch]).to.deep.equal([offset, offset % 1000]);
      expect(view.crc).to.equal(crc);
      expect(verifyBatch(batch, 0, { origin: 'client' })).to.equal(undefined);
    }
    expect([...readRecords(batch)].map(({ offset }) => offset - (2 ** 53 - 10))).to.deep.equal([
      0, 1, 2,
    ]);
  });

  it('gives every record the time of the append, and a CRC that holds', () => {
    const batch = Buffer.concat([Buffer.alloc(3), batchOfCount(3, 'gzip')]);
    setLogAppendTime(batch, 3, 1_800_000_000_000);
    expect(verifyBatch(batch, 3, { origin: 'log' })).to.equal(undefined);
    const view = new RecordBatchView().at(batch, 3);
    expect([view.isLogAppendTime, view.maxTimestamp]).to.deep.equal([true, 1_800_000_000_000]);
    expect(view.codecId).to.equal(1);
    const times = [...readRecords(batch, 3)].map(({ timestamp }) => timestamp);
    expect(times).to.deep.equal([1_800_000_000_000, 1_800_000_000_000, 1_800_000_000_000]);
  });
});
