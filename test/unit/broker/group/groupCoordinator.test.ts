import { expect } from 'chai';
import {
  encodeOffsetCommitKey,
  encodeOffsetCommitValue,
} from '../../../../broker/group/records/index.ts';
import { buildControlBatch, RecordBatchBuilder } from '../../../../protocol/index.ts';
import { GROUP, GroupFixture, type MemberDriver } from '../../../harness/group/groupFixture.ts';
import { settled } from '../../../harness/group/manualTime.ts';

const DAY_MS = 24 * 3600 * 1000;

async function committed(
  group: GroupFixture,
  options: { readonly coordinator?: GroupFixture['coordinator']; readonly stable?: boolean } = {},
): Promise<readonly string[]> {
  const { topics } = await (options.coordinator ?? group.coordinator).fetchOffsets({
    groupId: GROUP,
    memberId: null,
    memberEpoch: -1,
    requireStable: options.stable ?? false,
    topics: null,
  });
  return topics.flatMap(({ name, partitions }) =>
    partitions.map((it) => `${name}-${it.partition}: ${it.committedOffset}`),
  );
}

async function moved(group: GroupFixture, broker = 2): Promise<GroupFixture['coordinator']> {
  const next = group.newCoordinator(broker);
  next.onLeadership(group.partition, group.log.elect(group.partition, broker));
  await group.time.advance(50);
  return next;
}

