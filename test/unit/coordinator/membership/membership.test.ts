import { expect } from 'chai';
import { brokerId, OdradekError } from '../../../../common/index.ts';
import { CoordinatorSession, Membership } from '../../../../coordinator/index.ts';
import { type SimNode, Simulation } from '../../../simulation/kernel/index.ts';
import { CollectingLogger } from '../support/collectingLogger.ts';

interface Member {
  readonly node: SimNode;
  readonly session: CoordinatorSession;
  readonly membership: Membership;
  readonly epochs: number[];
  readonly refusals: Error[];
}

describe('Membership', () => {
  let simulation: Simulation;

  const open = (name: string): Member => {
    const node = simulation.node(name);
    const environment = node.isUp || node.incarnation === 0 ? node.environment() : node.restart();
    const logger = new CollectingLogger();
    const options = { servers: 'coordinator:2181', sessionTimeoutMs: 6_000 };
    const session = new CoordinatorSession(environment, options, logger);
    const membership = new Membership(environment, session, logger);
    const epochs: number[] = [];
    const refusals: Error[] = [];
    membership.onRegistered((epoch) => epochs.push(epoch));
    membership.onRefused((error) => refusals.push(error));
    session.start();
    return { node, session, membership, epochs, refusals };
  };

  const options = (id: number, host: string, directoryId?: string) => ({
    brokerId: brokerId(id),
    nativeEndpoints: [{ host, port: 9192 }],
    ...(directoryId === undefined ? {} : { directoryId }),
  });

  const settle = <Value>(promise: Promise<Value>): Promise<Value> =>
    simulation.settle(promise, { timeoutMs: 120_000 });

  const pass = async (milliseconds: number): Promise<void> => {
    await simulation.run({ untilMs: simulation.nowMs + milliseconds });
  };

  const refusalOf = async (promise: Promise<unknown>): Promise<OdradekError> => {
    const error = await settle(
      promise.then(
        () => undefined,
        (caught: unknown) => caught,
      ),
    );
    expect(error).to.be.instanceOf(OdradekError);
    return error as OdradekError;
  };

  const put = async (member: Member, path: string, text: string, ephemeral = false) => {
    const data = Buffer.from(text);
    await settle(member.session.ensurePath(path.slice(0, path.lastIndexOf('/')) || '/'));
    await settle(member.session.write({ type: 'create', path, data, ephemeral }));
  };

  beforeEach(() => {
    simulation = new Simulation({ seed: 11, coordinator: { tickMs: 500 } });
  });

  it('gives all brokers the one cluster id, whoever made it', async () => {
    const members = ['a', 'b', 'c'].map(open);
    const ids = await settle(Promise.all(members.map((each) => each.membership.joinCluster())));
    expect(new Set(ids).size).to.equal(1);
    expect(ids[0]).to.match(/^[A-Za-z0-9_-]{22}$/);
    expect(members.map(({ membership }) => membership.clusterId)).to.deep.equal(ids);
  });

  it('waits for a coordinator that comes up later than a session lasts', async () => {
    simulation.coordinator.crash();
    const { membership } = open('a');
    const joining = membership.joinCluster();
    await pass(20_000);
    simulation.coordinator.restart();
    expect(await settle(joining)).to.match(/^[A-Za-z0-9_-]{22}$/);
  });

  it('registers with the czxid as epoch, and proves the session by it', async () => {
    const { membership, session } = open('a');
    await settle(membership.joinCluster());
    const epoch = await settle(membership.register(options(1, 'a')));
    expect(epoch).to.be.greaterThan(0);
    expect(membership.brokerEpoch).to.equal(epoch);
    await pass(100);
    expect(session.state).to.equal('proven');
    expect(simulation.coordinator.data('/brokers/ids/1')?.toString()).to.include('"a:9192"');
  });

  it('registers again with a higher epoch after an expiry', async () => {
    const { membership, epochs, session } = open('a');
    await settle(membership.joinCluster());
    await settle(membership.register(options(1, 'a')));
    simulation.coordinator.expireSessions('a');
    await simulation.run({ untilMs: 60_000, condition: () => epochs.length === 2 });
    expect(epochs[1]).to.be.greaterThan(epochs[0] as number);
    await pass(100);
    expect(session.state).to.equal('proven');
  });

  it('registers again when somebody removes its znode', async () => {
    const { membership, epochs, session } = open('a');
    const other = open('b');
    await settle(membership.joinCluster());
    await settle(membership.register(options(1, 'a')));
    await settle(other.session.write({ type: 'delete', path: '/brokers/ids/1', version: -1 }));
    await simulation.run({
      untilMs: simulation.nowMs + 60_000,
      condition: () => epochs.length === 2,
    });
    await pass(100);
    expect(session.state).to.equal('proven');
    expect(membership.brokerEpoch).to.equal(epochs[1]);
  });

  it('registers anew after a fence, though its znode still stands', async () => {
    const { membership, epochs, session } = open('a');
    await settle(membership.joinCluster());
    await settle(membership.register(options(1, 'a')));
    session.fence('a newer controller was seen');
    expect(membership.brokerEpoch).to.equal(-1);
    await simulation.run({ untilMs: 60_000, condition: () => epochs.length === 2 });
    expect(epochs[1]).to.be.greaterThan(epochs[0] as number);
  });

  it('takes a registration whose answer was lost for its own', async () => {
    const { membership } = open('a');
    await settle(membership.joinCluster());
    simulation.coordinator.loseNext({ path: '/brokers/ids/1', applied: true });
    const epoch = await settle(membership.register(options(1, 'a')));
    await pass(20_000);
    expect(membership.brokerEpoch).to.equal(epoch);
  });

  it('waits for a dead predecessor to expire', async () => {
    const first = open('a');
    await settle(first.membership.joinCluster());
    await settle(first.membership.register(options(1, 'a')));
    first.node.crash();
    const second = open('b');
    await settle(second.membership.joinCluster());
    const startedMs = simulation.nowMs;
    await settle(second.membership.register(options(1, 'b')));
    expect(simulation.nowMs - startedMs).to.be.within(3_000, 8_000);
  });

  it('does not wait for a predecessor on the same data directory', async () => {
    const first = open('a');
    await settle(first.membership.joinCluster());
    await settle(first.membership.register(options(1, 'a', 'directory')));
    first.node.crash();
    const second = open('a');
    await settle(second.membership.joinCluster());
    const startedMs = simulation.nowMs;
    await settle(second.membership.register(options(1, 'a', 'directory')));
    expect(simulation.nowMs - startedMs).to.be.below(1_000);
  });

  it('refuses an id that another live broker holds, naming its endpoint', async () => {
    const first = open('a');
    await settle(first.membership.joinCluster());
    await settle(first.membership.register(options(1, 'first-host', 'one')));
    const second = open('b');
    await settle(second.membership.joinCluster());
    const startedMs = simulation.nowMs;
    const error = await refusalOf(second.membership.register(options(1, 'b', 'two')));
    expect(error.code).to.equal('BROKER_ID_IN_USE');
    expect(error.message).to.include('first-host:9192').and.to.include('/brokers/ids/1');
    expect(simulation.nowMs - startedMs).to.be.below(15_000);
    expect(first.session.state).to.equal('proven');
  });

  it('says so when another broker takes its id while it was away', async () => {
    const first = open('a');
    await settle(first.membership.joinCluster());
    await settle(first.membership.register(options(1, 'a')));
    simulation.network.cut('a', 'coordinator');
    await pass(12_000);
    const second = open('b');
    await settle(second.membership.register(options(1, 'b')));
    simulation.network.heal('a', 'coordinator');
    await pass(40_000);
    expect(first.refusals).to.have.lengthOf(1);
    expect(first.refusals[0]?.message).to.include('b:9192');
    expect(second.session.state).to.equal('proven');
  });

  for (const [what, path, text, words] of [
    ['a live broker of Apache Kafka', '/brokers/ids/4', kafkaBroker(), 'PLAINTEXT://kafka:9092'],
    ['a migration to KRaft', '/migration', '{"version":0}', 'KRaft'],
    [
      'a KRaft controller',
      '/controller',
      '{"version":2,"brokerid":3000,"timestamp":"1","kraftControllerEpoch":7}',
      'epoch 7',
    ],
  ] as const) {
    it(`refuses to join ${what}, naming the znode`, async () => {
      const member = open('a');
      await put(member, path, text);
      const error = await refusalOf(open('b').membership.joinCluster());
      expect(error.code).to.equal('FOREIGN_CLUSTER');
      expect(error.message).to.include(`"${path}"`).and.to.include(words);
      expect(simulation.coordinator.data('/cluster/id')).to.equal(undefined);
    });
  }

  it('names a registration or cluster id that cannot be understood', async () => {
    const member = open('a');
    await put(member, '/cluster/id', '{"version":"1"}');
    const error = await refusalOf(open('b').membership.joinCluster());
    expect(error.code).to.equal('ZNODE_DAMAGED');
    expect(error.message).to.include('"/cluster/id"').and.to.include('"id" is missing');
  });

  it('stops registering when closed', async () => {
    const { membership, epochs } = open('a');
    await settle(membership.joinCluster());
    await settle(membership.register(options(1, 'a')));
    membership.close();
    simulation.coordinator.expireSessions('a');
    await pass(30_000);
    expect(epochs).to.have.lengthOf(1);
    expect(simulation.coordinator.data('/brokers/ids/1')).to.equal(undefined);
  });
});

function kafkaBroker(): string {
  return (
    '{"version":5,"host":"kafka","port":9092,"jmx_port":-1,"timestamp":"1","features":{},' +
    '"endpoints":["PLAINTEXT://kafka:9092"],"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"}}'
  );
}
