import { expect } from 'chai';
import fc from 'fast-check';
import { NO_RATE_LIMIT, RateLimit } from '../../../../broker/replica/rateLimit.ts';

function limited(bytesPerSecond: number) {
  const time = { nowMs: 5_000 };
  const limit = new RateLimit({ monotonicMs: () => time.nowMs });
  limit.setRate(bytesPerSecond);
  return { time, limit };
}

describe('A limit of bytes per second', () => {
  it('gives what a second brings at once, then what time brings', () => {
    const { time, limit } = limited(1_000);
    expect(limit.available).to.equal(1_000);
    limit.take(1_000);
    expect(limit.available).to.equal(0);
    time.nowMs += 250;
    expect(limit.available).to.equal(250);
    time.nowMs += 60_000;
    expect(limit.available).to.equal(1_000);
  });

  it('lets a batch through that is larger, and waits for the debt', () => {
    const { time, limit } = limited(1_000);
    limit.take(6_000);
    expect(limit.waitMs).to.equal(5_100);
    time.nowMs += 5_000;
    expect(limit.available).to.equal(0);
    time.nowMs += 100;
    expect(limit.available).to.equal(100);
  });

  it('gives no less than a tenth of a second’s worth', () => {
    const { time, limit } = limited(1_000);
    limit.take(1_000);
    time.nowMs += 99;
    expect(limit.available).to.equal(0);
    expect(limit.waitMs).to.equal(1);
    time.nowMs += 1;
    expect(limit.available).to.equal(100);
  });

  it('forgets after ten seconds what nobody could hold back', () => {
    const { time, limit } = limited(1_000);
    limit.note(1_000_000);
    expect(limit.available).to.equal(0);
    time.nowMs += 10_100;
    expect(limit.available).to.equal(100);
  });

  it('never forgives by that what is owed beyond', () => {
    const { limit } = limited(1_000);
    limit.take(50_000);
    const { waitMs } = limit;
    limit.note(5_000);
    expect(limit.waitMs).to.equal(waitMs);
  });

  it('gives without end while there is none, and begins full when there is one', () => {
    const { limit } = limited(NO_RATE_LIMIT);
    limit.take(1_000_000);
    limit.note(1_000_000);
    expect(limit.available).to.equal(Number.POSITIVE_INFINITY);
    expect(limit.waitMs).to.equal(0);
    limit.setRate(500);
    expect(limit.available).to.equal(500);
  });

  it('takes another rate at once, and does not forget what is owed', () => {
    const { time, limit } = limited(1_000);
    limit.take(3_000);
    limit.setRate(10_000);
    expect(limit.waitMs).to.equal(300);
    time.nowMs += 300;
    expect(limit.available).to.equal(1_000);
    limit.setRate(100);
    expect(limit.available).to.equal(100);
  });

  it('lets something through however low the rate is', () => {
    const { time, limit } = limited(1);
    limit.take(1);
    time.nowMs += limit.waitMs;
    expect(limit.available).to.equal(1);
  });

  it('holds over any time, whatever is asked for: at most a second’s worth and one batch more', () => {
    const steps = fc.array(
      fc.record({ waitMs: fc.nat(2_000), batchBytes: fc.integer({ min: 1, max: 30_000 }) }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), steps, (rate, asked) => {
        const { time, limit } = limited(rate);
        const startedMs = time.nowMs;
        let sent = 0;
        for (const { waitMs, batchBytes } of asked) {
          time.nowMs += waitMs;
          if (limit.available === 0) continue;
          const elapsedMs = time.nowMs - startedMs;
          // What went before this batch keeps to the rate.
          expect(sent).to.be.at.most((rate * (elapsedMs + 1_000)) / 1_000 + 1);
          limit.take(batchBytes);
          sent += batchBytes;
        }
      }),
    );
  });
});