describe('a coordinator that moves', () => {
  it('hands over members, assignments and offsets', async () => {
    const group = await new GroupFixture().lead();
    const [one, two] = [group.member(), group.member({ groupInstanceId: 'instance-1' })];
    await group.stable(one, two);
    await one.commit(41);
    await one.commit(42);
    const next = await moved(group);
    expect(await committed(group, { coordinator: next })).to.deep.equal(['orders-0: 42']);
    for (const member of [one, two]) {
      member.moveTo(next);
      expect(await member.heartbeat()).to.equal('NONE');
      expect((await member.sync()).assignment.toString()).to.equal(`a:${member.memberId}`);
    }
    const [described] = await next.describeGroups([GROUP]);
    expect(described).to.include({ state: 'Stable', protocolData: 'range' });
  });

  it('gives every member a whole session, and drops who does not come', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    await group.time.advance(9000);
    const next = await moved(group);
    await group.time.advance(9000);
    member.moveTo(next);
    expect(await member.heartbeat()).to.equal('NONE');
    await group.time.advance(11_000);
    expect((await next.describeGroups([GROUP]))[0]?.state).to.equal('Empty');
  });

  it('answers whoever waits at the old one', async () => {
    const group = await new GroupFixture().lead();
    const [one, two] = [group.member(), group.member()];
    await group.stable(one, two);
    const joining = one.join();
    await settled();
    const epoch = group.log.elect(group.partition, 2);
    group.coordinator.onResigned(group.partition, epoch);
    expect((await joining).error).to.equal('NOT_COORDINATOR');
  });

  it('lets a deposed one acknowledge nothing, even before it hears of it', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    await member.commit(42);
    const next = group.newCoordinator(2);
    const epoch = group.log.elect(group.partition, 2, { silently: true });
    next.onLeadership(group.partition, epoch);
    await group.time.advance(50);
    const commit = member.commit(43);
    const sync = member.join().then(() => member.sync([]));
    await group.time.advance(1000);
    group.log.tell(group.partition, 1);
    expect(await commit).to.equal('NOT_COORDINATOR');
    expect((await sync).error).to.equal('NOT_COORDINATOR');
    expect(await committed(group, { coordinator: next })).to.deep.equal(['orders-0: 42']);
  });

  it('passes over leaderships that are older than the one it knows', async () => {
    const group = await new GroupFixture().lead();
    await group.member().commit(42);
    group.coordinator.onLeadership(group.partition, 0);
    group.coordinator.onResigned(group.partition, -1);
    expect(await committed(group)).to.deep.equal(['orders-0: 42']);
  });

  it('serves on at the same epoch where this broker was only fenced for a while', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    await member.commit(42);
    const epoch = group.log.fence(group.partition);
    expect(await member.heartbeat()).to.equal('NOT_COORDINATOR');
    expect(await member.commit(43)).to.equal('NOT_COORDINATOR');
    await group.time.advance(30_000);
    group.log.unfence(group.partition);
    // Nobody was dropped meanwhile: whoever comes back within a second is a member still.
    expect(await member.heartbeat()).to.equal('NONE');
    expect(await committed(group)).to.deep.equal(['orders-0: 42']);

    group.log.fence(group.partition);
    group.coordinator.onResigned(group.partition, epoch);
    group.log.unfence(group.partition);
    group.coordinator.onLeadership(group.partition, epoch);
    await group.time.advance(50);
    expect(await member.heartbeat()).to.equal('NONE');
    expect(await committed(group)).to.deep.equal(['orders-0: 42']);
  });

  it('serves nothing before what it has read is committed', async () => {
    const group = await new GroupFixture().lead();
    group.log.held = true;
    const commit = group.member().commit(42);
    const next = group.newCoordinator(2);
    next.onLeadership(group.partition, group.log.elect(group.partition, 2));
    expect(await commit).to.equal('NOT_COORDINATOR');
    await group.time.advance(1000);
    const [described] = await next.describeGroups([GROUP]);
    expect(described?.error).to.equal('COORDINATOR_LOAD_IN_PROGRESS');
    group.log.release();
    await settled();
    await group.time.advance(1000);
    expect(await committed(group, { coordinator: next })).to.deep.equal(['orders-0: 42']);
  });

  it('counts offsets of a transaction from its marker on', async () => {
    const group = new GroupFixture();
    const { partition } = group;
    const transactional = (producerId: number, topic: string, offset: number): Buffer => {
      const batch = new RecordBatchBuilder({
        transactional: true,
        producerId,
        producerEpoch: 0,
        baseSequence: 0,
      });
      batch.append(
        encodeOffsetCommitKey({ groupId: GROUP, topic, partition: 0 }),
        encodeOffsetCommitValue({
          offset,
          leaderEpoch: -1,
          metadata: '',
          commitTimestampMs: 0,
          expireTimestampMs: -1,
        }),
        [],
        0,
      );
      return batch.build();
    };
    const marker = (producerId: number, type: 'commit' | 'abort'): Buffer =>
      buildControlBatch({ type, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 0 });
    group.log.plant(partition, transactional(1, 'committed', 1));
    group.log.plant(partition, transactional(2, 'aborted', 2));
    group.log.plant(partition, transactional(3, 'open', 3));
    group.log.plant(partition, marker(1, 'commit'));
    group.log.plant(partition, marker(2, 'abort'));
    await group.lead();
    await group.time.advance(50);
    expect(await committed(group)).to.deep.equal(['committed-0: 1']);
    const { topics } = await group.coordinator.fetchOffsets({
      groupId: GROUP,
      memberId: null,
      memberEpoch: -1,
      requireStable: true,
      topics: [{ name: 'open', partitions: [0] }],
    });
    expect(topics[0]?.partitions[0]?.error).to.equal('UNSTABLE_OFFSET_COMMIT');
  });

  it('passes over records that it cannot read, and reads on', async () => {
    const group = new GroupFixture();
    const builder = new RecordBatchBuilder();
    builder.append(Buffer.from([0, 99, 1]), Buffer.from('x'), [], 0);
    builder.append(null, Buffer.from('x'), [], 0);
    builder.append(Buffer.from([0, 2]), Buffer.from('x'), [], 0);
    const key = encodeOffsetCommitKey({ groupId: GROUP, topic: 'orders', partition: 0 });
    builder.append(key, Buffer.from([0, 3, 1]), [], 0);
    group.log.plant(group.partition, builder.build());
    await group.lead();
    await group.time.advance(50);
    expect(await committed(group)).to.deep.equal([]);
    expect(await group.member().commit(5)).to.equal('NONE');
    expect(group.fatal).to.deep.equal([]);
  });
});

