import { expect } from 'chai';
import {
  buildControlBatch,
  RecordBatchView,
  readControlMarker,
  verifyBatch,
} from '../../../../protocol/index.ts';
import { batchOf } from '../../../harness/protocol/batches.ts';
import { expectProtocolError } from '../../../harness/protocol/errors.ts';

describe('a control batch', () => {
  it('has 78 bytes and says how the transaction ended', () => {
    for (const type of ['abort', 'commit'] as const) {
      const batch = buildControlBatch({
        type,
        producerId: 2 ** 40,
        producerEpoch: 3,
        coordinatorEpoch: 70_000,
        timestamp: 12_345,
      });
      expect(batch.length).to.equal(78);
      expect(verifyBatch(batch, 0, { origin: 'log' })).to.equal(undefined);
      expect(readControlMarker(batch)).to.deep.equal({ type, coordinatorEpoch: 70_000 });
      const view = new RecordBatchView().at(batch);
      expect([view.isControl, view.isTransactional, view.recordsCount]).to.deep.equal([
        true,
        true,
        1,
      ]);
      expect([view.producerId, view.producerEpoch, view.baseSequence]).to.deep.equal([
        2 ** 40,
        3,
        -1,
      ]);
    }
  });

  it('of a later release is known as such, and one without a marker is refused', () => {
    const key = Buffer.from('00000007', 'hex');
    const value = Buffer.alloc(6);
    expect(readControlMarker(batchOf([{ key, value }])).type).to.equal('unknown');
    for (const record of [{ key }, { value }, { key: key.subarray(1), value }]) {
      expectProtocolError('INVALID_RECORD', () => readControlMarker(batchOf([record])));
    }
  });
});
