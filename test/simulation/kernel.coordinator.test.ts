import { expect } from 'chai';
import type {
  CoordinatorConnection,
  CoordinatorError,
  CoordinatorListener,
  WatchEvent,
} from '../../common/index.ts';
import { COORDINATOR_HOST, Simulation, type SimCoordinatorOptions } from './kernel/index.ts';

class Client implements CoordinatorListener {
  readonly events: string[] = [];
  readonly watches: WatchEvent[] = [];
  sessionId = '';
  readonly connection: CoordinatorConnection;

  constructor(simulation: Simulation, name: string, servers = 'coordinator:2181') {
    const { coordinator } = simulation.node(name).environment();
    this.connection = coordinator.connect({ servers, sessionTimeoutMs: 6000 }, this);
  }

  onConnected(session: { sessionId: string; negotiatedTimeoutMs: number }): void {
    this.sessionId = session.sessionId;
    this.events.push(`connected ${session.negotiatedTimeoutMs}`);
  }

  onDisconnected(): void {
    this.events.push('disconnected');
  }

  onExpired(): void {
    this.events.push('expired');
  }

  onWatchEvent(event: WatchEvent): void {
    this.watches.push(event);
  }

  create(path: string, ephemeral = false): Promise<string> {
    return this.connection
      .write({ type: 'create', path, data: Buffer.from(path), ephemeral })
      .then(() => 'done', codeOf);
  }
}

const codeOf = (error: CoordinatorError): string => error.code;

async function started(seed: number, options: SimCoordinatorOptions = {}) {
  const simulation = new Simulation({ seed, coordinator: options });
  const a = new Client(simulation, 'a');
  const b = new Client(simulation, 'b');
  await simulation.run({ condition: () => a.events.length > 0 && b.events.length > 0 });
  return { simulation, a, b };
}

