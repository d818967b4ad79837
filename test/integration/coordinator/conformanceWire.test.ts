/** What stands in the packets: errors by number, multi, order, and everything malformed. */

import { expect } from 'chai';
import { JuteReader, type JuteWriter } from '../../../coordinator/embedded/jute.ts';
import { JuteClient, type JutePacket } from '../../harness/juteClient.ts';
import { onBothServers } from './bothServers.ts';

const OP = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  auth: 100,
  setWatches: 101,
  closeSession: -11,
};
const OPEN = [{ permissions: 31, scheme: 'world', id: 'anyone' }];

type Body = (writer: JuteWriter) => void;

function acl(entries: readonly { permissions: number; scheme: string; id: string }[]): Body {
  return (writer) =>
    writer.vector(entries, ({ permissions, scheme, id }) => {
      writer.int(permissions).string(scheme).string(id);
    });
}

function create(path: string, { flags = 0, entries = OPEN, data = Buffer.from('x') } = {}): Body {
  return (writer) => {
    writer.string(path).buffer(data);
    acl(entries)(writer);
    writer.int(flags);
  };
}

const versioned =
  (path: string, version = -1): Body =>
  (writer) =>
    writer.string(path).int(version);
const watched =
  (path: string, watch = false): Body =>
  (writer) =>
    writer.string(path).boolean(watch);
const setData =
  (path: string, data: string | null, version = -1): Body =>
  (writer) =>
    writer
      .string(path)
      .buffer(data === null ? null : Buffer.from(data))
      .int(version);

function multi(...operations: readonly (readonly [number, Body])[]): Body {
  return (writer) => {
    for (const [operation, body] of operations) {
      body(writer.int(operation).boolean(false).int(-1));
    }
    writer.int(-1).boolean(true).int(-1);
  };
}

/** Headers and errors of a multi's answer; results are passed over by their kind. */
function multiResults(packet: JutePacket): { type: number; err: number; path?: string }[] {
  const reader = new JuteReader(packet.body);
  const results = [];
  for (;;) {
    const type = reader.int();
    const done = reader.boolean();
    const err = reader.int();
    if (done) {
      expect({ type, err, remaining: reader.remaining }).to.deep.equal({
        type: -1,
        err: -1,
        remaining: 0,
      });
      return results;
    }
    const result: { type: number; err: number; path?: string } = { type, err };
    if (type === -1) expect(reader.int()).to.equal(err);
    if (type === OP.create) result.path = reader.string();
    if (type === OP.setData) readStat(reader);
    results.push(result);
  }
}

function readStat(reader: JuteReader) {
  return {
    zxids: [reader.long(), reader.long()],
    times: [reader.long(), reader.long()],
    versions: [reader.int(), reader.int(), reader.int()],
    owner: reader.sessionId(),
    sizes: [reader.int(), reader.int()],
    pzxid: reader.long(),
  };
}

