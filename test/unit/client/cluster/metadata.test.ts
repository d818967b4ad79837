import { expect } from 'chai';
import { mergeTopic, withLeader } from '../../../../client/cluster/metadata.ts';

const answer = (leader: number, leaderEpoch: number, topicId = 'a') => ({
  errorCode: 0,
  name: 'orders',
  topicId,
  internal: false,
  partitions: [
    {
      index: 0,
      errorCode: 0,
      leader,
      leaderEpoch,
      replicas: [1, 2],
      isr: [1, 2],
      offlineReplicas: [],
      eligibleLeaders: [],
    },
  ],
});

const leaderOf = (topic: ReturnType<typeof mergeTopic>) => topic.partitions[0]?.leader;

describe('What is known of a topic', () => {
  it('is not replaced by a broker that lags behind', () => {
    const known = mergeTopic(undefined, answer(2, 5));
    expect(leaderOf(mergeTopic(known, answer(1, 4)))).to.equal(2);
    expect(leaderOf(mergeTopic(known, answer(1, 6)))).to.equal(1);
  });

  it('is replaced where the topic is another one of the same name', () => {
    const known = mergeTopic(undefined, answer(2, 5));
    expect(leaderOf(mergeTopic(known, answer(1, 0, 'b')))).to.equal(1);
  });

  it('keeps partitions that a broker which lags behind has not heard of', () => {
    const [partition] = answer(2, 5).partitions;
    const grown = { ...answer(2, 5), partitions: [partition!, { ...partition!, index: 1 }] };
    const known = mergeTopic(undefined, grown);
    expect(mergeTopic(known, answer(2, 5)).partitions.length).to.equal(2);
    expect(mergeTopic(known, answer(2, 5, 'b')).partitions.length).to.equal(1);
  });

  it('takes the leader that a broker names, unless that is old news', () => {
    const known = mergeTopic(undefined, answer(2, 5));
    expect(leaderOf(withLeader(known, 0, { leader: 3, leaderEpoch: 6 }))).to.equal(3);
    expect(leaderOf(withLeader(known, 0, { leader: 3, leaderEpoch: 5 }))).to.equal(2);
  });

  it('offers partitions with a leader, or all where none has one', () => {
    expect(mergeTopic(undefined, answer(2, 5)).available).to.deep.equal([0]);
    expect(mergeTopic(undefined, answer(-1, 5)).available).to.deep.equal([0]);
  });
});
