/** The pitfalls of groups and offsets in Kafka's protocol, by the numbers of the list of 64. */

import { expect } from 'chai';
import { GROUP, GroupFixture, subscription } from '../../../harness/group/groupFixture.ts';
import { settled } from '../../../harness/group/manualTime.ts';

const fetchOf = (partitions: readonly number[] | null, requireStable = false) => ({
  groupId: GROUP,
  memberId: null,
  memberEpoch: -1,
  requireStable,
  topics: partitions === null ? null : [{ name: 'orders', partitions }],
});

describe('pitfalls of offsets', () => {
  it('47: what was never committed is -1 with empty metadata, and metadata comes back as it was', async () => {
    const group = await new GroupFixture().lead();
    const nothing = await group.coordinator.fetchOffsets(fetchOf([0]));
    expect(nothing).to.deep.equal({
      error: 'NONE',
      topics: [
        {
          name: 'orders',
          partitions: [
            {
              partition: 0,
              committedOffset: -1,
              committedLeaderEpoch: -1,
              metadata: '',
              error: 'NONE',
            },
          ],
        },
      ],
    });
    expect((await group.coordinator.fetchOffsets(fetchOf(null))).topics).to.deep.equal([]);

    const metadata = 'größe "€" \u0000 𝄞';
    expect(await group.member().commit(7, { metadata })).to.equal('NONE');
    const [topic] = (await group.coordinator.fetchOffsets(fetchOf(null))).topics;
    expect(topic).to.deep.equal({
      name: 'orders',
      partitions: [
        { partition: 0, committedOffset: 7, committedLeaderEpoch: 3, metadata, error: 'NONE' },
      ],
    });
  });

  it('47: metadata of more than 4096 characters is refused, 4096 are not', async () => {
    const member = (await new GroupFixture().lead()).member();
    expect(await member.commit(7, { metadata: 'x'.repeat(4097) })).to.equal(
      'OFFSET_METADATA_TOO_LARGE',
    );
    expect(await member.commit(7, { metadata: 'x'.repeat(4096) })).to.equal('NONE');
  });

  it('48: whoever wants stable offsets hears UNSTABLE_OFFSET_COMMIT while one is on its way', async () => {
    const group = await new GroupFixture().lead();
    await group.member().commit(7);
    group.log.held = true;
    const commit = group.member().commit(8);
    const [unstable] = (await group.coordinator.fetchOffsets(fetchOf([0, 1], true))).topics;
    expect(unstable?.partitions.map(({ error }) => error)).to.deep.equal([
      'UNSTABLE_OFFSET_COMMIT',
      'NONE',
    ]);
    const [other] = (await group.coordinator.fetchOffsets(fetchOf([0]))).topics;
    expect(other?.partitions[0]?.committedOffset).to.equal(7);
    group.log.release();
    expect(await commit).to.equal('NONE');
    const [stable] = (await group.coordinator.fetchOffsets(fetchOf([0], true))).topics;
    expect(stable?.partitions[0]?.committedOffset).to.equal(8);
  });

  it('49: a commit without generation and member is for empty groups', async () => {
    const group = await new GroupFixture().lead();
    const outsider = group.member();
    expect(await outsider.commit(1)).to.equal('NONE');
    const member = group.member();
    await group.stable(member);
    expect(await outsider.commit(2)).to.equal('UNKNOWN_MEMBER_ID');
    expect(await member.commit(2)).to.equal('NONE');
    member.generationId += 1;
    expect(await member.commit(3)).to.equal('ILLEGAL_GENERATION');
  });

  it('49: while the assignment is awaited a commit hears REBALANCE_IN_PROGRESS', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    const join = member.join();
    await group.time.advance(0);
    await join;
    expect(await member.commit(2)).to.equal('REBALANCE_IN_PROGRESS');
    await member.sync([]);
    expect(await member.commit(2)).to.equal('NONE');
  });
});