describe('simulation: coordinator', () => {
  it('connects, grants a timeout in ticks and carries out operations', async () => {
    const { simulation, a, b } = await started(1);
    expect(a.events).to.deep.equal(['connected 6000']);
    expect(await simulation.settle(a.create('/x'))).to.equal('done');
    expect(await simulation.settle(a.create('/x'))).to.equal('NODE_EXISTS');
    expect(await simulation.settle(a.create('/y/z'))).to.equal('NO_NODE');
    const read = await simulation.settle(b.connection.read({ type: 'getData', path: '/x' }));
    expect([read.data?.toString(), read.stat?.version]).to.deep.equal(['/x', 0]);
    const absent = await simulation.settle(b.connection.read({ type: 'exists', path: '/none' }));
    expect(absent.stat).to.equal(undefined);
  });

  it('carries out a multi wholly or not at all, and names what failed', async () => {
    const { simulation, a } = await started(1);
    await simulation.settle(a.create('/x'));
    const data = Buffer.from('new');
    const failing = a.connection.multi([
      { type: 'setData', path: '/x', data, version: 0 },
      { type: 'check', path: '/x', version: 7 },
    ]);
    const error = await simulation.settle(failing.catch((caught: CoordinatorError) => caught));
    expect([
      (error as CoordinatorError).code,
      (error as CoordinatorError).failedIndex,
    ]).to.deep.equal(['BAD_VERSION', 1]);
    expect(simulation.coordinator.data('/x')?.toString()).to.equal('/x');
    const done = await simulation.settle(
      a.connection.multi([
        { type: 'check', path: '/x', version: 0 },
        { type: 'create', path: '/x/n-', data, sequential: true },
        { type: 'setData', path: '/x', data, version: 0 },
      ]),
    );
    expect([done[1]?.path, done[2]?.stat?.version]).to.deep.equal(['/x/n-0000000000', 1]);
  });

  it('puts every path under the chroot and strips it again', async () => {
    const simulation = new Simulation({ seed: 1 });
    const top = new Client(simulation, 'a');
    const below = new Client(simulation, 'b', 'coordinator:2181/root');
    await simulation.run({ condition: () => top.events.length + below.events.length === 2 });
    await simulation.settle(top.create('/root'));
    await simulation.settle(below.connection.read({ type: 'getChildren', path: '/', watch: true }));
    await simulation.settle(below.create('/x'));
    await simulation.run({ forMs: 100 });
    expect(simulation.coordinator.paths()).to.include('/root/x');
    expect(below.watches).to.deep.equal([{ type: 'childrenChanged', path: '/' }]);
  });

  it('fires a watch once, before the client can read what it tells of', async () => {
    const { simulation, a, b } = await started(1);
    await simulation.settle(a.connection.read({ type: 'exists', path: '/x', watch: true }));
    await simulation.settle(b.create('/x'));
    await simulation.settle(a.connection.read({ type: 'exists', path: '/x' }));
    expect(a.watches).to.deep.equal([{ type: 'created', path: '/x' }]);
    const data = Buffer.alloc(0);
    await simulation.settle(b.connection.write({ type: 'setData', path: '/x', data, version: -1 }));
    await simulation.run({ forMs: 100 });
    expect(a.watches.length).to.equal(1);
  });

  it('expires the session of a dead process at a tick, not before its timeout', async () => {
    const { simulation, a, b } = await started(1);
    await simulation.settle(a.create('/ephemeral', true));
    await simulation.settle(b.connection.read({ type: 'exists', path: '/ephemeral', watch: true }));
    const diedMs = simulation.nowMs;
    simulation.node('a').crash();
    await simulation.run({
      condition: () => !simulation.coordinator.paths().includes('/ephemeral'),
    });
    expect(simulation.nowMs % 2000).to.equal(0);
    expect(simulation.nowMs - diedMs).to.be.within(4000, 8000);
    await simulation.run({ forMs: 100 });
    expect(b.watches).to.deep.equal([{ type: 'deleted', path: '/ephemeral' }]);
  });

  it('expires a frozen process, which hears of it only after the thaw', async () => {
    const { simulation, a } = await started(1);
    simulation.node('a').freeze();
    await simulation.run({ forMs: 20_000 });
    expect(a.events).to.deep.equal(['connected 6000']);
    simulation.node('a').thaw();
    await simulation.run({ forMs: 5000 });
    expect(a.events.slice(1)).to.deep.equal(['disconnected', 'expired']);
    expect(await a.create('/x')).to.equal('SESSION_EXPIRED');
  });

  it('says nothing of a cut until the client reconnects, and expires it meanwhile', async () => {
    const { simulation, a } = await started(1);
    simulation.network.cut('a', COORDINATOR_HOST);
    const pending = a.create('/x');
    await simulation.run({ forMs: 20_000 });
    expect(a.events.length).to.equal(1);
    a.connection.reconnect();
    expect(await simulation.settle(pending)).to.equal('CONNECTION_LOSS');
    expect(await a.create('/y')).to.equal('CONNECTION_LOSS');
    simulation.network.heal('a', COORDINATOR_HOST);
    await simulation.run({ forMs: 10_000 });
    expect(a.events.slice(1)).to.deep.equal(['disconnected', 'expired']);
    expect(simulation.coordinator.paths()).to.not.include('/x');
  });

  it('resumes the session after a reset, without the watches', async () => {
    const { simulation, a, b } = await started(1);
    await simulation.settle(a.connection.read({ type: 'exists', path: '/x', watch: true }));
    const { sessionId } = a;
    simulation.coordinator.disconnect('a');
    await simulation.run({ condition: () => a.events.length === 3 });
    expect(a.events.slice(1)).to.deep.equal(['disconnected', 'connected 6000']);
    expect(a.sessionId).to.equal(sessionId);
    await simulation.settle(b.create('/x'));
    await simulation.run({ forMs: 100 });
    expect(a.watches).to.deep.equal([]);
  });

  it('loses a write before or after it was applied, and tells only of the loss', async () => {
    const { simulation, a } = await started(1);
    simulation.coordinator.loseNext({ host: 'a', path: '/x', applied: true });
    expect(await simulation.settle(a.create('/x'))).to.equal('CONNECTION_LOSS');
    expect(simulation.coordinator.paths()).to.include('/x');
    await simulation.run({ condition: () => a.events.length === 3 });
    simulation.coordinator.loseNext({ host: 'a', path: '/y', applied: false });
    expect(await simulation.settle(a.create('/y'))).to.equal('CONNECTION_LOSS');
    await simulation.run({ forMs: 5000 });
    expect(simulation.coordinator.paths()).to.not.include('/y');
  });

  it('takes the ephemeral nodes with a session that is closed', async () => {
    const { simulation, a } = await started(1);
    await simulation.settle(a.create('/ephemeral', true));
    await simulation.settle(a.connection.close());
    expect(simulation.coordinator.paths()).to.not.include('/ephemeral');
    expect(await a.create('/x')).to.equal('SESSION_EXPIRED');
    await a.connection.close();
  });

  it('keeps sessions over a stop of the whole ensemble', async () => {
    const { simulation, a } = await started(1);
    await simulation.settle(a.create('/ephemeral', true));
    simulation.coordinator.crash();
    await simulation.run({ forMs: 60_000 });
    expect(await a.create('/x')).to.equal('CONNECTION_LOSS');
    simulation.coordinator.restart();
    await simulation.run({ forMs: 5000 });
    expect(a.events.slice(1)).to.deep.equal(['disconnected', 'connected 6000']);
    expect(simulation.coordinator.paths()).to.include('/ephemeral');
  });
});
