/** The numbers are those of the pitfalls that a Kafka listener must not fall into. */

import { expect } from 'chai';
import {
  type KafkaRequestInput,
  type KafkaResponseOutput,
  kafkaDeleteGroups,
  kafkaDescribeGroups,
  kafkaFindCoordinator,
  kafkaHeartbeat,
  kafkaJoinGroup,
  kafkaLeaveGroup,
  kafkaListGroups,
  kafkaOffsetCommit,
  kafkaOffsetDelete,
  kafkaOffsetFetch,
  kafkaSyncGroup,
} from '../../../broker/index.ts';
import type { KafkaTestClient } from '../../harness/kafkaClient.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { KafkaFixture } from './fixture.ts';

type Joined = KafkaResponseOutput<typeof kafkaJoinGroup>;

describe('The Kafka listener: groups', function () {
  this.timeout(60_000);
  let fixture: KafkaFixture;
  let client: KafkaTestClient;
  let topic: string;
  let groupCount = 0;
  before(async () => {
    fixture = await KafkaFixture.start({ 'group.min.session.timeout.ms': '1000' });
    client = await fixture.client();
    topic = await fixture.topic(client);
    await waitFor(
      async () => {
        const request = { key: 'any', keyType: 0 };
        const found = await client.call(kafkaFindCoordinator, 0, request);
        if (found.errorCode !== 0) return false;
        const fetched = await fetchOffsets('any');
        return fetched.errorCode === 0;
      },
      { what: 'the offsets topic is there and loaded' },
    );
  });
  after(() => fixture.stop());

  const newGroup = (): string => `group-${++groupCount}`;
  const joinRequest = (
    groupId: string,
    more: Partial<KafkaRequestInput<typeof kafkaJoinGroup>> = {},
  ): KafkaRequestInput<typeof kafkaJoinGroup> => ({
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('meta') }],
    ...more,
  });
  /** Joins in version 5 as a client does that is told its id first. */
  const join = async (groupId: string, on = client): Promise<Joined> => {
    const first = await on.call(kafkaJoinGroup, 5, joinRequest(groupId));
    return on.call(kafkaJoinGroup, 5, joinRequest(groupId, { memberId: first.memberId }));
  };
  const sync = (
    groupId: string,
    { generationId, memberId }: Joined,
  ): Promise<KafkaResponseOutput<typeof kafkaSyncGroup>> =>
    client.call(kafkaSyncGroup, 3, {
      groupId,
      generationId,
      memberId,
      assignments: [{ memberId, assignment: Buffer.from('mine') }],
    });
  const commit = async (
    groupId: string,
    more: Partial<KafkaRequestInput<typeof kafkaOffsetCommit>> = {},
    committedMetadata: string | null = 'note é',
  ): Promise<number> => {
    const { topics } = await client.call(kafkaOffsetCommit, 7, {
      groupId,
      topics: [
        {
          name: topic,
          partitions: [
            { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 0, committedMetadata },
          ],
        },
      ],
      ...more,
    });
    return topics[0]!.partitions[0]!.errorCode;
  };
  const fetchOffsets = (groupId: string): Promise<KafkaResponseOutput<typeof kafkaOffsetFetch>> =>
    client.call(kafkaOffsetFetch, 5, {
      groupId,
      topics: [{ name: topic, partitionIndexes: [0] }],
    });

  it('13, 57: finds the coordinator at the address of the listener', async () => {
    const { host, port } = await client.call(kafkaFindCoordinator, 1, { key: 'g', keyType: 0 });
    expect(`${host}:${port}`).to.equal(fixture.address);
    const { coordinators } = await client.call(kafkaFindCoordinator, 4, {
      keyType: 0,
      coordinatorKeys: ['a', 'b'],
    });
    expect(coordinators.map(({ key, errorCode }) => [key, errorCode])).to.deep.equal([
      ['a', 0],
      ['b', 0],
    ]);
    const other = await client.call(kafkaFindCoordinator, 1, { key: 'g', keyType: 2 });
    expect(other.errorCode).to.equal(42);
  });

  it('47: answers offset -1 and an empty text where nothing is committed', async () => {
    const { topics } = await fetchOffsets(newGroup());
    expect(topics[0]!.partitions).to.deep.equal([
      {
        partitionIndex: 0,
        committedOffset: -1,
        committedLeaderEpoch: -1,
        metadata: '',
        errorCode: 0,
      },
    ]);
  });

  it('47: gives back what was committed, byte for byte, for all topics and several groups', async () => {
    const groupId = newGroup();
    expect(await commit(groupId)).to.equal(0);
    const all = await client.call(kafkaOffsetFetch, 2, { groupId, topics: null });
    expect(all.topics[0]!.partitions[0]).to.include({ committedOffset: 5, metadata: 'note é' });
    const { groups } = await client.call(kafkaOffsetFetch, 8, {
      groups: [
        { groupId, topics: null },
        { groupId: 'nobody', topics: null },
      ],
    });
    expect(groups.map((group) => [group.groupId, group.topics.length])).to.deep.equal([
      [groupId, 1],
      ['nobody', 0],
    ]);
    expect(await commit(groupId, {}, 'x'.repeat(4097))).to.equal(12);
  });

  it('49: lets outsiders commit to an empty group alone', async () => {
    const groupId = newGroup();
    expect(await commit(groupId)).to.equal(0);
    const joined = await join(groupId);
    const { generationId, memberId } = joined;
    const member = { memberId, generationIdOrMemberEpoch: generationId };
    expect(await commit(groupId, member)).to.equal(27);
    await sync(groupId, joined);
    expect(await commit(groupId, member)).to.equal(0);
    expect(await commit(groupId)).to.equal(25);
    expect(await commit(groupId, { ...member, generationIdOrMemberEpoch: 99 })).to.equal(22);
  });

  it('50: asks a new member back from version 4 on, and takes it at once before', async () => {
    const groupId = newGroup();
    const first = await client.call(kafkaJoinGroup, 4, joinRequest(groupId));
    expect(first.errorCode).to.equal(79);
    expect(first.memberId).to.match(/^test-[0-9a-f-]{36}$/);
    const old = await client.call(kafkaJoinGroup, 1, joinRequest(newGroup()));
    expect(old).to.include({ errorCode: 0, generationId: 1 });
  });

  it('51, 53: lists members to the leader, who assigns; generations begin at 1', async () => {
    const groupId = newGroup();
    const joined = await join(groupId);
    expect(joined).to.include({ errorCode: 0, generationId: 1, leader: joined.memberId });
    expect(joined.members).to.have.length(1);
    const synced = await sync(groupId, joined);
    expect(Buffer.from(synced.assignment).toString()).to.equal('mine');
  });

  it('52: refuses a protocol that the others do not have', async () => {
    const groupId = newGroup();
    await sync(groupId, await join(groupId));
    const other = await client.call(
      kafkaJoinGroup,
      3,
      joinRequest(groupId, { protocols: [{ name: 'other', metadata: Buffer.alloc(0) }] }),
    );
    expect(other.errorCode).to.equal(23);
  });

  it('54: says by the heartbeat what a member must know', async () => {
    const groupId = newGroup();
    const joined = await join(groupId);
    const beat = async (more: object = {}): Promise<number> => {
      const { generationId, memberId } = joined;
      const request = { groupId, generationId, memberId, ...more };
      return (await client.call(kafkaHeartbeat, 3, request)).errorCode;
    };
    expect(await beat()).to.equal(0);
    await sync(groupId, joined);
    expect(await beat()).to.equal(0);
    expect(await beat({ generationId: 9 })).to.equal(22);
    expect(await beat({ memberId: 'nobody' })).to.equal(25);
    const second = await fixture.client();
    const { memberId } = await second.call(kafkaJoinGroup, 5, joinRequest(groupId));
    second.send(kafkaJoinGroup, 5, joinRequest(groupId, { memberId }));
    await waitFor(async () => (await beat()) === 27, { what: 'the rebalance is told' });
  });

  it('55: replaces a static member that comes back, and fences the old one', async () => {
    const groupId = newGroup();
    const instance = { groupInstanceId: 'static-1' };
    const first = await client.call(kafkaJoinGroup, 9, joinRequest(groupId, instance));
    expect(first.errorCode).to.equal(0);
    expect(first.memberId).to.match(/^static-1-/);
    await client.call(kafkaSyncGroup, 5, {
      groupId,
      generationId: first.generationId,
      memberId: first.memberId,
      ...instance,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId: first.memberId, assignment: Buffer.from('a') }],
    });
    const back = await client.call(kafkaJoinGroup, 9, joinRequest(groupId, instance));
    expect(back).to.include({ errorCode: 0, generationId: 1, skipAssignment: true });
    const { generationId } = first;
    const old = { groupId, generationId, memberId: first.memberId, ...instance };
    expect((await client.call(kafkaHeartbeat, 3, old)).errorCode).to.equal(82);
    const left = await client.call(kafkaLeaveGroup, 4, {
      groupId,
      members: [
        { memberId: '', groupInstanceId: 'static-1' },
        { memberId: 'nobody', groupInstanceId: null },
      ],
    });
    expect(left.members.map(({ errorCode }) => errorCode)).to.deep.equal([0, 25]);
  });

  it('57: refuses session timeouts out of range', async () => {
    const request = joinRequest(newGroup(), { sessionTimeoutMs: 10 });
    expect((await client.call(kafkaJoinGroup, 2, request)).errorCode).to.equal(26);
  });

  it('lists, describes and deletes groups and offsets', async () => {
    const groupId = newGroup();
    const joined = await join(groupId);
    await sync(groupId, joined);
    const listed = await client.call(kafkaListGroups, 5, { statesFilter: ['stable'] });
    expect(listed.groups.find((group) => group.groupId === groupId)).to.deep.equal({
      groupId,
      protocolType: 'consumer',
      groupState: 'Stable',
      groupType: 'classic',
    });
    const { groups } = await client.call(kafkaDescribeGroups, 5, { groups: [groupId, 'nobody'] });
    expect(groups.map(({ groupState }) => groupState)).to.deep.equal(['Stable', 'Dead']);
    expect(groups[0]!.members[0]).to.include({ clientId: 'test', clientHost: '/127.0.0.1' });
    const missing = await client.call(kafkaDescribeGroups, 6, { groups: ['nobody'] });
    expect(missing.groups[0]!.errorCode).to.equal(69);
    const remove = async (): Promise<number> =>
      (await client.call(kafkaDeleteGroups, 2, { groupsNames: [groupId] })).results[0]!.errorCode;
    expect(await remove()).to.equal(68);
    await client.call(kafkaLeaveGroup, 1, { groupId, memberId: joined.memberId });
    await commit(groupId);
    const deleted = await client.call(kafkaOffsetDelete, 0, {
      groupId,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0 }] }],
    });
    expect(deleted.topics[0]!.partitions[0]!.errorCode).to.equal(0);
    expect((await fetchOffsets(groupId)).topics[0]!.partitions[0]!.committedOffset).to.equal(-1);
    await commit(groupId);
    expect(await remove()).to.equal(0);
  });
});
