import { expect } from 'chai';
import {
  systemClock,
  systemRandom,
  systemTimers,
} from '../../../../../common/environment/production/index.ts';

describe('system timers', () => {
  it('never call early by the monotonic clock', async () => {
    const delays = [0, 0.3, 1, 1.7, 2.2, 5, 7.9];
    const waited = await Promise.all(
      delays.map((delayMs) => {
        const startMs = systemClock.monotonicMs();
        return new Promise<number>((resolve) => {
          systemTimers.set(delayMs, () => resolve(systemClock.monotonicMs() - startMs - delayMs));
        });
      }),
    );
    expect(waited.every((lateMs) => lateMs >= 0)).to.equal(true);
  });

  it('do not call at once for a delay of more than 31 bits', async () => {
    let called = false;
    const timer = systemTimers.set(2 ** 31 + 5, () => {
      called = true;
    });
    await new Promise<void>((resolve) => {
      systemTimers.set(5, resolve);
    });
    timer.cancel();
    timer.cancel();
    expect(called).to.equal(false);
  });

  it('call afterTurn after the microtasks and before timers that are due later', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      systemTimers.set(20, () => {
        order.push('timer');
        resolve();
      });
      systemTimers.afterTurn(() => order.push('turn'));
      void Promise.resolve().then(() => order.push('microtask'));
    });
    expect(order).to.deep.equal(['microtask', 'turn', 'timer']);
  });
});

describe('system randomness', () => {
  it('draws numbers within their bounds, of both halves', () => {
    const units = Array.from({ length: 2000 }, () => systemRandom.unit());
    expect(units.every((unit) => unit >= 0 && unit < 1)).to.equal(true);
    expect(units.filter((unit) => unit < 0.5).length).to.be.within(800, 1200);
    const sides = new Set(Array.from({ length: 500 }, () => systemRandom.below(6)));
    expect([...sides].sort()).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(systemRandom.bytes(16)).to.have.length(16);
  });
});
