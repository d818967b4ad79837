import { expect } from 'chai';
import type { ProtocolError } from '../../../../client/index.ts';
import { errorCode } from '../../../../protocol/index.ts';
import { errorOf } from '../errorOf.ts';
import { FakeCluster } from '../fakeCluster.ts';

const answered = (index: number, error: Parameters<typeof errorCode>[0] = 'NONE') => ({
  index,
  errorCode: errorCode(error),
  errorMessage: null,
});

async function started() {
  const cluster = await FakeCluster.start({ brokers: 3 });
  cluster.createTopic('orders', 3);
  for (const partition of cluster.topics.get('orders')!.partitions) {
    partition.replicas = [1, 2, 3];
    partition.isr = [1, 2, 3];
  }
  cluster.answers.set('DescribeCluster', () => ({
    clusterId: 'fake-cluster',
    controllerId: 1,
    controllerEpoch: 1,
    metadataVersion: 1,
    coordinatorState: 'proven',
    topicCount: 1,
    partitionCount: 3,
    brokers: [],
  }));
  return cluster;
}

const bodyOf = (cluster: FakeCluster, name: string) =>
  cluster.requests.findLast(({ api }) => api === name)?.body;

describe('The admin client of a replicated cluster', () => {
  it('finds a cluster healthy whose partitions are led and in sync', async () => {
    const cluster = await started();
    const health = await cluster.run(() => cluster.client().admin().describeHealth());
    expect(health).to.deep.equal({
      healthy: true,
      underReplicated: [],
      offline: [],
      leaderless: [],
      unreachable: [],
      coordinatorState: 'proven',
    });
  });

  for (const what of ['refuses connections', 'does not answer'] as const) {
    it(`counts a registered broker as dead that ${what}`, async () => {
      const cluster = await started();
      if (what === 'refuses connections') cluster.stopBroker(3);
      cluster.stillRegistered.add(3);
      cluster.intercept = ({ broker }) => (broker === 3 ? { kind: 'ignore' } : undefined);
      const health = await cluster.run(() => cluster.client().admin().describeHealth());
      expect(health.healthy).to.equal(false);
      expect(health.unreachable.map(({ id, port }) => [id, port])).to.deep.equal([[3, 9192]]);
      expect(health.unreachable[0]?.reason).to.match(/refused|not done within 2500 ms|timed out/);
      expect(health.underReplicated).to.have.length(3);
    });
  }

  it('tells partitions that are under-replicated, without leader, and offline', async () => {
    const cluster = await started();
    cluster.partition('orders', 0).isr = [1, 2];
    Object.assign(cluster.partition('orders', 1), { leader: -1, replicas: [2, 3], isr: [2, 3] });
    Object.assign(cluster.partition('orders', 2), { leader: 3, replicas: [3], isr: [3] });
    cluster.stopBroker(3);
    const health = await cluster.run(() => cluster.client().admin().describeHealth());
    const numbers = (partitions: readonly { partition: number }[]) =>
      partitions.map(({ partition }) => partition);
    expect(health.healthy).to.equal(false);
    expect(numbers(health.underReplicated)).to.deep.equal([0, 1, 2]);
    expect(numbers(health.leaderless)).to.deep.equal([1, 2]);
    expect(numbers(health.offline)).to.deep.equal([2]);
  });

  it('tells how far each replica lags', async () => {
    const cluster = await started();
    cluster.answers.set('DescribePartitions', (body) => {
      const { topics } = body as { topics: { name: string; partitions: number[] }[] };
      return {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map((index) => ({
            index,
            errorCode: 0,
            leaderEpoch: 0,
            logStartOffset: 0,
            highWatermark: 7,
            logEndOffset: 10,
            sizeBytes: 1,
            segmentCount: 1,
            replicas: [
              { id: 1, inSync: true, logEndOffset: 10, durableOffset: 10, lagMs: 0 },
              { id: 2, inSync: true, logEndOffset: 7, durableOffset: 6, lagMs: 3 },
              { id: 3, inSync: false, logEndOffset: -1, durableOffset: -1, lagMs: -1 },
            ],
          })),
        })),
      };
    });
    const { partitions } = await cluster.run(() =>
      cluster.client().admin().describeTopic('orders'),
    );
    const states = partitions[0]!.replicaStates;
    expect(states.map(({ broker, lag, lagMs }) => [broker, lag, lagMs])).to.deep.equal([
      [1, 0, 0],
      [2, 3, 3],
      [3, -1, -1],
    ]);
  });

  it('adds partitions, and names the nearest topic when one does not exist', async () => {
    const cluster = await started();
    let error: 'NONE' | 'UNKNOWN_TOPIC_OR_PARTITION' = 'NONE';
    cluster.answers.set('CreatePartitions', () => ({
      topics: [{ name: 'orders', errorCode: errorCode(error), errorMessage: null }],
    }));
    const admin = cluster.client().admin();
    await cluster.run(() => admin.createPartitions({ topic: 'orders', partitions: 6 }));
    expect(bodyOf(cluster, 'CreatePartitions')).to.deep.include({
      validateOnly: false,
      topics: [{ name: 'orders', partitionCount: 6, assignments: null }],
    });
    error = 'UNKNOWN_TOPIC_OR_PARTITION';
    const refused = await cluster.run(() =>
      errorOf<ProtocolError>(admin.createPartitions({ topic: 'order', partitions: 6 })),
    );
    expect(refused.message).to.include('did you mean "orders"?');
  });

  it('moves partitions, cancels moves, and tells what became of each', async () => {
    const cluster = await started();
    cluster.answers.set('AlterReassignments', () => ({
      topics: [
        { name: 'orders', partitions: [answered(0), answered(1, 'NO_REASSIGNMENT_IN_PROGRESS')] },
      ],
    }));
    const results = await cluster.run(() =>
      cluster
        .client()
        .admin()
        .alterReassignments([
          { topic: 'orders', partition: 0, replicas: [3, 2], throttle: 5_000 },
          { topic: 'orders', partition: 1, replicas: null },
        ]),
    );
    expect(results.map(({ partition, error }) => [partition, error?.code])).to.deep.equal([
      [0, undefined],
      [1, 'NO_REASSIGNMENT_IN_PROGRESS'],
    ]);
    expect(bodyOf(cluster, 'AlterReassignments')).to.deep.include({
      topics: [
        {
          name: 'orders',
          partitions: [
            { index: 0, replicas: [3, 2], throttle: 5_000 },
            { index: 1, replicas: null, throttle: 0 },
          ],
        },
      ],
    });
  });

  it('tries again where all partitions are refused by a broker that is not the controller', async () => {
    const cluster = await started();
    let calls = 0;
    cluster.answers.set('AlterReassignments', () => {
      calls += 1;
      const error = calls === 1 ? 'NOT_CONTROLLER' : 'NONE';
      return { topics: [{ name: 'orders', partitions: [answered(0, error)] }] };
    });
    const changes = [{ topic: 'orders', partition: 0, replicas: [2] }];
    const results = await cluster.run(() => cluster.client().admin().alterReassignments(changes));
    expect(results).to.deep.equal([{ topic: 'orders', partition: 0 }]);
    expect(calls).to.equal(2);
  });

  it('refuses a throttle that is no rate before anything is sent', async () => {
    const cluster = await started();
    const admin = cluster.client().admin();
    for (const throttle of [0, -1, 0.5, Number.NaN]) {
      const change = { topic: 'orders', partition: 0, replicas: [2], throttle };
      const failure = await errorOf(admin.alterReassignments([change]));
      expect(failure).to.be.instanceOf(TypeError);
    }
  });

  it('lists the moves under way', async () => {
    const cluster = await started();
    const move = { replicas: [1, 2, 3], addingReplicas: [3], removingReplicas: [1], throttle: 7 };
    cluster.answers.set('ListReassignments', () => ({
      topics: [{ name: 'orders', partitions: [{ index: 2, ...move }] }],
    }));
    const moves = await cluster.run(() => cluster.client().admin().listReassignments());
    expect(moves).to.deep.equal([{ topic: 'orders', partition: 2, ...move }]);
    expect(bodyOf(cluster, 'ListReassignments')).to.deep.equal({ topics: null });
  });

  it('elects leaders, of all partitions or of some, and tells whose leader stays', async () => {
    const cluster = await started();
    cluster.answers.set('ElectLeaders', () => ({
      topics: [{ name: 'orders', partitions: [answered(1, 'ELECTION_NOT_NEEDED')] }],
    }));
    const admin = cluster.client().admin();
    const [stays] = await cluster.run(() => admin.electLeaders({ election: 'preferred' }));
    expect(stays?.error?.code).to.equal('ELECTION_NOT_NEEDED');
    expect(bodyOf(cluster, 'ElectLeaders')).to.deep.include({ electionType: 0, topics: null });
    const partitions = [{ topic: 'orders', partition: 1 }];
    await cluster.run(() => admin.electLeaders({ election: 'unclean', partitions }));
    expect(bodyOf(cluster, 'ElectLeaders')).to.deep.include({
      electionType: 1,
      topics: [{ name: 'orders', partitions: [1] }],
    });
  });
});
