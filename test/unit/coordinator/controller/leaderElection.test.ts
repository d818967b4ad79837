import { expect } from 'chai';
import { controllerEpoch } from '../../../../common/index.ts';
import { electLeader } from '../../../../coordinator/controller/leaderElection.ts';

const epoch = controllerEpoch(9);
const state = (leader: number, isr: number[], leaderEpoch = 4) => ({
  leader,
  isr,
  leaderEpoch,
  controllerEpoch: 1,
  others: { kept: true },
});
const elect = (
  replicas: number[],
  before: ReturnType<typeof state> | undefined,
  alive: number[],
  leaderBounced = false,
  bounced: readonly number[] = [],
) =>
  electLeader({ replicas, state: before }, (id) => alive.includes(id), {
    controllerEpoch: epoch,
    leaderBounced,
    bounced: new Set(bounced),
  });

describe('Leader election', () => {
  it('starts a new partition with its live replicas, at epoch 0', () => {
    expect(elect([3, 1, 2], undefined, [1, 2])).to.deep.equal({
      leader: 1,
      leaderEpoch: 0,
      isr: [1, 2],
      controllerEpoch: 9,
      others: {},
    });
    expect(elect([3], undefined, [1])).to.equal(undefined);
  });

  it('changes nothing while the leader is alive', () => {
    expect(elect([1, 2], state(2, [1, 2]), [1, 2])).to.equal(undefined);
  });

  it('takes the first live replica of the ISR in the order of the assignment', () => {
    const next = elect([3, 2, 1], state(3, [1, 2, 3]), [1, 2]);
    expect(next).to.deep.include({
      leader: 2,
      leaderEpoch: 5,
      isr: [2, 1],
      others: { kept: true },
    });
  });

  it('never takes a replica that is not in sync: then nobody leads, and the ISR stays', () => {
    const next = elect([1, 2], state(1, [1]), [2]);
    expect(next).to.deep.include({ leader: -1, leaderEpoch: 5, isr: [1] });
    expect(elect([1, 2], state(-1, [1], 5), [2])).to.equal(undefined);
    expect(elect([1, 2], state(-1, [1], 5), [1, 2])).to.deep.include({ leader: 1, leaderEpoch: 6 });
  });

  it('drops who is gone from the ISR, and the leader stays in its epoch', () => {
    const next = elect([1, 2, 3], state(1, [1, 2, 3]), [1, 3]);
    expect(next).to.deep.include({ leader: 1, leaderEpoch: 4, isr: [1, 3] });
  });

  it('drops who has registered anew: what it had unsynced may be gone', () => {
    const next = elect([1, 2, 3], state(1, [1, 2, 3]), [1, 2, 3], false, [2]);
    expect(next).to.deep.include({ leader: 1, isr: [1, 3] });
    const led = elect([1, 2], state(1, [1, 2]), [1, 2], true, [1]);
    expect(led).to.deep.include({ leader: 2, leaderEpoch: 5, isr: [2] });
  });

  it('keeps the ISR where all of it has registered anew: nobody holds more', () => {
    const next = elect([1, 2], state(1, [1, 2]), [1, 2], true, [1, 2]);
    expect(next).to.deep.include({ leader: 2, leaderEpoch: 5, isr: [1, 2] });
  });

  it('raises the epoch of a leader that has registered anew, preferring another replica', () => {
    expect(elect([1, 2], state(1, [1, 2]), [1, 2], true)).to.deep.include({ leader: 2 });
    expect(elect([1], state(1, [1]), [1], true)).to.deep.include({ leader: 1, leaderEpoch: 5 });
  });
});
