import { expect } from 'chai';
import type { Timers, TimestampMs } from '../../../../common/index.ts';
import { Purgatory } from '../../../../broker/replica/purgatory.ts';

class ManualTime {
  nowMs = 5;
  readonly due: { atMs: number; callback: () => void }[] = [];
  readonly clock = { monotonicMs: () => this.nowMs, wallMs: () => this.nowMs as TimestampMs };
  readonly timers: Timers = {
    set: (delayMs, callback) => {
      const entry = { atMs: this.nowMs + delayMs, callback };
      this.due.push(entry);
      return { cancel: () => void this.due.splice(this.due.indexOf(entry) >>> 0, 1) };
    },
    afterTurn: (callback) => callback(),
  };

  advanceTo(ms: number): void {
    this.nowMs = ms;
    for (const entry of this.due.filter(({ atMs }) => atMs <= ms)) {
      this.due.splice(this.due.indexOf(entry), 1);
      entry.callback();
    }
  }
}

function operation() {
  const waiting = {
    expired: 0,
    expire: () => {
      waiting.expired += 1;
    },
  };
  return waiting;
}

describe('Purgatory', () => {
  it('expires an operation at its deadline, never before', () => {
    const time = new ManualTime();
    const purgatory = new Purgatory(time);
    const waiting = operation();
    purgatory.add(waiting, 100);
    time.advanceTo(104.9);
    expect(waiting.expired).to.equal(0);
    time.advanceTo(115);
    expect(waiting.expired).to.equal(1);
    expect(purgatory.size).to.equal(0);
  });

  it('leaves alone what was removed in time, and keeps no timer for it', () => {
    const time = new ManualTime();
    const purgatory = new Purgatory(time);
    const waiting = operation();
    purgatory.add(waiting, 100);
    purgatory.remove(waiting);
    purgatory.remove(waiting);
    expect(time.due).to.have.length(0);
    time.advanceTo(1000);
    expect(waiting.expired).to.equal(0);
  });

  it('keeps one timer for operations of about the same deadline', () => {
    const time = new ManualTime();
    const purgatory = new Purgatory(time);
    const many = Array.from({ length: 100 }, operation);
    for (const [index, waiting] of many.entries()) purgatory.add(waiting, 100 + index / 100);
    expect(time.due.length).to.be.lessThan(3);
    time.advanceTo(200);
    expect(many.every(({ expired }) => expired === 1)).to.equal(true);
  });

  it('takes an operation again while it expires', () => {
    const time = new ManualTime();
    const purgatory = new Purgatory(time);
    let count = 0;
    const again = {
      expire: () => {
        count += 1;
        if (count < 3) purgatory.add(again, 50);
      },
    };
    purgatory.add(again, 50);
    time.advanceTo(100);
    time.advanceTo(200);
    time.advanceTo(300);
    expect(count).to.equal(3);
  });

  it('ends every wait when it closes', () => {
    const time = new ManualTime();
    const purgatory = new Purgatory(time);
    const waiting = [operation(), operation()];
    purgatory.add(waiting[0]!, 10);
    purgatory.add(waiting[1]!, 10_000);
    purgatory.close();
    expect(waiting.map(({ expired }) => expired)).to.deep.equal([1, 1]);
    expect(time.due).to.have.length(0);
  });
});
