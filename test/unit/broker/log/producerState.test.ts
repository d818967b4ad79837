import { expect } from 'chai';
import { CorruptionError } from '../../../../common/index.ts';
import { ProtocolError } from '../../../../protocol/index.ts';
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
} from '../../../../broker/log/producerSnapshot.ts';
import { PRODUCER_BATCHES_MAX, ProducerState } from '../../../../broker/log/producerState.ts';

const LAST_SEQUENCE = 2 ** 31 - 1;

interface Sent {
  readonly sequence: number;
  readonly count?: number;
  readonly epoch?: number;
  readonly producerId?: number;
}

/** A log that hands out offsets, as far as the state can see one. */
class Log {
  readonly state = new ProducerState();
  endOffset = 100;

  header({ sequence, count = 1, epoch = 0, producerId = 7 }: Sent) {
    return {
      producerId,
      producerEpoch: epoch,
      baseSequence: sequence,
      lastOffsetDelta: count - 1,
    };
  }

  note(
    sent: Sent,
    change: { isControl?: boolean; isTransactional?: boolean; nowMs?: number } = {},
  ) {
    const header = this.header(sent);
    const baseOffset = this.endOffset;
    this.endOffset += header.lastOffsetDelta + 1;
    const batch = {
      ...header,
      baseOffset,
      lastOffset: this.endOffset - 1,
      maxTimestamp: 1_000,
      isTransactional: false,
      isControl: false,
    };
    this.state.note({ ...batch, ...change }, change.nowMs ?? 0);
    return baseOffset;
  }

  /** @returns the base offset, 'new', or the code of the refusal. */
  judge(sent: Sent): number | string {
    try {
      return this.state.check(this.header(sent))?.baseOffset ?? 'new';
    } catch (error) {
      if (error instanceof ProtocolError) return error.code;
      throw error;
    }
  }

  send(sent: Sent): number | string {
    const judged = this.judge(sent);
    if (judged !== 'new') return judged;
    const offset = this.note(sent);
    this.state.settle(sent.producerId ?? 7);
    return offset;
  }
}

