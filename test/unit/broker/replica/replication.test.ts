import { expect } from 'chai';
import { brokerEpoch } from '../../../../common/index.ts';
import { ReplicaPair } from './replicaPair.ts';

describe('A leader and a follower', () => {
  let pair: ReplicaPair;

  beforeEach(() => {
    pair = new ReplicaPair();
  });

  it('hold the same bytes, and acknowledge when both disks do', async () => {
    await pair.lead();
    pair.leader.append('a');
    pair.leader.append('b');
    expect(pair.leader.acknowledged).to.deep.equal([]);
    await pair.settle();
    expect(pair.leader.acknowledged.map(({ error }) => error)).to.deep.equal([
      undefined,
      undefined,
    ]);
    expect(pair.follower.bytes()).to.deep.equal(pair.leader.bytes());
    expect(pair.leader.partition().highWatermark).to.equal(2);
    const lost = pair.follower.fileSystem.afterCrash('loseAllUnsynced');
    const path = '/data/t-0/00000000000000000000.log';
    expect(lost.snapshot().get(path), 'on the disk of the follower').to.deep.equal(
      pair.leader.bytes(),
    );
  });

  it('acknowledge nothing while the disk of the follower does not answer', async () => {
    await pair.lead();
    pair.follower.fileSystem.inject({
      operation: 'datasync',
      path: /\.log$/,
      error: 'EIO',
      times: Number.POSITIVE_INFINITY,
    });
    pair.leader.append('a');
    await pair.settle();
    expect(pair.leader.acknowledged).to.deep.equal([]);
    expect(pair.leader.partition().highWatermark).to.equal(0);
  });

  it('acknowledge from the page cache where the topic asks for no more', async () => {
    const configs = { 'min.insync.replicas': '2', 'flush.messages': '9223372036854775807' };
    await pair.lead({}, { configs });
    pair.leader.append('a');
    await pair.settle();
    expect(pair.leader.acknowledged).to.have.length(1);
  });

  it('commit nothing more once the directory of the leader has failed', async () => {
    const configs = { 'min.insync.replicas': '2', 'flush.messages': '9223372036854775807' };
    await pair.leader.lead({}, { configs });
    const partition = pair.leader.partition();
    pair.leader.append('a');
    pair.leader.fileSystem.inject({ operation: 'write', error: 'EIO' });
    pair.leader.append('b');
    expect(partition.log.isOffline).to.equal(true);
    partition.onFollowerFetch({
      id: 2,
      epoch: brokerEpoch(20),
      leaderEpoch: 0,
      fetchOffset: 1,
      lastFetchedEpoch: 0,
      durableOffset: 1,
    });
    expect(partition.highWatermark).to.equal(0);
    expect(pair.leader.acknowledged.filter(({ error }) => error === undefined)).to.deep.equal([]);
  });

  it('commit nothing more by a setting that comes with the end of a leadership', async () => {
    await pair.leader.lead({});
    pair.leader.append('a');
    await pair.leader.lead({ isr: [1], partitionEpoch: 1 });
    await pair.settle();
    const deposed = { isr: [2], leader: 2, leaderEpoch: 1, partitionEpoch: 2 };
    await pair.leader.lead(deposed, { configs: { 'min.insync.replicas': '1' } });
    expect(pair.leader.partition().highWatermark).to.equal(0);
  });

  it('leave open what became of a record that waited while its partition moved away', async () => {
    await pair.leader.lead({});
    pair.leader.append('a');
    const moved = { replicas: [2], isr: [2], leader: 2, leaderEpoch: 1, partitionEpoch: 1 };
    await pair.leader.lead(moved);
    await pair.settle();
    const [answer] = pair.leader.acknowledged;
    expect(answer?.error).to.equal('NOT_LEADER_OR_FOLLOWER');
  });

  it('are no more in sync once the follower is about to stop and has left the ISR', async () => {
    const configs = { 'min.insync.replicas': '1' };
    await pair.lead({}, { configs });
    pair.leader.append('a');
    await pair.settle();
    pair.follower.replicas.leave();
    pair.leader.append('b');
    await pair.settle();
    expect(pair.leader.acknowledged, 'still in sync').to.have.length(2);
    await pair.lead({ isr: [1], partitionEpoch: 1 }, { configs });
    const requests = pair.follower.sent.length;
    for (const value of ['c', 'd']) {
      pair.leader.append(value);
      await pair.settle();
    }
    expect(pair.leader.proposals).to.deep.equal([]);
    expect(pair.leader.acknowledged).to.have.length(4);
    expect(pair.follower.sent.length).to.equal(requests);
  });

  it('do not wait for such a follower either where the leader hears of it last', async () => {
    const configs = { 'min.insync.replicas': '1' };
    await pair.lead({}, { configs });
    pair.leader.append('a');
    await pair.settle();
    pair.follower.replicas.leave();
    const left = { isr: [1], partitionEpoch: 1 };
    await pair.follower.lead(left, { configs });
    await pair.settle();
    await pair.leader.lead(left, { configs });
    pair.leader.append('b');
    await pair.settle();
    expect(pair.leader.acknowledged).to.have.length(2);
  });

  it('tell the follower the high watermark with the next answer', async () => {
    await pair.lead();
    pair.leader.append('a');
    await pair.settle();
    pair.leader.append('b');
    await pair.settle();
    expect(pair.follower.partition().highWatermark).to.be.greaterThan(0);
  });

  it('refuse acks=all below min.insync.replicas, and let the high watermark stand', async () => {
    await pair.lead({ isr: [1] });
    expect(() => pair.leader.append('a')).to.throw('min.insync.replicas');
  });

  it('name in a request only what has moved', async () => {
    await pair.lead({}, { partitionCount: 3 });
    await pair.settle();
    const before = pair.follower.sent.length;
    pair.leader.append('a', 1);
    await pair.settle();
    const named = pair.follower.sent
      .slice(before)
      .flatMap(({ topics }) => topics.flatMap(({ partitions }) => partitions))
      .map(({ index }) => index);
    expect(new Set(named)).to.deep.equal(new Set([1]));
    expect(pair.follower.bytes(1)).to.deep.equal(pair.leader.bytes(1));
  });

  it('propose that a follower joins once it has everything', async () => {
    await pair.lead({ isr: [1] }, { configs: { 'min.insync.replicas': '1' } });
    pair.leader.append('a');
    await pair.settle();
    const proposed = pair.leader.proposals.flatMap(({ topics }) =>
      topics.flatMap(({ partitions }) => partitions),
    );
    expect(proposed[0]).to.deep.include({ index: 0, leaderEpoch: 0, partitionEpoch: 0 });
    expect(proposed[0]?.isr.map(({ id, epoch }) => [id, epoch])).to.deep.equal([
      [1, -1],
      [2, 20],
    ]);
  });

  it('propose a follower that caught up while another proposal was open, though nothing moves', async () => {
    const configs = { 'min.insync.replicas': '1' };
    const state = { replicas: [1, 2, 3], isr: [1] };
    await pair.leader.lead(state, { configs });
    const partition = pair.leader.partition();
    const fetch = (id: number) => ({
      id,
      epoch: brokerEpoch(id * 10),
      leaderEpoch: 0,
      fetchOffset: 0,
      lastFetchedEpoch: -1,
      durableOffset: 0,
    });
    partition.onFollowerFetch(fetch(2));
    partition.onFollowerFetch(fetch(3));
    await pair.settle();
    await pair.leader.lead({ ...state, isr: [1, 2], partitionEpoch: 1 }, { configs });
    expect(partition.onFollowerStays(fetch(3))).to.equal(true);
    await pair.settle();
    await pair.leader.lead({ ...state, isr: [1, 2], partitionEpoch: 1 }, { configs });
    expect(partition.isProposing).to.equal(true);
  });

  it('cut what the new leader never had, by epochs and not by the high watermark', async () => {
    await pair.lead();
    pair.leader.append('a');
    await pair.settle();
    // The follower leads alone and writes; the old leader, apart, writes something else.
    await pair.follower.lead({ leader: 2, leaderEpoch: 1, partitionEpoch: 1, isr: [2] }, alone);
    pair.leader.append('lost');
    pair.follower.append('b');
    pair.follower.append('c');
    await pair.settle();
    expect(pair.leader.bytes()).to.not.deep.equal(pair.follower.bytes());
    const state = { leader: 2, leaderEpoch: 1, partitionEpoch: 1, isr: [2] };
    await pair.leader.lead(state, alone);
    await pair.settle();
    expect(pair.leader.bytes()).to.deep.equal(pair.follower.bytes());
    expect(pair.leader.partition().log.logEndOffset).to.equal(3);
    expect(pair.leader.acknowledged.at(-1)?.error).to.equal('NOT_LEADER_OR_FOLLOWER');
  });

  it('keep a record above the follower’s high watermark when the follower comes back', async () => {
    await pair.lead();
    pair.leader.append('a');
    await pair.settle();
    expect(pair.leader.partition().highWatermark).to.equal(1);
    // The same leader in a new epoch: the follower has the record, whatever it knows to be committed.
    await pair.lead({ leaderEpoch: 1, partitionEpoch: 1 });
    await pair.settle();
    expect(pair.follower.partition().log.logEndOffset).to.equal(1);
  });

  it('refuse a fetch of another epoch, both ways', async () => {
    await pair.lead({ leaderEpoch: 3 });
    const leader = pair.leader.partition();
    const fetch = {
      id: 2,
      epoch: 20 as never,
      fetchOffset: 0,
      lastFetchedEpoch: -1,
      durableOffset: 0,
    };
    expect(() => leader.onFollowerFetch({ ...fetch, leaderEpoch: 2 })).to.throw(
      'older leader epoch',
    );
    expect(() => leader.onFollowerFetch({ ...fetch, leaderEpoch: 4 })).to.throw(
      'does not know yet',
    );
  });

  it('answer a waiting fetch at once when there is a new partition to follow', async () => {
    await pair.lead();
    await pair.settle();
    await pair.lead({ partitionEpoch: 1 }, { partitionCount: 2 });
    pair.leader.append('a', 1);
    await pair.settle();
    expect(pair.follower.bytes(1)).to.deep.equal(pair.leader.bytes(1));
  });
});

const alone = { configs: { 'min.insync.replicas': '1' } };
