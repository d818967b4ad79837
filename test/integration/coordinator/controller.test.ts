import { expect } from 'chai';
import {
  systemClock,
  systemRandom,
  systemTimers,
} from '../../../common/environment/production/index.ts';
import { type BrokerId, brokerId } from '../../../common/index.ts';
import {
  Controller,
  CoordinatorSession,
  Membership,
  nodeZookeeperConnector,
} from '../../../coordinator/index.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { CollectingLogger } from '../../unit/coordinator/support/collectingLogger.ts';
import { FakeBrokers } from '../../unit/coordinator/support/fakeBrokers.ts';
import { createRequest, deleteRequest } from '../../unit/coordinator/support/simCluster.ts';
import { onBothServers } from './bothServers.ts';

interface Member {
  readonly id: BrokerId;
  readonly session: CoordinatorSession;
  readonly membership: Membership;
  readonly controller: Controller;
}

onBothServers('Session, membership and controller', ({ server }) => {
  let fakes: FakeBrokers;
  let members: Member[];
  let root = 0;

  const open = async (id: number, chroot = `/cluster-${root}`): Promise<Member> => {
    const environment = {
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      coordinator: nodeZookeeperConnector({ timers: systemTimers, random: systemRandom }),
    };
    const logger = new CollectingLogger();
    const servers = server().address + chroot;
    const session = new CoordinatorSession(
      environment,
      { servers, sessionTimeoutMs: 1_500 },
      logger,
    );
    const membership = new Membership(environment, session, logger);
    const controller = new Controller(
      environment,
      { session, membership, pusher: fakes },
      {
        brokerId: brokerId(id),
        defaultPartitionCount: 1,
        defaultReplicationFactor: 1,
        validateTopicConfigs: () => undefined,
      },
      logger,
    );
    session.start();
    await membership.joinCluster();
    await membership.register({
      brokerId: brokerId(id),
      nativeEndpoints: [{ host: '127.0.0.1', port: 9192 }],
    });
    controller.start();
    const member = { id: brokerId(id), session, membership, controller };
    members.push(member);
    return member;
  };

  const end = async (member: Member): Promise<void> => {
    await member.controller.close();
    member.membership.close();
    await member.session.close();
    members = members.filter((other) => other !== member);
  };

  const activeOne = (): Promise<Member> =>
    waitFor(
      () => {
        const active = members.find(({ controller }) => controller.active);
        if (active === undefined) return undefined;
        return fakes.get(active.id).brokers.length === members.length ? active : undefined;
      },
      { what: 'a controller that knows all brokers', timeoutMs: 20_000 },
    );

  beforeEach(() => {
    root += 1;
    members = [];
    fakes = new FakeBrokers();
  });

  afterEach(async () => {
    for (const member of [...members]) await end(member);
  });

  it('elects one, creates, fails over, and deletes with the next', async () => {
    await open(1);
    await open(2);
    const first = await activeOne();
    const created = await first.controller.createTopics(
      createRequest('orders', { partitions: 600 }),
    );
    expect(created.topics[0]).to.include({ errorCode: 0, partitionCount: 600 });
    const before = first.controller.seen.epoch ?? 0;
    await end(first);
    const second = await activeOne();
    expect(second.controller.seen).to.deep.equal({ id: second.id, epoch: before + 1 });
    const again = await second.controller.createTopics(createRequest('orders'));
    expect(again.topics[0]?.errorCode).to.equal(36);
    await open(Number(first.id));
    await activeOne();
    const deleted = await second.controller.deleteTopics(deleteRequest('orders'));
    expect(deleted.topics[0]?.errorCode).to.equal(0);
    expect((await second.session.getChildren('/brokers/topics'))?.names).to.deep.equal([]);
    expect((await second.session.getChildren('/config/topics'))?.names).to.deep.equal([]);
    expect((await second.session.getChildren('/admin/delete_topics'))?.names).to.deep.equal([]);
  });

  it('elects exactly one of many that stand at the same moment on a fresh ZooKeeper', async () => {
    await Promise.all([1, 2, 3, 4, 5].map((id) => open(id)));
    const active = await activeOne();
    expect(members.filter(({ controller }) => controller.active)).to.deep.equal([active]);
    const epoch = await active.session.getData('/controller_epoch');
    expect(epoch?.data.toString()).to.equal('1');
    expect(epoch?.stat.version).to.equal(1);
  });

  it('goes on after ZooKeeper was killed and started again', async () => {
    const member = await open(1);
    await activeOne();
    await member.controller.createTopics(createRequest('before'));
    await server().restart();
    await waitFor(() => member.session.state === 'proven', { what: 'proven', timeoutMs: 30_000 });
    await waitFor(() => member.controller.active, { what: 'a controller', timeoutMs: 30_000 });
    await waitFor(
      async () => {
        try {
          const created = await member.controller.createTopics(createRequest('after'));
          return [0, 36].includes(created.topics[0]?.errorCode ?? -1);
        } catch {
          return false;
        }
      },
      { what: 'a topic is created', timeoutMs: 30_000 },
    );
    expect((await member.session.getChildren('/brokers/topics'))?.names).to.deep.equal([
      'after',
      'before',
    ]);
  });

  it('fences a broker that was paused longer than its session, which then registers anew', async () => {
    const member = await open(1);
    const states: string[] = [];
    member.session.onStateChange((state) => states.push(state));
    await waitFor(() => member.session.state === 'proven', { what: 'proven' });
    const before = member.membership.brokerEpoch;
    server().pause();
    await waitFor(() => member.session.state === 'unproven', { what: 'unproven' });
    server().resume();
    await waitFor(() => member.session.state === 'proven', {
      what: 'proven again',
      timeoutMs: 20_000,
    });
    expect(states).to.include('unproven');
    const anew = states.includes('fenced');
    if (anew) expect(member.membership.brokerEpoch).to.be.greaterThan(before);
    else expect(member.membership.brokerEpoch).to.equal(before);
  });
});
