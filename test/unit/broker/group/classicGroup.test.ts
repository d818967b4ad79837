import { expect } from 'chai';
import { GROUP, GroupFixture, subscription } from '../../../harness/group/groupFixture.ts';
import { settled } from '../../../harness/group/manualTime.ts';

async function stateOf(group: GroupFixture): Promise<string> {
  const [described] = await group.coordinator.describeGroups([GROUP]);
  return described?.state ?? '';
}

describe('a group of the classic protocol', () => {
  it('waits for more members when it was empty, and a little longer for each that comes', async () => {
    const group = await new GroupFixture({ initialRebalanceDelayMs: 3000 }).lead();
    const [one, two] = [group.member(), group.member()];
    const joins = [one.join()];
    await group.time.advance(2000);
    joins.push(two.join());
    await group.time.advance(1500);
    expect(one.joined).to.equal(undefined);
    await group.time.advance(3000);
    await Promise.all(joins);
    expect([one.generationId, two.generationId]).to.deep.equal([1, 1]);
  });

  it('drops members that do not come back within the rebalance timeout, heartbeats or not', async () => {
    const group = await new GroupFixture().lead();
    const [one, two] = [group.member(), group.member()];
    await group.stable(one, two);
    const rejoin = one.join();
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 5000) {
      expect(await two.heartbeat()).to.equal('REBALANCE_IN_PROGRESS');
      expect(one.joined?.generationId).to.equal(1);
      await group.time.advance(5000);
    }
    expect(await rejoin).to.include({ error: 'NONE', generationId: 2 });
    expect(one.joined?.members).to.have.length(1);
    expect(await two.heartbeat()).to.equal('UNKNOWN_MEMBER_ID');
  });

  it('drops a member after its session timeout, and rebalances', async () => {
    const group = await new GroupFixture().lead();
    const [one, two] = [group.member(), group.member({ sessionTimeoutMs: 30_000 })];
    await group.stable(one, two);
    await group.time.advance(10_001);
    expect(await stateOf(group)).to.equal('PreparingRebalance');
    expect(await two.heartbeat()).to.equal('REBALANCE_IN_PROGRESS');
    expect(await one.heartbeat()).to.equal('UNKNOWN_MEMBER_ID');
    await two.join();
    expect(two.isLeader).to.equal(true);
  });

  it('gives up members that joined and never ask for their assignment', async () => {
    const group = await new GroupFixture().lead();
    const [leader, silent] = [group.member(), group.member()];
    const joins = [leader.join(), silent.join()];
    await group.time.advance(0);
    await Promise.all(joins);
    await leader.sync([]);
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 5000) {
      expect(await leader.heartbeat()).to.equal('NONE');
      // It lives, but its partitions lie idle.
      expect(await silent.heartbeat()).to.equal('NONE');
      await group.time.advance(5000);
    }
    expect(await silent.heartbeat()).to.equal('UNKNOWN_MEMBER_ID');
    expect(await leader.heartbeat()).to.equal('REBALANCE_IN_PROGRESS');
  });

  it('refuses the assignment of an earlier generation', async () => {
    const group = await new GroupFixture().lead();
    const leader = group.member();
    await group.stable(leader);
    const [newcomer] = [group.member()];
    const joins = [newcomer.join(), leader.join()];
    await Promise.all(joins);
    leader.generationId = 1;
    const late = await leader.sync([{ memberId: leader.memberId, assignment: Buffer.from('old') }]);
    expect(late.error).to.equal('ILLEGAL_GENERATION');
    expect(await stateOf(group)).to.equal('CompletingRebalance');
  });

  it('does not wait for ever for an id that was given out and never used', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    const ghost = group.member({ requiresKnownMemberId: true, sessionTimeoutMs: 6000 });
    await ghost.join();
    // A rebalance waits for whoever is about to come, but no longer than a session.
    const rejoin = member.join();
    await group.time.advance(5900);
    expect(member.joined?.generationId).to.equal(1);
    await group.time.advance(200);
    expect((await rejoin).generationId).to.equal(2);
    expect((await ghost.join()).error).to.equal('UNKNOWN_MEMBER_ID');
  });

  it('lets an id that was given out leave', async () => {
    const group = await new GroupFixture().lead();
    const ghost = group.member({ requiresKnownMemberId: true });
    await ghost.join();
    expect(await ghost.leave()).to.equal('NONE');
    expect(await ghost.leave()).to.equal('UNKNOWN_MEMBER_ID');
  });

  it('answers the older of two requests of one member too', async () => {
    const group = await new GroupFixture().lead();
    const [one, two] = [group.member(), group.member()];
    await group.stable(one, two);
    const first = one.join();
    const second = one.join();
    expect((await first).error).to.equal('REBALANCE_IN_PROGRESS');
    await two.join();
    expect((await second).error).to.equal('NONE');
    const follower = one.isLeader ? two : one;
    const firstSync = follower.sync();
    const secondSync = follower.sync();
    expect((await firstSync).error).to.equal('REBALANCE_IN_PROGRESS');
    await (one.isLeader ? one : two).sync([]);
    expect((await secondSync).error).to.equal('NONE');
  });

  it('tells a member that lost the answer the same once more', async () => {
    const group = await new GroupFixture().lead();
    const [leader, follower] = [group.member(), group.member()];
    const joins = [leader.join(), follower.join()];
    await group.time.advance(0);
    await Promise.all(joins);
    for (const member of [leader, follower]) {
      const before = member.joined;
      expect(await member.join()).to.deep.equal(before);
    }
    await Promise.all([leader.sync([]), follower.sync()]);
    expect(await follower.join()).to.include({ error: 'NONE', generationId: 1 });
    expect(await stateOf(group)).to.equal('Stable');
  });

  it('rebalances when a follower says something else, or the leader joins again', async () => {
    const group = await new GroupFixture().lead();
    const [leader, follower] = [group.member(), group.member()];
    await group.stable(leader, follower);
    const changed = follower.join({
      protocols: [{ name: 'range', metadata: subscription('orders', 'payments') }],
    });
    await settled();
    expect(await stateOf(group)).to.equal('PreparingRebalance');
    await Promise.all([changed, leader.join()]);
    await Promise.all([leader.sync([]), follower.sync()]);
    const forced = leader.join();
    await settled();
    expect(await stateOf(group)).to.equal('PreparingRebalance');
    await Promise.all([forced, follower.join()]);
    expect(leader.generationId).to.equal(3);
  });

  it('is refused beyond its greatest size', async () => {
    const group = await new GroupFixture({ groupSizeMax: 2 }).lead();
    const members = [group.member(), group.member()];
    await group.stable(...members);
    expect((await group.member().join()).error).to.equal('GROUP_MAX_SIZE_REACHED');
  });

  it('starts a rebalance when its assignment cannot be stored, and says why', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    for (const [refusal, heard] of [
      ['NOT_ENOUGH_REPLICAS', 'COORDINATOR_NOT_AVAILABLE'],
      ['REQUEST_TIMED_OUT', 'REBALANCE_IN_PROGRESS'],
      ['MESSAGE_TOO_LARGE', 'UNKNOWN_SERVER_ERROR'],
    ] as const) {
      const join = member.join();
      await group.time.advance(0);
      await join;
      group.log.refusals.push(refusal);
      const { error } = await member.sync([
        { memberId: member.memberId, assignment: Buffer.from('never') },
      ]);
      expect(error).to.equal(heard);
      expect(await stateOf(group)).to.equal('PreparingRebalance');
    }
    expect(group.fatal).to.deep.equal([]);
  });

  it('keeps the id of a static member where its new one cannot be stored', async () => {
    const group = await new GroupFixture().lead();
    const fixed = group.member({ groupInstanceId: 'instance-1' });
    await group.stable(fixed);
    group.log.refusals.push('NOT_ENOUGH_REPLICAS');
    const restarted = group.member({ groupInstanceId: 'instance-1' });
    expect((await restarted.join()).error).to.equal('COORDINATOR_NOT_AVAILABLE');
    expect(await fixed.heartbeat()).to.equal('NONE');
  });

  it('keeps no bytes of a request', async () => {
    const group = await new GroupFixture().lead();
    const metadata = subscription('orders');
    const assignment = Buffer.from('mine');
    const member = group.member({ protocols: [{ name: 'range', metadata }] });
    const join = member.join();
    metadata.fill(0);
    await group.time.advance(0);
    await join;
    expect(member.joined?.members[0]?.metadata).to.deep.equal(subscription('orders'));
    const sync = member.sync([{ memberId: member.memberId, assignment }]);
    assignment.fill(0);
    expect((await sync).assignment.toString()).to.equal('mine');
  });
});