onBothServers('packets', ({ server, path }) => {
  let client: JuteClient;

  beforeEach(async () => {
    client = await JuteClient.connect(server().address);
  });
  afterEach(() => {
    client.drop();
  });

  const errOf = async (operation: number, body?: Body) => (await client.call(operation, body)).err;

  it('paths that break the rules are refused, and no other', async () => {
    const long = `/${'é'.repeat(3)}`;
    const cases: [string, number][] = [
      ['', -8],
      ['relative', -8],
      ['relative/child', -101],
      ['/', -110],
      ['//', -8],
      ['/a//b', -101],
      ['/trailing/', -101],
      ['/.', -8],
      ['/..', -8],
      ['/./x', -101],
      ['/nul\0', -8],
      ['/tab\t', -8],
      ['/del\u007f', -8],
      ['/c1\u0085', -8],
      ['/private\ue000', -8],
      ['/emoji😀', -8],
      ['/specials\ufff0', -8],
      ['/nbsp\u00a0', 0],
      ['/line\u2028', 0],
      ['/...', 0],
      ['/a..', 0],
      ['/..a', 0],
      [long, 0],
    ];
    for (const [bad, err] of cases) {
      expect(await errOf(OP.create, create(bad)), JSON.stringify(bad)).to.equal(err);
      if (err === 0) expect(await errOf(OP.delete, versioned(bad))).to.equal(0);
    }
  });

  it('every operation judges paths in its own way', async () => {
    for (const bad of ['', 'relative', '/a/', '/..', '//']) {
      const name = JSON.stringify(bad);
      const root = bad === '' ? 0 : -101;
      expect(await errOf(OP.exists, watched(bad)), name).to.equal(root);
      expect(await errOf(OP.getData, watched(bad)), name).to.equal(root);
      expect(await errOf(OP.getChildren, watched(bad)), name).to.equal(root);
      expect(await errOf(OP.setData, setData(bad, 'x')), name).to.equal(-8);
      const deletion = bad === '' || bad === 'relative' ? -8 : -101;
      expect(await errOf(OP.delete, versioned(bad)), name).to.equal(deletion);
    }
    for (const kept of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
      expect(await errOf(OP.delete, versioned(kept)), kept).to.equal(-8);
    }
    expect(await errOf(OP.exists, watched('/nul\0'))).to.equal(-8);
  });

  it('no data and empty data are told apart', async () => {
    const node = path('null');
    await client.call(OP.create, (writer) => {
      writer.string(node).buffer(null);
      acl(OPEN)(writer);
      writer.int(0);
    });
    const dataOf = async () => {
      const { body } = await client.call(OP.getData, watched(node));
      return new JuteReader(body).int();
    };
    expect(await dataOf()).to.equal(-1);
    expect(await errOf(OP.setData, setData(node, ''))).to.equal(0);
    expect(await dataOf()).to.equal(0);
    expect(await errOf(OP.setData, setData(node, null))).to.equal(0);
    expect(await dataOf()).to.equal(-1);
  });

  it('a multi does all of its parts in one transaction, each seeing those before it', async () => {
    const node = path('m');
    const reply = await client.call(
      OP.multi,
      multi(
        [OP.create, create(node)],
        [OP.create2, create(`${node}/s-`, { flags: 2 })],
        [OP.setData, setData(node, 'y', 0)],
        [OP.check, versioned(node, 1)],
        [OP.create, create(`${node}/gone`)],
        [OP.delete, versioned(`${node}/gone`, 0)],
      ),
    );
    expect(reply.err).to.equal(0);
    expect(multiResults(reply)).to.deep.equal([
      { type: OP.create, err: 0, path: node },
      { type: OP.create, err: 0, path: `${node}/s-0000000000` },
      { type: OP.setData, err: 0 },
      { type: OP.check, err: 0 },
      { type: OP.create, err: 0, path: `${node}/gone` },
      { type: OP.delete, err: 0 },
    ]);
    const stat = readStat(new JuteReader((await client.call(OP.exists, watched(node))).body));
    expect(stat.versions).to.deep.equal([1, 3, 0]);
    expect(stat.zxids).to.deep.equal([reply.zxid, reply.zxid]);
    expect(stat.pzxid).to.equal(reply.zxid);
  });

  it('a multi with one bad part does nothing, and says which part it was', async () => {
    const node = path('m');
    await client.call(OP.create, create(node));
    const reply = await client.call(
      OP.multi,
      multi(
        [OP.setData, setData(node, 'changed')],
        [OP.create, create(`${node}/child`)],
        [OP.check, versioned(node, 7)],
        [OP.delete, versioned('/absent')],
        [OP.create, create(`${node}/other`)],
      ),
    );
    expect(reply.err).to.equal(0);
    expect(multiResults(reply)).to.deep.equal([
      { type: -1, err: 0 },
      { type: -1, err: 0 },
      { type: -1, err: -103 },
      { type: -1, err: -2 },
      { type: -1, err: -2 },
    ]);
    const stat = readStat(new JuteReader((await client.call(OP.exists, watched(node))).body));
    expect(stat.versions).to.deep.equal([0, 0, 0]);
    expect(stat.sizes).to.deep.equal([1, 0]);
    expect(await errOf(OP.create, create(`${node}/n-`, { flags: 2 }))).to.equal(0);
    expect(await errOf(OP.exists, watched(`${node}/n-0000000000`))).to.equal(0);
  });

  it('a multi that fails fires no watch, and one that succeeds fires each once', async () => {
    const node = path('m');
    await client.call(OP.create, create(node));
    await client.call(OP.exists, watched(node, true));
    await client.call(OP.getChildren, watched(node, true));
    await client.call(
      OP.multi,
      multi([OP.setData, setData(node, 'a')], [OP.check, versioned('/no')]),
    );
    await client.call(
      OP.multi,
      multi(
        [OP.create, create(`${node}/a`)],
        [OP.create, create(`${node}/b`)],
        [OP.setData, setData(node, 'a')],
      ),
    );
    const events = client.packets.filter(({ xid }) => xid === -1);
    expect(events.map(({ body }) => new JuteReader(body).int())).to.deep.equal([4, 3]);
  });

  it('an empty multi and one of checks only are answered', async () => {
    expect(multiResults(await client.call(OP.multi, multi()))).to.deep.equal([]);
    const node = path('m');
    await client.call(OP.create, create(node));
    const check = await client.call(OP.multi, multi([OP.check, versioned(node, 0)]));
    expect(multiResults(check)).to.deep.equal([{ type: OP.check, err: 0 }]);
  });

  it('a client hears of a watch before the answer that follows from the change', async () => {
    const node = path('order');
    const xids = client.send(
      { operation: OP.exists, body: watched(node, true) },
      { operation: OP.create, body: create(node) },
      { operation: OP.getData, body: watched(node, true) },
      { operation: OP.delete, body: versioned(node) },
      { operation: OP.sync, body: (writer) => writer.string(node) },
    );
    const packets = await client.take(7);
    expect(packets.map(({ xid }) => xid)).to.deep.equal([
      xids[0],
      -1,
      xids[1],
      xids[2],
      -1,
      xids[3],
      xids[4],
    ]);
    expect(packets.map(({ err }) => err)).to.deep.equal([-101, 0, 0, 0, 0, 0, 0]);
    expect(packets[1]!.zxid).to.equal(-1);
    const event = new JuteReader(packets[1]!.body);
    expect([event.int(), event.int(), event.string()]).to.deep.equal([1, 3, node]);
  });

  it('a node that is watched for data and for children tells of its end once', async () => {
    const node = path('both');
    client.send(
      { operation: OP.create, body: create(node) },
      { operation: OP.getData, body: watched(node, true) },
      { operation: OP.getChildren, body: watched(node, true) },
      { operation: OP.delete, body: versioned(node) },
      { operation: OP.ping, xid: -2 },
    );
    const packets = await client.take(6);
    expect(packets.filter(({ xid }) => xid === -1)).to.have.lengthOf(1);
  });

  it('the transaction id of answers grows with every write and never goes back', async () => {
    const node = path('zxid');
    const zxids = [];
    zxids.push((await client.call(OP.create, create(node))).zxid);
    zxids.push((await client.call(OP.setData, setData(node, '1'))).zxid);
    zxids.push((await client.call(OP.exists, watched(node))).zxid);
    zxids.push((await client.call(OP.delete, versioned(node))).zxid);
    expect(zxids[1]).to.be.greaterThan(zxids[0]!);
    expect(zxids[2]).to.equal(zxids[1]);
    expect(zxids[3]).to.be.greaterThan(zxids[2]!);
  });

  it('setWatches tells at once what happened since, and watches the rest', async () => {
    const [changed, same, absent] = ['a', 'b', 'c'].map(path) as [string, string, string];
    await client.call(OP.create, create(changed));
    const { zxid } = await client.call(OP.create, create(same));
    await client.call(OP.setData, setData(changed, 'y'));
    const [xid] = client.send({
      operation: OP.setWatches,
      xid: -8,
      body: (writer) => {
        writer.long(zxid);
        writer.vector([changed, same, absent], (name) => writer.string(name));
        writer.vector([same, absent], (name) => writer.string(name));
        writer.vector([same], (name) => writer.string(name));
      },
    });
    await client.answerTo(xid!);
    const seen = () =>
      client.packets
        .filter((packet) => packet.xid === -1)
        .map(({ body }) => {
          const event = new JuteReader(body);
          const type = event.int();
          event.int();
          return `${type}${event.string()}`;
        });
    expect(seen()).to.deep.equal([`3${changed}`, `2${absent}`, `1${same}`]);
    await client.call(OP.setData, setData(same, 'z'));
    await client.call(OP.create, create(absent));
    expect(seen().slice(3)).to.deep.equal([`3${same}`, `1${absent}`]);
  });

  it('lists of permissions are kept, counted and obeyed', async () => {
    const node = path('acl');
    const readOnly = [{ permissions: 1, scheme: 'world', id: 'anyone' }];
    await client.call(OP.create, create(node));
    const body =
      (version: number): Body =>
      (writer) => {
        writer.string(node);
        acl(readOnly)(writer);
        writer.int(version);
      };
    expect(await errOf(OP.setAcl, body(3))).to.equal(-103);
    const changed = await client.call(OP.setAcl, body(0));
    expect(readStat(new JuteReader(changed.body)).versions).to.deep.equal([0, 0, 1]);
    const reader = new JuteReader((await client.call(OP.getAcl, (w) => w.string(node))).body);
    expect([reader.int(), reader.int(), reader.string(), reader.string()]).to.deep.equal([
      1,
      1,
      'world',
      'anyone',
    ]);
    expect(await errOf(OP.setData, setData(node, 'x'))).to.equal(-102);
    expect(await errOf(OP.create, create(`${node}/child`))).to.equal(-102);
    expect(await errOf(OP.setAcl, body(1))).to.equal(-102);
    expect(await errOf(OP.getData, watched(node))).to.equal(0);
    expect(await errOf(OP.create, create(path('none'), { entries: [] }))).to.equal(-114);
    const unknown = [{ permissions: 31, scheme: 'nonsense', id: 'x' }];
    expect(await errOf(OP.create, create(path('unknown'), { entries: unknown }))).to.equal(-114);
    await client.call(OP.delete, versioned(node));
  });

  it('create2 and getChildren2 answer with a stat, create and getChildren without', async () => {
    const node = path('two');
    const plain = new JuteReader((await client.call(OP.create, create(node))).body);
    plain.string();
    expect(plain.remaining).to.equal(0);
    const created = new JuteReader((await client.call(OP.create2, create(`${node}/c`))).body);
    expect(created.string()).to.equal(`${node}/c`);
    expect(readStat(created).sizes).to.deep.equal([1, 0]);
    const names = new JuteReader((await client.call(OP.getChildren, watched(node))).body);
    expect(names.vector(4, () => names.string())).to.deep.equal(['c']);
    expect(names.remaining).to.equal(0);
    const both = new JuteReader((await client.call(OP.getChildren2, watched(node))).body);
    expect(both.vector(4, () => both.string())).to.deep.equal(['c']);
    expect(readStat(both).versions).to.deep.equal([0, 1, 0]);
  });

  it('pings and authentication are answered under their own xids', async () => {
    client.send(
      { operation: OP.ping, xid: -2 },
      {
        operation: OP.auth,
        xid: -4,
        body: (writer) => writer.int(0).string('digest').buffer(Buffer.from('user:password')),
      },
    );
    const packets = await client.take(2);
    expect(packets.map(({ xid, err }) => [xid, err])).to.have.deep.members([
      [-2, 0],
      [-4, 0],
    ]);
  });

  it('an unknown authentication scheme ends the connection', async () => {
    client.send({
      operation: OP.auth,
      xid: -4,
      body: (writer) => writer.int(0).string('nonsense').buffer(Buffer.from('x')),
    });
    expect((await client.take(1))[0]).to.include({ xid: -4, err: -115 });
    await client.waitForClose();
  });

  it('an operation that nobody knows is refused, and ends the connection', async () => {
    expect(await errOf(77)).to.equal(-6);
    await client.waitForClose();
  });

  it('a flag that nobody knows is refused', async () => {
    expect(await errOf(OP.create, create(path('flag'), { flags: 9 }))).to.equal(-8);
  });

  it('a body that is cut short is refused, and the connection serves on', async () => {
    expect(await errOf(OP.create, (writer) => writer.string('/x'))).to.equal(-5);
    expect(await errOf(OP.multi, (writer) => writer.int(OP.create).boolean(false))).to.equal(-5);
    expect(await errOf(OP.exists, watched('/'))).to.equal(0);
  });

  it('lengths that lie cost the connection', async () => {
    for (const length of [-1, -(2 ** 31), 0x100000, 2 ** 31 - 1]) {
      const liar = await JuteClient.connect(server().address);
      const bytes = Buffer.alloc(64);
      bytes.writeInt32BE(length);
      liar.sendRaw(bytes);
      await liar.waitForClose();
    }
    expect(await errOf(OP.exists, watched('/'))).to.equal(0);
  });

  it('a request that comes in pieces is put together', async () => {
    const bytes = Buffer.alloc(4 + 8 + 4 + 1 + 1);
    bytes.writeInt32BE(bytes.length - 4);
    bytes.writeInt32BE(1, 4);
    bytes.writeInt32BE(OP.exists, 8);
    bytes.writeInt32BE(1, 12);
    bytes.write('/', 16);
    for (const byte of bytes) {
      client.sendRaw(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await client.answerTo(1)).err).to.equal(0);
  });

  it('more requests than may wait are all answered, in order', async () => {
    const node = path('many');
    const requests = Array.from({ length: 3000 }, (_, index) =>
      index === 0
        ? { operation: OP.create, body: create(node, { data: Buffer.alloc(5000) }) }
        : index % 50 === 0
          ? { operation: OP.setData, body: setData(node, 'y'.repeat(5000)) }
          : { operation: OP.getData, body: watched(node) },
    );
    const xids = client.send(...requests);
    const answers = await client.take(requests.length);
    expect(answers.map(({ xid }) => xid)).to.deep.equal(xids);
    expect(answers.every(({ err }) => err === 0)).to.equal(true);
    expect(await errOf(OP.exists, watched(node))).to.equal(0);
  });

  it('a session that is closed is answered, and then the connection ends', async () => {
    const [before, close] = client.send(
      { operation: OP.create, body: create(path('last')) },
      { operation: OP.closeSession },
    );
    expect((await client.answerTo(before!)).err).to.equal(0);
    expect((await client.answerTo(close!)).err).to.equal(0);
    await client.waitForClose();
    const again = await JuteClient.connect(server().address, { resume: client.session });
    expect(again.session.timeoutMs).to.equal(0);
  });

  it('four-letter words are answered in text', async () => {
    const ask = async (word: string) => {
      const asker = await JuteClient.dial(server().address);
      const text = asker.readText();
      asker.sendRaw(Buffer.from(word));
      return text;
    };
    expect(await ask('ruok')).to.equal('imok');
    expect(await ask('srvr')).to.match(/^Zookeeper version: .*\n[\s\S]*Zxid: 0x[0-9a-f]+\n/);
    expect(await ask('srvr')).to.match(/Mode: standalone\nNode count: \d+\n/);
    expect(await ask('stat')).to.match(/Clients:\n \/127\.0\.0\.1:\d+/);
    expect(await ask('mntr')).to.match(/^zk_version\t[\s\S]*zk_server_state\tstandalone\n/);
    expect(await ask('mntr')).to.match(/\nzk_znode_count\t\d+\n/);
  });
});
