import { expect } from 'chai';
import { AssertionError } from '../../../../common/index.ts';
import { AcknowledgementQueue } from '../../../../broker/replica/acknowledgementQueue.ts';

function recorder() {
  const done: [slot: number, error: string | undefined][] = [];
  const waiter = {
    appendDone: (slot: number, error: string | undefined) => void done.push([slot, error]),
  };
  return { done, waiter };
}

describe('The queue of appends that wait', () => {
  it('acknowledges what ends at or below the safe offset, in order', () => {
    const { done, waiter } = recorder();
    const queue = new AcknowledgementQueue();
    for (const [slot, untilOffset] of [10, 20, 30].entries())
      queue.add({ untilOffset, waiter, slot });
    queue.completeUpTo(9);
    expect(done).to.deep.equal([]);
    queue.completeUpTo(20);
    expect(done).to.deep.equal([
      [0, undefined],
      [1, undefined],
    ]);
    expect(queue.size).to.equal(1);
  });

  it('refuses what lies beyond the offset that was kept, and goes on with the rest', () => {
    const { done, waiter } = recorder();
    const queue = new AcknowledgementQueue();
    for (const [slot, untilOffset] of [10, 20, 30].entries())
      queue.add({ untilOffset, waiter, slot });
    queue.failBeyond(10, 'KAFKA_STORAGE_ERROR');
    expect(done).to.deep.equal([
      [1, 'KAFKA_STORAGE_ERROR'],
      [2, 'KAFKA_STORAGE_ERROR'],
    ]);
    queue.add({ untilOffset: 15, waiter, slot: 3 });
    queue.completeUpTo(15);
    expect(done.slice(2)).to.deep.equal([
      [0, undefined],
      [3, undefined],
    ]);
  });

  it('holds thousands without forgetting or repeating one', () => {
    const { done, waiter } = recorder();
    const queue = new AcknowledgementQueue();
    for (let slot = 0; slot < 5000; slot += 1) {
      queue.add({ untilOffset: slot + 1, waiter, slot });
      if (slot % 3 === 0) queue.completeUpTo(slot - 1000);
    }
    queue.completeUpTo(5000);
    expect(done.map(([slot]) => slot)).to.deep.equal([...Array(5000).keys()]);
    expect(queue.size).to.equal(0);
  });

  it('puts a repeated append where its offset belongs, behind the one that it repeats', () => {
    const { done, waiter } = recorder();
    const queue = new AcknowledgementQueue();
    for (const [slot, untilOffset] of [10, 20, 30].entries()) {
      queue.add({ untilOffset, waiter, slot });
    }
    queue.completeUpTo(10);
    for (const [index, untilOffset] of [5, 10, 20, 25, 30, 30].entries()) {
      queue.addRepeated({ untilOffset, waiter, slot: 100 + index });
    }
    queue.add({ untilOffset: 40, waiter, slot: 3 });
    queue.completeUpTo(10);
    expect(done.map(([slot]) => slot)).to.deep.equal([0, 100, 101]);
    queue.completeUpTo(25);
    expect(done.map(([slot]) => slot)).to.deep.equal([0, 100, 101, 1, 102, 103]);
    queue.failBeyond(30, 'KAFKA_STORAGE_ERROR');
    queue.completeUpTo(30);
    expect(done.slice(6)).to.deep.equal([
      [3, 'KAFKA_STORAGE_ERROR'],
      [2, undefined],
      [104, undefined],
      [105, undefined],
    ]);
    expect(queue.size).to.equal(0);
  });

  it('goes on with new appends after a repeated one that is alone', () => {
    const { done, waiter } = recorder();
    const queue = new AcknowledgementQueue();
    queue.addRepeated({ untilOffset: 7, waiter, slot: 0 });
    queue.add({ untilOffset: 9, waiter, slot: 1 });
    queue.completeUpTo(8);
    queue.completeUpTo(9);
    expect(done.map(([slot]) => slot)).to.deep.equal([0, 1]);
  });

  it('takes an append out of order for a broken promise', () => {
    const { waiter } = recorder();
    const queue = new AcknowledgementQueue();
    queue.add({ untilOffset: 10, waiter, slot: 0 });
    expect(() => queue.add({ untilOffset: 10, waiter, slot: 1 })).to.throw(AssertionError);
  });
});
