import { expect } from 'chai';
import { negotiateTimeoutMs, SessionDeadlines } from '../../../../coordinator/embedded/index.ts';

describe('session deadlines', () => {
  it('a session expires at the first tick that is later than its timeout', () => {
    const deadlines = new SessionDeadlines(100);
    deadlines.touch('a', 1_010, 300);
    expect(deadlines.expired(1_310)).to.deep.equal([]);
    expect(deadlines.expired(1_399.9)).to.deep.equal([]);
    expect(deadlines.expired(1_400)).to.deep.equal(['a']);
  });

  it('a session never expires before its timeout, nor a whole tick after it', () => {
    for (let nowMs = 0; nowMs < 200; nowMs += 0.5) {
      const deadlines = new SessionDeadlines(100);
      deadlines.touch('a', nowMs, 250);
      expect(deadlines.expired(nowMs + 250)).to.deep.equal([]);
      expect(deadlines.expired(nowMs + 350)).to.deep.equal(['a']);
    }
  });

  it('every sign of life puts the deadline off', () => {
    const deadlines = new SessionDeadlines(100);
    deadlines.touch('a', 0, 200);
    deadlines.touch('b', 0, 200);
    deadlines.touch('a', 150, 200);
    expect(deadlines.expired(300)).to.deep.equal(['b']);
    deadlines.forget('b');
    expect(deadlines.expired(400)).to.deep.equal(['a']);
  });

  it('sessions expire in the order of their deadlines', () => {
    const deadlines = new SessionDeadlines(10);
    deadlines.touch('late', 0, 100);
    deadlines.touch('early', 0, 50);
    expect(deadlines.nextMs).to.equal(60);
    expect(deadlines.expired(1000)).to.deep.equal(['early', 'late']);
  });

  it('timeouts are granted from 2 to 20 ticks', () => {
    expect(negotiateTimeoutMs(0, 100)).to.equal(200);
    expect(negotiateTimeoutMs(777, 100)).to.equal(777);
    expect(negotiateTimeoutMs(1e9, 100)).to.equal(2000);
  });
});