describe('offsets of groups', () => {
  it('of topics that nobody knows are refused, one by one', async () => {
    const member = (await new GroupFixture().lead()).member();
    expect(await member.commit(1, { topic: 'nowhere' })).to.equal('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await member.commit(1)).to.equal('NONE');
  });

  it('that the log refuses do not count, and the client hears why', async () => {
    const group = await new GroupFixture().lead();
    await group.member().commit(1);
    for (const [refusal, heard] of [
      ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'COORDINATOR_NOT_AVAILABLE'],
      ['MESSAGE_TOO_LARGE', 'INVALID_COMMIT_OFFSET_SIZE'],
      ['REQUEST_TIMED_OUT', 'REQUEST_TIMED_OUT'],
      ['KAFKA_STORAGE_ERROR', 'NOT_COORDINATOR'],
    ] as const) {
      group.log.refusals.push(refusal);
      expect(await group.member().commit(2)).to.equal(heard);
    }
    expect(await committed(group, { stable: true })).to.deep.equal(['orders-0: 1']);
  });

  it('time out while too few replicas answer', async () => {
    const group = await new GroupFixture().lead();
    group.log.held = true;
    const commit = group.member().commit(1);
    await group.time.advance(5001);
    expect(await commit).to.equal('REQUEST_TIMED_OUT');
  });

  it('outlive the last consumer by the retention, and go with the group, for good', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    await member.commit(42);
    await group.time.advance(8 * DAY_MS);
    // The member was dropped in the first seconds: a session of ten seconds, then seven days.
    expect(await committed(group)).to.deep.equal([]);
    expect((await group.coordinator.describeGroups([GROUP]))[0]?.state).to.equal('Dead');
    expect(await committed(group, { coordinator: await moved(group) })).to.deep.equal([]);
  });

  it('of an empty group stay until the retention is over', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    await member.commit(42);
    await member.leave();
    await group.time.advance(7 * DAY_MS - 700_000);
    expect(await committed(group)).to.deep.equal(['orders-0: 42']);
    await group.time.advance(1_400_000);
    expect(await committed(group)).to.deep.equal([]);
  });

  it('of a topic that is consumed do not expire, those of another do', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member({ sessionTimeoutMs: 1_800_000 });
    await group.stable(member);
    await member.commit(42);
    await member.commit(43, { topic: 'payments' });
    for (let day = 0; day < 8 * 72; day += 1) {
      await group.time.advance(DAY_MS / 72);
      await member.heartbeat();
    }
    expect(await committed(group)).to.deep.equal(['orders-0: 42']);
  });

  it('with a retention of their own go by it', async () => {
    const group = await new GroupFixture().lead();
    await group.coordinator.commitOffsets({
      groupId: GROUP,
      memberId: '',
      groupInstanceId: null,
      generationIdOrMemberEpoch: -1,
      retentionMs: 3_600_000,
      topics: [
        {
          name: 'orders',
          partitions: [
            { partition: 0, committedOffset: 1, committedLeaderEpoch: -1, metadata: null },
          ],
        },
      ],
    });
    await group.time.advance(3_000_000);
    expect(await committed(group)).to.deep.equal(['orders-0: 1']);
    await group.time.advance(1_300_000);
    expect(await committed(group)).to.deep.equal([]);
  });

  it('go with their topic', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    await member.commit(42);
    await member.commit(43, { topic: 'payments' });
    group.coordinator.onTopicsDeleted(['orders']);
    await group.time.advance(10);
    expect(await committed(group)).to.deep.equal(['payments-0: 43']);
    const next = await moved(group);
    expect(await committed(group, { coordinator: next })).to.deep.equal(['payments-0: 43']);
  });

  it('are deleted by name, but for topics that are being consumed', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    await member.commit(42);
    await member.commit(43, { topic: 'payments' });
    const request = {
      groupId: GROUP,
      topics: [
        { name: 'orders', partitions: [0] },
        { name: 'payments', partitions: [0, 7] },
        { name: 'nowhere', partitions: [0] },
      ],
    };
    const { error, topics } = await group.coordinator.deleteOffsets(request);
    expect(error).to.equal('NONE');
    expect(topics.map(({ partitions }) => partitions.map((it) => it.error))).to.deep.equal([
      ['GROUP_SUBSCRIBED_TO_TOPIC'],
      ['NONE', 'NONE'],
      ['UNKNOWN_TOPIC_OR_PARTITION'],
    ]);
    expect(await committed(group)).to.deep.equal(['orders-0: 42']);
    await member.leave();
    await group.coordinator.deleteOffsets(request);
    expect(await committed(group)).to.deep.equal([]);
    const unknown = await group.coordinator.deleteOffsets({ ...request, groupId: 'n' });
    expect(unknown.error).to.equal('NOT_COORDINATOR');
  });
});

