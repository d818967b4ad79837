import { expect } from 'chai';
import { errorCode } from '../../../protocol/index.ts';
import { createRequest, deleteRequest, SimCluster } from './support/simCluster.ts';

describe('Controller', () => {
  it('is elected once, with epoch 1 on a fresh ZooKeeper', async () => {
    const cluster = new SimCluster();
    await cluster.start(1);
    await cluster.start(2);
    await cluster.controller();
    await cluster.pass(5_000);
    const active = [...cluster.brokers.values()].filter(({ controller }) => controller.active);
    expect(active).to.have.lengthOf(1);
    expect(cluster.simulation.coordinator.data('/controller_epoch')?.toString()).to.equal('1');
    expect(cluster.json('/controller')).to.include({ version: 2, brokerid: active[0]?.id });
    for (const { controller } of cluster.brokers.values()) {
      expect(controller.seen).to.deep.equal({ id: active[0]?.id, epoch: 1 });
    }
  });

  it('creates a topic and answers when its leaders know it', async () => {
    const cluster = new SimCluster();
    await cluster.start(1);
    await cluster.start(2);
    const { controller } = await cluster.controller();
    const request = createRequest('orders', { partitions: 4, configs: { 'retention.ms': '1000' } });
    const response = await cluster.settle(controller.createTopics(request));
    expect(response.topics[0]).to.include({
      name: 'orders',
      errorCode: 0,
      partitionCount: 4,
      replicationFactor: 1,
    });
    expect(cluster.json('/config/topics/orders')).to.deep.equal({
      version: 1,
      config: { 'retention.ms': '1000' },
    });
    const topic = cluster.json('/brokers/topics/orders') as Record<string, unknown>;
    expect(topic).to.include({ version: 3, topic_id: response.topics[0]?.topicId });
    for (const id of [1, 2]) {
      const seen = cluster.fakes.get(id).topics.get('orders');
      expect(seen?.configs).to.deep.equal([{ name: 'retention.ms', value: '1000' }]);
      expect(seen?.partitions.map(({ leader }) => leader).sort()).to.deep.equal([1, 1, 2, 2]);
      expect(seen?.partitions.every(({ leaderEpoch }) => leaderEpoch === 0)).to.equal(true);
    }
  });

  it('deletes a topic when every replica is gone, and not before', async () => {
    const cluster = new SimCluster();
    await cluster.start(1);
    await cluster.start(2);
    const { id, controller } = await cluster.controller();
    const other = id === 1 ? 2 : 1;
    await cluster.settle(controller.createTopics(createRequest('orders', { partitions: 2 })));
    cluster.kill(other);
    await cluster.pass(15_000);
    const late = await cluster.settle(controller.deleteTopics(deleteRequest('orders', 1_000)));
    expect(late.topics[0]?.errorCode).to.equal(errorCode('REQUEST_TIMED_OUT'));
    expect(late.topics[0]?.errorMessage).to.include(`[${other}]`);
    expect(cluster.paths('/admin/delete_topics/')).to.deep.equal(['/admin/delete_topics/orders']);
    const refused = await cluster.settle(controller.createTopics(createRequest('orders')));
    expect(refused.topics[0]?.errorCode).to.equal(errorCode('TOPIC_DELETION_IN_PROGRESS'));
    await cluster.start(other);
    const gone = await cluster.settle(controller.deleteTopics(deleteRequest('orders')));
    expect(gone.topics[0]?.errorCode).to.equal(0);
    for (const parent of ['/brokers/topics/', '/admin/delete_topics/', '/config/topics/']) {
      expect(cluster.paths(parent)).to.deep.equal([]);
    }
    const again = await cluster.settle(controller.createTopics(createRequest('orders')));
    expect(again.topics[0]?.errorCode).to.equal(0);
  });

  it('moves nothing of a dead broker with one replica, and gives it back with a new epoch', async () => {
    const cluster = new SimCluster();
    await cluster.start(1);
    await cluster.start(2);
    const { id, controller } = await cluster.controller();
    const other = id === 1 ? 2 : 1;
    await cluster.settle(controller.createTopics(createRequest('t', { partitions: 2 })));
    cluster.kill(other);
    const partition = () =>
      cluster.fakes
        .get(id)
        .topics.get('t')
        ?.partitions.find(({ replicas }) => replicas[0] === other);
    await cluster.until(() => partition()?.leader === -1, 'nobody leads');
    expect(partition()).to.deep.include({ leaderEpoch: 1, isr: [other] });
    await cluster.start(other);
    await cluster.until(() => partition()?.leader === other, 'it leads again');
    expect(partition()).to.deep.include({ leaderEpoch: 2, partitionEpoch: 2 });
  });

  it('treats a broker that restarts before its session expires as left and joined', async () => {
    const cluster = new SimCluster();
    await cluster.start(1);
    await cluster.start(2);
    const { id, controller } = await cluster.controller();
    const other = id === 1 ? 2 : 1;
    await cluster.settle(controller.createTopics(createRequest('t', { partitions: 2 })));
    const startedMs = cluster.simulation.nowMs;
    cluster.kill(other);
    await cluster.start(other);
    expect(cluster.simulation.nowMs - startedMs).to.be.below(5_000);
    const partition = () =>
      cluster.fakes
        .get(other)
        .topics.get('t')
        ?.partitions.find(({ replicas }) => replicas[0] === other);
    await cluster.until(() => (partition()?.leaderEpoch ?? 0) > 0, 'the epoch is raised');
    await cluster.until(() => partition()?.leader === other, 'it leads');
  });

  it('is replaced when its session expires, and refuses requests from then on', async () => {
    const cluster = new SimCluster();
    await cluster.start(1);
    await cluster.start(2);
    const old = await cluster.controller();
    cluster.simulation.network.cut(old.node.name, 'coordinator');
    await cluster.until(
      () => [...cluster.brokers.values()].some((b) => b !== old && b.controller.active),
      'the other takes over',
    );
    expect(old.session.state).to.equal('unproven');
    let refusal: unknown;
    await cluster.settle(
      old.controller.createTopics(createRequest('t')).catch((error: unknown) => {
        refusal = error;
      }),
    );
    expect(refusal)
      .to.have.property('code')
      .that.is.oneOf(['COORDINATOR_UNAVAILABLE', 'NOT_CONTROLLER']);
    cluster.simulation.network.heal(old.node.name, 'coordinator');
    await cluster.until(() => old.session.state === 'proven', 'it registers anew');
    await cluster.until(() => old.controller.seen.epoch === 2, 'it sees the new one');
    expect(old.controller.active).to.equal(false);
  });

  it('leaves a topic with garbage alone, names it, and serves the others', async () => {
    const cluster = new SimCluster();
    await cluster.start(1);
    const first = await cluster.controller();
    await cluster.settle(first.controller.createTopics(createRequest('good')));
    await cluster.settle(first.controller.createTopics(createRequest('bad')));
    await cluster.settle(first.controller.createTopics(createRequest('half')));
    cluster.simulation.coordinator.tamper('/brokers/topics/bad', Buffer.from('{"version":'));
    cluster.simulation.coordinator.tamper(
      '/brokers/topics/half/partitions/1/state',
      Buffer.from('garbage'),
    );
    cluster.kill(1);
    const { controller, logger } = await cluster.start(1);
    await cluster.until(() => controller.active, 'it is elected');
    await cluster.until(() => cluster.fakes.get(1).topics.has('good'), 'brokers are told');
    const errors = logger.texts('error').join('\n');
    expect(errors)
      .to.include('/brokers/topics/bad')
      .and.to.include('/brokers/topics/half/partitions/1/state');
    expect(cluster.fakes.get(1).topics.has('bad')).to.equal(false);
    const leaders = (): unknown =>
      JSON.stringify(
        cluster.fakes
          .get(1)
          .topics.get('half')
          ?.partitions.map(({ leader }) => leader),
      );
    await cluster.until(() => leaders() === '[1,-1,1]', 'the others have their leaders again');
    const refused = await cluster.settle(controller.createTopics(createRequest('bad')));
    expect(refused.topics[0]?.errorCode).to.equal(errorCode('TOPIC_ALREADY_EXISTS'));
    await cluster.pass(60_000);
    expect(controller.active).to.equal(true);
    const mentions = logger.texts('error').filter((line) => line.includes('half'));
    expect(mentions).to.have.lengthOf(1);
  });
});