describe('pitfalls of groups', () => {
  it('50: only a new dynamic member of version 4 or later must come back with its id', async () => {
    const group = await new GroupFixture().lead();
    const modern = group.member({ requiresKnownMemberId: true });
    const first = await modern.join();
    expect(first.error).to.equal('MEMBER_ID_REQUIRED');
    expect(first.memberId).to.match(/^client-[0-9a-f]{8}-/);
    const again = modern.join();
    const old = group.member().join();
    const fixed = group
      .member({ requiresKnownMemberId: true, groupInstanceId: 'instance-1' })
      .join();
    await group.time.advance(0);
    const errors = (await Promise.all([again, old, fixed])).map(({ error }) => error);
    expect(errors).to.deep.equal(['NONE', 'NONE', 'NONE']);
    expect((await again).memberId).to.equal(first.memberId);
  });

  it('51: ids begin with the client or the instance, and only the leader hears of all members', async () => {
    const group = await new GroupFixture().lead();
    const [dynamic, fixed] = [group.member(), group.member({ groupInstanceId: 'instance-1' })];
    await group.stable(dynamic, fixed);
    const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
    expect(dynamic.memberId).to.match(new RegExp(`^client-${uuid}$`));
    expect(fixed.memberId).to.match(new RegExp(`^instance-1-${uuid}$`));
    expect(dynamic.joined).to.include({ generationId: 1, leader: dynamic.memberId });
    expect(dynamic.joined?.members).to.deep.equal([
      { memberId: dynamic.memberId, groupInstanceId: null, metadata: subscription('orders') },
      {
        memberId: fixed.memberId,
        groupInstanceId: 'instance-1',
        metadata: subscription('orders'),
      },
    ]);
    expect(fixed.joined?.members).to.deep.equal([]);
  });

  it('51: the generation goes on where it was when the coordinator moves', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    await group.stable(member);
    expect(member.generationId).to.equal(2);

    const next = group.newCoordinator(2);
    next.onLeadership(group.partition, group.log.elect(group.partition, 2));
    await group.time.advance(50);
    member.moveTo(next);
    expect(await member.heartbeat()).to.equal('NONE');
    await group.stable(member);
    expect(member.generationId).to.equal(3);
  });

  it('52: the protocol is one that all support and most prefer; without one the joiner is refused', async () => {
    const group = await new GroupFixture().lead();
    const speaks = (...names: readonly string[]) => ({
      protocols: names.map((name) => ({ name, metadata: subscription('orders') })),
    });
    const members = [
      group.member(speaks('range', 'sticky')),
      group.member(speaks('sticky', 'range')),
      group.member(speaks('own', 'sticky', 'range')),
    ];
    await group.stable(...members);
    expect(members.map(({ joined }) => joined?.protocolName)).to.deep.equal(
      members.map(() => 'sticky'),
    );
    const stranger = await group.member(speaks('RoundRobinAssigner')).join();
    expect(stranger.error).to.equal('INCONSISTENT_GROUP_PROTOCOL');
    const connector = await group.member({ protocolType: 'connect' }).join();
    expect(connector.error).to.equal('INCONSISTENT_GROUP_PROTOCOL');
    const silent = await group.member({ protocols: [] }).join();
    expect(silent.error).to.equal('INCONSISTENT_GROUP_PROTOCOL');
  });

  it('53: followers wait for the assignment of the leader, and who gets none gets no bytes, not null', async () => {
    const group = await new GroupFixture().lead();
    const [leader, follower] = [group.member(), group.member()];
    const joins = [leader.join(), follower.join()];
    await group.time.advance(0);
    await Promise.all(joins);
    const waiting = follower.sync();
    await settled();
    expect(follower.synced).to.equal(undefined);
    await leader.sync([{ memberId: leader.memberId, assignment: Buffer.from('all') }]);
    expect(await waiting).to.deep.equal({
      error: 'NONE',
      protocolType: 'consumer',
      protocolName: 'range',
      assignment: new Uint8Array(0),
    });
    expect(leader.synced?.assignment.toString()).to.equal('all');
  });

  it('53: a sync that names another protocol is refused, one that names none is not', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    for (const protocol of [
      { type: 'connect', name: null },
      { type: null, name: 'sticky' },
    ]) {
      const { error } = await member.sync([], protocol);
      expect(error).to.equal('INCONSISTENT_GROUP_PROTOCOL');
    }
    expect((await member.sync([], { type: 'consumer', name: 'range' })).error).to.equal('NONE');
    expect((await member.sync()).error).to.equal('NONE');
  });

  it('54: a heartbeat says what goes on, and keeps the member alive in every state', async () => {
    const group = await new GroupFixture().lead();
    const [one, two] = [group.member(), group.member()];
    await group.stable(one);
    expect(await two.heartbeat()).to.equal('UNKNOWN_MEMBER_ID');
    // The second one joins: the first learns it from its heartbeats, and must not be dropped.
    const joining = two.join();
    for (let second = 0; second < 30; second += 5) {
      expect(await one.heartbeat()).to.equal('REBALANCE_IN_PROGRESS');
      await group.time.advance(5000);
    }
    const rejoining = one.join();
    await Promise.all([joining, rejoining]);
    expect(one.generationId).to.equal(2);
    for (let second = 0; second < 30; second += 5) {
      expect(await one.heartbeat()).to.equal('NONE');
      expect(await two.heartbeat()).to.equal('NONE');
      await group.time.advance(5000);
    }
    one.generationId = 1;
    expect(await one.heartbeat()).to.equal('ILLEGAL_GENERATION');
  });

  it('54: many joins at once drop nobody', async () => {
    const group = await new GroupFixture().lead();
    const members = Array.from({ length: 20 }, () => group.member({ requiresKnownMemberId: true }));
    await Promise.all(members.map((member) => member.join()));
    await group.stable(...members);
    expect(new Set(members.map(({ generationId }) => generationId)).size).to.equal(1);
    const answers = await Promise.all(members.map((member) => member.heartbeat()));
    expect(answers).to.deep.equal(members.map(() => 'NONE'));
  });

  it('55: a static member comes back under a new id without a rebalance, and fences the old one', async () => {
    const group = await new GroupFixture().lead();
    const fixed = group.member({ groupInstanceId: 'instance-1' });
    const other = group.member();
    await group.stable(other, fixed);
    const restarted = group.member({ groupInstanceId: 'instance-1' });
    const { error, generationId, leader } = await restarted.join();
    expect({ error, generationId, leader }).to.deep.equal({
      error: 'NONE',
      generationId: 1,
      leader: other.memberId,
    });
    expect(restarted.memberId).not.to.equal(fixed.memberId);
    expect(await other.heartbeat()).to.equal('NONE');
    expect(await fixed.heartbeat()).to.equal('FENCED_INSTANCE_ID');
    expect(await fixed.commit(5)).to.equal('FENCED_INSTANCE_ID');
    expect((await fixed.sync()).error).to.equal('FENCED_INSTANCE_ID');
    // It keeps what its predecessor had.
    expect((await restarted.sync()).assignment.toString()).to.equal(`a:${fixed.memberId}`);
  });

  it('55: a static leader that comes back is told to skip the assignment, from version 9 on', async () => {
    const group = await new GroupFixture().lead();
    const leader = group.member({ groupInstanceId: 'instance-1' });
    await group.stable(leader);
    const modern = group.member({
      groupInstanceId: 'instance-1',
      supportsSkippingAssignment: true,
    });
    const { skipAssignment, members } = await modern.join();
    expect(skipAssignment).to.equal(true);
    expect(modern.isLeader).to.equal(true);
    expect(members.map(({ groupInstanceId }) => groupInstanceId)).to.deep.equal(['instance-1']);
    // An older one must not take itself for the leader: its assignment would go nowhere.
    const old = group.member({ groupInstanceId: 'instance-1' });
    const again = await old.join();
    expect(again).to.include({ error: 'NONE', leader: modern.memberId, skipAssignment: false });
    expect(old.isLeader).to.equal(false);
  });

  it('55: members leave in one request, each with its own error', async () => {
    const group = await new GroupFixture().lead();
    const [dynamic, fixed] = [group.member(), group.member({ groupInstanceId: 'instance-1' })];
    await group.stable(dynamic, fixed);
    const { error, members } = await group.coordinator.leaveGroup({
      groupId: GROUP,
      members: [
        { memberId: dynamic.memberId, groupInstanceId: null, reason: 'test' },
        { memberId: 'nobody', groupInstanceId: null, reason: null },
        { memberId: 'nobody', groupInstanceId: 'instance-1', reason: null },
        { memberId: '', groupInstanceId: 'instance-1', reason: null },
        { memberId: '', groupInstanceId: 'instance-2', reason: null },
      ],
    });
    expect(error).to.equal('NONE');
    expect(members.map((member) => member.error)).to.deep.equal([
      'NONE',
      'UNKNOWN_MEMBER_ID',
      'FENCED_INSTANCE_ID',
      'NONE',
      'UNKNOWN_MEMBER_ID',
    ]);
    expect((await group.coordinator.describeGroups([GROUP]))[0]?.state).to.equal('Empty');
  });

  it('55: a static member that is away keeps its place until its session ends', async () => {
    const group = await new GroupFixture().lead();
    const fixed = group.member({ groupInstanceId: 'instance-1' });
    await group.stable(fixed);
    await group.time.advance(9000);
    expect((await group.coordinator.describeGroups([GROUP]))[0]?.members).to.have.length(1);
    await group.time.advance(2000);
    expect((await group.coordinator.describeGroups([GROUP]))[0]?.members).to.have.length(0);
  });

  it('56: a second rebalance at once is served at once', async () => {
    const group = await new GroupFixture({ initialRebalanceDelayMs: 3000 }).lead();
    const member = group.member();
    const joining = member.join();
    await group.time.advance(2900);
    expect(member.joined).to.equal(undefined);
    await group.time.advance(200);
    await joining;
    await member.sync([]);
    for (let generation = 2; generation < 5; generation += 1) {
      await member.join();
      await member.sync([]);
      expect(member.generationId).to.equal(generation);
    }
  });

  it('57: a session timeout is from six seconds to half an hour', async () => {
    const group = await new GroupFixture().lead();
    for (const sessionTimeoutMs of [5999, 1_800_001, 0, -1]) {
      const { error } = await group.member({ sessionTimeoutMs }).join();
      expect(error).to.equal('INVALID_SESSION_TIMEOUT');
    }
    for (const sessionTimeoutMs of [6000, 1_800_000]) {
      const member = group.member({ sessionTimeoutMs });
      const joining = member.join({ groupId: `group-${sessionTimeoutMs}` });
      expect((await joining).error).to.equal('NOT_COORDINATOR');
      const { error } = await group
        .member({ sessionTimeoutMs, requiresKnownMemberId: true })
        .join();
      expect(error).to.equal('MEMBER_ID_REQUIRED');
    }
  });

  it('57: while the coordinator loads requests hear 14, and after it has moved 16', async () => {
    const group = new GroupFixture();
    const member = group.member();
    expect((await member.join()).error).to.equal('NOT_COORDINATOR');
    await group.lead();
    await member.commit(1);
    const epoch = group.log.elect(group.partition, 1);
    group.coordinator.onLeadership(group.partition, epoch);
    expect((await member.join()).error).to.equal('COORDINATOR_LOAD_IN_PROGRESS');
    expect(await member.commit(1)).to.equal('COORDINATOR_LOAD_IN_PROGRESS');
    expect(await member.leave()).to.equal('COORDINATOR_LOAD_IN_PROGRESS');
    // Old clients do not expect 14 from these.
    expect((await member.sync()).error).to.equal('REBALANCE_IN_PROGRESS');
    expect(await member.heartbeat()).to.equal('NONE');
    const listed = await group.coordinator.listGroups({ states: [], types: [] });
    expect(listed.error).to.equal('COORDINATOR_LOAD_IN_PROGRESS');
    await group.time.advance(50);
    await group.stable(member);
    group.log.elect(group.partition, 2);
    expect(await member.heartbeat()).to.equal('NOT_COORDINATOR');
    expect(await member.commit(1)).to.equal('NOT_COORDINATOR');
    expect((await member.sync()).error).to.equal('NOT_COORDINATOR');
  });
});