describe('groups as operators see them', () => {
  it('are listed by state and type, without regard to case', async () => {
    const group = await new GroupFixture().lead();
    await group.stable(group.member());
    const list = async (states: readonly string[], types: readonly string[]): Promise<number> =>
      (await group.coordinator.listGroups({ states, types })).groups.length;
    expect((await group.coordinator.listGroups({ states: [], types: [] })).groups).to.deep.equal([
      { groupId: GROUP, protocolType: 'consumer', state: 'Stable', type: 'classic' },
    ]);
    expect(await list(['stable', 'Empty'], [])).to.equal(1);
    expect(await list(['Empty'], [])).to.equal(0);
    expect(await list([], ['Classic'])).to.equal(1);
    expect(await list([], ['consumer'])).to.equal(0);
  });

  it('are described with members and what they have only while stable', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    const [stable] = await group.coordinator.describeGroups([GROUP]);
    expect(stable?.members[0]).to.deep.include({
      memberId: member.memberId,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      assignment: Buffer.from(`a:${member.memberId}`),
    });
    const joining = group.member().join();
    await settled();
    const [preparing] = await group.coordinator.describeGroups([GROUP]);
    expect(preparing).to.include({ state: 'PreparingRebalance', protocolData: '' });
    expect(preparing?.members[0]?.assignment).to.have.length(0);
    await Promise.all([member.join(), joining]);
    const [unknown] = await group.coordinator.describeGroups(['']);
    expect(['NOT_COORDINATOR', 'NONE']).to.include(unknown?.error);
  });

  it('are deleted when they are empty, with everything that they had', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    await member.commit(42);
    const remove = async (): Promise<string | undefined> =>
      (await group.coordinator.deleteGroups([GROUP]))[0]?.error;
    expect(await remove()).to.equal('NON_EMPTY_GROUP');
    await member.leave();
    group.log.refusals.push('NOT_ENOUGH_REPLICAS');
    expect(await remove()).to.equal('COORDINATOR_NOT_AVAILABLE');
    expect(await committed(group)).to.deep.equal(['orders-0: 42']);
    expect(await remove()).to.equal('NONE');
    expect(await remove()).to.equal('GROUP_ID_NOT_FOUND');
    expect(await committed(group, { coordinator: await moved(group) })).to.deep.equal([]);
  });

  it('cannot be joined or committed to while they are being deleted', async () => {
    const group = await new GroupFixture().lead();
    const member: MemberDriver = group.member();
    await member.commit(42);
    group.log.held = true;
    const removal = group.coordinator.deleteGroups([GROUP]);
    expect((await member.join()).error).to.equal('COORDINATOR_NOT_AVAILABLE');
    expect(await member.commit(43)).to.equal('COORDINATOR_NOT_AVAILABLE');
    group.log.release();
    expect(await removal).to.deep.equal([{ groupId: GROUP, error: 'NONE' }]);
  });

  it('have names, but for those that only keep offsets', async () => {
    const { coordinator } = await new GroupFixture().lead();
    const named = { groupId: '', memberId: '', groupInstanceId: null, generationId: 0 };
    expect(await coordinator.heartbeat(named)).to.equal('INVALID_GROUP_ID');
    expect((await coordinator.deleteGroups(['']))[0]?.error).to.equal('NOT_COORDINATOR');
    const endless = { ...named, groupId: 'x'.repeat(40_000) };
    expect(await coordinator.heartbeat(endless)).to.equal('INVALID_GROUP_ID');
  });

  it('of which nothing is left are forgotten', async () => {
    const group = await new GroupFixture().lead();
    const ghost = group.member({ requiresKnownMemberId: true });
    await ghost.join();
    const count = async (): Promise<number> =>
      (await group.coordinator.listGroups({ states: [], types: [] })).groups.length;
    expect(await count()).to.equal(1);
    await group.time.advance(10_001);
    expect(await count()).to.equal(0);
    await group.member({ protocolType: '' }).join();
    await group.member().commit(1, { topic: 'nowhere' });
    expect(await count()).to.equal(0);
  });
});
