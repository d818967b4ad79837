/** Whatever clients send, in whatever order: every request is answered once, and nothing breaks. */

import { expect } from 'chai';
import { GROUP, GroupFixture, subscription } from '../../../harness/group/groupFixture.ts';
import { settled } from '../../../harness/group/manualTime.ts';
import { SimRandom } from '../../../simulation/kernel/index.ts';

const SEEDS = 60;
const STEPS = 150;

interface Identity {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

class RandomClients {
  readonly group: GroupFixture;
  readonly #random: SimRandom;
  readonly #ids = ['', 'nobody'];
  readonly open: Promise<unknown>[] = [];
  answered = 0;
  #generation = 0;

  constructor(seed: number) {
    this.#random = new SimRandom(seed, 'clients');
    this.group = new GroupFixture({
      groupSizeMax: 5,
      initialRebalanceDelayMs: this.#random.pick([0, 3000]),
    });
  }

  async step(): Promise<void> {
    const { coordinator, log } = this.group;
    const identity = { groupId: GROUP, ...this.#identity() };
    switch (this.#random.below(10)) {
      case 0:
      case 1:
      case 2:
        return this.#watch(this.#join(identity));
      case 3:
      case 4:
        return this.#watch(
          coordinator.syncGroup({
            ...identity,
            generationId: this.#someGeneration(),
            protocolType: null,
            protocolName: null,
            assignments: this.#ids.map((memberId) => ({ memberId, assignment: Buffer.from('x') })),
          }),
        );
      case 5:
        return this.#watch(
          coordinator.heartbeat({ ...identity, generationId: this.#someGeneration() }),
        );
      case 6:
        return this.#watch(
          coordinator.leaveGroup({ groupId: GROUP, members: [{ ...identity, reason: null }] }),
        );
      case 7:
        if (this.#random.chance(0.3)) log.refusals.push('NOT_ENOUGH_REPLICAS');
        return this.#watch(
          coordinator.commitOffsets({
            ...identity,
            generationIdOrMemberEpoch: this.#someGeneration(),
            topics: [],
          }),
        );
      case 8:
        if (this.#random.chance(0.8)) return this.group.time.advance(this.#random.below(5000));
        return this.#watch(coordinator.deleteGroups([GROUP]));
      default:
        return this.group.time.advance(this.#random.below(20_000));
    }
  }

  async #join(identity: Identity & { readonly groupId: string }): Promise<void> {
    const names = this.#random.pick([['range'], ['range', 'sticky'], ['sticky'], []]);
    const joined = await this.group.coordinator.joinGroup({
      ...identity,
      protocolType: this.#random.chance(0.9) ? 'consumer' : 'connect',
      protocols: names.map((name) => ({ name, metadata: subscription('orders') })),
      sessionTimeoutMs: this.#random.pick([6000, 10_000]),
      rebalanceTimeoutMs: this.#random.pick([5000, 20_000, -1]),
      reason: null,
      requiresKnownMemberId: this.#random.chance(0.5),
      supportsSkippingAssignment: this.#random.chance(0.5),
      client: { clientId: 'client', clientHost: '/127.0.0.1' },
    });
    if (joined.memberId !== '') this.#ids.push(joined.memberId);
    this.#generation = Math.max(this.#generation, joined.generationId);
  }

  #watch(answer: Promise<unknown>): Promise<void> {
    this.open.push(
      answer.then(() => {
        this.answered += 1;
      }),
    );
    return settled();
  }

  #identity(): Identity {
    return {
      memberId: this.#random.pick(this.#ids),
      groupInstanceId: this.#random.pick([null, null, 'instance-1', 'instance-2']),
    };
  }

  #someGeneration(): number {
    return this.#random.chance(0.8) ? this.#generation : this.#random.below(5) - 1;
  }
}

describe('random requests to a group', function () {
  this.timeout(30_000);

  it('are each answered, and leave a group that still works', async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const clients = new RandomClients(seed);
      const { group } = clients;
      await group.lead();
      for (let step = 0; step < STEPS; step += 1) await clients.step();
      // Everybody is silent: sessions end, rebalances end, and whoever waits is answered.
      await group.time.advance(700_000);
      expect(clients.answered, `seed ${seed}`).to.equal(clients.open.length);
      expect(group.fatal, `seed ${seed}`).to.deep.equal([]);
      const [described] = await group.coordinator.describeGroups([GROUP]);
      expect(['Empty', 'Dead'], `seed ${seed}`).to.include(described?.state);
      group.log.refusals.length = 0;
      const member = group.member();
      const join = member.join();
      await group.time.advance(4000);
      expect((await join).error, `seed ${seed}`).to.equal('NONE');
      expect((await member.sync([])).error, `seed ${seed}`).to.equal('NONE');
    }
  });
});
