import { expect } from 'chai';
import { brokerEpoch } from '../../../../common/index.ts';
import { type LeaderLog, LeaderState } from '../../../../broker/replica/leaderState.ts';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const LAG_MS_MAX = 1_000;
const alive = (): boolean => true;

function leader(options: { isr?: readonly number[]; durable?: boolean } = {}) {
  const log: Writable<LeaderLog> = {
    logEndOffset: 100,
    writtenOffset: 100,
    durableOffset: 100,
    acknowledgesDurably: options.durable ?? false,
  };
  const state = new LeaderState(log, {
    selfId: 1,
    replicas: [1, 2, 3],
    isr: options.isr ?? [1, 2, 3],
    partitionEpoch: 5,
    epochStartOffset: 50,
    nowMs: 0,
  });
  const fetch = (id: number, logEndOffset: number, durableOffset = logEndOffset, nowMs = 0) =>
    state.onFetch({ id, epoch: brokerEpoch(id * 10), logEndOffset, durableOffset }, nowMs);
  return { log, state, fetch };
}

describe('The state of a leader', () => {
  it('has nothing safe before the whole ISR has fetched', () => {
    const { state, fetch } = leader();
    fetch(2, 90);
    expect(state.safeOffset(0, LAG_MS_MAX, alive)).to.equal(-1);
    fetch(3, 80);
    expect(state.safeOffset(0, LAG_MS_MAX, alive)).to.equal(80);
  });

  it('counts what is on disk where the topic is durable, the leader’s own disk included', () => {
    const { log, state, fetch } = leader({ durable: true });
    log.durableOffset = 70;
    fetch(2, 100, 60);
    fetch(3, 100, 90);
    expect(state.safeOffset(0, LAG_MS_MAX, alive)).to.equal(60);
    state.onProgress(2, 95, 0);
    expect(state.safeOffset(0, LAG_MS_MAX, alive)).to.equal(70);
  });

  it('never lets a progress report claim more than was fetched', () => {
    const { state, fetch } = leader({ durable: true });
    fetch(2, 80, 10);
    fetch(3, 100, 100);
    state.onProgress(2, 500, 0);
    expect(state.safeOffset(0, LAG_MS_MAX, alive)).to.equal(80);
  });

  it('counts who may have joined while a proposal is open: the maximal ISR', () => {
    const { state, fetch } = leader({ isr: [1, 2] });
    fetch(2, 100);
    fetch(3, 90);
    const proposal = state.proposeToJoin(3, 90, alive);
    expect(proposal).to.deep.equal({
      partitionEpoch: 5,
      isr: [
        { id: 1, epoch: -1 },
        { id: 2, epoch: 20 },
        { id: 3, epoch: 30 },
      ],
    });
    const nobodyJoins = (): boolean => false;
    expect(state.safeOffset(0, LAG_MS_MAX, nobodyJoins)).to.equal(90);
    expect([...state.maximalIsr].sort()).to.deep.equal([1, 2, 3]);
    state.withdrawProposal();
    expect(state.safeOffset(0, LAG_MS_MAX, nobodyJoins)).to.equal(100);
  });

  it('goes on counting who is to leave until the controller has said so', () => {
    const { log, state, fetch } = leader({ isr: [1, 2, 3] });
    fetch(2, 100);
    fetch(3, 40);
    log.logEndOffset = 200;
    log.writtenOffset = 200;
    fetch(2, 200, 200, 5_000);
    expect(state.proposeToDrop(5_000, LAG_MS_MAX)?.isr.map(({ id }) => id)).to.deep.equal([1, 2]);
    expect(state.safeOffset(5_000, LAG_MS_MAX, alive)).to.equal(40);
    state.update({ replicas: [1, 2, 3], isr: [1, 2], partitionEpoch: 6, nowMs: 5_000 });
    expect(state.safeOffset(5_000, LAG_MS_MAX, alive)).to.equal(200);
  });

  it('lets a follower join only with the high watermark and the start of the leadership', () => {
    const { state, fetch } = leader({ isr: [1] });
    fetch(2, 49);
    expect(state.proposeToJoin(2, 40, alive), 'below the start of the epoch').to.equal(undefined);
    fetch(2, 60);
    expect(state.proposeToJoin(2, 70, alive), 'below the high watermark').to.equal(undefined);
    fetch(2, 70);
    expect(
      state.proposeToJoin(2, 70, () => false),
      'another registration',
    ).to.equal(undefined);
    expect(state.proposeToJoin(2, 70, alive)).to.not.equal(undefined);
    fetch(3, 100);
    expect(state.proposeToJoin(3, 70, alive), 'one proposal at a time').to.equal(undefined);
  });

  it('drops only who has not had everything for too long', () => {
    const { log, state, fetch } = leader();
    fetch(2, 100, 100, 0);
    fetch(3, 100, 100, 0);
    log.logEndOffset = 150;
    fetch(2, 100, 100, 900);
    fetch(2, 150, 150, 1_800);
    expect(state.proposeToDrop(999, LAG_MS_MAX)).to.equal(undefined);
    const proposal = state.proposeToDrop(1_900, LAG_MS_MAX);
    expect(proposal?.isr.map(({ id }) => id)).to.deep.equal([1, 2]);
  });

  it('takes a follower for caught up that has what the log held at its last fetch', () => {
    const { log, state, fetch } = leader();
    fetch(3, 100, 100, 0);
    for (let round = 0; round < 10; round += 1) {
      const end = 100 + round * 50;
      log.logEndOffset = end + 50;
      fetch(2, end, end, round * 500);
      fetch(3, end + 50, end + 50, round * 500);
    }
    expect(state.proposeToDrop(5_000, LAG_MS_MAX), 'always a little behind').to.equal(undefined);
  });

  it('waits for who is about to join, until that one stops asking', () => {
    const { log, state, fetch } = leader({ isr: [1, 2] });
    const awaited = (id: number): boolean =>
      state.awaits(id, { nowMs: 0, lagMsMax: LAG_MS_MAX, mayJoin: alive });
    fetch(2, 100);
    // The first fetch proves nothing, however young the process is.
    fetch(3, 60);
    expect(awaited(3)).to.equal(false);
    log.logEndOffset = 110;
    log.writtenOffset = 110;
    fetch(2, 110);
    fetch(3, 100);
    expect(awaited(3)).to.equal(true);
    expect(state.safeOffset(0, LAG_MS_MAX, alive)).to.equal(100);
    state.onForgotten(3);
    expect(awaited(3)).to.equal(false);
    expect(state.safeOffset(0, LAG_MS_MAX, alive)).to.equal(110);
    // In sync, it is waited for whether it asks or not.
    state.onForgotten(2);
    expect(awaited(2)).to.equal(true);
  });

  it('passes over a state that is not newer', () => {
    const { state } = leader();
    state.update({ replicas: [1], isr: [1], partitionEpoch: 5, nowMs: 0 });
    expect(state.isr).to.deep.equal([1, 2, 3]);
  });

  it('refuses the fetch of a broker that is no replica', () => {
    const { fetch } = leader();
    expect(fetch(9, 100)).to.equal(false);
  });

  it('tells how far each replica is, and that nothing is known of one that never fetched', () => {
    const { state, fetch } = leader({ isr: [1, 2] });
    fetch(2, 90, 90, 0);
    expect(state.describe(400)).to.deep.equal([
      { id: 1, inSync: true, logEndOffset: 100, durableOffset: 100, lagMs: 0 },
      { id: 2, inSync: true, logEndOffset: 90, durableOffset: 90, lagMs: 400 },
      { id: 3, inSync: false, logEndOffset: -1, durableOffset: -1, lagMs: -1 },
    ]);
  });
});
