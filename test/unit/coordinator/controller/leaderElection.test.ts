import { expect } from 'chai';
import { controllerEpoch } from '../../../../common/index.ts';
import {
  changeIsr,
  type ElectionRules,
  electLeader,
} from '../../../../coordinator/controller/leaderElection.ts';
import type { PartitionStateNode } from '../../../../coordinator/znodes/index.ts';

const epoch = controllerEpoch(9);
type State = PartitionStateNode;
const state = (leader: number, isr: number[], leaderEpoch = 4): State => ({
  leader,
  isr,
  leaderEpoch,
  controllerEpoch: 1,
  others: { kept: true },
});

interface Situation {
  readonly bounced?: readonly number[];
  readonly rules?: Partial<ElectionRules>;
}

/** Brokers are registered at 10 times their id, those that bounced at 10 more. */
const rulesOf = (alive: readonly number[], situation: Situation = {}): ElectionRules => ({
  kind: 'needed',
  controllerEpoch: epoch,
  epochOf: (id) => {
    if (!alive.includes(id)) return undefined;
    return situation.bounced?.includes(id) ? id * 10 + 10 : id * 10;
  },
  cleanStopOf: () => undefined,
  isStopping: () => false,
  dropped: new Set(),
  isDurable: true,
  uncleanAllowed: false,
  minIsr: 1,
  minIsrTold: 1,
  ...situation.rules,
});

const electFully = (
  replicas: number[],
  before: State | undefined,
  alive: number[],
  situation?: Situation,
) => {
  const isrEpochs = new Map(before?.isr.map((id) => [id, id * 10]));
  return electLeader({ replicas, state: before, isrEpochs }, rulesOf(alive, situation));
};

const elect = (
  replicas: number[],
  before: State | undefined,
  alive: number[],
  situation?: Situation,
) => electFully(replicas, before, alive, situation)?.next;