describe('The state of producers', () => {
  it('takes batches in sequence and tells the first offset of each repetition', () => {
    const log = new Log();
    expect(log.send({ sequence: 0, count: 3 })).to.equal(100);
    expect(log.send({ sequence: 3, count: 2 })).to.equal(103);
    expect(log.send({ sequence: 0, count: 3 })).to.equal(100);
    expect(log.send({ sequence: 3, count: 2 })).to.equal(103);
    expect(log.send({ sequence: 5 })).to.equal(105);
    expect(log.endOffset).to.equal(106);
  });

  it('remembers five batches, and knows older ones for repetitions without an offset', () => {
    const log = new Log();
    for (let sequence = 0; sequence < 8; sequence += 1) log.send({ sequence });
    for (let sequence = 3; sequence < 8; sequence += 1) {
      expect(log.judge({ sequence })).to.equal(100 + sequence);
    }
    expect(log.judge({ sequence: 2 })).to.equal('DUPLICATE_SEQUENCE_NUMBER');
    expect(log.judge({ sequence: 0, count: 3 })).to.equal('DUPLICATE_SEQUENCE_NUMBER');
    expect(log.judge({ sequence: 2, count: 2 })).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.judge({ sequence: 3, count: 2 })).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.judge({ sequence: 9 })).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.judge({ sequence: 8 })).to.equal('new');
  });

  it('takes an unknown producer at any sequence, and never what that one skipped for written', () => {
    const log = new Log();
    expect(log.send({ sequence: 10, count: 5 })).to.equal(100);
    expect(log.judge({ sequence: 5, count: 5 })).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER');
    for (let sequence = 15; sequence < 25; sequence += 1) log.send({ sequence });
    expect(log.judge({ sequence: 5, count: 5 })).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.judge({ sequence: 9, count: 5 })).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.judge({ sequence: 10, count: 5 })).to.equal('DUPLICATE_SEQUENCE_NUMBER');
  });

  it('goes round after 2^31 - 1, also within a batch', () => {
    const log = new Log();
    log.send({ sequence: LAST_SEQUENCE - 2, count: 2 });
    expect(log.judge({ sequence: 0 })).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.send({ sequence: LAST_SEQUENCE, count: 3 })).to.equal(102);
    expect(log.send({ sequence: LAST_SEQUENCE, count: 3 })).to.equal(102);
    for (let sequence = 2; sequence < 8; sequence += 1) {
      expect(log.send({ sequence })).to.equal(103 + sequence);
    }
    expect(log.judge({ sequence: LAST_SEQUENCE, count: 3 })).to.equal('DUPLICATE_SEQUENCE_NUMBER');
    expect(log.judge({ sequence: LAST_SEQUENCE - 2, count: 2 })).to.equal(
      'DUPLICATE_SEQUENCE_NUMBER',
    );
  });

  it('begins a new epoch at 0 and refuses the old one from then on', () => {
    const log = new Log();
    log.send({ sequence: 0 });
    expect(log.judge({ sequence: 1, epoch: 1 })).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.send({ sequence: 0, epoch: 1 })).to.equal(101);
    expect(log.judge({ sequence: 0, epoch: 0 })).to.equal('INVALID_PRODUCER_EPOCH');
    expect(log.judge({ sequence: 0, epoch: 1 })).to.equal(101);
  });

  it('knows what is not written yet, and forgets it where it is lost', () => {
    const log = new Log();
    for (let sequence = 0; sequence < 5; sequence += 1) log.send({ sequence });
    for (let sequence = 5; sequence < 15; sequence += 1) log.note({ sequence });
    log.note({ sequence: 0, epoch: 1 });
    log.note({ sequence: 0, producerId: 8 });
    expect(log.judge({ sequence: 0, epoch: 1 })).to.equal(115);
    log.state.undo(8);
    for (let count = 0; count < 11; count += 1) log.state.undo(7);
    expect(log.judge({ sequence: 9, producerId: 8 })).to.equal('new');
    for (let sequence = 0; sequence < 5; sequence += 1) {
      expect(log.judge({ sequence })).to.equal(100 + sequence);
    }
    expect(log.judge({ sequence: 5 })).to.equal('new');
  });

  it('keeps no more than it needs of a producer', () => {
    const log = new Log();
    for (let sequence = 0; sequence < 100; sequence += 1) log.send({ sequence });
    const [newest] = log.state.newest();
    let length = 0;
    for (let node = newest; node !== undefined; node = node.previous) length += 1;
    expect(length).to.equal(PRODUCER_BATCHES_MAX);
  });

  it('passes over markers of transactions, and takes the epoch that they bring', () => {
    const log = new Log();
    log.send({ sequence: 0 });
    log.note({ sequence: -1 }, { isControl: true });
    expect(log.judge({ sequence: 0 })).to.equal(100);
    expect(log.judge({ sequence: 1 })).to.equal('new');
    log.note({ sequence: -1, epoch: 1 }, { isControl: true });
    expect(log.judge({ sequence: 1 })).to.equal('INVALID_PRODUCER_EPOCH');
    expect(log.judge({ sequence: 0, epoch: 1 })).to.equal('new');
    expect(log.judge({ sequence: 1, epoch: 1 })).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });

  it('forgets who has been quiet, but nobody with an open transaction', () => {
    const log = new Log();
    log.note({ sequence: 0, producerId: 1 }, { nowMs: 10 });
    log.note({ sequence: 0, producerId: 2 }, { nowMs: 20 });
    log.note({ sequence: 0, producerId: 3 }, { nowMs: 10, isTransactional: true });
    log.state.expire(20);
    expect([...log.state.newest()].map(({ producerId }) => producerId)).to.deep.equal([2, 3]);
  });

  describe('as a snapshot', () => {
    const filled = () => {
      const log = new Log();
      log.send({ sequence: 0, count: 3, epoch: 2, producerId: 4_000 });
      log.send({ sequence: LAST_SEQUENCE, count: 2, producerId: 4_001 });
      log.note({ sequence: -1, epoch: 1, producerId: 4_002 }, { isControl: true });
      return log.state;
    };
    const encode = (state: ProducerState) =>
      encodeProducerSnapshot(state.newest(), state.producerCount);

    it('is byte for byte what Kafka writes', () => {
      const bytes = encode(filled());
      expect(bytes.toString('hex').replace(/^(....)(........)(........)/, '')).to.equal(
        '0000000000000fa0' +
          '0002' +
          '00000002' +
          '0000000000000066' +
          '00000002' +
          '00000000000003e8' +
          'ffffffff' +
          'ffffffffffffffff' +
          '0000000000000fa1' +
          '0000' +
          '00000000' +
          '0000000000000068' +
          '00000001' +
          '00000000000003e8' +
          'ffffffff' +
          'ffffffffffffffff' +
          '0000000000000fa2' +
          '0001' +
          'ffffffff' +
          'ffffffffffffffff' +
          '00000000' +
          '00000000000003e8' +
          'ffffffff' +
          'ffffffffffffffff',
      );
      expect(bytes.subarray(0, 2).toString('hex')).to.equal('0001');
      expect(bytes.readInt32BE(6)).to.equal(3);
      expect(encode(new ProducerState()).length).to.equal(10);
    });

    it('gives the last batch of each producer back', () => {
      const restored = new Log();
      for (const batch of decodeProducerSnapshot('s', encode(filled()), 5)) {
        restored.state.restore(batch);
      }
      expect(restored.judge({ sequence: 0, count: 3, epoch: 2, producerId: 4_000 })).to.equal(100);
      expect(restored.judge({ sequence: 3, epoch: 2, producerId: 4_000 })).to.equal('new');
      expect(restored.judge({ sequence: LAST_SEQUENCE, count: 2, producerId: 4_001 })).to.equal(
        103,
      );
      expect(restored.judge({ sequence: 1, producerId: 4_001 })).to.equal('new');
      expect(restored.judge({ sequence: 0, epoch: 1, producerId: 4_002 })).to.equal('new');
      expect(encode(restored.state)).to.deep.equal(encode(filled()));
    });

    it('is believed only as a whole', () => {
      const bytes = encode(filled());
      for (let at = 0; at < bytes.length; at += 1) {
        const bad = Buffer.from(bytes);
        bad[at]! ^= 0x10;
        expect(() => decodeProducerSnapshot('/d/1.snapshot', bad, 0), `byte ${at}`)
          .to.throw(CorruptionError)
          .with.property('message')
          .that.includes('/d/1.snapshot');
        expect(() => decodeProducerSnapshot('s', bytes.subarray(0, at), 0)).to.throw(
          CorruptionError,
        );
      }
    });
  });
});
