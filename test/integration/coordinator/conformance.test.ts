/** What a client sees of nodes, versions and watches, through the library that brokers use. */

import { expect } from 'chai';
import { refusal, TestClient } from '../../harness/zookeeperClient.ts';
import { onBothServers } from './bothServers.ts';

onBothServers('nodes', ({ server, path }) => {
  let client: TestClient;

  beforeEach(async () => {
    client = await TestClient.connect(server().address);
  });
  afterEach(() => client.close());

  it('a created node holds its data and starts at version 0', async () => {
    const node = path('node');
    expect(await client.create(node, 'data')).to.equal(node);
    const { data, stat } = await client.getData(node);
    expect(data.toString()).to.equal('data');
    expect(stat).to.include({
      version: 0,
      cversion: 0,
      aversion: 0,
      dataLength: 4,
      numChildren: 0,
    });
    expect(stat.ephemeralOwner).to.equal('0'.repeat(16));
    expect(stat.mzxid).to.equal(stat.czxid);
    expect(stat.pzxid).to.equal(stat.czxid);
  });

  it('a node without data reads as empty', async () => {
    await client.create(path('empty'));
    const { data, stat } = await client.getData(path('empty'));
    expect(data.length).to.equal(0);
    expect(stat.dataLength).to.equal(0);
  });

  it('a second create of one path is refused, whatever its kind', async () => {
    await client.create(path('node'));
    expect(await refusal(client.create(path('node')))).to.equal('NODE_EXISTS');
    expect(await refusal(client.create(path('node'), '', 'ephemeral'))).to.equal('NODE_EXISTS');
  });

  it('a node below an absent one is refused', async () => {
    expect(await refusal(client.create(`${path('absent')}/child`))).to.equal('NO_NODE');
    expect(await client.exists(`${path('absent')}/child`)).to.equal(undefined);
  });

  it('every write raises the version by one, and only the right version may write', async () => {
    const node = path('node');
    await client.create(node, 'a');
    const first = await client.setData(node, 'b', 0);
    expect(first.version).to.equal(1);
    expect(first.mzxid).to.be.greaterThan(first.czxid);
    expect(await refusal(client.setData(node, 'c', 0))).to.equal('BAD_VERSION');
    expect((await client.setData(node, 'd', -1)).version).to.equal(2);
    expect((await client.getData(node)).data.toString()).to.equal('d');
  });

  it('only the right version may delete', async () => {
    const node = path('node');
    await client.create(node);
    await client.setData(node, 'x');
    expect(await refusal(client.remove(node, 0))).to.equal('BAD_VERSION');
    await client.remove(node, 1);
    expect(await refusal(client.remove(node))).to.equal('NO_NODE');
  });

  it('a node with children cannot be deleted', async () => {
    await client.create(path('parent'));
    await client.create(`${path('parent')}/child`);
    expect(await refusal(client.remove(path('parent')))).to.equal('NOT_EMPTY');
    await client.remove(`${path('parent')}/child`);
    await client.remove(path('parent'));
    expect(await client.exists(path('parent'))).to.equal(undefined);
  });

  it('a node counts the changes of its children apart from those of its data', async () => {
    const parent = path('parent');
    await client.create(parent);
    await client.create(`${parent}/a`);
    await client.create(`${parent}/b`);
    await client.remove(`${parent}/a`);
    const { children, stat } = await client.getChildren(parent);
    expect(children).to.deep.equal(['b']);
    expect(stat).to.include({ version: 0, cversion: 3, numChildren: 1 });
    expect(stat.pzxid).to.be.greaterThan(stat.mzxid);
  });

  it('sequential names count every child ever created there, and never come twice', async () => {
    const parent = path('queue');
    await client.create(parent);
    expect(await client.create(`${parent}/n-`, '', 'persistentSequential')).to.equal(
      `${parent}/n-0000000000`,
    );
    await client.create(`${parent}/plain`);
    expect(await client.create(`${parent}/n-`, '', 'ephemeralSequential')).to.equal(
      `${parent}/n-0000000002`,
    );
    await client.remove(`${parent}/n-0000000002`);
    expect(await client.create(`${parent}/n-`, '', 'persistentSequential')).to.equal(
      `${parent}/n-0000000003`,
    );
  });

  it('an ephemeral node names its session and can have no children', async () => {
    const node = path('ephemeral');
    await client.create(node, '', 'ephemeral');
    expect((await client.exists(node))?.ephemeralOwner).to.equal(client.sessionId);
    expect(await refusal(client.create(`${node}/child`))).to.equal('NO_CHILDREN_FOR_EPHEMERALS');
  });

  it('names may hold anything printable, in any script', async () => {
    for (const name of [
      'a b',
      'ünïcødé',
      '日本',
      'a.b',
      '...',
      '.hidden',
      '%2F\\"\'',
      'x'.repeat(500),
    ]) {
      const node = `${path('name')}-${name}`;
      await client.create(node, name);
      expect((await client.getData(node)).data.toString()).to.equal(name);
    }
  });

  it('the root shows what stands in every ZooKeeper', async () => {
    expect((await client.getChildren('/')).children).to.include('zookeeper');
    expect((await client.getChildren('/zookeeper')).children).to.deep.equal(['config', 'quota']);
    expect(await refusal(client.create('/zookeeper'))).to.equal('NODE_EXISTS');
    expect(await refusal(client.setData('/zookeeper/config', 'x'))).to.equal('NO_AUTH');
  });

  it('a node of nearly a mebibyte is kept byte for byte', async () => {
    const node = path('big');
    const data = Buffer.alloc(0xfffff - 200, 'odradek');
    await client.create(node, data);
    expect((await client.getData(node)).data.equals(data)).to.equal(true);
    expect((await client.exists(node))?.dataLength).to.equal(data.length);
  });

  it('a packet above the limit costs the connection, but not the session', async () => {
    const node = path('too-big');
    const { sessionId } = client;
    expect(await refusal(client.create(node, Buffer.alloc(0xfffff)))).to.equal('CONNECTION_LOSS');
    await client.waitForState('connected', 2);
    expect(client.sessionId).to.equal(sessionId);
    expect(await client.exists(node)).to.equal(undefined);
  });

  it('what is pipelined is carried out in order', async () => {
    const node = path('counter');
    await client.create(node);
    const writes = Array.from({ length: 300 }, (_, version) =>
      client.setData(node, String(version), version),
    );
    const reads = Array.from({ length: 5 }, () => client.getData(node));
    const stats = await Promise.all(writes);
    expect(stats.map((stat) => stat.version)).to.deep.equal(stats.map((_, index) => index + 1));
    for (const { data } of await Promise.all(reads)) expect(data.toString()).to.equal('299');
  });
});