describe('Leader election', () => {
  it('starts a new partition with its live replicas, at epoch 0', () => {
    expect(elect([3, 1, 2], undefined, [1, 2])).to.deep.equal({
      leader: 1,
      leaderEpoch: 0,
      isr: [1, 2],
      controllerEpoch: 9,
      isrEpochs: [
        { id: 1, brokerEpoch: 10 },
        { id: 2, brokerEpoch: 20 },
      ],
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
    const next = elect([1, 2, 3], state(1, [1, 2, 3]), [1, 2, 3], { bounced: [2] });
    expect(next).to.deep.include({ leader: 1, isr: [1, 3] });
    const led = elect([1, 2], state(1, [1, 2]), [1, 2], { bounced: [1] });
    expect(led).to.deep.include({ leader: 2, leaderEpoch: 5, isr: [2] });
  });

  it('keeps the ISR where all of it has registered anew: nobody holds more', () => {
    const next = elect([1, 2], state(1, [1, 2]), [1, 2], { bounced: [1, 2] });
    expect(next).to.deep.include({ leader: 2, leaderEpoch: 5, isr: [1, 2] });
  });

  it('raises the epoch of a leader that has registered anew, preferring another replica', () => {
    expect(elect([1, 2], state(1, [1, 2]), [1, 2], { bounced: [1] })).to.deep.include({
      leader: 2,
    });
    expect(elect([1], state(1, [1]), [1], { bounced: [1] })).to.deep.include({
      leader: 1,
      leaderEpoch: 5,
    });
  });

  it('moves away from a broker about to stop, which leaves the ISR; alone it stays', () => {
    const stopping = { rules: { isStopping: (id: number) => id === 1 } };
    const moved = elect([1, 2, 3], state(1, [1, 2, 3]), [1, 2, 3], stopping);
    expect(moved).to.deep.include({ leader: 2, leaderEpoch: 5, isr: [2, 3] });
    const followed = elect([1, 2], state(2, [1, 2]), [1, 2], stopping);
    expect(followed).to.deep.include({ leader: 2, leaderEpoch: 4, isr: [2] });
    expect(elect([1, 2], state(1, [1]), [1, 2], stopping)).to.equal(undefined);
    expect(elect([1, 2], undefined, [1, 2], stopping)).to.deep.include({ leader: 2, isr: [2] });
    expect(elect([1], undefined, [1], stopping)).to.deep.include({ leader: 1, isr: [1] });
  });

  it('goes to the first replica of the assignment when that is asked for and it is in sync', () => {
    const preferred = { rules: { kind: 'preferred' as const } };
    const next = elect([1, 2], state(2, [2, 1]), [1, 2], preferred);
    expect(next).to.deep.include({ leader: 1, leaderEpoch: 5 });
    expect(elect([1, 2], state(2, [2]), [1, 2], preferred)).to.equal(undefined);
    expect(elect([1, 2], state(1, [1, 2]), [1, 2], preferred)).to.equal(undefined);
  });

  it('takes a replica out of sync only where that is allowed, and then nobody is eligible', () => {
    const before = { ...state(-1, [1], 5), elr: [{ id: 3, brokerEpoch: 30 }] };
    expect(elect([1, 2, 3], before, [2])).to.equal(undefined);
    for (const rules of [{ uncleanAllowed: true }, { kind: 'unclean' as const }]) {
      const found = electFully([1, 2, 3], before, [2], { rules });
      expect(found?.unclean).to.equal(true);
      expect(found?.next).to.deep.include({ leader: 2, leaderEpoch: 6, isr: [2] });
      expect(found?.next).not.to.have.property('elr');
    }
    const clean = electFully([1, 2], state(1, [1, 2]), [2], { rules: { uncleanAllowed: true } });
    expect(clean).to.deep.include({ unclean: false });
  });

  it('leaves a leader recovering that came uncleanly, until it asks for another ISR', () => {
    const before = state(-1, [1]);
    const unclean = { rules: { uncleanAllowed: true } };
    const found = elect([1, 2, 3], before, [2, 3], unclean);
    expect(found).to.deep.include({ leader: 2, recovering: true });
    // A clean election keeps what stands there, as Kafka does.
    const moved = elect([1, 2, 3], { ...state(2, [2, 3]), recovering: true }, [3]);
    expect(moved).to.deep.include({ leader: 3, recovering: true });
    const asked = changeIsr(
      { replicas: [2, 3], state: { ...state(2, [2]), recovering: true }, isrEpochs: new Map() },
      rulesOf([2, 3]),
      [
        { id: 2, brokerEpoch: 20 },
        { id: 3, brokerEpoch: 30 },
      ],
    );
    expect(asked.next.isr).to.deep.equal([2, 3]);
    expect(asked.next).not.to.have.property('recovering');
  });
});

describe('Eligible leader replicas', () => {
  const two = { minIsr: 2, minIsrTold: 2 };
  const elr = [{ id: 2, brokerEpoch: 20 }];

  it('are those who leave an ISR that falls below the minimum', () => {
    const next = elect([1, 2, 3], state(1, [1, 2]), [1], { rules: two });
    expect(next).to.deep.include({ leader: 1, leaderEpoch: 4, isr: [1], elr });
    expect(elect([1, 2, 3], state(1, [1, 2, 3]), [1, 2], { rules: two })).not.to.have.property(
      'elr',
    );
  });

  it('are nobody while a leader may still commit with fewer in sync', () => {
    const rules = { minIsr: 2, minIsrTold: 1 };
    expect(elect([1, 2], state(1, [1, 2]), [1], { rules })).not.to.have.property('elr');
    const standing = { ...state(1, [1], 4), elr };
    expect(elect([3, 1, 2], standing, [2, 3], { rules })).to.deep.include({ leader: 2 });
  });

  it('are forgotten when the ISR is full again', () => {
    const before = { ...state(1, [1]), elr };
    const partition = { replicas: [1, 2, 3], state: before, isrEpochs: new Map([[1, 10]]) };
    const isr = [
      { id: 1, brokerEpoch: 10 },
      { id: 3, brokerEpoch: 30 },
    ];
    const changed = changeIsr(partition, rulesOf([1, 2, 3], { rules: two }), isr);
    expect(changed.next).to.deep.include({ isr: [1, 3] });
    expect(changed.next).not.to.have.property('elr');
    expect([...changed.isrEpochs]).to.deep.equal([
      [1, 10],
      [3, 30],
    ]);
    expect(elect([1, 2], { ...state(1, [1]), elr }, [1])).not.to.have.property('elr');
  });

  it('lead where nobody in sync is alive, and who was in sync is eligible then', () => {
    const before = { ...state(1, [1]), elr };
    const next = elect([1, 2, 3], before, [2, 3], { rules: two });
    expect(next).to.deep.include({
      leader: 2,
      leaderEpoch: 5,
      isr: [2],
      elr: [{ id: 1, brokerEpoch: 10 }],
    });
  });

  it('of a topic that is not durable are void in another registration', () => {
    const before = { ...state(1, [1]), elr };
    const rules = { ...two, isDurable: false };
    const returned = { bounced: [2], rules };
    expect(elect([1, 2], before, [2], returned)).to.deep.include({ leader: -1, isr: [1] });
    expect(elect([1, 2], before, [2], { bounced: [2], rules: two })).to.deep.include({ leader: 2 });
    const cleanly = { bounced: [2], rules: { ...rules, cleanStopOf: () => 20 } };
    expect(elect([1, 2], before, [2], cleanly)).to.deep.include({ leader: 2 });
  });

  it('go before an in-sync replica that has lost its tail, where restarts lose any', () => {
    const before = { ...state(1, [1]), elr };
    const rules = { ...two, isDurable: false };
    expect(elect([1, 2], before, [1, 2], { bounced: [1], rules })).to.deep.include({ leader: 2 });
    expect(elect([1, 2], before, [1, 2], { bounced: [1], rules: two })).to.deep.include({
      leader: 1,
      leaderEpoch: 5,
    });
  });

  it('become known to the next controller by the registrations of the ISR', () => {
    const next = elect([1, 2], state(1, [1, 2]), [2], { rules: two });
    expect(next).to.deep.include({ leader: 2, isrEpochs: [{ id: 2, brokerEpoch: 20 }] });
  });
});
