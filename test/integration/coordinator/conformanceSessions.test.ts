/** How long sessions live, and what goes with them. */

import { expect } from 'chai';
import { JuteClient } from '../../harness/juteClient.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { TestClient } from '../../harness/zookeeperClient.ts';
import { onBothServers, TICK_MS } from './bothServers.ts';

onBothServers('sessions', ({ server, path }) => {
  it('the timeout that is asked for is granted from 2 to 20 ticks', async () => {
    for (const [asked, granted] of [
      [1, 2 * TICK_MS],
      [5 * TICK_MS + 50, 5 * TICK_MS + 50],
      [60_000, 20 * TICK_MS],
    ] as const) {
      const client = await JuteClient.connect(server().address, { timeoutMs: asked });
      expect(client.session.timeoutMs).to.equal(granted);
      client.drop();
    }
  });

  it('ephemeral nodes go at once with a session that is closed', async () => {
    const owner = await TestClient.connect(server().address);
    const other = await TestClient.connect(server().address);
    const nodes = ['a', 'b'].map(path);
    for (const node of nodes) await owner.create(node, '', 'ephemeral');
    for (const node of nodes) await other.exists(node, { watch: true });
    await owner.close();
    for (const node of nodes) expect(await other.exists(node)).to.equal(undefined);
    expect([...(await other.waitForEvents(2))].sort()).to.deep.equal(
      nodes.map((node) => `NODE_DELETED ${node}`),
    );
    await other.close();
  });

  it('a session of which nothing is heard expires, and its nodes go together', async () => {
    const owner = await TestClient.connect(server().address, 4 * TICK_MS);
    const other = await TestClient.connect(server().address);
    await other.create(path('parent'));
    const nodes = ['a', 'b', 'c'].map((name) => `${path('parent')}/${name}`);
    for (const node of nodes) await owner.create(node, '', 'ephemeral');
    owner.vanish();
    await waitFor(async () => (await other.getChildren(path('parent'))).children.length === 0, {
      what: 'the ephemeral nodes are gone',
    });
    const { stat } = await other.getChildren(path('parent'));
    expect(stat.cversion).to.equal(6);
    await other.close();
  });

  it('a session that pings lives on, however long', async () => {
    const owner = await TestClient.connect(server().address, 2 * TICK_MS);
    const other = await TestClient.connect(server().address);
    await owner.create(path('alive'), '', 'ephemeral');
    const untilMs = performance.now() + 10 * TICK_MS;
    await waitFor(() => performance.now() > untilMs, { what: 'time passes' });
    expect(await other.exists(path('alive'))).not.to.equal(undefined);
    expect(owner.states).to.deep.equal(['connected']);
    await owner.close();
    await other.close();
  });

  it('a client that comes back in time keeps its session and its nodes', async () => {
    const owner = await TestClient.connect(server().address);
    const { sessionId } = owner;
    await owner.create(path('kept'), '', 'ephemeral');
    owner.dropConnection();
    await owner.waitForState('connected', 2);
    expect(owner.sessionId).to.equal(sessionId);
    expect((await owner.exists(path('kept')))?.ephemeralOwner).to.equal(sessionId);
    await owner.close();
  });

  it('a client that comes back too late is told that its session has expired', async () => {
    const owner = await JuteClient.connect(server().address, { timeoutMs: 2 * TICK_MS });
    const other = await TestClient.connect(server().address);
    owner.drop();
    const resume = owner.session;
    const untilMs = performance.now() + 5 * TICK_MS;
    await waitFor(() => performance.now() > untilMs, { what: 'the session has expired' });
    const late = await JuteClient.connect(server().address, { resume });
    expect(late.session.timeoutMs).to.equal(0);
    expect(late.session.sessionId).to.equal('0'.repeat(16));
    expect([...late.session.password]).to.deep.equal(new Array(16).fill(0));
    await late.waitForClose();
    await other.close();
  });

  it('a wrong password does not open a session, and does not end it either', async () => {
    const owner = await JuteClient.connect(server().address);
    const { sessionId } = owner.session;
    const thief = await JuteClient.connect(server().address, {
      resume: { sessionId, password: new Uint8Array(16).fill(7) },
    });
    expect(thief.session.timeoutMs).to.equal(0);
    await thief.waitForClose();
    const again = await JuteClient.connect(server().address, { resume: owner.session });
    expect(again.session.sessionId).to.equal(sessionId);
    again.drop();
  });

  it('a session that is taken up on a new connection leaves the old one', async () => {
    const first = await JuteClient.connect(server().address);
    const second = await JuteClient.connect(server().address, { resume: first.session });
    expect(second.session.sessionId).to.equal(first.session.sessionId);
    await first.waitForClose();
    expect(second.closed).to.equal(false);
    second.drop();
  });

  it('a client that has seen a later state than the server holds is turned away', async () => {
    const client = await JuteClient.dial(server().address);
    client.sendConnect({ lastZxidSeen: 2 ** 40 });
    await client.waitForClose();
    expect(client.session.timeoutMs).to.equal(-1);
  });

  it('sessions, their nodes and their passwords outlive kill -9 of the server', async () => {
    const owner = await TestClient.connect(server().address, 20 * TICK_MS);
    const { sessionId } = owner;
    await owner.create(path('ephemeral'), 'mine', 'ephemeral');
    await owner.create(path('persistent'), 'kept');
    const written = await owner.setData(path('persistent'), 'changed');
    await server().kill9();
    await server().restart();
    await owner.waitForState('connected', 2);
    expect(owner.sessionId).to.equal(sessionId);
    expect((await owner.getData(path('ephemeral'))).stat.ephemeralOwner).to.equal(sessionId);
    const { data, stat } = await owner.getData(path('persistent'));
    expect(data.toString()).to.equal('changed');
    expect(stat).to.deep.equal(written);
    expect((await owner.setData(path('persistent'), 'again')).mzxid).to.be.greaterThan(stat.mzxid);
    await owner.close();
  });

  it('a session whose client does not return after kill -9 of the server expires', async () => {
    const owner = await TestClient.connect(server().address, 4 * TICK_MS);
    await owner.create(path('orphan'), '', 'ephemeral');
    owner.vanish();
    await server().kill9();
    await server().restart();
    const other = await TestClient.connect(server().address);
    await waitFor(async () => (await other.exists(path('orphan'))) === undefined, {
      what: 'the ephemeral node is gone',
    });
    await other.close();
  });

  it('a watch that was set before kill -9 of the server still fires after it', async () => {
    const client = await TestClient.connect(server().address, 20 * TICK_MS);
    const other = await TestClient.connect(server().address, 20 * TICK_MS);
    await client.create(path('watched'));
    await client.getData(path('watched'), { watch: true });
    await server().restart();
    await client.waitForState('connected', 2);
    await other.waitForState('connected', 2);
    await other.setData(path('watched'), 'x');
    expect(await client.waitForEvents(1)).to.deep.equal([`NODE_DATA_CHANGED ${path('watched')}`]);
    await client.close();
    await other.close();
  });
});