onBothServers('watches', ({ server, path }) => {
  let client: TestClient;
  let other: TestClient;

  beforeEach(async () => {
    client = await TestClient.connect(server().address);
    other = await TestClient.connect(server().address);
  });
  afterEach(async () => {
    await client.close();
    await other.close();
  });

  it('a data watch tells of one change and then is gone', async () => {
    const node = path('node');
    await other.create(node);
    await client.getData(node, { watch: true });
    await other.setData(node, '1');
    await other.setData(node, '2');
    expect(await client.waitForEvents(1)).to.deep.equal([`NODE_DATA_CHANGED ${node}`]);
    await client.getData(node, { watch: true });
    await other.remove(node);
    expect((await client.waitForEvents(2)).slice(1)).to.deep.equal([`NODE_DELETED ${node}`]);
  });

  it('a watch on an absent node waits for its creation', async () => {
    const node = path('awaited');
    expect(await client.exists(node, { watch: true })).to.equal(undefined);
    await other.create(node);
    expect(await client.waitForEvents(1)).to.deep.equal([`NODE_CREATED ${node}`]);
  });

  it('a child watch tells of children that come and go, not of their data', async () => {
    const parent = path('parent');
    await other.create(parent);
    await client.getChildren(parent, { watch: true });
    await other.setData(parent, 'x');
    await other.create(`${parent}/a`);
    expect(await client.waitForEvents(1)).to.deep.equal([`NODE_CHILDREN_CHANGED ${parent}`]);
    await client.getChildren(parent, { watch: true });
    await other.setData(`${parent}/a`, 'x');
    await other.remove(`${parent}/a`);
    expect((await client.waitForEvents(2)).slice(1)).to.deep.equal([
      `NODE_CHILDREN_CHANGED ${parent}`,
    ]);
  });

  it('a refused read sets no watch', async () => {
    const node = path('absent');
    expect(await refusal(client.getData(node, { watch: true }))).to.equal('NO_NODE');
    await other.create(node);
    await client.exists(node, { watch: true });
    await other.setData(node, 'x');
    expect(await client.waitForEvents(1)).to.deep.equal([`NODE_DATA_CHANGED ${node}`]);
  });

  it('watches outlive a connection, and tell on the return of what was missed', async () => {
    const [changed, untouched, parent, absent] = ['a', 'b', 'c', 'd'].map(path) as [
      string,
      string,
      string,
      string,
    ];
    for (const node of [changed, untouched, parent]) await other.create(node);
    await client.getData(changed, { watch: true });
    await client.getData(untouched, { watch: true });
    await client.getChildren(parent, { watch: true });
    await client.exists(absent, { watch: true });
    client.dropConnection();
    await client.waitForState('disconnected');
    await other.setData(changed, 'x');
    await other.create(`${parent}/child`);
    await other.create(absent);
    await client.waitForState('connected', 2);
    expect([...(await client.waitForEvents(3))].sort()).to.deep.equal(
      [
        `NODE_CREATED ${absent}`,
        `NODE_CHILDREN_CHANGED ${parent}`,
        `NODE_DATA_CHANGED ${changed}`,
      ].sort(),
    );
    await other.setData(untouched, 'x');
    expect((await client.waitForEvents(4))[3]).to.equal(`NODE_DATA_CHANGED ${untouched}`);
  });
});
