import { expect } from 'chai';
import { silentLogger } from '../../../../common/index.ts';
import { CoordinatorSession } from '../../../../coordinator/index.ts';
import { type SimNode, Simulation } from '../../../simulation/kernel/index.ts';

describe('Watches of a CoordinatorSession', () => {
  let simulation: Simulation;

  const open = (name: string): { node: SimNode; session: CoordinatorSession } => {
    const node = simulation.node(name);
    const session = new CoordinatorSession(
      node.environment(),
      { servers: 'coordinator:2181', sessionTimeoutMs: 6_000 },
      silentLogger,
    );
    session.start();
    return { node, session };
  };

  const set = (session: CoordinatorSession, path: string, text: string): Promise<unknown> =>
    simulation.settle(
      session.write({ type: 'setData', path, data: Buffer.from(text), version: -1 }),
    );

  const create = (session: CoordinatorSession, path: string, text = ''): Promise<unknown> =>
    simulation.settle(session.write({ type: 'create', path, data: Buffer.from(text) }));

  const pass = async (milliseconds: number): Promise<void> => {
    await simulation.run({ untilMs: simulation.nowMs + milliseconds });
  };

  beforeEach(() => {
    simulation = new Simulation({ seed: 7, coordinator: { tickMs: 500 } });
  });

  it('tell the present content, each change, and that the znode is gone or back', async () => {
    const { session } = open('watcher');
    const other = open('writer').session;
    const seen: (string | undefined)[] = [];
    session.watchData('/a', (content) => seen.push(content?.data.toString()));
    await pass(100);
    for (const step of ['1', '2', '3']) {
      if (step === '1') await create(other, '/a', step);
      else await set(other, '/a', step);
      await pass(100);
    }
    await simulation.settle(other.write({ type: 'delete', path: '/a', version: -1 }));
    await pass(100);
    await create(other, '/a', 'again');
    await pass(100);
    expect(seen).to.deep.equal([undefined, '1', '2', '3', undefined, 'again']);
  });

  it('never miss the last of many quick changes', async () => {
    const { session } = open('watcher');
    const other = open('writer').session;
    await create(other, '/a', 'first');
    const seen: (string | undefined)[] = [];
    session.watchData('/a', (content) => seen.push(content?.data.toString()));
    for (let i = 0; i < 50; i++) {
      void other.write({ type: 'setData', path: '/a', data: Buffer.from(`${i}`), version: -1 });
    }
    await pass(1_000);
    expect(seen.at(-1)).to.equal('49');
    expect(seen.length).to.be.at.most(51);
  });

  it('tell the names of children, sorted, whenever they change', async () => {
    const { session } = open('watcher');
    const other = open('writer').session;
    const seen: (readonly string[] | undefined)[] = [];
    session.watchChildren('/p', (children) => seen.push(children?.names));
    await pass(100);
    await create(other, '/p');
    await pass(100);
    await create(other, '/p/b');
    await pass(100);
    await create(other, '/p/a');
    await pass(100);
    await set(other, '/p', 'data is no news for children');
    await pass(100);
    expect(seen).to.deep.equal([undefined, [], ['b'], ['a', 'b']]);
  });

  for (const [what, interrupt] of [
    ['a lost connection', () => simulation.network.cut('watcher', 'coordinator')],
    ['an expired session', () => simulation.coordinator.expireSessions('watcher')],
  ] as const) {
    it(`see after ${what} what changed meanwhile, and go on`, async () => {
      const { session } = open('watcher');
      const other = open('writer').session;
      await create(other, '/a', 'before');
      const seen: (string | undefined)[] = [];
      const watches = ['/a', '/b'].map((path) =>
        session.watchData(path, (content) => seen.push(`${path} ${content?.data.toString()}`)),
      );
      await pass(100);
      interrupt();
      await set(other, '/a', 'meanwhile');
      await pass(2_500);
      simulation.network.heal('watcher', 'coordinator');
      await pass(15_000);
      expect(seen.slice(2)).to.deep.equal(['/a meanwhile']);
      await set(other, '/a', 'after');
      await create(other, '/b', 'new');
      await pass(200);
      expect(seen.slice(3).sort()).to.deep.equal(['/a after', '/b new']);
      for (const watch of watches) watch.close();
      await set(other, '/a', 'unseen');
      await pass(200);
      expect(seen).to.have.lengthOf(5);
    });
  }

  it('agree with the tree in the end, whatever the network does', async () => {
    const { session } = open('watcher');
    const other = open('writer').session;
    const latest = new Map<string, string | undefined>();
    const paths = Array.from({ length: 20 }, (_, i) => `/n${i}`);
    for (const path of paths) {
      session.watchData(path, (content) => latest.set(path, content?.data.toString()));
    }
    const random = simulation.random.fork('test');
    for (let i = 0; i < 200; i++) {
      const path = paths[random.below(paths.length)] as string;
      if (i % 17 === 0) simulation.coordinator.disconnect('watcher');
      if (i % 61 === 0) simulation.coordinator.expireSessions('watcher');
      const exists = simulation.coordinator.data(path) !== undefined;
      if (!exists) await create(other, path, `${i}`);
      else if (random.below(3) > 0) await set(other, path, `${i}`);
      else await simulation.settle(other.write({ type: 'delete', path, version: -1 }));
      await pass(random.below(50));
    }
    await pass(20_000);
    for (const path of paths) {
      expect(latest.get(path), path).to.equal(simulation.coordinator.data(path)?.toString());
    }
  });
});
