import { expect } from 'chai';
import { ClusterImage, type MetadataUpdate } from '../../../../broker/metadata/index.ts';

type Topic = MetadataUpdate['topics'][number];

function topic(name: string, topicId: string, leaders: readonly number[], deleting = false): Topic {
  const partitions = leaders.map((leader, index) => ({
    index,
    leader,
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas: [leader],
    isr: [leader],
    eligibleLeaders: [],
    addingReplicas: [],
    removingReplicas: [],
    throttle: 0,
  }));
  return { name, topicId, deleting, configs: [{ name: 'retention.ms', value: '1' }], partitions };
}

function update(changes: Partial<MetadataUpdate>): MetadataUpdate {
  return {
    controllerId: 1,
    controllerEpoch: 1,
    brokerEpoch: 7,
    baseVersion: -1,
    version: 1,
    brokers: [],
    topics: [],
    removedTopics: [],
    ...changes,
  };
}

describe('The image of the cluster', () => {
  it('refuses a delta before it has had a snapshot', () => {
    const image = new ClusterImage();
    expect(image.apply(update({ baseVersion: 3, version: 4 })).kind).to.equal('snapshotNeeded');
    expect(image.version).to.equal(0);
  });

  it('takes deltas in the order of their versions and no other', () => {
    const image = new ClusterImage();
    image.apply(update({ topics: [topic('a', 'A', [1, 2])] }));
    const skipped = update({ baseVersion: 2, version: 3, topics: [topic('b', 'B', [1])] });
    expect(image.apply(skipped).kind).to.equal('snapshotNeeded');
    expect(image.usableTopic('b')).to.equal(undefined);
    const next = update({ baseVersion: 1, version: 2, topics: [topic('b', 'B', [1])] });
    expect(image.apply(next).kind).to.equal('applied');
    expect(image.usableTopic('b')?.topicId).to.equal('B');
    expect(image.apply(next).kind).to.equal('snapshotNeeded');
  });

  it('keeps the partitions that a delta does not name', () => {
    const image = new ClusterImage();
    image.apply(update({ topics: [topic('a', 'A', [1, 2, 3])] }));
    const moved = { ...topic('a', 'A', [9]).partitions[0]!, index: 1, leaderEpoch: 5 };
    image.apply(
      update({
        baseVersion: 1,
        version: 2,
        topics: [{ ...topic('a', 'A', []), partitions: [moved] }],
      }),
    );
    const leaders = image.usableTopic('a')?.partitions.map((partition) => partition.leader);
    expect(leaders).to.deep.equal([1, 9, 3]);
  });

  it('refuses a controller that has been superseded', () => {
    const image = new ClusterImage();
    image.apply(update({ controllerEpoch: 5 }));
    expect(image.apply(update({ controllerEpoch: 4 })).kind).to.equal('staleController');
    expect(image.controllerEpoch).to.equal(5);
  });

  it('demands a snapshot of a new controller', () => {
    const image = new ClusterImage();
    image.apply(update({ controllerEpoch: 5, version: 9 }));
    const delta = update({ controllerEpoch: 6, baseVersion: 9, version: 10 });
    expect(image.apply(delta).kind).to.equal('snapshotNeeded');
  });

  it('tells which topics a snapshot no longer has', () => {
    const image = new ClusterImage();
    image.apply(update({ topics: [topic('a', 'A', [1]), topic('b', 'B', [1])] }));
    const result = image.apply(update({ version: 2, topics: [topic('b', 'B', [1])] }));
    expect(
      result.kind === 'applied' && result.changes.removed.map(({ name }) => name),
    ).to.deep.equal(['a']);
    expect(image.topicById('A')).to.equal(undefined);
  });

  it('takes a topic made anew under an old name for another topic', () => {
    const image = new ClusterImage();
    image.apply(update({ topics: [topic('a', 'OLD', [1])] }));
    const result = image.apply(update({ version: 2, topics: [topic('a', 'NEW', [2, 2])] }));
    expect(
      result.kind === 'applied' && result.changes.removed.map(({ topicId }) => topicId),
    ).to.deep.equal(['OLD']);
    expect(image.topicById('OLD')).to.equal(undefined);
    expect(image.usableTopic('a')?.partitions).to.have.length(2);
  });

  it('does not offer a topic that is being deleted', () => {
    const image = new ClusterImage();
    image.apply(update({ topics: [topic('a', 'A', [1], true)] }));
    expect(image.usableTopic('a')).to.equal(undefined);
    expect(image.topics.get('a')?.deleting).to.equal(true);
  });
});
